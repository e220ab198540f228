"""The way to SQLite: statements on one connection, and columns lent to it as a table."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from sqlalchemy import Integer, Table
from sqlalchemy.sql.base import Executable

from puhui.kernel.store.many import split, sqlite_insert, sqlite_update
from puhui.kernel.store.sheet import (
    SIXTEEN,
    Array,
    Sparse,
    Words,
    are_arrays,
    lay_out,
    order_of,
)
from puhui.kernel.store.statement import Columns, Compiled, Compiler, Row

CAN_LEND = hasattr(sqlite3.Connection, "deserialize")
"""Whether this SQLite takes the bytes of a database as one of its own."""

ROWS_AT_ONCE = 128
"""Rows that one insert writes: half of what a row costs is the start of a statement."""

ROWS_BESIDE = 500
"""From so many rows on a statement that moves them runs beside what follows it."""

_compile = Compiler("sqlite")
_known = _compile.known


class SqliteTransaction:
    """Statements on one SQLite connection; the caller begins and ends the transaction.

    ``moved`` counts rows that arrays brought.
    """

    __slots__ = (
        "__weakref__",
        "_beside",
        "_declarations",
        "_has_given",
        "_idle",
        "_running",
        "fresh",
        "known",
        "moved",
        "ports",
    )
    is_alone = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._idle = connection
        self._has_given = False
        self._declarations: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self.moved = 0
        self._beside: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self.known: dict[type, Any] = {}
        self.fresh: dict[type, Any] | None = None
        self.ports: Mapping[type, object] = {}

    @property
    def _connection(self) -> sqlite3.Connection:
        """The connection, once it has done what it was given; raises what that met."""
        if self._running is not None:
            running, self._running = self._running, None
            running.result()
        return self._idle

    def forget(self) -> None:
        """Forget all rows that are remembered."""
        self.known.clear()
        if self.fresh:
            self.fresh.clear()

    def abandon(self) -> None:
        """Wait for what is being done, whatever becomes of it: it is undone next."""
        if self._running is not None:
            wait((self._running,))
            self._running = None

    def close(self) -> None:
        """Close the connection."""
        self.abandon()
        if self._beside is not None:
            self._beside.shutdown()
        self._idle.close()

    def _start(self, image: memoryview, sql: str, values: tuple[Any, ...], rows: int) -> None:
        """Lend an image and run a statement that moves its rows, many of them beside what the
        caller does next.

        Such statements run one after another, without the interpreter lock. What one meets is
        raised when the connection is used next, and those behind it are left out.
        """
        if rows < ROWS_BESIDE:
            self._move(self._connection, image, sql, values)
            return
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, "puhui-sqlite")
        self._running = self._beside.submit(self._move_behind, self._running, image, sql, values)

    def _move_behind(
        self,
        before: Future[None] | None,
        image: memoryview,
        sql: str,
        values: tuple[Any, ...],
    ) -> None:
        """As ``_move``, unless what stands ``before`` in the line failed: then as that."""
        if before is not None:
            before.result()
        self._move(self._idle, image, sql, values)

    def _move(
        self, connection: sqlite3.Connection, image: memoryview, sql: str, values: tuple[Any, ...]
    ) -> None:
        self._lend(connection, image)
        connection.execute(sql, values)

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
        if compiled.is_changing and self.fresh:
            self.fresh.clear()
        if compiled.is_expanding:
            return self._connection.execute(*compiled.spread(values)).rowcount
        return self._connection.execute(compiled.sql, compiled.positional(values)).rowcount

    def put(self, statement: Executable, /, **values: Any) -> None:
        """Change rows without asking how many."""
        compiled = _known.get(id(statement)) or _compile(statement)
        if compiled.is_changing and self.fresh:
            self.fresh.clear()
        if compiled.is_expanding:
            self._connection.execute(*compiled.spread(values))
        else:
            self._connection.execute(compiled.sql, compiled.positional(values))

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of ``rows``."""
        compiled = _known.get(id(statement)) or _compile(statement)
        assert not compiled.is_expanding, statement
        if compiled.is_changing and self.fresh:
            self.fresh.clear()
        self._connection.executemany(compiled.sql, map(compiled.positional, rows))

    def _lend(self, connection: sqlite3.Connection, image: memoryview) -> None:
        """Attach the bytes of a database as ``given``."""
        if not self._has_given:
            connection.execute("ATTACH ':memory:' AS given")
            self._has_given = True
        connection.deserialize(image, name="given")

    def give(self, columns: Mapping[str, Array]) -> None:
        """Let statements read ``columns`` as the table ``given``, until the next ones are given."""
        if CAN_LEND:
            from puhui.kernel.store.image import image_of  # compiled code is loaded where used

            self._lend(self._connection, image_of(lay_out(columns)))
            return
        connection = self._connection
        names = ", ".join(columns)
        connection.execute("DROP TABLE IF EXISTS temp.given")
        connection.execute(f"CREATE TEMP TABLE given (n INTEGER PRIMARY KEY, {names})")
        marks = ", ".join("?" * len(columns))
        rows = zip(*[_listed(column) for column in columns.values()], strict=True)
        connection.executemany(f"INSERT INTO given ({names}) VALUES ({marks})", rows)

    def ask_numbers(self, table: Table, count: int) -> None:
        """Nothing: they are found by one look."""

    def take_numbers(self, table: Table, count: int) -> Words:
        """Numbers for the next rows of a table, behind all that it has."""
        numbered = table.autoincrement_column
        assert numbered is not None, table.name
        last = f"SELECT coalesce(max({numbered.name}), 0) FROM {table.name}"
        first: int = self._connection.execute(last).fetchone()[0] + 1
        return np.arange(first, first + count)

    def version(self) -> int:
        """Nought: rows do not say it."""
        return 0

    def load(self, table: Table, columns: Columns, *, by: str | None = None) -> None:
        """Insert many rows at once, given by columns, in the order in which they are given."""
        if CAN_LEND and self._is_whole(table, columns):
            self._move_whole(table, columns)
        else:
            self._load(table, columns)
        beside = table.info.get("ids_beside")
        if beside is not None and by is not None:
            name = next(iter(table.primary_key.columns)).name
            self._load_beside(beside, (by, name), columns[by], columns[name])

    def _is_whole(self, table: Table, columns: Columns) -> bool:
        """Whether the rows are in no index of the table, and no column gets its default."""
        wanted: Mapping[str, object] | None = table.info.get("moves_whole")
        if wanted is None or any(columns[name] != value for name, value in wanted.items()):
            return False
        return len(columns) == len(table.c) and are_arrays(split(columns)[0])

    def _move_whole(self, table: Table, columns: Columns) -> None:
        """Move rows as they are into the end of a table, by numbers that follow one another.

        No value of them is looked at on the way: that they keep the checks of the table is the
        caller's to see to.
        """
        from puhui.kernel.store.image import rows_of

        lists, alone = split(columns)
        statements, names = self._declared(table.name)
        numbers = lists.pop(names[0])
        image = rows_of(statements, names, lay_out(lists), alone, int(numbers[0]))
        count = len(numbers)
        assert numbers[-1] == numbers[0] + count - 1, "no number is left out"
        self.moved += count
        sql = f"INSERT INTO main.{table.name} SELECT * FROM given.{table.name}"
        self._start(image, sql, (), count)

    def _declared(self, table: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The statements that made a table and its indexes in this very store, and its columns."""
        found = self._declarations.get(table)
        if found is None:
            sql = "SELECT sql FROM main.sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
            rows = self._connection.execute(f"{sql} ORDER BY type DESC, rowid", (table,)).fetchall()
            columns = self._connection.execute(f"PRAGMA main.table_info({table})").fetchall()
            found = tuple(row[0] for row in rows), tuple(row[1] for row in columns)
            self._declarations[table] = found
        return found

    def _load_beside(self, table: str, names: tuple[str, str], ids: Any, numbers: Any) -> None:
        """Insert ids and numbers in the order of the ids, as their table is kept in it."""
        blobs = np.array(ids, dtype=SIXTEEN) if isinstance(ids, list) else ids
        numbers = np.asarray(numbers, dtype=np.int64)
        order = order_of(blobs)
        every = ", ".join(names)
        sql = f"INSERT INTO {table} ({every}) SELECT {every} FROM given ORDER BY n"
        self._run_given({names[0]: blobs[order], names[1]: numbers[order]}, sql, ())

    def _run_given(self, columns: Mapping[str, Array], sql: str, values: tuple[Any, ...]) -> None:
        """Run a statement that moves what ``given`` has: ``columns``."""
        if CAN_LEND:
            from puhui.kernel.store.image import image_of

            rows = len(next(iter(columns.values())))
            self._start(image_of(lay_out(columns)), sql, values, rows)
            return
        self.give(columns)
        self._connection.execute(sql, values)

    def _load(self, table: Table, columns: Columns) -> None:
        lists, alone = split(columns)
        count = len(next(iter(lists.values())))
        if are_arrays(lists):
            names = ", ".join([*lists, *alone])
            values = ", ".join([*lists, *"?" * len(alone)])
            sql = f"INSERT INTO {table.name} ({names}) SELECT {values} FROM given ORDER BY n"
            self.moved += count
            self._run_given(lists, sql, tuple(alone.values()))
            return
        rows = zip(*lists.values(), strict=True)
        wide = sqlite_insert(table.name, tuple(lists), tuple(alone.items()), ROWS_AT_ONCE)
        for _ in range(count // ROWS_AT_ONCE):
            some = itertools.islice(rows, ROWS_AT_ONCE)
            self._connection.execute(wide, tuple(itertools.chain.from_iterable(some)))
        narrow = sqlite_insert(table.name, tuple(lists), tuple(alone.items()))
        self._connection.executemany(narrow, rows)

    def hold(self, table: Table, key: str, was: Mapping[str, Array]) -> None:
        """Nothing: nobody else can have changed them."""

    def set_many(
        self, table: Table, key: str, columns: Columns, *, was: Mapping[str, Array] | None = None
    ) -> None:
        """Set columns of many rows, each found by its ``key``."""
        lists, alone = split(columns)
        assert not alone, alone
        names = tuple(name for name in lists if name != key)
        if are_arrays(lists):
            every = ", ".join(lists)
            sets = ", ".join(f"{name} = given.{name}" for name in names)
            sql = (
                f"UPDATE {table.name} SET {sets} FROM given WHERE {table.name}.{key} = given.{key}"
            )
            if _is_replaceable(table, key, names):
                sql = f"REPLACE INTO {table.name} ({every}) SELECT {every} FROM given ORDER BY n"
            self._run_given(lists, sql, ())
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
