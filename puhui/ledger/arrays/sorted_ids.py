"""Sorted runs of ids, compiled: made, merged, searched, and tried against their checks.

A run is rows ``(n, 3) uint64`` of an id's higher half, its lower half and the ordinal of its event
(with ``BURNT_BIT``), sorted by id; blocks of ``BLOCK`` rows each have a check. ``fences``
``(m + 1, 3) uint64`` are the first id of each block, higher half first, and its check; the last
one is the last id of all. ``blooms`` ``(k, 8) uint64`` say of an id that it is surely not there,
or may be (one in sixty is not): all its bits lie in one row, one line of the processor's cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.local import mix
from puhui.ledger.arrays.record import Records
from puhui.ledger.arrays.table import BURNT_BIT

Rows = NDArray[np.uint64]
Words = NDArray[np.uint64]
Places = NDArray[np.int64]

BLOCK = 128
BLOOM_BITS = 10
"""Bits of the filter an id."""
BLOOM_ROW_BITS = 512
_PROBES = 6
_SMALL = 16
_ORDINAL = np.uint64(BURNT_BIT - 1)
_MIX = np.uint64(0xFF51_AFD7_ED55_8CCD)
_LOW_32 = np.uint64(0xFFFF_FFFF)


def blocks_of(count: int) -> int:
    """How many blocks a run of so many ids has."""
    return -(-count // BLOCK)


def bloom_rows_of(count: int) -> int:
    """How many rows the filter of a run of so many ids has."""
    return max(1, -(-count * BLOOM_BITS // BLOOM_ROW_BITS))


@njit
def take_ids(
    records: Records,
    status: NDArray[np.uint16],
    is_burning: NDArray[np.bool_],
    begin: int,
    rows: Rows,
) -> int:
    """Write the ids that a judged batch used up into ``rows`` ``(n, 3)``; returns how many."""
    count = 0
    for i in range(records.shape[0]):
        value = begin + i
        if status[i] != 0:
            if not is_burning[status[i]]:
                continue
            value |= BURNT_BIT
        rows[count, 0] = records[i].id_hi
        rows[count, 1] = records[i].id_lo
        rows[count, 2] = value
        count += 1
    return count


@njit
def _is_before(a: Rows, i: int, b: Rows, j: int) -> bool:
    if a[i, 0] != b[j, 0]:
        return bool(a[i, 0] < b[j, 0])
    return bool(a[i, 1] < b[j, 1])


@njit
def _put(source: Rows, i: int, to: Rows, j: int) -> None:
    to[j, 0], to[j, 1], to[j, 2] = source[i, 0], source[i, 1], source[i, 2]


@njit
def sort_rows(rows: Rows, other: Rows) -> bool:
    """Sort ``rows`` by id with ``other`` of the same shape as room; whether they end up there.

    Parts that are in order already are only copied, as ids that begin with the time are.
    """
    n = rows.shape[0]
    for begin in range(0, n, _SMALL):
        for i in range(begin + 1, min(begin + _SMALL, n)):
            high, low, value = rows[i, 0], rows[i, 1], rows[i, 2]
            at = i
            while at > begin and (
                rows[at - 1, 0] > high or (rows[at - 1, 0] == high and rows[at - 1, 1] > low)
            ):
                _put(rows, at - 1, rows, at)
                at -= 1
            rows[at, 0], rows[at, 1], rows[at, 2] = high, low, value
    width, is_other = _SMALL, False
    while width < n:
        for begin in range(0, n, 2 * width):
            middle, end = min(begin + width, n), min(begin + 2 * width, n)
            if middle == end or _is_before(rows, middle - 1, rows, middle):
                other[begin:end] = rows[begin:end]
                continue
            left, right = begin, middle
            for to in range(begin, end):
                if right == end or (left < middle and _is_before(rows, left, rows, right)):
                    _put(rows, left, other, to)
                    left += 1
                else:
                    _put(rows, right, other, to)
                    right += 1
        rows, other = other, rows
        is_other = not is_other
        width *= 2
    return is_other


@njit
def merge_rows(a: Rows, b: Rows, c: Rows, d: Rows, merged: Rows) -> None:
    """Merge four sorted runs, some of which may be empty, into one."""
    i = j = k = m = 0
    for to in range(merged.shape[0]):
        which = 0
        if i == a.shape[0] or (j < b.shape[0] and _is_before(b, j, a, i)):
            which = 1
        third = 2
        if k == c.shape[0] or (m < d.shape[0] and _is_before(d, m, c, k)):
            third = 3
        is_first_over = (i if which == 0 else j) == (a.shape[0] if which == 0 else b.shape[0])
        is_third_over = (k if third == 2 else m) == (c.shape[0] if third == 2 else d.shape[0])
        if is_first_over:
            which = third
        elif not is_third_over:
            x, y = (a, i) if which == 0 else (b, j)
            z, w = (c, k) if third == 2 else (d, m)
            if _is_before(z, w, x, y):
                which = third
        if which == 0:
            _put(a, i, merged, to)
            i += 1
        elif which == 1:
            _put(b, j, merged, to)
            j += 1
        elif which == 2:
            _put(c, k, merged, to)
            k += 1
        else:
            _put(d, m, merged, to)
            m += 1


@njit
def _step(h: np.uint64, word: np.uint64) -> np.uint64:
    h = (h ^ word) * _MIX
    return h ^ (h >> np.uint64(32))


@njit
def _check(rows: Rows, block: int) -> np.uint64:
    """A check of a block: whatever one word is changed to changes it."""
    begin, end = block * BLOCK, min((block + 1) * BLOCK, rows.shape[0])
    # Six chains, of even and of odd rows, so that the processor need not wait for each product.
    a = b = c = d = e = f = np.uint64(block) ^ _MIX
    for i in range(begin, end - 1, 2):
        a, b, c = _step(a, rows[i, 0]), _step(b, rows[i, 1]), _step(c, rows[i, 2])
        d, e, f = _step(d, rows[i + 1, 0]), _step(e, rows[i + 1, 1]), _step(f, rows[i + 1, 2])
    if (end - begin) % 2:
        a, b, c = _step(a, rows[end - 1, 0]), _step(b, rows[end - 1, 1]), _step(c, rows[end - 1, 2])
    return _step(_step(_step(_step(_step(a, b), c), d), e), f)


@njit
def make_index(rows: Rows, fences: Rows, blooms: Rows) -> None:
    """Fill the fences and the filter (noughts at first) of sorted rows, at least one."""
    n = rows.shape[0]
    for block in range(fences.shape[0] - 1):
        fences[block, 0], fences[block, 1] = rows[block * BLOCK, 0], rows[block * BLOCK, 1]
        fences[block, 2] = _check(rows, block)
    fences[fences.shape[0] - 1, 0], fences[fences.shape[0] - 1, 1] = rows[n - 1, 0], rows[n - 1, 1]
    count = np.uint64(blooms.shape[0])
    for i in range(n):
        h = mix(rows[i, 1], rows[i, 0])
        row = np.int64(((h >> np.uint64(32)) * count) >> np.uint64(32))
        g = (h & _LOW_32) * _MIX
        for _ in range(_PROBES):
            blooms[row, np.int64(g >> np.uint64(61))] |= np.uint64(1) << (
                (g >> np.uint64(55)) & np.uint64(63)
            )
            g = g * _MIX + np.uint64(0x9E37_79B9)


@njit
def find_damage(rows: Rows, fences: Rows) -> int:
    """The first block whose check is not what it was, -1 where all are."""
    for block in range(fences.shape[0] - 1):
        if _check(rows, block) != fences[block, 2]:
            return block
    return -1


@njit
def _may_hold(blooms: Rows, h: np.uint64) -> bool:
    row = np.int64(((h >> np.uint64(32)) * np.uint64(blooms.shape[0])) >> np.uint64(32))
    g = (h & _LOW_32) * _MIX
    for _ in range(_PROBES):
        word = blooms[row, np.int64(g >> np.uint64(61))]
        if (word >> ((g >> np.uint64(55)) & np.uint64(63))) & np.uint64(1) == 0:
            return False
        g = g * _MIX + np.uint64(0x9E37_79B9)
    return True


@njit
def find_ids(
    rows: Rows,
    fences: Rows,
    blooms: Rows,
    low: Words,
    high: Words,
    hashes: Words,
    until: int,
    found: Places,
) -> int:
    """Find the ordinals, below ``until``, of ids that have -1 in ``found`` ``(n,) int64`` so far.

    ``hashes`` are those of ``table.hash_ids``. Returns the block that is damaged, which ends the
    search, or -1.
    """
    blocks = fences.shape[0] - 1
    for i in range(low.shape[0]):
        if found[i] != -1:
            continue
        hi, lo = high[i], low[i]
        if hi > fences[blocks, 0] or (hi == fences[blocks, 0] and lo > fences[blocks, 1]):
            continue
        if hi < fences[0, 0] or (hi == fences[0, 0] and lo < fences[0, 1]):
            continue
        if not _may_hold(blooms, hashes[i]):
            continue
        below, above = 0, blocks
        while above - below > 1:
            at = (below + above) >> 1
            if fences[at, 0] > hi or (fences[at, 0] == hi and fences[at, 1] > lo):
                above = at
            else:
                below = at
        if _check(rows, below) != fences[below, 2]:
            return below
        begin, end = below * BLOCK, min((below + 1) * BLOCK, rows.shape[0])
        while begin < end:
            at = (begin + end) >> 1
            if rows[at, 0] < hi or (rows[at, 0] == hi and rows[at, 1] < lo):
                begin = at + 1
            else:
                end = at
        is_there = begin < rows.shape[0] and rows[begin, 0] == hi and rows[begin, 1] == lo
        if is_there and np.int64(rows[begin, 2] & _ORDINAL) < until:
            found[i] = np.int64(rows[begin, 2])
    return -1
