"""Many rows at once: columns on their way into a table, in the way of each kind of store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from puhui.kernel.store.statement import Columns

_NULL = b"\\N"


def split(columns: Columns) -> tuple[dict[str, Sequence[Any]], dict[str, int | str | None]]:
    """Columns that differ from row to row, and values that stand in every row."""
    lists = {n: v for n, v in columns.items() if not isinstance(v, int | str | None)}
    alone = {n: v for n, v in columns.items() if isinstance(v, int | str | None)}
    assert lists, "a column at least differs from row to row"
    assert len({len(v) for v in lists.values()}) == 1, {n: len(v) for n, v in lists.items()}
    return lists, alone


@lru_cache(maxsize=256)
def sqlite_insert(table: str, names: tuple[str, ...], alone: tuple[tuple[str, Any], ...]) -> str:
    """An insert with a mark for each of ``names``; what is the same in every row is written out."""
    columns = ", ".join([*names, *[name for name, _ in alone]])
    values = ", ".join([*"?" * len(names), *[_literal(value) for _, value in alone]])
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"


@lru_cache(maxsize=64)
def sqlite_update(table: str, key: str, names: tuple[str, ...]) -> str:
    """An update of one row by its key, which is the last mark."""
    return f"UPDATE {table} SET {', '.join(f'{n} = ?' for n in names)} WHERE {key} = ?"


def copy_lines(columns: Columns) -> Iterator[bytes]:
    """Rows as lines of PostgreSQL's COPY in text form, a few thousand a piece.

    Texts with a tab, a line end or a backslash, which COPY would read otherwise, are escaped.
    """
    lists, alone = split(columns)
    count = len(next(iter(lists.values())))
    tail = b"".join(b"\t" + _copied(value) for value in alone.values())
    made = [_copied_column(values) for values in lists.values()]
    for start in range(0, count, 4096):
        rows = zip(*[column[start : start + 4096] for column in made], strict=True)
        yield b"".join([b"\t".join(row) + tail + b"\n" for row in rows])


def copy_names(columns: Columns) -> list[str]:
    """The names of columns in the order of ``copy_lines``."""
    lists, alone = split(columns)
    return [*lists, *alone]


def array_of(values: Sequence[Any]) -> bytes:
    """Integers, bytes or texts as the text of a PostgreSQL array."""
    if values and isinstance(values[0], bytes):
        return b"{" + b",".join([b'"\\\\x' + v.hex().encode() + b'"' for v in values]) + b"}"
    if values and isinstance(values[0], str):
        return b"{" + b",".join([_quoted(value) for value in values]) + b"}"
    assert all(type(value) is int for value in values), "integers, bytes or texts"
    return b"{" + ",".join(map(str, values)).encode() + b"}"


def _quoted(text: str) -> bytes:
    """A text as one entry of a PostgreSQL array."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def type_of(column: Column[Any]) -> str:
    """The type of a column as PostgreSQL calls it."""
    if isinstance(column.type, LargeBinary):
        return "bytea"
    if isinstance(column.type, BigInteger):
        return "bigint"
    return "integer" if isinstance(column.type, Integer) else "text"


@lru_cache(maxsize=64)
def postgres_update(table: Table, key: str, names: tuple[str, ...]) -> str:
    """An update of many rows by key from arrays, the key's first."""
    arrays = [f"${n}::{type_of(table.c[name])}[]" for n, name in enumerate((key, *names), 1)]
    sets = ", ".join(f"{name} = given.{name}" for name in names)
    given = ", ".join((key, *names))
    return (
        f"UPDATE {table.name} SET {sets} FROM unnest({', '.join(arrays)}) AS given ({given}) "
        f"WHERE {table.name}.{key} = given.{key}"
    )


def _literal(value: int | str | None) -> str:
    if value is None:
        return "NULL"
    return str(int(value)) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _copied_column(values: Sequence[Any]) -> list[bytes]:
    first = values[0] if len(values) else None
    if type(first) is int and None not in values:
        return [b"%d" % value for value in values]
    return [_copied(value) for value in values]


def _copied(value: int | str | bytes | None) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, bytes):
        return b"\\\\x" + value.hex().encode()
    text = (
        value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    )
    if "\0" in text:  # the server would take the text for ended there
        raise ValueError("a text holds a zero character")
    return text.encode()
