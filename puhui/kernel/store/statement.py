"""Statements: built once with SQLAlchemy Core, compiled once per dialect, run on the driver."""

from __future__ import annotations

import itertools
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    TableClause,
    bindparam,
    cast,
    column,
    func,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Delete, Insert, Update

from puhui.kernel.store.sheet import Array, Words

metadata = MetaData()
"""Every table of every room; ``tables.py`` of a room declares its own on it."""

DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.psycopg.dialect(),  # type: ignore[no-untyped-call]
}

Columns = Mapping[str, "Sequence[Any] | Array | int | str | None"]
"""Columns of many rows by name, all of one length; a value alone stands in every row. Where all
others are arrays, no row is touched in Python."""

Row = Any
"""A named tuple with one field per selected column."""

_LOCKING = re.compile(r"\s+FOR (UPDATE|SHARE|NO KEY UPDATE|KEY SHARE)\b[^)]*$")
_EXPANDING = re.compile(r"__\[POSTCOMPILE_(\w+)\]")
_MARK = re.compile(r"%\((\w+)\)s|__\[POSTCOMPILE_(\w+)\]|%%")


VERSION = "version"
"""Among columns as they were: which transaction wrote a row, where the store tells."""


class RowVersion(ColumnElement[int]):
    """Which transaction wrote the row of a table that is selected; nought where nobody asks."""

    inherit_cache = False
    type = BigInteger()

    def __init__(self, table: Table) -> None:
        self.table_name = table.name


@compiles(RowVersion)
def _nought(element: RowVersion, compiler: SQLCompiler, **_: object) -> str:
    return "0"


@compiles(RowVersion, "postgresql")
def _row_version(element: RowVersion, compiler: SQLCompiler, **_: object) -> str:
    return f"({element.table_name}.xmin::text::bigint << 32 >> 32)"


class Unmarked(Exception):
    """An act is to be undone in a group that runs without marks: run the group again with them."""


