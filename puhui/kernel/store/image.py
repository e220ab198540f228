"""Columns as the pages of a SQLite table, written by compiled code and lent to a connection.

A connection takes the bytes of a whole database as one that is attached to it, so that one
statement moves all rows: no value is bound by itself. A database of one table is a page of schema,
which SQLite itself writes once for each list of columns, a root page and leaves.

``image_of`` makes the table ``given``, which statements read. ``rows_of`` makes a table that is
declared exactly as one of the store's, so that SQLite moves whole rows from the one into the
other without taking them apart (its transfer optimization).

Source: SQLite, Database File Format (www.sqlite.org/fileformat2.html), sections 1.3, 1.6 and 2.1.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.store.sheet import Sheet, Words

Bytes = NDArray[np.uint8]
Pages = NDArray[np.uint8]

PAGE = 65536
COLUMNS_MAX = 60
ROWS_MAX = 1_000_000
TEXT_MAX = 57
"""Bytes of a text that stands in every row: its type takes one byte."""
_ALONE = 1 << 20
"""From this kind on a column is a value that stands in every row."""
_LEAF, _INTERIOR = 13, 5
_TYPE_OF_WIDTH = np.array([8, 1, 2, 3, 4, 0, 5, 0, 6], dtype=np.int64)
"""The serial type of a whole number by how many bytes it takes."""
_BLOB = 12 + 2 * 16
_CELL_HEAD_MAX = 3 + 9


Value = int | str | None


@lru_cache(maxsize=256)
def _head(statements: tuple[str, ...]) -> Pages:
    """The pages of an empty database that ``statements`` make; the first table begins on page 2."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        for statement in statements:
            connection.execute(statement)
        made: bytes = connection.serialize()
        return np.frombuffer(made, dtype=np.uint8).reshape(-1, PAGE)
    finally:
        connection.close()


def image_of(sheet: Sheet) -> memoryview:
    """The bytes of a database with one table ``given``: the columns, and ``n`` from 1 on."""
    columns = "".join(f", {name}" for name in sheet.names)
    head = _head((f"CREATE TABLE given (n INTEGER PRIMARY KEY{columns})",))
    return _filled(head, sheet, np.concatenate([[_ALONE], sheet.kinds]), [None], 1)


def rows_of(
    statements: tuple[str, ...],
    names: tuple[str, ...],
    sheet: Sheet,
    alone: Mapping[str, Value],
    first: int,
) -> memoryview:
    """The bytes of a database with the table that ``statements`` make, and its indexes, empty.

    ``names`` are its columns in their order, of which the first is the number of the row, from
    ``first`` on; ``alone`` says what stands in every row. The indexes must hold none of the rows.
    """
    places = {name: int(kind) for name, kind in zip(sheet.names, sheet.kinds, strict=True)}
    values: list[Value] = [None]
    kinds = [_ALONE]
    for name in names[1:]:
        if name not in places:
            places[name] = _ALONE + len(values)
            values.append(alone[name])
        kinds.append(places[name])
    return _filled(_head(statements), sheet, np.array(kinds, dtype=np.int64), values, first)


def _filled(head: Pages, sheet: Sheet, kinds: Words, values: list[Value], first: int) -> memoryview:
    count, width, before = len(sheet), len(kinds), len(head)
    assert 0 < count <= ROWS_MAX, count
    assert width <= COLUMNS_MAX, width
    types, bodies = zip(*map(_alone, values), strict=True)
    row_max = _CELL_HEAD_MAX + 4 + width + 8 * len(sheet.numbers) + 16 * len(sheet.blobs)
    row_max += sum(map(len, bodies))
    leaves = 1 + count // ((PAGE - 8) // row_max)
    pages: Pages = np.empty((before + leaves, PAGE), dtype=np.uint8)
    lasts = np.empty(leaves, dtype=np.int64)
    ends = np.cumsum([0, *map(len, bodies)], dtype=np.int64)
    used = _write_leaves(
        pages[before:], kinds, sheet.numbers, sheet.blobs, sheet.absent, _TYPE_OF_WIDTH,
        np.array(types, dtype=np.int64), ends, np.frombuffer(b"".join(bodies) or b"\0", np.uint8),
        count, first, lasts,
    )  # fmt: skip
    pages[:before] = head
    if used == 1:
        pages[1] = pages[before]
    else:
        _write_root(pages[1], used, lasts, before + 1)
    total = before if used == 1 else before + used
    pages[0, 28:32] = np.frombuffer(total.to_bytes(4, "big"), dtype=np.uint8)
    return pages[:total].reshape(-1).data


def _alone(value: Value) -> tuple[int, bytes]:
    """The serial type and the bytes of a value."""
    if value is None:
        return 0, b""
    if isinstance(value, int):
        size = int(_width(value))
        kind = int(_TYPE_OF_WIDTH[size]) + (value if size == 0 else 0)
        return kind, value.to_bytes(size, "big", signed=True) if size else b""
    body = value.encode()
    assert len(body) <= TEXT_MAX, value
    return 13 + 2 * len(body), body


