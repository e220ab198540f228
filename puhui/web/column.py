"""Columns of tables: how one value stands on a page, in a spreadsheet and in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from puhui.kernel.money import Money
from puhui.lending import shelf
from puhui.web.say import Say, first_up, stamp

NOTHING = "—"
ID_SHOWN = 8
DIGITS_KEPT = 6
"""Digits after the point that a spreadsheet gets of a share or another measured figure."""
DAY_LIKE = re.compile(r"\d{1,2}-\d{1,2}")


class Kind(Enum):
    """What a column holds: it decides how it is written and where it stands."""

    TEXT = "text"
    WORD = "word"
    ID = "id"
    DAY = "day"
    MOMENT = "moment"
    MONEY = "money"
    COUNT = "count"
    SHARE = "share"
    NUMBER = "number"
    PRODUCT = "product"


RIGHT = (Kind.MONEY, Kind.COUNT, Kind.SHARE, Kind.NUMBER)
"""Kinds whose figures stand at the right of their column."""
LONG = (Kind.MOMENT, Kind.WORD, Kind.PRODUCT)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``name`` in files, ``title`` the key of its head, ``value`` what a row says.

    A word is told by its code: ``words`` is the text key before the code. Money is in minor units
    of the row's ``currency``, else yuan; a day is a date, its ISO text, or its number (0 is none);
    a share is 0..1. ``link`` gives an address, ``mark`` "yes", "no" or "wait" for an icon.
    ``order`` names the order of the list by this column. ``digits`` after the point of a number.
    """

    name: str
    title: str
    value: Callable[[Any], Any]
    kind: Kind = Kind.TEXT
    words: str = ""
    link: Callable[[Any], str] | None = None
    mark: Callable[[Any], str] | None = None
    order: str = ""
    digits: int = 2

    @property
    def is_right(self) -> bool:
        """Whether its figures stand at the right."""
        return self.kind in RIGHT

    @property
    def is_long(self) -> bool:
        """Whether a value may stand on two lines: words, and of a moment the day and the hour."""
        return self.kind in LONG


@dataclass(frozen=True, slots=True)
class Cell:
    """One value on a page: its text, where it leads, its icon, and what a pointer is told."""

    text: str
    link: str = ""
    mark: str = ""
    whole: str = ""


def day_in(value: Any) -> date | None:
    """A day out of a date, its ISO text or its number; None where there is none."""
    if value is None or value == "" or value == 0:
        return None
    if isinstance(value, int):
        return date.fromordinal(value)
    return date.fromisoformat(value) if isinstance(value, str) else value


def cell_of(say: Say, column: Column, row: Any) -> Cell:
    """How a row stands in a column of a page."""
    value = column.value(row)
    text = _shown(say, column, row, value)
    if text == NOTHING:
        return Cell(text)
    return Cell(
        text,
        link=column.link(row) if column.link else "",
        mark=column.mark(row) if column.mark else "",
        whole=str(value) if column.kind is Kind.ID else "",
    )


def _shown(say: Say, column: Column, row: Any, value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    match column.kind:
        case Kind.WORD:
            return first_up(say.maybe(f"{column.words}{value}", str(value)))
        case Kind.PRODUCT:
            return product_title(say, value)
        case Kind.ID:
            return f"…{str(value)[-ID_SHOWN:]}"
        case Kind.DAY:
            return say.day(day_in(value))
        case Kind.MOMENT:
            return say.moment(value)
        case Kind.MONEY:
            return say.figure(value, _currency(row))
        case Kind.COUNT:
            return say.count(value)
        case Kind.SHARE:
            return say.share(value, column.digits)
        case Kind.NUMBER:
            return f"{value:,.{column.digits}f}"
    return str(value)


def product_title(say: Say, name: str) -> str:
    """A product as people call it; its name where it is on the shelf no more."""
    return say.of(shelf.load_product(name), "title") if name in shelf.product_names() else name


def _currency(row: Any) -> str:
    found = row.get("currency", "CNY") if isinstance(row, dict) else getattr(row, "currency", "CNY")
    return str(found)


def cell_in_csv(say: Say, column: Column, row: Any) -> object:
    """How a row stands in a spreadsheet: words in the reader's language, figures as they are.

    Days and moments (in China) stand in the form that every spreadsheet reads; a span of days such
    as 3-29 with a dash, for it is no 29 March.
    """
    value = column.value(row)
    if value is None:
        return ""
    match column.kind:
        case Kind.WORD:
            return str(say.maybe(f"{column.words}{value}", str(value))) if value != "" else ""
        case Kind.PRODUCT:
            return product_title(say, value) if value else ""
        case Kind.DAY:
            found = day_in(value)
            return found.isoformat() if found else ""
        case Kind.MOMENT:
            return stamp(value)
        case Kind.MONEY:
            return Money(value, _currency(row)).figure().replace(",", "")
    if isinstance(value, float):
        return round(value, DIGITS_KEPT)
    is_span = isinstance(value, str) and DAY_LIKE.fullmatch(value) is not None
    return value.replace("-", "–") if is_span else value


def cell_in_json(column: Column, row: Any) -> tuple[str, object]:
    """The name and the value of a cell for programs: codes, minor units, ISO days."""
    value = column.value(row)
    if column.kind is Kind.MONEY:
        return f"{column.name}_minor", value
    if column.kind is Kind.MOMENT:
        return f"{column.name}_us", value
    if column.kind is Kind.DAY:
        found = day_in(value)
        return column.name, found.isoformat() if found else None
    return column.name, str(value) if isinstance(value, Decimal) else value
