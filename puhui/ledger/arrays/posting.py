"""Which transfers concern which account, compiled: an index made chunk by chunk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import PENDING_FLAG, U0, VOID
from puhui.ledger.arrays.record import Records

NONE = 0xFFFF_FFFF
"""In place of a slot: nothing was booked."""


@njit
def note_postings(
    records: Records,
    status: NDArray[np.uint16],
    debit_at: NDArray[np.int64],
    credit_at: NDArray[np.int64],
    start: int,
    count: int,
    debit: NDArray[np.uint32],
    credit: NDArray[np.uint32],
    posted: NDArray[np.uint64],
    size: int,
) -> None:
    """Note ``count`` judged transfers from ``start`` on behind the first ``size`` noted ones.

    ``debit_at`` and ``credit_at`` are the slots of their accounts; ``posted`` gets minor units,
    nought of pendings and voids.
    """
    for i in range(count):
        t = records[start + i]
        is_created = status[start + i] == 0
        debit[size + i] = debit_at[start + i] if is_created else NONE
        credit[size + i] = credit_at[start + i] if is_created else NONE
        posted[size + i] = t.amount_lo if (t.flags & (PENDING_FLAG | VOID)) == 0 else U0


@njit
def sort_postings(
    debit: NDArray[np.uint32], credit: NDArray[np.uint32], starts: NDArray[np.int64]
) -> NDArray[np.uint32]:
    """Places ``(2n,) uint32`` of transfers, grouped by account and in order within each.

    ``debit`` and ``credit`` ``(n,) uint32`` are slots of accounts, ``NONE`` where nothing was
    booked. ``starts`` ``(accounts + 1,) int64``, noughts at first, gets where each group begins.
    """
    n = debit.shape[0]
    for i in range(n):
        if debit[i] != NONE:
            starts[debit[i] + 1] += 1
            starts[credit[i] + 1] += 1
    for slot in range(1, starts.shape[0]):
        starts[slot] += starts[slot - 1]
    fill = starts.copy()
    order = np.empty(starts[starts.shape[0] - 1], dtype=np.uint32)
    for i in range(n):
        if debit[i] != NONE:
            order[fill[debit[i]]] = i
            fill[debit[i]] += 1
            order[fill[credit[i]]] = i
            fill[credit[i]] += 1
    return order


@njit
def add_posted(
    debit: NDArray[np.uint32],
    credit: NDArray[np.uint32],
    posted: NDArray[np.uint64],
    debits: NDArray[np.uint64],
    credits: NDArray[np.uint64],
) -> None:
    """Add what was posted to the sums of accounts by slot; ``posted`` in minor units."""
    for i in range(debit.shape[0]):
        if debit[i] != NONE:
            debits[debit[i]] += posted[i]
            credits[credit[i]] += posted[i]
