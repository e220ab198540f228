"""The canonical dump: equal stores have equal dumps, and one changed cell shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, update

from puhui.kernel import Node
from puhui.kernel.crypto import new_subject_key, store_subject_keys
from puhui.kernel.dump import digest_store, dump_store, dump_table
from puhui.kernel.event import MOVE_CURSOR
from puhui.kernel.store import change, insert_all, metadata

PAIR = Table(
    "kernel_pair",
    metadata,
    Column("left", Text, primary_key=True),
    Column("right", BigInteger, primary_key=True),
    Column("data", LargeBinary),
    Column("count", BigInteger, nullable=False, info={"is_store_number": True}),
)
ADD = insert_all(PAIR)
ROWS = [
    {"left": left, "right": right, "data": None if right % 2 else b"\x00\xff", "count": right}
    for left in ("a", "B", "b", "Z", "é", "王")
    for right in range(40)
]


def fill(node: Node, rows: list[dict[str, object]]) -> None:
    with change(node.store) as tx:
        tx.run_many(ADD, rows)


def lines(node: Node) -> list[str]:
    with node.read() as tx:
        return list(dump_table(tx, PAIR))


def test_pages_say_each_row_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    from puhui.kernel import dump

    fill(node, ROWS)
    whole = lines(node)
    assert len(whole) == len(set(whole)) == len(ROWS)
    monkeypatch.setattr(dump, "PAGE", 7)
    dump._first_page.cache_clear()
    dump._next_page.cache_clear()
    try:
        assert sorted(lines(node)) == sorted(whole)
    finally:
        dump._first_page.cache_clear()
        dump._next_page.cache_clear()


def test_a_line_says_all_but_what_differs_between_stores(node: Node) -> None:
    fill(node, ROWS[:2])
    assert [json.loads(line) for line in lines(node)] == [
        {"left": "a", "right": 0, "data": "00ff"},
        {"left": "a", "right": 1, "data": None},
    ]


def test_equal_stores_of_both_kinds_have_equal_digests(
    node: Node, open_at: Callable[..., Node], tmp_path: Path
) -> None:
    other = open_at(f"sqlite:///{tmp_path / 'other.sqlite'}")
    fill(node, ROWS)
    fill(other, list(reversed(ROWS)))
    assert digest_store(node.store) == digest_store(other.store)
    with change(other.store) as tx:
        tx.run(update(PAIR).where(PAIR.c.left == "王", PAIR.c.right == 3).values(data=b"x"))
    left, right = digest_store(node.store), digest_store(other.store)
    assert {name for name in left if left[name] != right[name]} == {"kernel_pair"}
    assert left["kernel_pair"].rows == right["kernel_pair"].rows == len(ROWS)


def test_cursors_owners_and_sealed_keys_are_not_said(node: Node) -> None:
    with change(node.store) as tx:
        tx.put(MOVE_CURSOR, subscriber="x", position=1, number=1)
        store_subject_keys(tx, [new_subject_key(node.keys, "party-1")])
    said = list(dump_store(node.store))
    assert [line for name, line in said if name == "subject_key"] == ['{"subject":"party-1"}']
    assert {name for name, _ in said} & {"event_cursor", "store_owner", "alembic_version"} == set()
