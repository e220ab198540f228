"""``puhui message``: messages between banks (ISO 20022) read, taken in, answered and written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.open import known_party, opened, operator

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.kernel.store import Transaction

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Out = Annotated[Path, typer.Option("--out", metavar="FILE.xml", help="Where the message goes.")]

message_app = typer.Typer(
    no_args_is_help=True,
    help="Messages between banks (ISO 20022): what they say, taking credits in, writing them.",
)
SHOWN_MAX = 200


@message_app.command("read")
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE.xml", help="The message.")],
    as_json: Json = False,
) -> None:
    """Tell what a message is, and who pays whom; nothing is recorded.

    Reads pacs.008, pacs.009, pacs.002, pain.001, camt.053 and camt.054. What cannot be read is
    refused with its line.

    Example: puhui message read credits.xml
    """
    from puhui.payment.window import messages

    kind, message = messages.read_message(file)
    say.line(f"{kind}, message {message.message_id}, made {message.created:%Y-%m-%d %H:%M}.")
    heads, rows = _rows(message)
    say.table(heads, rows[:SHOWN_MAX], right=(0,))
    if len(rows) > SHOWN_MAX:
        say.note(f"and {len(rows) - SHOWN_MAX:,} more")
    if as_json:
        say.figures({"kind": kind, "message": message.message_id, "rows": len(rows)})


def _rows(message: Any) -> tuple[tuple[str, ...], list[Any]]:
    """What a message says, a row for each payment, status or entry."""
    if hasattr(message, "statuses"):
        rows = [
            (one.status, one.end_to_end_id, one.uetr, ", ".join(r.code or r.own for r in
                                                                one.reasons))
            for one in message.statuses
        ]  # fmt: skip
        whole = [(one.status, one.message_id, "", "") for one in message.originals if one.status]
        return ("status", "payment", "UETR", "why"), whole + rows
    if hasattr(message, "statements"):
        lines = [
            (
                ("+" if entry.is_credit else "-") + _text(entry.amount),
                statement.account.text,
                entry.servicer_reference or entry.reference,
                str(entry.booked_on or ""),
            )
            for statement in message.statements
            for entry in statement.entries
        ]
        return ("amount", "account", "reference", "on"), lines
    if hasattr(message, "orders"):
        ordered = [
            (
                _text(one.amount),
                order.debtor_account.text or order.debtor.name,
                one.creditor_account.text or one.creditor.name,
                one.end_to_end_id,
            )
            for order in message.orders
            for one in order.transfers
        ]
        return ("amount", "payer", "payee", "payment"), ordered
    paid = [
        (_text(one.amount), _end(one, "debtor"), _end(one, "creditor"), one.uetr
         or one.end_to_end_id)
        for one in message.transfers
    ]  # fmt: skip
    return ("amount", "payer", "payee", "payment"), paid


def _end(transfer: Any, side: str) -> str:
    """Who stands on one side of a transfer: name and account, as far as they are told."""
    party, account = getattr(transfer, side), getattr(transfer, f"{side}_account")
    bank = getattr(party, "bic", "") or getattr(party, "other_id", "")
    return " ".join(text for text in (party.name or bank, account.text) if text) or "(not named)"


def _text(amount: Any) -> str:
    from puhui.kernel.money import figure_of
    from puhui.payment.window import messages

    return f"{figure_of(amount.minor, messages.digits_of(amount.currency))} {amount.currency}"


@message_app.command("take")
def take(
    file: Annotated[Path, typer.Argument(metavar="FILE.xml", help="Credits, as pacs.008.")],
    answer: Annotated[
        Path, typer.Option("--answer", metavar="FILE.xml", help="Where the pacs.002 goes.")
    ],
    as_json: Json = False,
) -> None:
    """Post the credits of a pacs.008 to the wallets they name, and answer each in a pacs.002.

    A credit names its wallet by the wallet's number, or its party by its id. A UETR is posted once
    for ever, however often it comes. What cannot be posted is answered as rejected, with the
    reason, and the others go on.

    Example: puhui message take credits.xml --answer status.xml
    """
    from puhui.kernel.money import Money
    from puhui.payment.window import messages

    _check_apart(file, answer)
    with opened() as node:
        done = messages.take_credits(node, operator(), file)
    answer.write_bytes(done.answer)
    sums = ", ".join(str(Money(minor, currency)) for currency, minor in done.posted_minor)
    say.line(
        f"{done.payments:,} credits: {done.posted:,} posted{f' ({sums})' if sums else ''}, "
        f"{done.repeated:,} posted before, {len(done.refused):,} rejected. Answered in {answer}."
    )
    if done.refused:
        say.table(("payment", "why"), list(done.refused[:SHOWN_MAX]))
    if as_json:
        say.figures(
            {
                "payments": done.payments,
                "posted": done.posted,
                "repeated": done.repeated,
                "rejected": len(done.refused),
            }
        )


def _check_apart(file: Path, other: Path) -> None:
    if file.resolve() == other.resolve():
        raise typer.BadParameter("The answer needs another file than the message.")


@message_app.command("write")
def write(
    payment: Annotated[
        str,
        typer.Argument(
            metavar="REMITTANCE|FILE.csv", help="A remittance or a leg, by its id; or payments."
        ),
    ],
    out: Out,
    day: Annotated[
        str,
        typer.Option("--date", metavar="DAY", help="Of a file: when to pay it (default: today)."),
    ] = "",
    name: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Of a file: who orders it.")
    ] = "puhui",
    encoding: Annotated[str, typer.Option(help="Of a file: utf-8 or gb18030.")] = "",
    as_json: Json = False,
) -> None:
    """Write a remittance or a paid leg as pacs.008, or pacs.009 where both ends are participants;
    or a file of payments (the columns of 'puhui pay') as an order, pain.001.

    The UETR comes from the id, so written twice it is one payment to whoever takes it in. People
    stand in it by their pseudonyms and the numbers of their wallets. An order is read back before
    it is written; 'puhui pay FILE.xml' pays it as the file. Rows that it cannot say are told.

    Example: puhui message write remittance-019c... --out credit.xml
    """
    from puhui.payment.window import messages

    if payment.lower().endswith(".csv"):
        _check_apart(Path(payment), out)
        _write_orders(Path(payment), out, day, name, encoding, as_json=as_json)
        return
    with opened() as node:
        with node.read() as tx:
            told = _outgoing(tx, payment, node.clock.now_us())
        kind, text = messages.write_outgoing(told, created=_now(node))
    out.write_bytes(text)
    say.line(f"{payment} is in {out}, as {kind}.")
    if as_json:
        say.figures({"kind": kind, "bytes": len(text)})


def _write_orders(
    file: Path, out: Path, day: str, name: str, encoding: str, *, as_json: bool
) -> None:
    """Write a file of payments as pain.001: no node is needed for that."""
    import datetime as dt

    from puhui.kernel.clock import BUSINESS_ZONE
    from puhui.kernel.event import parse_day
    from puhui.payment.window import messages

    now = dt.datetime.now(BUSINESS_ZONE).replace(microsecond=0)
    on = parse_day(day) if day else now.date()
    done = messages.write_orders(
        file, initiator=name, execute_on=on, created=now, encoding=encoding
    )
    out.write_bytes(done.text)
    say.line(
        f"{done.payments:,} payments to be made on {on} are in {out}, as pain.001, message "
        f"{done.message_id}; {len(done.refused):,} rows are not."
    )
    if done.refused:
        rows = [(str(one.line), one.payment_id, one.reason) for one in done.refused[:SHOWN_MAX]]
        say.table(("line", "payment", "why"), rows, right=(0,))
    if as_json:
        say.figures(
            {
                "kind": "pain.001",
                "message": done.message_id,
                "payments": done.payments,
                "refused_rows": len(done.refused),
            }
        )


def _outgoing(tx: Transaction, name: str, now_us: int) -> Any:
    """What a message tells of a remittance, or of a leg, which is dated today.

    Refused: ``exchange.unknown_remittance``, ``exchange.unknown_leg``, ``cli.leg_not_paid``.
    """
    from decimal import Decimal

    from puhui.exchange.window import leg, remittance_of
    from puhui.kernel import Refused
    from puhui.kernel.money import DIGITS
    from puhui.payment.window import messages

    if not name.startswith("remittance-"):
        one = leg(tx, name)
        if one.state != "posted":
            raise Refused("cli.leg_not_paid", f"The leg is {one.state}; only a paid one is told.")
        amount = messages.amount(one.amount_minor, one.currency)
        return messages.Outgoing(one.id, one.payer, one.payee, amount, now_us)
    made = remittance_of(tx, name)
    source, target = (
        Decimal(minor).scaleb(-DIGITS[currency])
        for minor, currency in (
            (made.changed_minor, made.source_currency),
            (made.target_minor, made.target_currency),
        )
    )
    return messages.Outgoing(
        reference=made.id,
        payer=made.payer,
        payee=made.payee,
        amount=messages.amount(made.target_minor, made.target_currency),
        made_us=made.made_us,
        instructed=messages.amount(made.changed_minor, made.source_currency),
        rate=round(target / source, 10).normalize(),
        provider=made.provider_id,
        remark=made.remark,
    )


@message_app.command("credits")
def credits(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Whose wallet.")],
    out: Out,
    day: Annotated[
        str, typer.Option("--date", metavar="DAY", help="Like 2026-11-22 (default: today).")
    ] = "",
    currency: Annotated[str, typer.Option(metavar="CURRENCY", help="Of the wallet.")] = "CNY",
    as_json: Json = False,
) -> None:
    """Write what came into a wallet on a day as a notice (camt.054).

    Example: puhui message credits party-019c... --date 2026-11-22 --out notice.xml
    """
    from puhui.kernel.clock import business_date
    from puhui.kernel.event import parse_day
    from puhui.payment.window import messages

    with opened() as node:
        on = parse_day(day) if day else business_date(node.clock.now_us())
        with node.read() as tx:
            known_party(node, tx, party)
            text = messages.credits_camt054(tx, party, currency, on, created=_now(node))
    out.write_bytes(text)
    notice: Any = messages.read_message(out)[1]
    count = len(notice.statements[0].entries)
    say.line(f"{count:,} credits of {on} are in {out}.")
    if as_json:
        say.figures({"day": on.isoformat(), "credits": count})


@message_app.command("compare")
def compare(
    file: Annotated[Path, typer.Argument(metavar="FILE.xml", help="Statements, as camt.053.")],
    as_json: Json = False,
) -> None:
    """Hold statements of our accounts against our books, line by line; ends with 1 if they differ.

    The account is named by its number here, and the period by the statement's own times.

    Example: puhui message compare statement.xml
    """
    from puhui.kernel import Refused
    from puhui.payment.window import messages

    kind, message = messages.read_message(file)
    if kind != "camt.053":
        raise Refused("payment.message_unknown", f"{file.name} is a {kind}, no camt.053.")
    statements: Any = getattr(message, "statements", ())
    with opened() as node, node.read() as tx:
        found = [line for one in statements for line in _differences(tx, one)]
    say.line("They say what our books say." if not found else "They DIFFER from our books.")
    for line in found[:SHOWN_MAX]:
        say.line(line)
    if as_json:
        say.figures({"statements": len(statements), "differences": len(found)})
    if found:
        raise typer.Exit(1)


def _differences(tx: Transaction, theirs: Any) -> Iterator[str]:
    """What a statement and our books do not say alike. Refused: ``ledger.no_account``."""
    from datetime import timedelta

    from puhui.cli.ledger.export import account_number
    from puhui.kernel import Refused
    from puhui.kernel.clock import BUSINESS_ZONE
    from puhui.ledger.window import account_period, words_of
    from puhui.payment.window import messages

    number = account_number(theirs.account.other_id)
    if number is None or theirs.begins is None or theirs.ends is None:
        raise Refused("ledger.no_account", "The statement names no account of ours, or no period.")
    first = theirs.begins.astimezone(BUSINESS_ZONE).date()
    last = (theirs.ends - timedelta(seconds=1)).astimezone(BUSINESS_ZONE).date()
    period = account_period(tx, number, first, last)
    text = messages.account_camt053(
        [period], words_of, message_id="compared", created=theirs.ends.astimezone(BUSINESS_ZONE)
    )
    (ours,) = messages.read_camt053(text).statements
    return messages.differences(theirs, ours)


def _now(node: Node) -> datetime:
    from puhui.kernel.clock import BUSINESS_ZONE, time_of

    return time_of(node.clock.now_us()).astimezone(BUSINESS_ZONE).replace(microsecond=0)
