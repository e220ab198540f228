"""``puhui exchange``: currencies, participants, their funds and caps, and quotes, for operators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator
from puhui.cli.payment.exchange import exchange_app

FILE_BYTES_MAX = 10_000
desk_app = exchange_app
"""What staff do stands beside what the other module has."""

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Who = Annotated[str, typer.Argument(metavar="PARTICIPANT", help="The participant, by its id.")]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="Like CNY or USD.")]
Kind = Annotated[
    str,
    typer.Argument(
        metavar="KIND", help="How it settles: net_deferred (in windows) or gross_continuous."
    ),
]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="Like 1000.00, in the currency.")]
Reference = Annotated[
    str, typer.Option("--reference", help="The participant's own name for it: given twice, once.")
]


def _do(verb: str, told: dict[str, Any], *, key: str = "") -> Any:
    """One act in the operator's name."""
    from puhui.channel import new_key

    with opened() as node:
        key = f"cli {verb} {key or new_key()}"
        return node.act(f"exchange.{verb}", told, key=key, actor=operator())


def _minor(text: str, currency: str) -> int:
    """An amount in minor units. Refused: ``kernel.bad_amount``."""
    from puhui.kernel.money import parse_money

    return parse_money(text.replace(",", ""), currency).minor


def _money(minor: int, currency: str) -> str:
    from puhui.kernel.money import Money

    return str(Money(minor, currency))


@exchange_app.command("open-currency")
def open_currency(currency: Currency, kind: Kind, as_json: Json = False) -> None:
    """Open a currency to trade in; how it is settled is chosen once and for ever.

    Example: puhui exchange open-currency CNY net_deferred
    """
    done = _do("open_currency", {"currency": currency, "settlement_kind": kind})
    opened_at = f"; its first window is {done.window_id}" if done.window_id else ""
    say.line(f"{done.currency} is open{opened_at}.")
    if as_json:
        say.figures({"currency": done.currency, "window": done.window_id})


