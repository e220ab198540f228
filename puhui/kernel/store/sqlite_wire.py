"""The way to SQLite: statements on one connection, and columns lent to it as a table."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Integer, Table
from sqlalchemy.sql.base import Executable

from puhui.kernel.store.many import split, sqlite_insert, sqlite_update
from puhui.kernel.store.sheet import SIXTEEN, Array, Sparse, are_arrays, lay_out
from puhui.kernel.store.statement import Columns, Compiled, Compiler, Row

CAN_LEND = hasattr(sqlite3.Connection, "deserialize")
"""Whether this SQLite takes the bytes of a database as one of its own."""

ROWS_AT_ONCE = 128
"""Rows that one insert writes: half of what a row costs is the start of a statement."""

_compile = Compiler("sqlite")
_known = _compile.known


class SqliteTransaction:
    """Statements on one SQLite connection; the caller begins and ends the transaction."""

    __slots__ = ("__weakref__", "_connection", "_has_given", "known", "ports")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._has_given = False
        self.known: dict[type, Any] = {}
        self.ports: Mapping[type, object] = {}

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        """The only row, or None."""
        found = self.all(statement, **values)
        assert len(found) <= 1, statement
        return found[0] if found else None

    def all(self, statement: Executable, /, **values: Any) -> list[Row]:
        """All rows."""
        compiled, cursor = self._found(statement, values)
        found = cursor.fetchall()
        if not found:
            return found
        return list(map(compiled.make or compiled.maker(cursor.description), found))

    def arrays(self, statement: Executable, /, **values: Any) -> list[Any]:
        """All rows of a statement by its columns, as arrays where they can be."""
        _, cursor = self._found(statement, values)
        found = cursor.fetchall()
        if not found:
            return [()] * len(cursor.description)
        return [_array(column) for column in zip(*found, strict=True)]

    def _found(
        self, statement: Executable, values: Mapping[str, Any]
    ) -> tuple[Compiled, sqlite3.Cursor]:
        compiled = _known.get(id(statement)) or _compile(statement)
        if compiled.is_expanding:
            return compiled, self._connection.execute(*compiled.spread(values))
        return compiled, self._connection.execute(compiled.sql, compiled.positional(values))

    def run(self, statement: Executable, /, **values: Any) -> int:
        """Change rows; returns how many were changed."""
        compiled = _known.get(id(statement)) or _compile(statement)
        if compiled.is_expanding:
            return self._connection.execute(*compiled.spread(values)).rowcount
        return self._connection.execute(compiled.sql, compiled.positional(values)).rowcount

    def put(self, statement: Executable, /, **values: Any) -> None:
        """Change rows without asking how many."""
        compiled = _known.get(id(statement)) or _compile(statement)
        if compiled.is_expanding:
            self._connection.execute(*compiled.spread(values))
        else:
            self._connection.execute(compiled.sql, compiled.positional(values))

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of ``rows``."""
        compiled = _known.get(id(statement)) or _compile(statement)
        assert not compiled.is_expanding, statement
        self._connection.executemany(compiled.sql, map(compiled.positional, rows))

    def give(self, columns: Mapping[str, Array]) -> None:
        """Let statements read ``columns`` as the table ``given``, until the next ones are given."""
        connection = self._connection
        if CAN_LEND:
            from puhui.kernel.store.image import image_of  # compiled code is loaded where used

            if not self._has_given:
                connection.execute("ATTACH ':memory:' AS given")
                self._has_given = True
            connection.deserialize(image_of(lay_out(columns)), name="given")
            return
        names = ", ".join(columns)
        connection.execute("DROP TABLE IF EXISTS temp.given")
        connection.execute(f"CREATE TEMP TABLE given (n INTEGER PRIMARY KEY, {names})")
        marks = ", ".join("?" * len(columns))
        rows = zip(*[_listed(column) for column in columns.values()], strict=True)
        connection.executemany(f"INSERT INTO given ({names}) VALUES ({marks})", rows)

    def load(self, table: Table, columns: Columns) -> None:
        """Insert many rows at once, given by columns; those left out get their default."""
        lists, alone = split(columns)
        if are_arrays(lists):
            self.give(lists)
            names = ", ".join([*lists, *alone])
            values = ", ".join([*lists, *"?" * len(alone)])
            self._connection.execute(
                f"INSERT INTO {table.name} ({names}) SELECT {values} FROM given ORDER BY n",
                tuple(alone.values()),
            )
            return
        rows = zip(*lists.values(), strict=True)
        wide = sqlite_insert(table.name, tuple(lists), tuple(alone.items()), ROWS_AT_ONCE)
        count = len(next(iter(lists.values())))
        for _ in range(count // ROWS_AT_ONCE):
            some = itertools.islice(rows, ROWS_AT_ONCE)
            self._connection.execute(wide, tuple(itertools.chain.from_iterable(some)))
        narrow = sqlite_insert(table.name, tuple(lists), tuple(alone.items()))
        self._connection.executemany(narrow, rows)

    def set_many(self, table: Table, key: str, columns: Columns) -> None:
        """Set columns of many rows, each found by its ``key``."""
        lists, alone = split(columns)
        assert not alone, alone
        names = tuple(name for name in lists if name != key)
        if are_arrays(lists):
            self.give(lists)
            if _is_replaceable(table, key, names):
                every = ", ".join(lists)
                self._connection.execute(
                    f"REPLACE INTO {table.name} ({every}) SELECT {every} FROM given ORDER BY n"
                )
                return
            sets = ", ".join(f"{name} = given.{name}" for name in names)
            self._connection.execute(
                f"UPDATE {table.name} SET {sets} FROM given WHERE {table.name}.{key} = given.{key}"
            )
            return
        rows = zip(*[lists[name] for name in names], lists[key], strict=True)
        self._connection.executemany(sqlite_update(table.name, key, names), rows)


def _is_replaceable(table: Table, key: str, names: Sequence[str]) -> bool:
    """Whether whole rows, found by a whole number and in no index, may take the place of those that
    are there: half the work of changing them.
    """
    primary = list(table.primary_key.columns)
    return (
        {key, *names} == set(table.c.keys())
        and [column.name for column in primary] == [key]
        and isinstance(primary[0].type, Integer)
        and not table.indexes
        and not any(column.unique for column in table.c)
    )


def _array(column: tuple[Any, ...]) -> Any:
    """Whole numbers as ``(n,) int64``, sixteen bytes each as ``(n,) V16``, else as it is."""
    try:
        if type(column[0]) is int:
            return np.array(column, dtype=np.int64)
        if type(column[0]) is bytes and set(map(len, column)) == {16}:
            return np.frombuffer(b"".join(column), dtype=SIXTEEN)
    except TypeError:  # a value is missing somewhere
        return column
    return column


def _listed(column: Array) -> list[Any]:
    if isinstance(column, Sparse):
        pairs = zip(column.values.tolist(), column.is_absent.tolist(), strict=True)
        return [None if is_absent else value for value, is_absent in pairs]
    listed: list[Any] = column.tolist()
    return listed
