"""The canonical dump: everything a store says, in a form that is equal on every kind of store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, select, tuple_

from puhui.kernel.crypto import SUBJECT_KEY, canonical_json
from puhui.kernel.event import CURSOR
from puhui.kernel.store import Store, Transaction, metadata
from puhui.kernel.store.fence import EPOCH
from puhui.kernel.store.owner import OWNER

PAGE = 2000
NOT_SAID = {CURSOR.name, EPOCH.name, OWNER.name, "alembic_version"}
"""Bookkeeping of one process, not part of what happened."""

LEFT_OUT = {SUBJECT_KEY.name: {"wrapped"}}
"""Sealed keys; columns whose ``info`` says ``is_store_number`` are left out too, as they differ
between stores without meaning anything."""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """How many rows a table has, and a digest that does not depend on their order."""

    rows: int
    digest: str


@lru_cache(maxsize=256)
def _first_page(table: Table) -> Select[Any]:
    return select(*table.c).order_by(*table.primary_key.columns).limit(PAGE)


@lru_cache(maxsize=256)
def _next_page(table: Table) -> Select[Any]:
    columns = list(table.primary_key.columns)
    marks: list[Any] = [bindparam(f"after_{column.name}") for column in columns]
    return _first_page(table).where(tuple_(*columns) > tuple_(*marks))


def dump_table(tx: Transaction, table: Table) -> Iterator[str]:
    """Every row of ``table`` as one line of canonical JSON."""
    skipped = LEFT_OUT.get(table.name, set()) | {
        column.name for column in table.c if column.info.get("is_store_number")
    }
    keys = [column.name for column in table.primary_key.columns]
    rows = tx.all(_first_page(table))
    while rows:
        for row in rows:
            values = zip(table.c.keys(), row, strict=True)
            yield canonical_json(
                {
                    name: value.hex() if isinstance(value, bytes) else value
                    for name, value in values
                    if name not in skipped
                }
            )
        last = dict(zip(table.c.keys(), rows[-1], strict=True))
        rows = tx.all(_next_page(table), **{f"after_{name}": last[name] for name in keys})


def dump_store(store: Store) -> Iterator[tuple[str, str]]:
    """All declared tables that the store has, by name, as (table, line)."""
    store.settle_positions()
    tables = _tables(store)
    with store.read() as tx:
        for table in tables:
            for line in dump_table(tx, table):
                yield table.name, line


def digest_store(store: Store) -> dict[str, TableDigest]:
    """A digest of each table: the sum of its rows' SHA-256 modulo 2**256."""
    counts = {table.name: 0 for table in _tables(store)}
    sums = dict.fromkeys(counts, 0)
    for name, line in dump_store(store):
        counts[name] += 1
        sums[name] += int.from_bytes(hashlib.sha256(line.encode()).digest(), "big")
    return {name: TableDigest(counts[name], f"{sums[name] % 2**256:064x}") for name in counts}


def _tables(store: Store) -> list[Table]:
    there = store.tables() - NOT_SAID
    return sorted(
        (
            table
            for table in metadata.tables.values()
            if table.name in there and not table.info.get("is_bookkeeping")
        ),
        key=lambda table: table.name,
    )
