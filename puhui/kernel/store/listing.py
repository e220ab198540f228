"""Lists that pages turn over: filters that may be empty, orders by name, and a page of rows each.

A list is one ``Select``; its filters are made by ``matches`` and filled by ``filled``, its orders
by ``in_orders``, which makes one statement per column and direction, and asked for by ``ordered``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, or_

from puhui.kernel.errors import Refused

Orders = Mapping[str, Select[Any]]
"""Statements of a list by their order: the name of a column, "-" before it for downwards."""

WORD_SHOWN = 40


def matches(name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """A filter by ``name``; its twin ``any_name`` set to 1 takes every row."""
    return or_(bindparam(f"any_{name}") == 1, column == bindparam(name))


def filled(**words: str) -> dict[str, Any]:
    """What filters made by ``matches`` are bound to: an empty word takes every row."""
    found: dict[str, Any] = {}
    for name, word in words.items():
        found[name] = word
        found[f"any_{name}"] = int(not word)
    return found


def in_orders(
    statement: Select[Any], columns: Mapping[str, ColumnElement[Any]], last: ColumnElement[Any]
) -> Orders:
    """One statement per column and direction, ``count`` rows past ``skip``; ``last`` (an id)
    breaks ties, so that no row stands on two pages.
    """
    found = {}
    for name, column in columns.items():
        for mark, ordered_by in (("", column.asc()), ("-", column.desc())):
            page = statement.order_by(ordered_by, last.asc())
            found[f"{mark}{name}"] = page.limit(bindparam("count")).offset(bindparam("skip"))
    return found


def ordered(statements: Orders, order: str, *, code: str) -> Select[Any]:
    """The statement of an order. Refused: ``code`` where the list has no such order."""
    found = statements.get(order)
    if found is None:
        raise Refused(code, f"A list is not sorted by {order[:WORD_SHOWN]!r}.")
    return found
