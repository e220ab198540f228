"""The events of one batch by id, compiled: a small table that is empty before each batch."""

from __future__ import annotations

import numpy as np

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import MIX, Table
from puhui.ledger.arrays.record import Records


@njit
def mix(low: np.uint64, high: np.uint64) -> np.uint64:
    """A hash of a 128-bit id: every bit of the result depends on every bit of the id."""
    h = (low ^ (high * MIX)) * np.uint64(0xBF58_476D_1CE4_E5B9)
    h ^= h >> np.uint64(32)
    h *= np.uint64(0x94D0_49BB_1331_11EB)
    return h ^ (h >> np.uint64(29))


@njit
def find_event(local: Table, pool: Records, low: np.uint64, high: np.uint64) -> int:
    """The event of this batch that was created or burnt under an id; -1 where none was."""
    mask = local.shape[0] - 1
    at = np.int64(mix(low, high) & np.uint64(mask))
    while local[at] != 0:
        event: int = local[at] - 1
        if pool[event].id_lo == low and pool[event].id_hi == high:
            return event
        at = (at + 1) & mask
    return -1


@njit
def insert_event(local: Table, pool: Records, event: int) -> None:
    """Enter an event that was created, or whose id is burnt."""
    mask = local.shape[0] - 1
    at = np.int64(mix(pool[event].id_lo, pool[event].id_hi) & np.uint64(mask))
    while local[at] != 0:
        at = (at + 1) & mask
    local[at] = event + 1


@njit
def remove_event(local: Table, pool: Records, event: int) -> None:
    """Forget the event that was inserted last, so that the table is as it was before."""
    mask = local.shape[0] - 1
    at = np.int64(mix(pool[event].id_lo, pool[event].id_hi) & np.uint64(mask))
    while local[at] != event + 1:
        at = (at + 1) & mask
    local[at] = 0
