"""Wide statements on PostgreSQL do for many rows what the statement does for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, bindparam, select

from puhui.kernel.store import change, open_store, upsert
from puhui.kernel.store.statement import Compiled, insert_all
from puhui.kernel.store.widen import ROWS, widen

TABLE = Table(
    "wide_row",
    MetaData(),
    Column("id", LargeBinary, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("words", Text),
)
INSERT = insert_all(TABLE)
KEEP = upsert(TABLE, ["id"], {})
REPLACE = upsert(TABLE, ["id"])
_update = (
    TABLE.update()
    .where(TABLE.c.id == bindparam("id_"))
    .values(number=TABLE.c.number + bindparam("more"), words=bindparam("words_new"))
)
UPDATE = _update.execution_options(is_row_once=True)
UPDATE_ANY = _update.values(number=bindparam("more"))
ALL = select(*TABLE.c).order_by(TABLE.c.number)


@pytest.fixture
def store(postgres: Any) -> Iterator[Any]:
    """A database with the table."""
    with postgres.empty_database() as url:
        import psycopg

        with psycopg.connect(url) as connection:
            connection.execute(
                "CREATE TABLE wide_row (id bytea PRIMARY KEY, number bigint NOT NULL, words text)"
            )
        opened = open_store(url)
        yield opened
        opened.close()


def test_which_statements_are_widened() -> None:
    wide = [widen(Compiled(one, "postgresql")) for one in (INSERT, KEEP, UPDATE)]
    assert all(text and f"${ROWS * 3}" in text for text in wide)
    assert [widen(Compiled(one, "postgresql")) for one in (REPLACE, UPDATE_ANY)] == [None, None]


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, ROWS + 1, 16 * ROWS, 40 * ROWS + 7])
def test_many_rows_are_written_changed_and_kept(store: Any, count: int) -> None:
    rows = [
        {"id": n.to_bytes(16, "big"), "number": n, "words": None if n % 3 else f"字 {n}"}
        for n in range(count)
    ]
    with change(store) as tx:
        tx.run_many(INSERT, rows)
    with change(store) as tx:
        tx.run_many(KEEP, [row | {"number": -1} for row in rows])
    with store.read() as tx:
        assert [row._asdict() for row in tx.all(ALL)] == rows
    changes = [{"id_": row["id"], "more": 10**12, "words_new": None} for row in rows]
    with change(store) as tx:
        tx.run_many(UPDATE, changes)
    with store.read() as tx:
        found = [row.number for row in tx.all(ALL)]
    assert found == [n + 10**12 for n in range(count)]


def test_one_bad_row_undoes_all(store: Any) -> None:
    rows = [{"id": bytes([n]), "number": n, "words": None} for n in range(ROWS)]
    import psycopg

    from puhui.kernel import Fault

    with pytest.raises((psycopg.Error, Fault)), change(store) as tx:
        tx.run_many(INSERT, rows + rows[:ROWS])
    with store.read() as tx:
        assert tx.all(ALL) == []
