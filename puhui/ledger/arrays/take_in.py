"""A batch judged and taken in, compiled: the ids it uses up, its pendings, and what is answered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.find_named import find_named
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.layout import SECOND, U0, Codes, Marks, Places, Table, Words
from puhui.ledger.arrays.record import Records
from puhui.ledger.arrays.table import BURNT_BIT, enter_batch, push_due


@njit
def take_in(  # numba: one call a batch, as each costs as much as judging twenty transfers
    pool: Records,
    words: Words,
    asked: Words,
    count: int,
    hashes: Words,
    places: Places,
    slots: Records,
    held: Records,
    held_ordinals: Places,
    held_count: int,
    heap_ns: Words,
    heap_at: Places,
    heap_size: int,
    first_ns: int,
    local: Table,
    is_burning: Marks,
    begin: int,
    table: Words,
    shift: int,
    origin: int,
    status: Codes,
    times_ns: Words,
) -> tuple[int, int, int]:
    """Judge the first ``count`` records of ``pool`` and take in what they lead to.

    ``words`` are the pool, ``asked`` ``(count, 16)`` the batch as it was asked for, both as words:
    a record of the pool stays as it was asked for where it is not created.
    ``places`` as ``find_named`` has filled them; where a pending is ended, the slots of its
    accounts are put down in the third and the fourth row. ``hashes`` are those of the ids. The
    other arrays are as in ``judge``, ``enter_batch`` and ``push_due`` and have room; event i has
    the ordinal ``begin + i`` and happens at ``first_ns + i`` (nanoseconds UTC). ``times_ns``
    ``(count,) uint64`` gets when each was created, nought where it was not.

    Returns how many pendings there are then, the size of the heap, and how many ids were entered.
    """
    is_burnt = np.empty(count, dtype=np.bool_)
    for i in range(count):
        is_burnt[i] = places[0, i] >= BURNT_BIT
    debit_at, credit_at = places[2], places[3]
    place = np.empty(count, dtype=np.int64)
    now_held = judge(
        pool, count, places[1], places[5], places[6], is_burnt, debit_at, credit_at, slots, held,
        held_count, first_ns, 1, local, status, place,
    )  # fmt: skip
    for i in range(count):
        if status[i] != 0:
            times_ns[i] = U0
            for j in range(16):
                words[i, j] = asked[i, j]
            continue
        times_ns[i] = pool[i].time_ns
        if (pool[i].flags & SECOND) != 0:
            debit_at[i], credit_at[i] = held[place[i]].debit, held[place[i]].credit
    entered = enter_batch(
        pool[:count], status, is_burning, hashes, begin, table, shift, origin, held_ordinals,
        held_count,
    )  # fmt: skip
    heap_size = push_due(heap_ns, heap_at, heap_size, held, held_count, now_held)
    return now_held, heap_size, entered


@njit
def take_in_named(  # numba: one call a batch
    pool: Records,
    words: Words,
    asked: Words,
    count: int,
    table: Words,
    shift: int,
    origin: int,
    ring: Words,
    first: int,
    account_table: NDArray[np.int32],
    slots: Records,
    held: Records,
    held_ordinals: Places,
    held_count: int,
    heap_ns: Words,
    heap_at: Places,
    heap_size: int,
    has_older: bool,
    hashes: Words,
    places: Places,
    first_ns: int,
    local: Table,
    is_burning: Marks,
    begin: int,
    status: Codes,
    times_ns: Words,
) -> tuple[int, int, int, int, int, int, int]:
    """``find_named`` and ``take_in`` of the batch ``asked``, where nothing has to be read first.

    Returns what the two return, one behind the other. Where something has to be read only
    ``find_named`` is done, and how many ids were entered is -1.
    """
    for i in range(count):
        for j in range(16):
            words[i, j] = asked[i, j]
    filled, unread, ends, missing = find_named(
        pool, words, count, table, shift, origin, ring, first, account_table, slots, held_ordinals,
        held_count, has_older, hashes, places,
    )  # fmt: skip
    if ends < 0 or missing > 0:
        return filled, unread, ends, missing, held_count, heap_size, -1
    held_count, heap_size, entered = take_in(
        pool, words, asked, count, hashes, places, slots, held, held_ordinals, held_count,
        heap_ns, heap_at, heap_size, first_ns, local, is_burning, begin, table, shift, origin,
        status, times_ns,
    )  # fmt: skip
    return filled, unread, ends, missing, held_count, heap_size, entered
