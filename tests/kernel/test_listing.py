"""Lists that pages turn over: empty filters take every row, orders go both ways, ids break ties."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, select

from puhui.kernel.errors import Refused
from puhui.kernel.store.listing import filled, in_orders, matches, ordered

THING = Table(
    "thing",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("kind", Text),
    Column("size", Integer),
)
LIST_THINGS = in_orders(
    select(THING).where(matches("kind", THING.c.kind)), {"size": THING.c.size}, THING.c.id
)


def read(order: str, *, kind: str = "", skip: int = 0, count: int = 10) -> str:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        THING.metadata.create_all(connection)
        connection.execute(
            insert(THING),
            [{"id": i, "kind": k, "size": n} for i, k, n in (
                ("b", "x", 1), ("a", "x", 1), ("d", "y", 3), ("c", "x", 2))],
        )  # fmt: skip
        statement = ordered(LIST_THINGS, order, code="thing.bad_order")
        told = {**filled(kind=kind), "skip": skip, "count": count}
        return "".join(row.id for row in connection.execute(statement, told))


def test_orders_go_both_ways_and_ids_break_ties() -> None:
    assert read("size") == "abcd"
    assert read("-size") == "dcab"
    assert read("size", skip=1, count=2) == "bc"


def test_an_empty_filter_takes_every_row() -> None:
    assert read("size", kind="x") == "abc"
    assert read("size", kind="z") == ""


def test_an_order_that_the_list_does_not_have_is_refused() -> None:
    with pytest.raises(Refused, match=r"thing\.bad_order") as no:
        read("colour" * 20)
    assert len(str(no.value)) < 120
