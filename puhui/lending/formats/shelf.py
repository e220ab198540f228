"""The shelf: products, law, reasons and contract templates as they lie in the package."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from puhui.kernel.errors import Refused
from puhui.lending.formats.product import parse_law, parse_product
from puhui.lending.formats.text import check_template, parse_reasons
from puhui.lending.nouns import Law, Product, ReasonBook

LANGUAGES = ("zh", "en")


def product_names() -> tuple[str, ...]:
    """The names of all products, sorted."""
    folder = files("puhui.lending") / "products"
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        )
    )


@lru_cache(maxsize=64)
def load_product(name: str) -> Product:
    """The product called ``name``. Refused: ``lending.no_product``, ``lending.bad_product``."""
    if name not in product_names():
        known = ", ".join(product_names())
        raise Refused("lending.no_product", f"There is no product {name!r}; there are {known}.")
    product = parse_product(_read("products", f"{name}.toml"))
    assert product.name == name, product.name
    return product


@lru_cache(maxsize=1)
def load_law() -> Law:
    """The law's dated figures. Refused: ``lending.bad_law``."""
    return parse_law(_read("data", "law.toml"))


@lru_cache(maxsize=1)
def load_reasons() -> ReasonBook:
    """All reason texts. Refused: ``lending.bad_texts``."""
    return parse_reasons(_read("data", "reasons.toml"))


@lru_cache(maxsize=2)
def load_template(language: str) -> str:
    """The contract template in "zh" or "en". Refused: ``lending.no_language``."""
    if language not in LANGUAGES:
        raise Refused("lending.no_language", f"Contracts are in zh or en, not {language!r}.")
    return check_template(_read("data", f"contract_{language}.txt"))


def _read(folder: str, name: str) -> str:
    return (files("puhui.lending") / folder / name).read_text(encoding="utf-8")
