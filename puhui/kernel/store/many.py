"""Many rows at once: columns on their way into a table, in the way of each kind of store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from puhui.kernel.store.statement import VERSION, Columns

_NULL = b"\\N"
_MARKS = re.compile("[\\\\\n\r\0]")


def split(columns: Columns) -> tuple[dict[str, Any], dict[str, int | str | None]]:
    """Columns that differ from row to row, and values that stand in every row."""
    lists: dict[str, Any] = {
        n: v for n, v in columns.items() if not isinstance(v, int | str | None)
    }
    alone = {n: v for n, v in columns.items() if isinstance(v, int | str | None)}
    assert lists, "a column at least differs from row to row"
    assert len({len(v) for v in lists.values()}) == 1, {n: len(v) for n, v in lists.items()}
    return lists, alone


@lru_cache(maxsize=256)
def sqlite_insert(
    table: str, names: tuple[str, ...], alone: tuple[tuple[str, Any], ...], rows: int = 1
) -> str:
    """An insert of ``rows`` rows, each with a mark for each of ``names``; what is the same in every
    row is written out.
    """
    columns = ", ".join([*names, *[name for name, _ in alone]])
    values = ", ".join([*"?" * len(names), *[_literal(value) for _, value in alone]])
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([f'({values})'] * rows)}"


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


def text_array_of(values: Sequence[Any]) -> bytes:
    """Integers, bytes, texts and None as the text of a PostgreSQL array."""
    if all(type(value) is int for value in values):
        return b"{" + ",".join(map(str, values)).encode() + b"}"
    return b"{" + b",".join(map(_item, values)) + b"}"


def _item(value: int | str | bytes | None) -> bytes:
    """One value of an array; whatever is no number stands in quotes."""
    if value is None:
        return b"NULL"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, bytes):
        return b'"\\\\x' + value.hex().encode() + b'"'
    if "\0" in value:  # the server would take the text for ended there
        raise ValueError("a text holds a zero character")
    return b'"' + value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def type_of(column: Column[Any]) -> str:
    """The type of a column as PostgreSQL calls it."""
    if isinstance(column.type, LargeBinary):
        return "bytea"
    if isinstance(column.type, BigInteger):
        return "bigint"
    return "integer" if isinstance(column.type, Integer) else "text"


@lru_cache(maxsize=64)
def postgres_update(table: Table, names: tuple[str, ...], types: tuple[str, ...]) -> str:
    """An update of many rows from an array for each name, found by the first of them."""
    arrays = [f"${n}::{kind}" for n, kind in enumerate(types, 1)]
    sets = ", ".join(f"{name} = given.{name}" for name in names[1:])
    return (
        f"UPDATE {table.name} SET {sets} FROM unnest({', '.join(arrays)})"
        f" AS given ({', '.join(names)}) WHERE {table.name}.{names[0]} = given.{names[0]}"
    )


@lru_cache(maxsize=64)
def postgres_replace(
    table: Table, names: tuple[str, ...], was: tuple[str, ...], types: tuple[str, ...]
) -> str:
    """An update of ``$1`` rows from an array for each of ``names``, found by the first of them, and
    of those alone which are as an array for each of ``was`` says. Arrays are read by their places:
    half the cost of a table that is made of them.
    """
    marks = _marks(types)
    sets = ", ".join(f"{n} = {mark}" for n, mark in zip(names[1:], marks[1:], strict=False))
    return (
        f"UPDATE {table.name} SET {sets} FROM generate_series(1, $1::integer) AS given (n)"
        f" WHERE {_are(table, (names[0], *was), (marks[0], *marks[len(names) :]))}"
    )


@lru_cache(maxsize=64)
def postgres_hold(
    table: Table, names: tuple[str, ...], was: tuple[str, ...], types: tuple[str, ...]
) -> str:
    """A lock on ``$1`` rows, as ``postgres_replace``."""
    return (
        f"SELECT 1 FROM generate_series(1, $1::integer) AS given (n), {table.name}"
        f" WHERE {_are(table, (*names, *was), _marks(types))} FOR UPDATE OF {table.name}"
    )


def _marks(types: tuple[str, ...]) -> list[str]:
    """The value that each array has in its place."""
    return [f"(${number}::{kind})[given.n]" for number, kind in enumerate(types, 2)]


def _are(table: Table, names: Sequence[str], marks: Sequence[str]) -> str:
    pairs = zip(names, marks, strict=True)
    return " AND ".join(
        f"{table.name}.xmin = {mark}::integer"
        if name == VERSION
        else f"{table.name}.{name} = {mark}"
        for name, mark in pairs
    )


@lru_cache(maxsize=256)
def postgres_arrays(sql: str, width: int, given: tuple[tuple[str, str], ...], values: int) -> str:
    """A statement with ``width`` columns as one row of arrays. ``given`` are names and types of the
    columns that it may read as a table; their marks follow its own ``values``.
    """
    columns = [f"c{n}" for n in range(width)]
    begun = ""
    if given:
        names = ", ".join(name for name, _ in given)
        arrays = ", ".join(f"${n}::{kind}" for n, (_, kind) in enumerate(given, values + 1))
        begun = (
            f"WITH given (n, {names}) AS (SELECT own.n, {names} FROM unnest({arrays})"
            f" WITH ORDINALITY AS own ({names}, n)) "
        )
    every = ", ".join(f"array_agg({column})" for column in columns)
    return f"SELECT {every} FROM ({begun}{sql}) AS found ({', '.join(columns)})"


def _literal(value: int | str | None) -> str:
    if value is None:
        return "NULL"
    return str(int(value)) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _copied_column(values: Sequence[Any]) -> list[bytes]:
    first = values[0] if len(values) else None
    if type(first) is int and None not in values:
        return [b"%d" % value for value in values]
    if isinstance(first, str) and (told := _copied_at_once(values)) is not None:
        return told
    return [_copied(value) for value in values]


def _copied_at_once(values: Sequence[Any]) -> list[bytes] | None:
    """Texts none of which has to be told apart from marks, as all but a few columns are."""
    try:
        whole = "\t".join(values)
    except TypeError:  # not all are texts
        return None
    if whole.count("\t") != len(values) - 1 or _MARKS.search(whole):
        return None
    return whole.encode().split(b"\t")


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
