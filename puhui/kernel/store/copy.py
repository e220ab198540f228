"""Rows of PostgreSQL's COPY in its binary form, written by compiled code.

Source: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, Integer, Table

from puhui.kernel.compiled import njit
from puhui.kernel.store.sheet import Sheet, Words

Bytes = NDArray[np.uint8]

BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"


def copy_rows(table: Table, sheet: Sheet, alone: Mapping[str, int | str | None]) -> memoryview:
    """Rows of a COPY: the columns of a sheet, then values that stand in every row."""
    sizes = [4 if _is_short(table.c[name]) else 8 for name in sheet.names]
    tail = b"".join(_field(table.c[name], value) for name, value in alone.items())
    fields = len(sheet.names) + len(alone)
    row_max = 2 + len(tail) + 12 * len(sheet.numbers) + 20 * len(sheet.blobs)
    made: Bytes = np.empty(len(BEGIN) + len(sheet) * row_max + len(END), dtype=np.uint8)
    made[: len(BEGIN)] = np.frombuffer(BEGIN, dtype=np.uint8)
    at = _write_rows(
        made, len(BEGIN), fields, sheet.kinds, np.array(sizes, dtype=np.int64), sheet.numbers,
        sheet.blobs, sheet.absent, np.frombuffer(tail, dtype=np.uint8),
    )  # fmt: skip
    made[at : at + len(END)] = np.frombuffer(END, dtype=np.uint8)
    return made[: at + len(END)].data


def _is_short(column: Column[Any]) -> bool:
    return isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)


def _field(column: Column[Any], value: int | str | None) -> bytes:
    if value is None:
        return b"\xff\xff\xff\xff"
    if isinstance(value, str):
        made = value.encode()
    else:
        made = value.to_bytes(4 if _is_short(column) else 8, "big", signed=True)
    return len(made).to_bytes(4, "big") + made


@njit
def _write_rows(
    out: Bytes,
    at: int,
    fields: int,
    kinds: Words,
    sizes: Words,
    numbers: Words,
    blobs: NDArray[np.uint8],
    absent: NDArray[np.bool_],
    tail: Bytes,
) -> int:
    """Write all rows from ``at`` on; returns where they end."""
    count = numbers.shape[1] if len(numbers) else absent.shape[1]
    for i in range(count):
        out[at], out[at + 1] = fields >> 8, fields & 255
        at += 2
        for k in range(len(kinds)):
            kind = kinds[k]
            if kind >= 0:
                value, size = numbers[kind, i], sizes[k]
                out[at], out[at + 1], out[at + 2], out[at + 3] = 0, 0, 0, size
                at += 4
                for j in range(size):
                    out[at + j] = (value >> (8 * (size - 1 - j))) & 255
                at += size
            elif absent[-1 - kind, i]:
                out[at], out[at + 1], out[at + 2], out[at + 3] = 255, 255, 255, 255
                at += 4
            else:
                out[at], out[at + 1], out[at + 2], out[at + 3] = 0, 0, 0, 16
                at += 4
                for j in range(16):
                    out[at + j] = blobs[-1 - kind, i, j]
                at += 16
        for j in range(len(tail)):
            out[at + j] = tail[j]
        at += len(tail)
    return at
