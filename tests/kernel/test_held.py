"""Rows that are held against what they were: written only while they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from puhui.kernel import Node
from puhui.kernel.store import RowVersion, Transaction, change
from puhui.kernel.store.statement import VERSION
from puhui.kernel.store.wire import Stale
from tests.kernel.test_sheet import NUMBERED, SHEET, sheet_of

VERSIONS = select(SHEET.c.key, RowVersion(SHEET)).order_by(SHEET.c.key)
COUNTS = select(SHEET.c.count).order_by(SHEET.c.key)
KEYS = sheet_of(1, 40)["key"][::-1]
Hold = Callable[[Transaction, dict[str, Any]], None]


@pytest.fixture
def written(node: Node) -> np.ndarray:
    """The versions of forty rows, by their keys, of which the last is another than the rest."""
    with change(node.store) as tx:
        tx.load(SHEET, {**sheet_of(1, 40), "count": np.full(40, 7)})
        first = tx.version()
    with change(node.store) as tx:
        tx.set_many(SHEET, "key", {"key": KEYS[-1:], "count": np.array([8])})
        second = tx.version()
    with node.read() as tx:
        versions = np.array([row[1] for row in tx.all(VERSIONS)])
    assert versions.tolist() == [first] * 39 + [second]
    assert (first == second) == (node.store.dialect == "sqlite")
    return versions


def hold(tx: Transaction, was: dict[str, Any]) -> None:
    tx.hold(SHEET, "key", {"key": KEYS, **was})


def write(tx: Transaction, was: dict[str, Any]) -> None:
    tx.set_many(SHEET, "key", {"key": KEYS, "count": np.arange(40)}, was=was)


@pytest.mark.parametrize("way", [hold, write])
@pytest.mark.parametrize("name", [VERSION, "count"])
def test_rows_are_held_while_they_are_as_they_were(
    node: Node, written: np.ndarray, way: Hold, name: str
) -> None:
    right = {VERSION: written, "count": np.array([7] * 39 + [8])}[name]
    with change(node.store) as tx:
        way(tx, {name: right})
    with node.read() as tx:
        counts = [row[0] for row in tx.all(COUNTS)]
    assert counts == (list(range(40)) if way is write else [7] * 39 + [8])
    if node.store.dialect == "sqlite":
        return
    wrong = right.copy()
    wrong[3] += 1
    writer = node.store.writer()
    try:
        writer.begin()
        way(writer.tx, {name: wrong})
        with pytest.raises(Stale) as raised:
            writer.commit()
        assert writer.is_retryable(raised.value)
        writer.roll_back()
    finally:
        writer.close()
    with node.read() as tx:
        assert [row[0] for row in tx.all(COUNTS)] == counts


def test_numbers_may_be_asked_for_before_they_are_wanted(node: Node) -> None:
    """Fewer may be taken then, and more."""
    for asked, taken, first in ((600, 500, 1), (5, 700, 1000), (9, 9, 3000)):
        with change(node.store) as tx:
            tx.ask_numbers(NUMBERED, asked)
            tx.all(COUNTS)
            numbers = tx.take_numbers(NUMBERED, taken)
            assert len(set(numbers.tolist())) == taken
            keys = sheet_of(first, taken)["key"]
            tx.load(NUMBERED, {"number": numbers, "key": keys, "text": None}, by="key")
    writer = node.store.writer()
    try:
        writer.begin()
        writer.tx.ask_numbers(NUMBERED, 5)
        writer.roll_back()
        writer.begin()
        assert len(writer.tx.take_numbers(NUMBERED, 3)) == 3
        writer.commit()
    finally:
        writer.close()
