"""Forms in which the books leave the ledger, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from puhui.ledger.formats.beancount import beancount_lines
from puhui.ledger.formats.rows import csv_lines, json_lines
from puhui.ledger.nouns.export import Book

FORMATS: dict[str, Callable[[Book], Iterator[str]]] = {
    "csv": csv_lines,
    "json": json_lines,
    "beancount": beancount_lines,
}
"""By name: each gives text piece by piece, so that a book of any length takes little memory."""
