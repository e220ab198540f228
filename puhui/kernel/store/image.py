"""Columns as the pages of a SQLite table, written by compiled code and lent to a connection.

A connection takes the bytes of a whole database as one that is attached to it, so that one
statement moves all rows: no value is bound by itself. A database of one table is a page of schema,
which SQLite itself writes once for each list of columns, a root page and leaves.

Source: SQLite, Database File Format (www.sqlite.org/fileformat2.html), sections 1.3, 1.6 and 2.1.
"""

from __future__ import annotations

import sqlite3
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
_LEAF, _INTERIOR = 13, 5
_TYPE_OF_WIDTH = np.array([8, 1, 2, 3, 4, 0, 5, 0, 6], dtype=np.int64)
"""The serial type of a whole number by how many bytes it takes."""
_BLOB = 12 + 2 * 16
_CELL_HEAD_MAX = 3 + 9


@lru_cache(maxsize=256)
def _first_page(names: tuple[str, ...]) -> bytes:
    """The page that says which table there is, with its columns."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        columns = "".join(f", {name}" for name in names)
        connection.execute(f"CREATE TABLE given (n INTEGER PRIMARY KEY{columns})")
        made: bytes = connection.serialize()
        return made[:PAGE]
    finally:
        connection.close()


def image_of(sheet: Sheet) -> memoryview:
    """The bytes of a database with one table ``given``: the columns, and ``n`` from 1 on."""
    count, width = len(sheet), len(sheet.names)
    assert 0 < count <= ROWS_MAX, count
    assert width <= COLUMNS_MAX, width
    row_max = _CELL_HEAD_MAX + 4 + width + 8 * len(sheet.numbers) + 16 * len(sheet.blobs)
    pages: Pages = np.empty((3 + count // ((PAGE - 8) // row_max), PAGE), dtype=np.uint8)
    lasts = np.empty(len(pages), dtype=np.int64)
    used = _write_leaves(
        pages[2:], sheet.kinds, sheet.numbers, sheet.blobs, sheet.absent, _TYPE_OF_WIDTH, lasts
    )
    pages[0] = np.frombuffer(_first_page(sheet.names), dtype=np.uint8)
    if used == 1:
        pages[1] = pages[2]
    else:
        _write_root(pages[1], used, lasts)
    total = 2 if used == 1 else 2 + used
    pages[0, 28:32] = np.frombuffer(total.to_bytes(4, "big"), dtype=np.uint8)
    return pages[:total].reshape(-1).data


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
    lasts: Words,
) -> int:
    """Fill pages with rows from 1 on; ``lasts`` takes the last row of each. Returns how many."""
    count, width = numbers.shape[1] if len(numbers) else absent.shape[1], len(kinds)
    used, cells, top = 0, 0, PAGE
    pages[0, :8] = 0
    for i in range(count):
        size = 2 + width
        for k in range(width):
            kind = kinds[k]
            if kind >= 0:
                size += _width(numbers[kind, i])
            elif not absent[-1 - kind, i]:
                size += 16
        whole = _varint_size(size) + _varint_size(i + 1) + size
        if 8 + 2 * (cells + 1) > top - whole:
            _end_leaf(pages[used], cells, top)
            lasts[used] = i
            used, cells, top = used + 1, 0, PAGE
            pages[used, :8] = 0
        top -= whole
        page = pages[used]
        _put_two(page, 8 + 2 * cells, top)
        cells += 1
        at = _put_varint(page, _put_varint(page, top, size), i + 1)
        _write_record(page, at, i, kinds, numbers, blobs, absent, type_of_width)
    _end_leaf(pages[used], cells, top)
    lasts[used] = count
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
) -> None:
    """Write row ``i``: the types of its columns, then their values, highest bytes first."""
    head, body = at + 2, at + 2 + len(kinds)
    page[at], page[at + 1] = 2 + len(kinds), 0  # the number of the row stands before the record
    for k in range(len(kinds)):
        kind = kinds[k]
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


def _write_root(page: Bytes, used: int, lasts: Words) -> None:
    """Write the page that leads to the leaves, which follow it as pages 3 and on."""
    page[:12] = 0
    page[0] = _INTERIOR
    top = PAGE
    for leaf in range(used - 1):
        page[top - 9 - 4 : top] = 0
        size = _varint_size(int(lasts[leaf]))
        top -= 4 + size
        page[top : top + 4] = np.frombuffer((3 + leaf).to_bytes(4, "big"), dtype=np.uint8)
        _put_varint(page, top + 4, int(lasts[leaf]))
        _put_two(page, 12 + 2 * leaf, top)
    _put_two(page, 3, used - 1)
    _put_two(page, 5, top)
    page[8:12] = np.frombuffer((2 + used).to_bytes(4, "big"), dtype=np.uint8)
