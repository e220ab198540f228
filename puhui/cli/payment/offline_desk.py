"""``puhui offline``: what staff do: wallets revoked and let in again, allowances closed, cover."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator
from puhui.cli.payment.offline import offline_app

desk_app = offline_app
"""What staff do stands beside what the other module has."""

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Who = Annotated[str, typer.Argument(metavar="PARTY", help="Whose wallet, by party id.")]
Currency = Annotated[str, typer.Option("--currency", help="Of which currency.")]


def _do(verb: str, told: dict[str, Any]) -> Any:
    """One act in the operator's name."""
    from puhui.channel import new_key

    with opened() as node:
        key = f"cli offline {verb} {new_key()}"
        return node.act(f"offline.{verb}", told, key=key, actor=operator())


def _money(minor: int, currency: str) -> str:
    from puhui.kernel.money import Money

    return str(Money(minor, currency))


@offline_app.command("revoke")
def revoke(who: Who, currency: Currency = "CNY", as_json: Json = False) -> None:
    """Take back every allowance of a wallet: a lost phone, a suspicion. Payments made stay paid.

    Payees learn of it with the next list that they fetch ('sync').

    Example: puhui offline revoke party-019c...
    """
    _moved(_do("revoke_wallet", {"party_id": who, "currency": currency}), as_json=as_json)


@offline_app.command("reinstate")
def reinstate(who: Who, currency: Currency = "CNY", as_json: Json = False) -> None:
    """Let a revoked wallet have allowances again; those it had before stay revoked.

    Example: puhui offline reinstate party-019c...
    """
    _moved(_do("reinstate_wallet", {"party_id": who, "currency": currency}), as_json=as_json)


def _moved(done: Any, *, as_json: bool) -> None:
    state = "is revoked" if done.is_revoked else "may have allowances"
    say.line(f"{done.party_id} {state}; new allowances are of epoch {done.epoch}.")
    if as_json:
        say.figures({"epoch": done.epoch, "is_revoked": done.is_revoked})


@offline_app.command("close")
def close(
    allowance: Annotated[
        str, typer.Argument(metavar="ALLOWANCE", help="The allowance, 32 hexadecimal digits.")
    ],
    as_json: Json = False,
) -> None:
    """End an allowance once no voucher may come in any more, and give back what is left of it.

    Closing the day does so by itself; this is for one that cannot wait.

    Example: puhui offline close 019c0c5e1f2a7b3c8d9e0f1a2b3c4d5e
    """
    from puhui.kernel import Refused
    from puhui.offline.window import allowance_of

    with opened() as node, node.read() as tx:
        found = allowance_of(tx, allowance)
    if found is None:
        raise Refused("offline.unknown_allowance", "There is no such allowance.")
    done = _do("close_allowance", {"allowance_id": allowance})
    say.pairs(
        [
            ("paid out of it", _money(done.paid_minor, found.currency)),
            ("back to the wallet", _money(done.returned_minor, found.currency)),
            ("out of the cover fund", _money(done.cover_used_minor, found.currency)),
            ("left unpaid", _money(done.unpaid_minor, found.currency)),
        ]
    )
    if as_json:
        say.figures(
            {
                "paid_minor": done.paid_minor,
                "returned_minor": done.returned_minor,
                "cover_used_minor": done.cover_used_minor,
                "unpaid_minor": done.unpaid_minor,
            }
        )


@offline_app.command("fund-cover")
def fund_cover(
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="As people write it: 5000.00")],
    currency: Currency = "CNY",
    as_json: Json = False,
) -> None:
    """Book what double spends are expected to cost into the fund that covers them.

    Example: puhui offline fund-cover 5000.00
    """
    from puhui.kernel.money import parse_money

    told = {"currency": currency, "amount_minor": parse_money(amount, currency).minor}
    done = _do("fund_cover", told)
    say.line(f"{_money(done.amount_minor, done.currency)} are in the cover fund.")
    if as_json:
        say.figures({"amount_minor": done.amount_minor, "currency": done.currency})
