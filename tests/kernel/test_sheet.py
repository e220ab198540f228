"""Columns as arrays: lent to SQLite as a table, copied to PostgreSQL, moved beside what follows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    func,
    select,
    text,
)

from puhui.kernel import Fault, Node
from puhui.kernel.store import change, given, many, metadata, sqlite, sqlite_wire
from puhui.kernel.store.image import image_of
from puhui.kernel.store.sheet import halves, lay_out, sixteen, sparse

SHEET = Table(
    "kernel_sheet",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("small", Integer, nullable=False),
    Column("other", LargeBinary),
    Column("text", Text),
    Column("count", BigInteger),
)
_GIVEN = given("key", "more")
JOINED = (
    select(_GIVEN.c.n, SHEET.c.number, _GIVEN.c.more)
    .join(SHEET, SHEET.c.key == _GIVEN.c.key)
    .where(SHEET.c.number >= bindparam("least"))
    .order_by(SHEET.c.key)
    .with_for_update(of=SHEET)
)
NUMBERED = Table(
    "kernel_numbered",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("text", Text),
)
IN_ORDER = select(NUMBERED.c.key).order_by(NUMBERED.c.number)
WHOLE = select(*SHEET.c).order_by(SHEET.c.key)
EDGES = [0, 1, -1, *[sign * 2**bits + more for bits in (7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 62)
                     for sign in (1, -1) for more in (-1, 0, 1)], 2**63 - 1, -(2**63)]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, len(EDGES), 500, 3000])
@pytest.mark.parametrize("can_lend", [True, False])
def test_arrays_go_in_and_come_out(
    count: int, can_lend: bool, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wire, "CAN_LEND", can_lend)
    places = np.arange(count, dtype=np.uint64)
    keys = sixteen(places % np.uint64(3), places)
    numbers = np.resize(np.array(EDGES, dtype=np.int64), count)
    other = sparse(places % np.uint64(2), places % np.uint64(2))
    small = numbers.astype(np.int32)
    with change(node.store) as tx:
        tx.load(
            SHEET,
            {"key": keys, "number": numbers, "small": small, "text": "a'b", "count": None}
            | ({} if other is None else {"other": other}),
        )
        odd = np.flatnonzero(places % np.uint64(2) == 1)
        if len(odd):
            tx.set_many(SHEET, "key", {"key": keys[odd], "count": -numbers[odd]})
        tx.give({"key": keys[::-1].copy(), "more": np.arange(count)})
        found = tx.arrays(JOINED, least=0)
        assert [len(column) for column in tx.arrays(JOINED, least=2**63 - 1)] == [
            int((numbers == 2**63 - 1).sum())
        ] * 3
    with node.read() as tx:
        rows = tx.all(WHOLE)
    one = (1).to_bytes(8, "big") * 2
    expected = sorted(
        (key, number, int(np.int64(number).astype(np.int32)), one if n % 2 else None, "a'b",
         (-number if number > -(2**63) else number) if n % 2 else None)
        for n, (key, number) in enumerate(zip(keys.tolist(), numbers.tolist(), strict=True))
    )  # fmt: skip
    assert [tuple(row) for row in rows] == expected
    kept = [n for n in sorted(range(count), key=lambda n: keys.tolist()[n]) if numbers[n] >= 0]
    assert [list(map(int, column)) for column in found] == [
        [count - n for n in kept], [int(numbers[n]) for n in kept], [count - 1 - n for n in kept]
    ]  # fmt: skip
    high, low = halves(keys)
    assert (sixteen(high, low) == keys).all()


def sheet_of(first: int, count: int) -> dict[str, object]:
    """Rows of ``SHEET`` whose keys are the numbers from ``first`` on, the highest first."""
    places = np.arange(first, first + count, dtype=np.uint64)[::-1]
    return {"key": sixteen(np.zeros_like(places), places), "number": places.astype(int), "small": 1}


COUNT = select(func.count().label("count")).select_from(SHEET)


def test_what_runs_beside_is_raised_by_what_follows(node: Node) -> None:
    with change(node.store) as tx:
        tx.load(SHEET, sheet_of(1, 2000), by="key")
        assert tx.one(COUNT).count == 2000
    with pytest.raises(Fault), change(node.store) as tx:
        tx.load(SHEET, sheet_of(1500, 2000), by="key")
        tx.one(COUNT)
    writer = node.store.writer()
    try:
        writer.begin()
        writer.tx.load(SHEET, sheet_of(5000, 2000), by="key")
        writer.roll_back()
        writer.begin()
        writer.tx.load(SHEET, sheet_of(1500, 2000), by="key")
        writer.roll_back()
        writer.begin()
        writer.tx.set_many(SHEET, "key", {"key": sheet_of(1, 900)["key"], "count": np.arange(900)})
        writer.commit()
    finally:
        writer.close()
    with node.read() as tx:
        assert tx.one(COUNT).count == 2000
        rows = tx.all(WHOLE)
    assert [row[5] for row in rows[:3]] == [899, 898, 897]
    assert rows[900][5] is None


def test_rows_are_numbered_as_they_were_given(node: Node) -> None:
    with change(node.store) as tx:
        for first, count, text in ((1, 700, None), (1000, 5, "x")):
            numbers = tx.take_numbers(NUMBERED, count)
            assert len(numbers) == count
            keys = sheet_of(first, count)["key"]
            tx.load(NUMBERED, {"number": numbers, "key": keys, "text": text}, by="key")
    with node.read() as tx:
        found = [int.from_bytes(row.key, "big") for row in tx.all(IN_ORDER)]
    assert found == [*range(700, 0, -1), *range(1004, 999, -1)]


def test_what_is_known_is_forgotten_when_anything_is_undone(node: Node) -> None:
    writer = node.store.writer()
    try:
        writer.begin()
        writer.tx.known[dict] = {1: 2}
        writer.commit()
        assert writer.tx.known
        writer.begin()
        writer.roll_back()
        assert not writer.tx.known
    finally:
        writer.close()


def test_a_long_log_is_emptied_beside(sqlite_node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "ROWS_TIDIED", 1000)
    writer = sqlite_node.store.writer()
    try:
        for first in (1, 3000, 6000):
            writer.begin()
            writer.tx.load(SHEET, sheet_of(first, 2000))
            writer.commit()
            assert writer._tidying is not None
            writer._tidying.join()
    finally:
        writer.close()
    with sqlite_node.read() as tx:
        assert tx.one(COUNT).count == 6000


@pytest.mark.parametrize("columns", [("a",), ("a", "b", "c")])
def test_an_image_is_a_sound_database(columns: tuple[str, ...]) -> None:
    for count in (1, 2, 6000, 30_000):
        chance = np.random.default_rng(count)
        wide = {name: chance.integers(-(2**63), 2**63 - 1, count) >> 3 * n
                for n, name in enumerate(columns)}  # fmt: skip
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute("ATTACH ':memory:' AS given")
        connection.deserialize(image_of(lay_out(wide)), name="given")
        assert connection.execute("PRAGMA given.integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(f"SELECT n, {', '.join(columns)} FROM given").fetchall()
        expected = zip(range(1, count + 1), *[c.tolist() for c in wide.values()], strict=True)
        assert rows == list(expected)
        connection.close()


_FEW = text("kind = 0")
MOVED = Table(
    "kernel_moved",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("text", Text),
    Column("kind", Integer, nullable=False, server_default="0"),
    CheckConstraint("count >= 0"),
    Index("kernel_moved_key", "key", sqlite_where=_FEW, postgresql_where=_FEW),
    info={"moves_whole": {"kind": 1}, "is_remembered": True},
)
ALL_MOVED = select(*MOVED.c).order_by(MOVED.c.number)
CHANGE_MOVED = MOVED.update().where(MOVED.c.number == bindparam("own")).values(count=7)


def moved(first: int, count: int) -> dict[str, Any]:
    chance = np.random.default_rng(first)
    return {
        "number": np.arange(first, first + count),
        "key": sheet_of(first, count)["key"],
        "count": chance.integers(0, 2**62, count) >> chance.integers(0, 62, count),
        "text": "CNY",
        "kind": 1,
    }


@pytest.mark.parametrize("can_lend", [True, False])
def test_rows_move_whole(can_lend: bool, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    if not can_lend:
        monkeypatch.setattr(sqlite_wire, "CAN_LEND", False)
    expected: list[tuple[Any, ...]] = []
    for first, count in ((1, 3), (4, 700), (704, 20_000)):
        columns = moved(first, count)
        with change(node.store) as tx:
            assert tx.take_numbers(MOVED, count).tolist()[0] == first
            tx.load(MOVED, columns, by="key")
        lists = [columns["number"].tolist(), columns["key"].tolist(), columns["count"].tolist()]
        expected += [(*row, "CNY", 1) for row in zip(*lists, strict=True)]
    with node.read() as tx:
        assert [tuple(row) for row in tx.all(ALL_MOVED)] == expected
    if node.store.dialect == "sqlite":
        with node.read() as tx:
            found = tx._connection.execute("PRAGMA integrity_check").fetchall()
        assert found == [("ok",)]


def test_sqlite_moves_rows_without_taking_them_apart(sqlite_node: Node) -> None:
    """Else the way of ``rows_of`` would be right, and no faster than others."""
    writer = sqlite_node.store.writer()
    try:
        writer.begin()
        writer.tx.load(MOVED, moved(1, 700), by="key")
        sql = "EXPLAIN INSERT INTO main.kernel_moved SELECT * FROM given.kernel_moved"
        steps = {row[1] for row in writer.tx._connection.execute(sql).fetchall()}
        writer.roll_back()
    finally:
        writer.close()
    assert steps & {"RowCell", "RowData"}
    assert "MakeRecord" not in steps


def test_what_stands_behind_a_failure_is_left_out(sqlite_node: Node) -> None:
    with pytest.raises(Fault), change(sqlite_node.store) as tx:
        tx.load(SHEET, sheet_of(1, 2000), by="key")
        tx.load(SHEET, sheet_of(1500, 2000), by="key")
        tx.load(SHEET, sheet_of(9000, 2000), by="key")
    with change(sqlite_node.store) as tx:
        assert tx.one(COUNT).count == 0


def test_what_may_change_is_remembered_until_it_does(sqlite_node: Node) -> None:
    writer, other = sqlite_node.store.writer(), sqlite_node.store.writer()

    def is_kept(step: Callable[[], object]) -> bool:
        assert writer.tx.fresh is not None
        writer.tx.fresh[dict] = {1: 2}
        step()
        return bool(writer.tx.fresh)

    def write_beside() -> None:
        writer.commit()
        other.begin()
        other.tx.load(MOVED, moved(100, 700), by="key")
        other.commit()
        writer.begin()

    def go_on() -> None:
        writer.commit()
        writer.begin()

    def undo() -> None:
        writer.roll_back()
        writer.begin()

    try:
        writer.begin()
        writer.tx.load(MOVED, moved(1, 10), by="key")
        assert is_kept(lambda: writer.tx.all(ALL_MOVED))
        assert is_kept(lambda: writer.tx.load(MOVED, moved(11, 10), by="key"))
        assert is_kept(go_on)
        for forgets in (
            lambda: writer.tx.run(CHANGE_MOVED, own=1),
            lambda: writer.tx.put(CHANGE_MOVED, own=1),
            lambda: writer.tx.run_many(CHANGE_MOVED, [{"own": 1}]),
            write_beside,
            undo,
        ):
            assert not is_kept(forgets)
        writer.roll_back()
    finally:
        writer.close()
        other.close()


def test_what_may_change_is_remembered_by_one_writer_at_a_time(node: Node) -> None:
    with node.read() as tx:
        assert tx.fresh is None
    writer = node.store.writer()
    assert writer.tx.fresh == {}
    assert writer.tx.is_alone == (node.store.dialect == "sqlite")
    writer.close()


@drawn(st.lists(st.one_of(st.text(max_size=4), st.sampled_from(["\t", "\\", "\n", "\r", None]))))
def test_a_column_of_texts_is_copied_as_each_of_them_is(values: list[object]) -> None:
    def told(copy: Callable[[], list[bytes]]) -> list[bytes] | str:
        try:
            return copy()
        except ValueError as error:  # a zero character, half of a character
            return type(error).__name__

    each = told(lambda: [many._copied(value) for value in values])
    assert told(lambda: many._copied_column(values)) == each
