"""``puhui products``: what is on the shelf, and a bank's own products from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say

if TYPE_CHECKING:
    from puhui.lending.nouns import Product

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
File = Annotated[Path, typer.Argument(metavar="NAME.toml", help="The file of one product.")]

products_app = typer.Typer(
    invoke_without_command=True,
    help="What loans are made from: list products, check a file, put it on the shelf.",
)


@products_app.callback()
def _listed(context: typer.Context, as_json: Json = False) -> None:
    """List products, check a file of one, put it on the shelf. Alone: the list."""
    if context.invoked_subcommand is None:
        listed(as_json=as_json)


@products_app.command("list")
def listed(as_json: Json = False) -> None:
    """List the products that loans are made from, with their digests and files.

    A bank's own products are files NAME.toml in the folder products of PUHUI_HOME.

    Example: puhui products list
    """
    from puhui.lending import shelf
    from puhui.node import home_folder

    home = home_folder()
    own = shelf.add_products(home)
    for name in shelf.product_names():
        product = shelf.load_product(name)
        say.line(f"{name}  {product.title_zh}  {product.title_en}  {product.digest[:12]}")
        if shelf.product_file(name) is not None:
            say.line(f"  {shelf.product_file(name)}")
    say.line(f"Your own products go here: {home / shelf.FOLDER}/NAME.toml")
    if as_json:
        say.figures({"products": len(shelf.product_names()), "own": len(own)})


@products_app.command("check")
def check(file: File, as_json: Json = False) -> None:
    """Read the file of a product as a node would, and say what it lends; nothing is kept.

    Example: puhui products check green_loan.toml
    """
    from puhui.lending import shelf
    from puhui.node import home_folder

    shelf.add_products(home_folder())
    _told(shelf.read_product(file), as_json=as_json)


@products_app.command("add")
def add(file: File, as_json: Json = False) -> None:
    """Put a product on the shelf of this node; programs that run see it once started again.

    A product that is there already stays as it is: offers on it stand. Another version takes
    another name.

    Example: puhui products add green_loan.toml
    """
    from puhui.lending import shelf
    from puhui.node import home_folder

    home = home_folder()
    shelf.add_products(home)
    product, path = shelf.keep_product(home, file)
    _told(product, as_json=as_json)
    say.line(f"It is kept as {path}. Start puhui serve and puhui worker again to offer it.")


def _told(product: Product, *, as_json: bool) -> None:
    from puhui.kernel.money import Money

    def money(minor: int) -> str:
        return str(Money(minor, product.currency))

    terms = ", ".join(str(term) for term in product.terms_months)
    lenders = {one.partner for one in product.joint}
    partners = sorted(lenders | {one.partner for one in product.guarantees})
    say.pairs(
        [
            ("name", product.name),
            ("title", f"{product.title_zh} / {product.title_en}"),
            ("lends", f"{money(product.smallest_minor)} to {money(product.largest_minor)}"),
            ("terms", f"{terms} months"),
            ("rate at most", f"{product.pricing.rate_max:%} a year"),
            ("partners", ", ".join(partners) or "none"),
            ("digest", product.digest),
        ]
    )
    if partners:
        say.line("Register each partner before the first loan: puhui partners register NAME PARTY")
    if as_json:
        say.figures({"name": product.name, "digest": product.digest, "partners": len(partners)})