@njit
def _width(value: int) -> int:
    """How many bytes a whole number takes; none where it is 0 or 1."""
    if value == 0 or value == 1:
        return 0
    if -128 <= value <= 127:
        return 1
    if -32768 <= value <= 32767:
        return 2
    if -8388608 <= value <= 8388607:
        return 3
    if -2147483648 <= value <= 2147483647:
        return 4
    if -140737488355328 <= value <= 140737488355327:
        return 6
    return 8


@njit
def _put_varint(page: Bytes, at: int, value: int) -> int:
    """Write a whole number of 0 or more, seven bits a byte; returns where it ends."""
    size, rest = 1, value >> 7
    while rest:
        size += 1
        rest >>= 7
    for k in range(size):
        bits = (value >> (7 * (size - 1 - k))) & 127
        page[at + k] = bits | 128 if k < size - 1 else bits
    return at + size


@njit
def _varint_size(value: int) -> int:
    size, rest = 1, value >> 7
    while rest:
        size += 1
        rest >>= 7
    return size


@njit
def _put_two(page: Bytes, at: int, value: int) -> None:
    page[at], page[at + 1] = (value >> 8) & 255, value & 255


@njit
def _write_leaves(
    pages: Pages,
    kinds: Words,
    numbers: Words,
    blobs: NDArray[np.uint8],
    absent: NDArray[np.bool_],
    type_of_width: Words,
    types: Words,
    ends: Words,
    bodies: Bytes,
    count: int,
    first: int,
    lasts: Words,
) -> int:
    """Fill pages with rows from ``first`` on; ``lasts`` takes the last row of each.

    Of the values that stand in every row, ``types`` are the types and ``ends`` say where in
    ``bodies`` each of them lies. Returns how many pages there are.
    """
    width = len(kinds)
    used, cells, top = 0, 0, PAGE
    pages[0, :8] = 0
    for i in range(count):
        size = 1 + width
        for k in range(width):
            kind = kinds[k]
            if kind >= _ALONE:
                size += ends[kind - _ALONE + 1] - ends[kind - _ALONE]
            elif kind >= 0:
                size += _width(numbers[kind, i])
            elif not absent[-1 - kind, i]:
                size += 16
        whole = _varint_size(size) + _varint_size(first + i) + size
        if 8 + 2 * (cells + 1) > top - whole:
            _end_leaf(pages[used], cells, top)
            lasts[used] = first + i - 1
            used, cells, top = used + 1, 0, PAGE
            pages[used, :8] = 0
        top -= whole
        page = pages[used]
        _put_two(page, 8 + 2 * cells, top)
        cells += 1
        at = _put_varint(page, _put_varint(page, top, size), first + i)
        _write_record(
            page, at, i, kinds, numbers, blobs, absent, type_of_width, types, ends, bodies
        )
    _end_leaf(pages[used], cells, top)
    lasts[used] = first + count - 1
    return used + 1


@njit
def _end_leaf(page: Bytes, cells: int, top: int) -> None:
    page[0] = _LEAF
    _put_two(page, 3, cells)
    _put_two(page, 5, top)


@njit
def _write_record(
    page: Bytes,
    at: int,
    i: int,
    kinds: Words,
    numbers: Words,
    blobs: NDArray[np.uint8],
    absent: NDArray[np.bool_],
    type_of_width: Words,
    types: Words,
    ends: Words,
    bodies: Bytes,
) -> None:
    """Write row ``i``: the types of its columns, then their values, highest bytes first."""
    head, body = at + 1, at + 1 + len(kinds)
    page[at] = 1 + len(kinds)
    for k in range(len(kinds)):
        kind = kinds[k]
        if kind >= _ALONE:
            page[head + k] = types[kind - _ALONE]
            for j in range(ends[kind - _ALONE], ends[kind - _ALONE + 1]):
                page[body] = bodies[j]
                body += 1
            continue
        if kind < 0:
            b = -1 - kind
            if absent[b, i]:
                page[head + k] = 0
                continue
            page[head + k] = _BLOB
            for j in range(16):
                page[body + j] = blobs[b, i, j]
            body += 16
            continue
        value = numbers[kind, i]
        size = _width(value)
        page[head + k] = type_of_width[size] + (value if size == 0 else 0)
        for j in range(size):
            page[body + j] = (value >> (8 * (size - 1 - j))) & 255
        body += size


def _write_root(page: Bytes, used: int, lasts: Words, leaves: int) -> None:
    """Write the page that leads to the leaves, which are the pages from ``leaves`` on."""
    page[:12] = 0
    page[0] = _INTERIOR
    top = PAGE
    for leaf in range(used - 1):
        page[top - 9 - 4 : top] = 0
        size = _varint_size(int(lasts[leaf]))
        top -= 4 + size
        page[top : top + 4] = np.frombuffer((leaves + leaf).to_bytes(4, "big"), dtype=np.uint8)
        _put_varint(page, top + 4, int(lasts[leaf]))
        _put_two(page, 12 + 2 * leaf, top)
    _put_two(page, 3, used - 1)
    _put_two(page, 5, top)
    page[8:12] = np.frombuffer((leaves + used - 1).to_bytes(4, "big"), dtype=np.uint8)
