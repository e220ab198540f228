"""What a batch names that is recorded already, compiled: ids that are used, pendings to end.

``words`` ``(n, 16) uint64`` is the pool of records as words: the batch, and behind it, from
``filled`` on, the recorded transfers that it names. ``ring`` ``(s, 16) uint64`` has the newest
recorded transfers, an ordinal at its remainder by ``s``, from the ordinal ``first`` on. Which id a
word of the table stands for is told by the record: those in the ring are compared and copied
here; those before it get ``UNREAD`` as their place, for the caller to read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import PENDING_FLAG, SECOND
from puhui.ledger.arrays.local import mix
from puhui.ledger.arrays.record import Records
from puhui.ledger.arrays.table import (
    BURNT_BIT,
    Place,
    Places,
    Words,
    find_account,
    next_ordinal,
    probe,
)

UNREAD = -2
"""In place of a place in the pool: the record is not in the ring."""

_ORDINAL = BURNT_BIT - 1
_FLAGS_SHIFT = np.uint64(48)


@njit
def _take(
    words: Words,
    filled: int,
    low: np.uint64,
    high: np.uint64,
    h: np.uint64,
    table: Words,
    origin: int,
    ring: Words,
    first: int,
    ordinal: Place,
    at: Place,
) -> tuple[Place, Place, int]:
    """Copy the record of an id that ``probe`` has found, or look on where it only hashes alike.

    Its ordinal, its place in the pool, and how much of that is filled.
    """
    while ordinal >= 0:
        plain = ordinal & _ORDINAL
        if plain < first:
            return ordinal, UNREAD, filled
        row = plain % ring.shape[0]
        if ring[row, 0] == low and ring[row, 1] == high:
            for j in range(16):
                words[filled, j] = ring[row, j]
            return ordinal, filled, filled + 1
        ordinal, at = next_ordinal(table, origin, h, at)
    return -1, -1, filled


@njit
def find_known(
    pool: Records,
    words: Words,
    count: int,
    table: Words,
    shift: int,
    origin: int,
    ring: Words,
    first: int,
    account_table: NDArray[np.int32],
    slots: Records,
    hashes: Words,
    known: Places,
    found: Places,
    debit_at: Places,
    credit_at: Places,
) -> tuple[int, int]:
    """Look the ids and the accounts of the first ``count`` records up.

    ``hashes`` get those of the ids, ``known`` the ordinals of the events that have them, with
    ``BURNT_BIT``, or -1; ``found`` the places of their records, -1 of burnt ones, or ``UNREAD``;
    ``debit_at`` and ``credit_at`` the slots of accounts. Returns how much of the pool is filled,
    and how many records are unread.
    """
    for i in range(count):
        hashes[i] = mix(words[i, 0], words[i, 1])
    filled, unread = count, 0
    start = np.full(count, -1, dtype=np.int64)
    probe(table, shift, origin, hashes[:count], start, known)
    for i in range(count):
        found[i] = -1
        if known[i] >= 0:
            known[i], found[i], filled = _take(
                words, filled, words[i, 0], words[i, 1], hashes[i], table, origin, ring, first,
                known[i], start[i],
            )  # fmt: skip
            if found[i] == UNREAD:
                unread += 1
            elif known[i] >= BURNT_BIT:
                found[i] = -1
    for i in range(count):
        t = pool[i]
        debit_at[i] = find_account(account_table, slots, t.debit_lo, t.debit_hi)
        credit_at[i] = find_account(account_table, slots, t.credit_lo, t.credit_hi)
    return filled, unread


@njit
def place_of_held(held_ordinals: Places, held_count: int, ordinal: Place) -> int:
    """The place among the pendings of the one that an event made."""
    below, above = 0, held_count
    while below < above:
        at = (below + above) >> 1
        if held_ordinals[at] < ordinal:
            below = at + 1
        else:
            above = at
    return below


@njit
def find_ended(
    pool: Records,
    words: Words,
    count: int,
    filled: int,
    table: Words,
    shift: int,
    origin: int,
    ring: Words,
    first: int,
    held_ordinals: Places,
    held_count: int,
    events: Places,
    ended: Places,
    held_at: Places,
) -> tuple[int, int, int]:
    """Look up what those of the first ``count`` records name that post or void.

    ``events`` get those, one behind another; ``ended`` the places in the pool of the recorded
    transfers that they name, -1 where there is none, or ``UNREAD``; ``held_at`` the places among
    the pendings, whose ordinals are ``held_ordinals[:held_count]``. Returns how much of the pool
    is filled, how many events there are, and of how many nothing was found or the record is unread.
    """
    found = missing = 0
    hashes = np.empty(count, dtype=np.uint64)
    for i in range(count):
        ended[i] = held_at[i] = -1
        if (pool[i].flags & SECOND) != 0:
            events[found] = i
            hashes[found] = mix(words[i, 8], words[i, 9])
            found += 1
    start, ordinals = np.full(found, -1, dtype=np.int64), np.empty(found, dtype=np.int64)
    probe(table, shift, origin, hashes[:found], start, ordinals)
    for k in range(found):
        i = events[k]
        ordinal, place, filled = _take(
            words, filled, words[i, 8], words[i, 9], hashes[k], table, origin, ring, first,
            ordinals[k], start[k],
        )  # fmt: skip
        if place < 0:
            ended[i] = place
            missing += 1
        elif ordinal < BURNT_BIT:
            ended[i] = place
            if ((words[place, 14] >> _FLAGS_SHIFT) & np.uint64(PENDING_FLAG)) != 0:
                held_at[i] = place_of_held(held_ordinals, held_count, ordinal)
    return filled, found, missing
