"""Ids told apart, compiled: a number for each distinct one, in the order of their coming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.local import mix

Words = NDArray[np.uint64]
Places = NDArray[np.int64]


@njit
def _number(low: Words, high: Words, table: Places, firsts: Places, numbers: Places) -> int:
    mask = table.shape[0] - 1
    count = 0
    for i in range(low.shape[0]):
        at = np.int64(mix(low[i], high[i]) & np.uint64(mask))
        while table[at] >= 0:
            first = firsts[table[at]]
            if low[first] == low[i] and high[first] == high[i]:
                break
            at = (at + 1) & mask
        if table[at] < 0:
            table[at] = count
            firsts[count] = i
            count += 1
        numbers[i] = table[at]
    return count


def number_ids(low: Words, high: Words) -> tuple[Places, Places]:
    """For ids given by their halves ``(n,) uint64``: where each distinct one comes first, and for
    every id the number of the distinct one that it is.
    """
    size = 1 << max(4, (2 * len(low)).bit_length())
    table = np.full(size, -1, dtype=np.int64)
    firsts, numbers = np.empty(len(low), dtype=np.int64), np.empty(len(low), dtype=np.int64)
    count = _number(low, high, table, firsts, numbers)
    return firsts[:count], numbers
