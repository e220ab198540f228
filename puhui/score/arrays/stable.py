"""Bins that keep the order of their bad rates from one period to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def merge_unstable(rows: Counts, bads: Counts, *, rows_min: int = 30) -> list[int]:
    """Sizes of runs of neighbouring bins, joined until no order of bad rates flips over time.

    ``rows`` and ``bads`` (periods, bins) int64 count each period apart. Two neighbours flip when
    a period with at least ``rows_min`` rows in both of them ranks their bad rates the other way
    round than all periods together; the pair that flips by most is joined first. A difference
    that two standard errors could explain is no flip. One period never flips.
    """
    assert rows.shape == bads.shape, rows.shape
    rows, bads = rows.copy(), bads.copy()
    sizes = [1] * rows.shape[1]
    while len(sizes) > 1:
        left = _worst_flip(rows, bads, rows_min)
        if left < 0:
            break
        for counts in (rows, bads):
            counts[:, left] += counts[:, left + 1]
        rows, bads = np.delete(rows, left + 1, axis=1), np.delete(bads, left + 1, axis=1)
        sizes[left : left + 2] = [sizes[left] + sizes[left + 1]]
    return sizes


def _worst_flip(rows: Counts, bads: Counts, rows_min: int) -> int:
    """The left one of the neighbours that flip by most, in standard errors; -1 where none do."""
    whole = bads.sum(axis=0) / np.maximum(rows.sum(axis=0), 1)
    sign = np.sign(np.diff(whole))
    count, rate = np.maximum(rows, 1), bads / np.maximum(rows, 1)
    spread = (bads + 0.5) / (count + 1)
    variance = spread * (1 - spread) / count
    error = np.sqrt(variance[:, 1:] + variance[:, :-1])
    against = -np.diff(rate, axis=1) * sign / error
    thin = np.minimum(rows[:, 1:], rows[:, :-1]) < rows_min
    against = np.where(thin, 0.0, against)
    found = against.max(axis=0)
    place = int(np.argmax(found))
    return place if found[place] > 2.0 else -1