@exchange_app.command("participant")
def participant(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What it is called; every name once.")
    ],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="bank or provider.")],
    key: Annotated[
        str, typer.Option("--public-key", help="Of a provider: Ed25519, 32 bytes in base64.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Register a bank, or a provider that signs quotes; print its id.

    A provider's machine gets its API key by: puhui api-key create NAME --role provider --scope
    exchange.post_quote --scope exchange.recall_quote

    Example: puhui exchange participant "Provider One" provider --public-key 7qsBUpw8...
    """
    told = {"name": name, "kind": kind, "public_key": key}
    done = _do("register_participant", told)
    say.line(f"{name} is {done.participant_id}.")
    if as_json:
        say.figures({"participant": done.participant_id})


@exchange_app.command("open-position")
def open_position(who: Who, currency: Currency, kind: Kind, as_json: Json = False) -> None:
    """Open a participant's position in a currency, with nothing in it; its cap is nought.

    Example: puhui exchange open-position participant-019c... CNY net_deferred
    """
    told = {"participant_id": who, "currency": currency, "settlement_kind": kind}
    done = _do("open_position", told)
    say.line(f"The position is {done.position_id}.")
    if as_json:
        say.figures({"position": done.position_id})


@exchange_app.command("participants")
def participants(as_json: Json = False) -> None:
    """List participants with their positions: what each owes, may owe, and has free.

    Example: puhui exchange participants
    """
    from puhui.exchange.window import participants as all_participants
    from puhui.exchange.window import positions

    with opened() as node, node.read() as tx:
        people = all_participants(tx, count=10_000)
        found = positions(tx, count=10_000)
    rows = []
    for one in people:
        own = [position for position in found if position.participant_id == one.id]
        money = [
            [_money(minor, at.currency) for minor in (at.position_minor, at.cap_minor,
                                                      at.funds_minor)]
            for at in own
        ] or [["", "", ""]]  # fmt: skip
        rows += [(one.id, one.name, one.kind, one.status, *three) for three in money]
    heads = ("participant", "name", "kind", "status", "owes", "may owe", "free funds")
    say.table(heads, rows, right=(4, 5, 6))
    if as_json:
        say.figures({"participants": len(people), "positions": len(found)})


@exchange_app.command("funds-in")
def funds_in(
    who: Who, currency: Currency, amount: Amount, reference: Reference, as_json: Json = False
) -> None:
    """Take in funds that a participant has paid to us; the same reference is taken in once.

    Example: puhui exchange funds-in participant-019c... CNY 100000.00 --reference 2026-11-27/1
    """
    told = _funds(who, currency, amount, reference)
    done = _do("put_funds_in", told)
    say.line(f"{_money(done.amount_minor, currency)} are in, as {done.funds_id}.")
    if as_json:
        say.figures({"funds": done.funds_id, "state": done.state})


@exchange_app.command("funds-out")
def funds_out(
    who: Who, currency: Currency, amount: Amount, reference: Reference, as_json: Json = False
) -> None:
    """Hold free funds that are to be paid out; then say what became of it: 'end-funds-out'.

    Example: puhui exchange funds-out participant-019c... CNY 5000.00 --reference 2026-11-27/2
    """
    done = _do("reserve_funds_out", _funds(who, currency, amount, reference))
    say.line(f"{_money(done.amount_minor, currency)} are held, as {done.funds_id}.")
    if as_json:
        say.figures({"funds": done.funds_id, "state": done.state})


@exchange_app.command("end-funds-out")
def end_funds_out(
    funds_id: Annotated[str, typer.Argument(metavar="FUNDS", help="As 'funds-out' printed it.")],
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="paid, or back.")],
    as_json: Json = False,
) -> None:
    """Say that held funds were paid out, or give them back.

    Example: puhui exchange end-funds-out funds-019c... paid
    """
    verbs = {"paid": "commit_funds_out", "back": "abort_funds_out"}
    if outcome not in verbs:
        raise typer.BadParameter("The outcome is paid or back.")
    done = _do(verbs[outcome], {"funds_id": funds_id})
    say.line(f"{funds_id} is {done.state}.")
    if as_json:
        say.figures({"funds": funds_id, "state": done.state})


def _funds(who: str, currency: str, amount: str, reference: str) -> dict[str, Any]:
    return {
        "participant_id": who,
        "currency": currency,
        "amount_minor": _minor(amount, currency),
        "reference": reference,
    }


@exchange_app.command("cap")
def cap(who: Who, currency: Currency, amount: Amount, as_json: Json = False) -> None:
    """Set the most that a participant may owe; free funds are put behind it, or come back.

    Example: puhui exchange cap participant-019c... CNY 40000.00
    """
    told = {"participant_id": who, "currency": currency, "cap_minor": _minor(amount, currency)}
    done = _do("set_cap", told)
    say.line(f"The cap is {_money(done.cap_minor, currency)}.")
    if as_json:
        say.figures({"cap_minor": done.cap_minor, "cover_minor": done.cover_minor})


@exchange_app.command("quote")
def quote(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="One signed quote.")],
    as_json: Json = False,
) -> None:
    """Take in a quote that a provider has signed; the same quote again says where it stands.

    Example: puhui exchange quote quote.json
    """
    import json

    try:
        found = json.loads(file.read_bytes()[:FILE_BYTES_MAX])
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise typer.BadParameter(f"{file} is no JSON.") from None
    done = _do("post_quote", {"quote": found})
    say.line(f"{done.quote_id} is {done.state}.")
    if as_json:
        say.figures({"quote": done.quote_id, "state": done.state})


@exchange_app.command("withdraw-quote")
def withdraw_quote(
    quote_id: Annotated[str, typer.Argument(metavar="QUOTE", help="The quote, by its id.")],
    as_json: Json = False,
) -> None:
    """Take back a quote that nobody has taken, in its provider's place.

    Example: puhui exchange withdraw-quote q-2026-11-27-1
    """
    done = _do("withdraw_quote", {"quote_id": quote_id})
    say.line(f"{done.quote_id} is {done.state}.")
    if as_json:
        say.figures({"quote": done.quote_id, "state": done.state})


@exchange_app.command("suspend")
def suspend(who: Who, as_json: Json = False) -> None:
    """Keep a participant out of new payments; what is held already may still be ended.

    Example: puhui exchange suspend participant-019c...
    """
    _change("suspend_participant", who, as_json=as_json)


@exchange_app.command("resume")
def resume(who: Who, as_json: Json = False) -> None:
    """Let a suspended participant in again: it may pay and be paid from now on.

    Example: puhui exchange resume participant-019c...
    """
    _change("resume_participant", who, as_json=as_json)


def _change(verb: str, who: str, *, as_json: bool) -> None:
    done = _do(verb, {"participant_id": who})
    say.line(f"{done.participant_id} is {done.status}.")
    if as_json:
        say.figures({"participant": done.participant_id, "status": done.status})
