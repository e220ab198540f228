"""The shelf: products, law, reasons and contract templates as they lie in the package.

A bank's own products lie beside them, as files of a folder of its node (``PUHUI_HOME/products``).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from puhui.kernel.errors import Refused
from puhui.lending.formats.product import parse_law, parse_product
from puhui.lending.formats.text import check_template, parse_reasons
from puhui.lending.nouns import Law, Method, Product, ReasonBook, Rhythm
from puhui.lending.rules.plan import in_rhythm, periods_of

LANGUAGES = ("zh", "en")


FOLDER = "products"
ENDING = ".toml"
OWN: dict[str, Path] = {}
"""The bank's own products by name, with their files, as far as this process has opened them."""


@lru_cache(maxsize=1)
def _shipped() -> tuple[str, ...]:
    folder = files("puhui.lending") / FOLDER
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(ENDING))
    return tuple(name.removesuffix(ENDING) for name in names)


def product_names() -> tuple[str, ...]:
    """The names of all products, sorted: those of the package and the bank's own."""
    return tuple(sorted({*_shipped(), *OWN}))


def product_file(name: str) -> Path | None:
    """The file of one of the bank's own products; None for one of the package."""
    return OWN.get(name)


def add_products(home: Path) -> tuple[str, ...]:
    """Put the bank's own products on the shelf: each ``products/NAME.toml`` under ``home``.

    They are read once in a process. Refused: ``lending.bad_product`` with the file and the place
    of the fault, ``lending.product_twice`` where a name is taken by another product.
    """
    found = []
    for path in sorted((home / FOLDER).glob(f"*{ENDING}")):
        name = read_product(path).name
        if name not in _shipped():
            OWN.setdefault(name, path)
        found.append(name)
    return tuple(found)


def read_product(path: Path) -> Product:
    """The product of a file that is named like it, whether or not it is on the shelf.

    Refused: ``lending.bad_product`` with the file and the place of the fault,
    ``lending.product_twice`` where its name is taken by another product.
    """
    try:
        product = parse_product(path.read_text(encoding="utf-8"))
    except Refused as refused:
        raise Refused(refused.code, f"{path}: {refused.reason}") from None
    except FileNotFoundError:
        raise Refused("lending.bad_product", f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError):
        raise Refused("lending.bad_product", f"{path} cannot be read as a text.") from None
    if product.name != path.stem:
        raise Refused("lending.bad_product", f"{path}: the name inside is {product.name!r}.")
    if product.name in product_names() and load_product(product.name).digest != product.digest:
        raise Refused("lending.product_twice", f"{path}: {path.stem} is another product already.")
    return product


def keep_product(home: Path, path: Path) -> tuple[Product, Path]:
    """Put the file of a product into the folder of the bank's own; it, and where it is kept.

    It is there whole or not at all. Refused: what ``read_product`` refuses.
    """
    product = read_product(path)
    target = home / FOLDER / f"{product.name}{ENDING}"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    draft.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    draft.replace(target)
    return product, target


@lru_cache(maxsize=64)
def load_product(name: str) -> Product:
    """The product called ``name``. Refused: ``lending.no_product``, ``lending.bad_product``."""
    if name not in product_names():
        known = ", ".join(product_names())
        raise Refused("lending.no_product", f"There is no product {name!r}; there are {known}.")
    own = OWN.get(name)
    text = _read(FOLDER, f"{name}{ENDING}") if own is None else own.read_text(encoding="utf-8")
    product = parse_product(text)
    assert product.name == name, product.name
    return product


def instalments_of(product: Product, months: int, rhythm: Rhythm | None = None) -> int | None:
    """How many instalments a loan of a product has over a term that it offers; None where the
    rhythm that was chosen does not fill it.
    """
    if product.schedule.is_bullet or product.default_method is Method.DRAW_AT_WILL:
        return 1
    periods = periods_of(in_rhythm(product.schedule, rhythm), months)
    return None if periods is None else periods - product.schedule.grace_interest


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


@lru_cache(maxsize=2)
def load_guarantee_template(language: str) -> str:
    """The text of a guarantee in "zh" or "en". Refused: ``lending.no_language``."""
    if language not in LANGUAGES:
        raise Refused("lending.no_language", f"Guarantees are in zh or en, not {language!r}.")
    return _read("data", f"guarantee_{language}.txt")


def _read(folder: str, name: str) -> str:
    return (files("puhui.lending") / folder / name).read_text(encoding="utf-8")