class Transaction(Protocol):
    """What rooms see of a database transaction: five ways to run a statement, six to
    move or lock many rows.

    ``values`` are given by the names of the statement's bind parameters. Values and columns are
    int, str, bytes or None. ``ports`` is what the node has beside the store; ``known`` what rooms
    remember of rows that never change, forgotten as soon as anything is undone.

    ``fresh`` is what rooms remember of rows that do change, in tables whose ``info`` says
    ``is_remembered``; None where nothing can be remembered. It is forgotten as soon as anything is
    undone, or one of these rows is changed by anything but ``set_many``: whoever calls that brings
    up to date what is remembered. With ``is_alone`` it is so, and is forgotten when another
    connection has written; otherwise another writer may have changed a row meanwhile: what a
    decision rests on is given to ``set_many`` or ``hold`` as it ``was``.
    """

    ports: Mapping[type, object]

    @property
    def known(self) -> dict[type, Any]:
        """What is remembered of rows that never change."""
        ...

    @property
    def fresh(self) -> dict[type, Any] | None:
        """What is remembered of rows that do change."""
        ...

    @property
    def is_alone(self) -> bool:
        """Whether nobody else can change rows while this transaction lasts."""
        ...

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        """The only row, or None."""
        ...

    def all(self, statement: Executable, /, **values: Any) -> list[Row]:
        """All rows."""
        ...

    def run(self, statement: Executable, /, **values: Any) -> int:
        """Change rows; returns how many were changed."""
        ...

    def put(self, statement: Executable, /, **values: Any) -> None:
        """Change rows without asking how many: may be sent together with later statements."""
        ...

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of ``rows``."""
        ...

    def arrays(self, statement: Executable, /, **values: Any) -> list[Any]:
        """All rows of a statement by its columns, in their order: whole numbers ``(n,) int64``,
        sixteen bytes each ``(n,) V16``, else lists; where there is no row, empty columns.
        """
        ...

    def give(self, columns: Mapping[str, Array]) -> None:
        """Let the statements of ``arrays`` read ``columns`` as the table ``given``, with ``n`` from
        1 on, until others are given or many rows are moved.
        """
        ...

    def ask_numbers(self, table: Table, count: int) -> None:
        """Say that at most so many numbers will be taken, so that a store may get them beside."""
        ...

    def take_numbers(self, table: Table, count: int) -> Words:
        """Numbers ``(count,) int64`` for the next rows of a table that are loaded, where the store
        numbers its rows; nothing else may be inserted into it before they are. Of numbers that
        were asked for some may be left out for ever.
        """
        ...

    def version(self) -> int:
        """What ``RowVersion`` of the rows is that this transaction writes."""
        ...

    def load(self, table: Table, columns: Columns, *, by: str | None = None) -> None:
        """Insert many rows at once, given by columns; those left out get their default.

        ``by`` is a column of sixteen bytes that tells rows apart: where that is faster, arrays are
        written in its order.
        """
        ...

    def set_many(
        self, table: Table, key: str, columns: Columns, *, was: Mapping[str, Array] | None = None
    ) -> None:
        """Set columns of many rows, each found by its ``key``, which is one of ``columns``.

        Those whose ``info`` says ``is_fixed`` are what the row has already: they are given where
        all columns are, so that a store may put whole rows in the place of those that are there.
        ``was`` are columns as the rows are believed to have them, ``VERSION`` among them if that is
        known: where one has not, and this transaction is not alone, the act is run again.
        """
        ...

    def hold(self, table: Table, key: str, was: Mapping[str, Array]) -> None:
        """Lock many rows, each found by its ``key``, which is one of the columns as they ``was``:
        as ``set_many``, without changing them.
        """
        ...


class Compiled:
    """One statement in one dialect: its text, the order of its values, its row type."""

    __slots__ = (
        "_defaults",
        "_is_numbered",
        "_lists",
        "_order",
        "_spread",
        "is_changing",
        "is_expanding",
        "make",
        "names",
        "positional",
        "sql",
        "statement",
    )

    def __init__(self, statement: Executable, dialect: str, *, without_locks: bool = False) -> None:
        compiled = statement.compile(dialect=DIALECTS[dialect])  # type: ignore[attr-defined]
        self.statement = statement
        self.is_changing = _is_changing(statement)
        text = str(compiled)
        self.sql = _LOCKING.sub("", text) if without_locks else text
        self._is_numbered = dialect == "postgresql"
        self._defaults = {
            name: value
            for name, value in compiled.params.items()
            if not compiled.binds[name].required
        }
        self._lists = frozenset(_EXPANDING.findall(self.sql))
        marks = _MARK.finditer(self.sql)
        named = [found[1] or found[2] for found in marks if found[0] != "%%"]
        # Of a name that comes twice PostgreSQL takes the value once, under one number.
        self._order: tuple[str, ...] = tuple(compiled.positiontup or dict.fromkeys(named))
        self._spread: dict[tuple[int, ...], str] = {}
        self.make: Callable[[Iterable[Any]], Row] | None = None
        self.is_expanding = not self._lists <= self._defaults.keys()
        self.names = self._order
        if not self.is_expanding:
            self._settle()
        self.positional = _picker(self.names, self._defaults)

    def _settle(self) -> None:
        """Write out lists that the statement itself holds, and number the marks."""
        lists = {name: list(self._defaults.pop(name)) or [None] for name in self._lists}
        parts = {name: [f"{name}__{n}" for n in range(len(lists[name]))] for name in lists}
        for name, items in lists.items():
            self._defaults.update(zip(parts[name], items, strict=True))
        self.sql = self._written({name: len(items) for name, items in lists.items()})
        self.names = tuple(part for name in self._order for part in parts.get(name, (name,)))

    def _written(self, sizes: Mapping[str, int]) -> str:
        """The text with each list as that many marks, numbered where the dialect asks for it."""
        if not self._is_numbered:
            return _EXPANDING.sub(lambda found: ", ".join("?" * sizes[found[1]]), self.sql)
        numbers = itertools.count(1)
        marks = {
            name: ", ".join(f"${next(numbers)}" for _ in range(sizes.get(name, 1)))
            for name in self._order
        }
        return _MARK.sub(
            lambda found: "%" if found[0] == "%%" else marks[found[1] or found[2]], self.sql
        )

    def maker(self, columns: Iterable[Sequence[Any]]) -> Callable[[Iterable[Any]], Row]:
        """The maker of rows with these columns, of which the first entry is the name."""
        if self.make is None:
            names = [column[0] for column in columns]
            row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
            self.make = row._make
        return self.make

    def spread(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text and the values in order, with every ``IN`` list written out.

        Lengths are rounded up to a power of two by repeating the last value, so that few texts
        are ever prepared.
        """
        ordered: list[Any] = []
        sizes: list[int] = []
        for name in self._order:
            value = values[name] if name in values else self._defaults[name]
            if name not in self._lists:
                ordered.append(value)
                continue
            items = value or (None,)
            size = 1 << (len(items) - 1).bit_length()
            ordered.extend(items)
            if size != len(items):
                ordered.extend([ordered[-1]] * (size - len(items)))
            sizes.append(size)
        sql = self._spread.get(tuple(sizes))
        if sql is None:
            lists = [name for name in self._order if name in self._lists]
            sql = self._spread[tuple(sizes)] = self._written(dict(zip(lists, sizes, strict=True)))
        return sql, ordered


