"""Accounts that were read, by id: of them what never changes, so that it is read once.

Accounts are never changed. What can be undone is their creation; so whoever keeps these forgets
them all whenever anything is undone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import Places, Table, Words
from puhui.ledger.arrays.local import mix
from puhui.ledger.arrays.record import Records

KNOWN = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("time_ns", "<u8"),
        ("number", "<i8"),
        ("ledger", "<u4"),
        ("flags", "<u2"),
        ("spare", "<u2"),
    ]
)
"""Of one account: its id, when it was created, the store's number of it, ledger and flags."""

ACCOUNTS_MAX = 1 << 20
"""The most accounts that are remembered; then all are forgotten."""


@njit
def _find(table: Table, rows: Records, low: Words, high: Words, places: Places) -> None:
    mask = table.shape[0] - 1
    for i in range(low.shape[0]):
        at = np.int64(mix(low[i], high[i]) & np.uint64(mask))
        places[i] = -1
        while table[at] != 0:
            row = table[at] - 1
            if rows[row].id_lo == low[i] and rows[row].id_hi == high[i]:
                places[i] = row
                break
            at = (at + 1) & mask


@njit
def _enter(table: Table, rows: Records, first: int, count: int) -> None:
    mask = table.shape[0] - 1
    for row in range(first, first + count):
        at = np.int64(mix(rows[row].id_lo, rows[row].id_hi) & np.uint64(mask))
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = row + 1


class KnownAccounts:
    """The accounts that are remembered: ``rows`` ``(n,) KNOWN`` of which ``count`` are filled."""

    def __init__(self) -> None:
        self.count = 0
        self.rows: Records = np.zeros(1 << 12, dtype=KNOWN)
        self._table = np.zeros(1 << 13, dtype=np.int32)

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Places:
        """Where in ``rows`` each id is; -1 where it is not."""
        places = np.empty(len(low), dtype=np.int64)
        _find(self._table, self.rows, low, high, places)
        return places

    def add(self, more: Records) -> None:
        """Remember accounts that are not remembered yet, ``(m,) KNOWN``."""
        if self.count + len(more) > ACCOUNTS_MAX:
            self.__init__()  # type: ignore[misc]
        start, self.count = self.count, self.count + len(more)
        if self.count > len(self.rows):
            size = 1 << self.count.bit_length()
            grown: Records = np.zeros(size, dtype=KNOWN)
            grown[:start] = self.rows[:start]
            self.rows, self._table = grown, np.zeros(2 * size, dtype=np.int32)
            _enter(self._table, self.rows, 0, start)
        self.rows[start : self.count] = more
        _enter(self._table, self.rows, start, len(more))
