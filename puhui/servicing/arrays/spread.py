"""Deferred fees of many loans: what ``rules.spread`` says of one, from days and amounts packed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from puhui.servicing.arrays.live import Whole
from puhui.servicing.nouns.spread import Knots

KNOT = np.dtype([("day", "<i8"), ("left_minor", "<i8")])
"""A day by number, and what of a fee is not earned yet at its end, minor units."""


def pack(knots: Knots) -> bytes:
    """Days and amounts as records ``KNOT``."""
    return np.array(list(knots), dtype=KNOT).tobytes()


def left_of(packed: Sequence[bytes], day: int) -> Whole:
    """What of each loan's fee is not earned at the end of ``day``, ``(n,) int64`` minor units: the
    same as ``rules.spread.left_on`` says of one, cut as there, in 64 bits whatever the amounts.
    """
    left = np.zeros(len(packed), dtype=np.int64)
    places = np.array([n for n, blob in enumerate(packed) if blob], dtype=np.int64)
    if not len(places):
        return left
    counts = np.array([len(packed[n]) // KNOT.itemsize for n in places.tolist()], dtype=np.int64)
    ends = np.cumsum(counts)
    starts = ends - counts
    knots = np.frombuffer(b"".join(packed), dtype=KNOT)
    passed = np.add.reduceat((knots["day"] <= day).astype(np.int64), starts)
    before = knots[starts + np.maximum(passed - 1, 0)]
    after = knots[np.minimum(starts + passed, ends - 1)]
    gap, gone = after["day"] - before["day"], day - before["day"]
    is_between = (passed > 0) & (passed < counts)
    gap, gone = np.where(is_between, gap, 1), np.where(is_between, gone, 0)
    whole, rest = np.divmod(before["left_minor"] - after["left_minor"], gap)
    found = before["left_minor"] - (whole * gone + rest * gone // gap)
    left[places] = np.where(passed == counts, 0, found)
    return left