def _is_changing(statement: Executable) -> bool:
    """Whether it changes or deletes rows of a table that a transaction may remember."""
    if not isinstance(statement, Update | Delete):
        return False
    return isinstance(statement.table, Table) and "is_remembered" in statement.table.info


def _picker(
    names: tuple[str, ...], defaults: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """What puts values given by name into the order of the question marks or numbers."""
    if defaults:
        return lambda values: [values[n] if n in values else defaults[n] for n in names]
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


class Compiler:
    """The compiled statements of one dialect, kept for as long as the process lives.

    ``without_locks`` is for readers: a snapshot that may not change anything may not lock either.
    """

    def __init__(self, dialect: str, *, without_locks: bool = False) -> None:
        self._dialect = dialect
        self._without_locks = without_locks
        self.known: dict[int, Compiled] = {}

    def __call__(self, statement: Executable) -> Compiled:
        found = self.known.get(id(statement))
        if found is None:
            found = self.known[id(statement)] = Compiled(
                statement, self._dialect, without_locks=self._without_locks
            )
        assert found.statement is statement, "statements are built once, at module level"
        return found


def given(*names: str) -> TableClause:
    """The table that a transaction is given as arrays, with its number of the row as ``n``."""
    return table("given", column("n"), *[column(name) for name in names])


def insert_all(table: Table) -> Insert:
    """An insert of one row with a value, by name, for each column of ``table``."""
    return table.insert().inline().values({c.name: bindparam(c.name) for c in table.columns})


def upsert(table: Table, keys: Sequence[str], updates: Mapping[str, Any] | None = None) -> Insert:
    """Insert a row, or change the one with the same ``keys``.

    ``updates`` gives the new column values as expressions; the row that was offered is
    ``excluded(table, column)``. Without it every other column takes the offered value; with an
    empty mapping the row that is there stays as it is.
    """
    values: dict[str, Any] = {c.name: bindparam(c.name) for c in table.columns}
    made = postgresql.insert(table).inline().values(values)
    if updates is None:
        updates = {c.name: made.excluded[c.name] for c in table.columns if c.name not in keys}
    if not updates:
        return made.on_conflict_do_nothing(index_elements=list(keys))
    return made.on_conflict_do_update(index_elements=list(keys), set_=dict(updates))


def excluded(table: Table, column: str) -> ColumnElement[Any]:
    """The offered value of ``column`` inside the updates of an ``upsert``."""
    return postgresql.insert(table).excluded[column]


def sum_int(column: ColumnElement[Any] | Column[Any]) -> ColumnElement[int]:
    """The sum of an integer column as an integer on every store; nought where no row is."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
