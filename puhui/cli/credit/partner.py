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
    """List every name that a product gives a partner, and who is registered under it.

    No loan of a product is paid out before each of its partners is registered.

    Example: puhui partners list
    """
    from puhui.cli.open import opened
    from puhui.lending import shelf
    from puhui.servicing import joint

    with opened() as node, node.read() as tx:
        known = {row.name: str(row.party_id) for row in joint.list_partners(tx)}
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
    if as_json:
        missing = sum(one not in known for one in used)
        say.figures({"partners": len(names), "missing": missing})


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
