"""Tables in memory, compiled: accounts by id, transfers by a hash of their id, and what is due."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import EXPIRED, OPEN, PENDING_FLAG
from puhui.ledger.arrays.local import mix
from puhui.ledger.arrays.record import Records
from puhui.ledger.arrays.second import end_held

Words = NDArray[np.uint64]
Places = NDArray[np.int64]
Place = int | np.int64

BURNT_BIT = 2**39
"""Added to the ordinal of an event whose id is burnt."""

ORDINAL_MAX = 2**39 - 2
"""The most events that one log may hold."""

SPAN_MAX = 2**24 - 2
"""The most events that one table of ids may be about."""

_PLACE = np.uint64(2**24 - 1)
_BURNT = np.uint64(2**24)
_MARK = np.uint64(0xFFFF_FFFF_FE00_0000)
_U1 = np.uint64(1)


@njit
def hash_ids(low: Words, high: Words) -> Words:
    """Hashes ``(n,) uint64`` of 128-bit ids given by their halves."""
    hashes = np.empty(low.shape[0], dtype=np.uint64)
    for i in range(low.shape[0]):
        hashes[i] = mix(low[i], high[i])
    return hashes


@njit
def find_account(table: NDArray[np.int32], slots: Records, low: np.uint64, high: np.uint64) -> int:
    """The slot of an account by id, -1 where none is."""
    mask = table.shape[0] - 1
    at = np.int64(mix(low, high) & np.uint64(mask))
    while table[at] != 0:
        slot: int = table[at] - 1
        if slots[slot].id_lo == low and slots[slot].id_hi == high:
            return slot
        at = (at + 1) & mask
    return -1


@njit
def find_accounts(
    table: NDArray[np.int32], slots: Records, low: Words, high: Words, places: Places
) -> None:
    """Fill ``places`` ``(n,) int64`` with the slots of accounts by id, -1 where none is."""
    for i in range(low.shape[0]):
        places[i] = find_account(table, slots, low[i], high[i])


@njit
def add_accounts(table: NDArray[np.int32], slots: Records, first: int, until: int) -> None:
    """Enter the accounts in ``slots[first:until]``; the table has room for them."""
    mask = table.shape[0] - 1
    for slot in range(first, until):
        at = np.int64(mix(slots[slot].id_lo, slots[slot].id_hi) & np.uint64(mask))
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = slot + 1


@njit
def next_ordinal(table: Words, origin: int, h: np.uint64, at: Place) -> tuple[Place, Place]:
    """The next ordinal in the table, from the place ``at`` on, that may be of an id of this hash.

    With ``BURNT_BIT``, or -1 at the end; and the place behind it. A word of the table holds the
    first 39 bits of the hash, a bit for a burnt id, and in 24 bits the ordinal less ``origin`` plus
    one; a false find is rare. A hash begins at the place that its first bits name (64 less
    ``shift`` of them), so a table can be made longer out of its own words.
    """
    mask = table.shape[0] - 1
    while table[at] != 0:
        word = table[at]
        at = (at + 1) & mask
        if (word ^ h) & _MARK == 0:
            ordinal = origin + np.int64(word & _PLACE) - 1
            return ordinal | BURNT_BIT if word & _BURNT != 0 else ordinal, at
    return -1, at


@njit
def probe(
    table: Words, shift: int, origin: int, hashes: Words, start: Places, ordinals: Places
) -> None:
    """Find for each hash the next ordinal that may be its transfer's, as ``next_ordinal`` does.

    ``start`` ``(n,) int64`` says where to look on, -1 from the beginning; it is moved past what
    is found. ``ordinals`` gets the ordinal, or -1.
    """
    mask = table.shape[0] - 1
    for i in range(hashes.shape[0]):
        at = np.int64(hashes[i] >> np.uint64(shift)) if start[i] < 0 else start[i]
        ordinals[i] = -1
        # Written out: a call for each would keep the processor from looking ahead.
        while table[at] != 0:
            word = table[at]
            at = (at + 1) & mask
            if (word ^ hashes[i]) & _MARK == 0:
                ordinal = origin + np.int64(word & _PLACE) - 1
                ordinals[i] = ordinal | BURNT_BIT if word & _BURNT != 0 else ordinal
                break
        start[i] = at


@njit
def lengthen(table: Words, longer: Words, shift: int) -> None:
    """Enter the words of a table in a longer one, whose places are named by ``64 - shift`` bits."""
    mask = longer.shape[0] - 1
    for i in range(table.shape[0]):
        if table[i] != 0:
            at = np.int64(table[i] >> np.uint64(shift))
            while longer[at] != 0:
                at = (at + 1) & mask
            longer[at] = table[i]


@njit
def enter_batch(
    records: Records,
    status: NDArray[np.uint16],
    is_burning: NDArray[np.bool_],
    hashes: Words,
    begin: int,
    table: Words,
    shift: int,
    origin: int,
    held_ordinals: Places,
    held_count: int,
) -> int:
    """Take in the ids that a judged batch used up, and the ordinals of its new pendings.

    ``records`` ``(n,) TRANSFER`` with ordinals from ``begin`` on; ``is_burning`` says of each
    status whether it burns the id. ``table`` and ``held_ordinals`` have room. Returns how many
    ids were entered.
    """
    mask = table.shape[0] - 1
    entered = 0
    for i in range(records.shape[0]):
        burnt = np.uint64(0)
        if status[i] == 0:
            if (records[i].flags & PENDING_FLAG) != 0:
                held_ordinals[held_count] = begin + i
                held_count += 1
        elif is_burning[status[i]]:
            burnt = _BURNT
        else:
            continue
        at = np.int64(hashes[i] >> np.uint64(shift))
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = (hashes[i] & _MARK) | burnt | (np.uint64(begin + i - origin) + _U1)
        entered += 1
    return entered


@njit
def push_due(
    heap_ns: Words, heap_at: Places, size: int, held: Records, first: int, end: int
) -> int:
    """Enter the pendings ``held[first:end]`` that expire; the heap has room. Returns its size."""
    for at in range(first, end):
        expires_ns = held[at].expires_ns
        if expires_ns == 0 or held[at].state != OPEN:
            continue
        place = size
        size += 1
        while place > 0 and heap_ns[(place - 1) >> 1] > expires_ns:
            above = (place - 1) >> 1
            heap_ns[place], heap_at[place] = heap_ns[above], heap_at[above]
            place = above
        heap_ns[place], heap_at[place] = expires_ns, at
    return size


@njit
def expire(
    heap_ns: Words, heap_at: Places, size: int, held: Records, slots: Records, now_ns: int
) -> tuple[int, int]:
    """End every pending whose time has come by ``now_ns``.

    Returns the size of the heap then, and how many were ended (others had ended before).
    """
    ended = 0
    while size > 0 and heap_ns[0] <= np.uint64(now_ns):
        h = held[heap_at[0]]
        if h.state == OPEN:
            end_held(h, slots[h.debit], slots[h.credit], EXPIRED, h.expires_ns)
            ended += 1
        size -= 1
        expires_ns, at = heap_ns[size], heap_at[size]
        place = 0
        while True:
            below = 2 * place + 1
            if below >= size:
                break
            if below + 1 < size and heap_ns[below + 1] < heap_ns[below]:
                below += 1
            if heap_ns[below] >= expires_ns:
                break
            heap_ns[place], heap_at[place] = heap_ns[below], heap_at[below]
            place = below
        heap_ns[place], heap_at[place] = expires_ns, at
    return size, ended
