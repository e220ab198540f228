"""Arrays in PostgreSQL's binary form: whole columns as one value, on the way there and back.

Source: the server's ``array_send`` and ``array_recv`` (src/backend/utils/adt/arrayfuncs.c).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from puhui.kernel.store.sheet import SIXTEEN, Array, Sparse

INT8, INT4, BYTEA, TEXT = 20, 23, 17, 25
"""Types by their numbers in the server's catalogue."""

_NUMBER_ITEM = np.dtype([("size", ">i4"), ("value", ">i8")])
_BLOB_ITEM = np.dtype([("size", ">i4"), ("value", SIXTEEN)])
_ARRAY_HEAD = struct.Struct(">iiiii")


def array_of(column: Array) -> bytes:
    """An array of whole numbers (``bigint[]``) or of sixteen bytes each (``bytea[]``)."""
    assert not isinstance(column, Sparse), "an array has a value in each place"
    is_number = column.dtype.kind in "iu"
    items = np.empty(len(column), dtype=_NUMBER_ITEM if is_number else _BLOB_ITEM)
    items["size"], items["value"] = 8 if is_number else 16, column
    head = _ARRAY_HEAD.pack(1, 0, INT8 if is_number else BYTEA, len(column), 1)
    return head + items.tobytes()


def type_of_array(column: Array) -> str:
    """The type that ``array_of`` gives a column."""
    is_number = isinstance(column, np.ndarray) and column.dtype.kind in "iu"
    return "bigint[]" if is_number else "bytea[]"


def read_array(value: bytes | None) -> Any:
    """What an array of the server holds: whole numbers as ``(n,) int64``, sixteen bytes each as
    ``(n,) V16``, anything else as a list; nothing where the array is missing.
    """
    if value is None:
        return []
    dimensions, has_null, kind, count, _ = _ARRAY_HEAD.unpack_from(value)
    assert dimensions == 1, dimensions
    body = memoryview(value)[_ARRAY_HEAD.size :]
    if len(body) == 4 * count:  # a length each and no value: all are missing
        return [None] * count
    if not has_null:
        if kind == INT8:
            return np.frombuffer(body, dtype=_NUMBER_ITEM)["value"].astype(np.int64)
        if kind == INT4:
            items = np.frombuffer(body, dtype=[("size", ">i4"), ("value", ">i4")])
            return items["value"].astype(np.int64)
        if kind == BYTEA and len(body) == count * _BLOB_ITEM.itemsize:
            items = np.frombuffer(body, dtype=_BLOB_ITEM)
            if (items["size"] == 16).all():
                return np.ascontiguousarray(items["value"])
    return _read_one_by_one(body, kind, count)


def _read_one_by_one(body: memoryview, kind: int, count: int) -> list[Any]:
    made: list[Any] = []
    at = 0
    for _ in range(count):
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        at += 4
        if size < 0:
            made.append(None)
            continue
        item = bytes(body[at : at + size])
        at += size
        if kind in (INT8, INT4):
            made.append(int.from_bytes(item, "big", signed=True))
        else:
            made.append(item.decode() if kind == TEXT else item)
    return made
