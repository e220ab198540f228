"""``puhui partners``: who stands behind the names that products give lenders and guarantors."""

from __future__ import annotations

from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.credit.desk import act

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]

partners_app = typer.Typer(
    no_args_is_help=True,
    help="Joint lenders and guarantors of products: which are registered, and registering one.",
)


@partners_app.command("list")
def listed(as_json: Json = False) -> None:
    """List every name that a product gives a partner, who is registered under it, and what is kept.

    No loan of a product is paid out before each of its partners is registered. What is kept is
    due to a lender whose wallet is closed, frozen or full.

    Example: puhui partners list
    """
    from puhui.cli.open import opened
    from puhui.kernel.money import Money
    from puhui.lending import shelf
    from puhui.servicing import joint

    with opened() as node, node.read() as tx:
        known = {row.name: str(row.party_id) for row in joint.list_partners(tx)}
        asides = joint.list_asides(tx)
    used: dict[str, list[str]] = {}
    for name in shelf.product_names():
        product = shelf.load_product(name)
        lenders = {one.partner for one in product.joint}
        for one in sorted(lenders | {one.partner for one in product.guarantees}):
            used.setdefault(one, []).append(name)
    names = sorted({*known, *used})
    say.table(
        ("name", "party", "products"),
        [(one, known.get(one, "not registered"), ", ".join(used.get(one, ()))) for one in names],
    )
    for row in asides:
        say.line(f"Kept for {row.lender_id}: {Money(row.kept_minor, row.currency)}.")
    if as_json:
        missing = sum(one not in known for one in used)
        kept = {f"kept_minor_{one}": 0 for one in sorted({row.currency for row in asides})}
        for row in asides:
            kept[f"kept_minor_{row.currency}"] += row.kept_minor
        say.figures({"partners": len(names), "missing": missing, **kept})


@partners_app.command("register")
def register(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The word that products use.")],
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The firm, by party id.")],
    as_json: Json = False,
) -> None:
    """Say which party stands behind a name. Loans that run keep whoever stood there before.

    Example: puhui partners register city_bank party-019c...
    """
    done = act("servicing.register_partner", {"name": name, "party_id": party})
    say.line(f"{done.name} is {done.party_id} from now on.")
    if as_json:
        say.figures({"name": done.name, "party": done.party_id})


@partners_app.command("pay-out")
def pay_out(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The lender, by party id.")],
    currency: Annotated[str, typer.Argument(metavar="CURRENCY", help="Such as CNY.")] = "CNY",
    as_json: Json = False,
) -> None:
    """Pay what is kept for a lender whose wallet is closed or full to its own bank account.

    Example: puhui partners pay-out party-019c...
    """
    from puhui.kernel.money import Money

    told = {"lender_id": party, "currency": currency}
    done = act("servicing.pay_lender_out", told)
    say.line(f"{Money(done.amount_minor, currency)} left for the bank account of {party}.")
    if as_json:
        say.figures({"party": party, "currency": currency, "amount_minor": done.amount_minor})
