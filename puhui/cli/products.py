"""``puhui products``: what is on the shelf, and where a bank puts products of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from puhui.cli import say

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]


def products(as_json: Json = False) -> None:
    """List the products that loans are made from, with their digests and files.

    A bank's own products are files NAME.toml in the folder products of PUHUI_HOME.

    Example: puhui products
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
