"""What leaves the books: all transfers of some days, and statements of accounts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from puhui.cli import say
from puhui.cli.ledger.ledger import Json, amount_text, parse_period
from puhui.cli.open import opened

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.ledger.window import AccountPeriod

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write here (default: to the screen).")
]


def export(
    first: Annotated[
        str, typer.Option("--from", metavar="DAY", help="The first day, like 2026-11-01.")
    ],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="The last day, itself too.")],
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="csv, json (a line each) or beancount.")
    ] = "csv",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Write all transfers of some days, in the order of the ledger, as they are read.

    Days are days in China. Beancount files hold what was posted, opening balances, and an
    assertion of what each account holds at the end, so bean-check tries our sums. With --json,
    which needs --out, figures come last.

    Example: puhui ledger export --from 2026-11-01 --to 2026-11-30 --out november.csv
    """
    from puhui.kernel.event import parse_day
    from puhui.ledger.window import FORMATS, book

    if form not in FORMATS:
        raise typer.BadParameter(f"--format is one of {', '.join(FORMATS)}.")
    if as_json and out is None:
        raise typer.BadParameter("--json needs --out: figures would stand among the transfers.")
    days = parse_day(first), parse_day(last)
    count = 0

    def told(read: int) -> None:
        nonlocal count
        count = read
        step("ledger.export", read, None)

    with opened() as node, node.read() as tx, say.progress() as step:
        step("ledger.export", 0, None)
        made = book(tx, *days, told=told)
        with _target(out) as stream:
            stream.writelines(FORMATS[form](made))
    say.note(f"{count:,} transfers from {days[0]} to {days[1]}.")
    if as_json:
        say.figures({"transfers": count, "format": form, "bytes": out.stat().st_size if out else 0})


@contextmanager
def _target(out: Path | None) -> Iterator[TextIO]:
    """The file, there only once it is whole, or the screen."""
    if out is None:
        yield sys.stdout
        return
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def statement(
    whose: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT|PARTY", help="An account (32 hex digits or a number), or a party's id."
        ),
    ],
    month: Annotated[
        str, typer.Option(metavar="MONTH", help="Like 2026-11; a day or a year do too.")
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="text, csv or camt053.")
    ] = "text",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Print the statement of an account, or of all wallets of a party, for a month.

    Opening balance, every posted transfer, closing balance: text to read, CSV for tables,
    camt.053.001.08 for other banks. With --json, which other forms than text need --out for,
    figures come last.

    Example: puhui ledger statement party-0195c1a2b3c4 --month 2026-11
    """
    if form not in ("text", "csv", "camt053"):
        raise typer.BadParameter("--format is text, csv or camt053.")
    if as_json and form != "text" and out is None:
        raise typer.BadParameter("--json needs --out: figures would stand within the statement.")
    first, last = parse_period(month)
    with opened() as node:
        periods = _periods(node, whose, first, last)
        text = _statement_text(node, periods, form) if form != "text" else ()
    if form == "text":
        with _target(out) as stream:
            _print_statements(periods, stream)
    else:
        with _target(out) as stream:
            stream.writelines(text)
    if as_json:
        say.figures(
            {
                "accounts": len(periods),
                "lines": sum(len(period.lines) for period in periods),
                "opening_minor": sum(period.opening_minor for period in periods),
                "closing_minor": sum(period.closing_minor for period in periods),
            }
        )


def _periods(node: Node, whose: str, first: date, last: date) -> list[AccountPeriod]:
    from puhui.kernel import Refused
    from puhui.kernel.money import DIGITS
    from puhui.ledger import lookup_accounts
    from puhui.ledger.window import account_period
    from puhui.payment import numbers, wallet_account

    named = account_number(whose)
    wallets = [wallet_account(whose, currency) for currency in DIGITS]
    with node.read() as tx:
        if numbers.is_wallet_number(whose):
            named = numbers.find(tx, whose)
        wanted = wallets if named is None else [named]
        found = [one.id for one in lookup_accounts(tx, wanted) if one is not None]
        if not found:
            raise Refused("ledger.no_account", f"There is no account or wallet of {whose[:60]!r}.")
        return [account_period(tx, account_id, first, last) for account_id in found]


def account_number(text: str) -> int | None:
    """The account that 32 hexadecimal digits or a plain number name; None for a party's id and for
    a wallet number, which is looked up.
    """
    from puhui.payment import numbers

    if numbers.is_wallet_number(text):
        return None
    if len(text) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in text):
        return int(text, 16)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 40 else None


def _statement_text(node: Node, periods: list[AccountPeriod], form: str) -> Iterable[str]:
    from puhui.kernel.clock import BUSINESS_ZONE, time_of
    from puhui.ledger.window import statement_csv, words_of
    from puhui.payment.window import messages

    if form == "csv":
        return statement_csv(periods, words_of)
    now = time_of(node.clock.now_us()).astimezone(BUSINESS_ZONE).replace(microsecond=0)
    message_id = f"{now:%Y%m%d%H%M%S}-{periods[0].account_id:032x}"[:35]
    made = messages.account_camt053(periods, words_of, message_id=message_id, created=now)
    return (made.decode(),)


def _print_statements(periods: list[AccountPeriod], stream: TextIO) -> None:
    from puhui.kernel.clock import BUSINESS_ZONE, time_of
    from puhui.ledger.window import account_words, words_of

    for period in periods:
        english, chinese = account_words(period.code)
        sign = 1 if period.is_credit else -1
        say.pairs(
            (
                ("Statement 对账单", f"{period.first} to {period.last}"),
                ("Account 账户", f"{period.account_id:032x}"),
                ("Kind 科目", f"{english} {chinese}"),
                ("Opening balance 期初余额", _money(period.opening_minor, period.currency)),
            ),
            stream=stream,
        )
        rows = []
        for line in period.lines:
            amount = amount_text(line.amount_minor, period.currency)
            when = time_of(line.time_us).astimezone(BUSINESS_ZONE)
            rows.append(
                (
                    f"{when:%Y-%m-%d %H:%M}",
                    " ".join(words_of(line.code)),
                    amount if line.is_debit else "",
                    "" if line.is_debit else amount,
                    amount_text(sign * line.balance_minor, period.currency),
                )
            )
        titles = ("out 支出", "in 收入") if period.is_credit else ("debit 借方", "credit 贷方")
        if rows:
            say.table(
                ("date 日期", "what for 摘要", *titles, "balance 余额"),
                rows,
                right=range(2, 5),
                stream=stream,
            )
        out, into = titles
        say.pairs(
            (
                (f"Total {out}", _money(period.debits_minor, period.currency)),
                (f"Total {into}", _money(period.credits_minor, period.currency)),
                ("Closing balance 期末余额", _money(period.closing_minor, period.currency)),
            ),
            stream=stream,
        )


def _money(minor: int, currency: str) -> str:
    return f"{amount_text(minor, currency)} {currency}"
