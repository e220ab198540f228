"""Columns as arrays: what is moved row by row nowhere in Python, to either kind of store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]
Blobs = NDArray[np.void]
"""``(n,) V16``: sixteen bytes in each row, a 128-bit number with its highest byte first."""

SIXTEEN = np.dtype("V16")


@dataclass(frozen=True, slots=True)
class Sparse:
    """Sixteen bytes in some rows, and nothing where ``is_absent`` ``(n,) bool``."""

    values: Blobs
    is_absent: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, chosen: Words) -> Sparse:
        return Sparse(self.values[chosen], self.is_absent[chosen])


Array = Words | Blobs | Sparse


def sixteen(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Blobs:
    """128-bit numbers, given by their halves, as stores keep them."""
    made = np.empty((len(low), 2), dtype=">u8")
    made[:, 0], made[:, 1] = high, low
    blobs: Blobs = made.view(SIXTEEN).ravel()
    return blobs


def halves(blobs: Blobs) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The higher and the lower halves of 128-bit numbers as stores keep them."""
    pairs = np.ascontiguousarray(blobs).view(">u8").reshape(-1, 2)
    return pairs[:, 0].astype(np.uint64), pairs[:, 1].astype(np.uint64)


def order_of(blobs: Blobs) -> Words:
    """Where the lowest of 128-bit numbers is, and the next, and so on."""
    return order_of_halves(*halves(blobs))


def order_of_halves(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Words:
    """As ``order_of``, of numbers given by their halves, which mostly begin alike."""
    if len(high) and (high == high[0]).all():
        return np.argsort(low)
    return np.lexsort((low, high))


def sparse(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Sparse | None:
    """128-bit numbers of which nought stands for none; None where none is there at all."""
    is_absent: NDArray[np.bool_] = (high == 0) & (low == 0)
    return None if is_absent.all() else Sparse(sixteen(high, low), is_absent)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns of one length, laid out for compiled code.

    ``kinds`` ``(k,) int64`` says of each column which row of ``numbers`` ``(a, n) int64`` it is,
    or, as ``-1 - b``, which of ``blobs`` ``(b, n, 16) uint8``; ``absent`` ``(b, n) bool``.
    """

    names: tuple[str, ...]
    kinds: Words
    numbers: Words
    blobs: NDArray[np.uint8]
    absent: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.numbers.shape[1])


def are_arrays(columns: Mapping[str, Any]) -> bool:
    """Whether each column is an array of whole numbers or of sixteen bytes a row."""
    return all(isinstance(column, np.ndarray | Sparse) for column in columns.values())


def lay_out(columns: Mapping[str, Array]) -> Sheet:
    """Columns for compiled code, in their order."""
    count = len(next(iter(columns.values())))
    kinds: list[int] = []
    numbers: list[Words] = []
    blobs: list[NDArray[np.uint8]] = []
    absent: list[NDArray[np.bool_]] = []
    for column in columns.values():
        assert len(column) == count, (len(column), count)
        if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
            kinds.append(len(numbers))
            numbers.append(column.astype(np.int64, copy=False))
            continue
        kinds.append(-1 - len(blobs))
        values = column.values if isinstance(column, Sparse) else column
        assert values.dtype == SIXTEEN, values.dtype
        blobs.append(np.ascontiguousarray(values).view(np.uint8).reshape(count, 16))
        none = np.zeros(count, dtype=np.bool_)
        absent.append(column.is_absent if isinstance(column, Sparse) else none)
    return Sheet(
        tuple(columns),
        np.array(kinds, dtype=np.int64),
        np.stack(numbers) if numbers else np.empty((0, count), dtype=np.int64),
        np.stack(blobs) if blobs else np.empty((0, count, 16), dtype=np.uint8),
        np.stack(absent) if absent else np.empty((0, count), dtype=np.bool_),
    )
