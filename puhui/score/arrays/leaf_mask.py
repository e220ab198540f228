"""Boosted trees for many rows: which leaves remain, as bits of all trees at once.

A question that a row answers with no takes away the leaves below yes; the first leaf left is the
one the row falls in. For every signal the bits of all its questions are joined beforehand for
each place that a value can have among the bounds asked, so a row costs one search and one run of
ANDs per signal instead of a walk down every tree. Leaves are the same and are added in the same
order as in ``forest``, so sums are equal to the last bit; a test holds that.
Source: Lucchese et al., QuickScorer, SIGIR 2015; joining the bits beforehand is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.score.arrays.forest import FlatForest, flatten_forest
from puhui.score.arrays.pair import Pair, with_pairs
from puhui.score.nouns import SCORE_MAX

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Bits = NDArray[np.unsignedinteger[Any]]

LEAVES_MAX = 32
BYTES_MAX = 64 << 20
WIDE, NARROW = (0x077CB531, 27), (0x09AF, 12)
"""A product with these and a shift send the single bits of 32, or 16, to places of their own."""


@dataclass(frozen=True, slots=True)
class LeafMasks:
    """Bits of leaves, one row per place of a signal, and the leaves by the hash of their bit.

    Signal s has rows from ``first[s]``: a number row i where i of its ``count[s]`` bounds, from
    ``bound_from[s]``, lie below the value, then one row for missing values; a category
    (``is_category``) row c for its code, one for codes above all listed, one for missing and
    unseen ones. ``bits`` (rows, trees) uint16 or uint32; ``leaves`` (trees, 16 or 32). The columns
    of ``pairs`` stand after those of the signals.
    """

    first: Places
    count: Places
    bound_from: Places
    is_category: Places
    bounds: Floats
    bits: Bits
    leaves: Floats
    magic: int
    shift: int
    pairs: tuple[Pair, ...]


@lru_cache(maxsize=8)
def leaf_masks_of(text: str, signals: int) -> LeafMasks | None:
    """Lay the trees of a model out as bits; None where they have too many leaves or places.

    Refused: ``score.model_damaged``.
    """
    forest = flatten_forest(text, signals)
    leaves, below = [], []
    for root in forest.trees[:, 0].tolist():
        own: list[float] = []
        under: list[tuple[int, int]] = []
        _number_leaves(forest, root, own, under)
        leaves.append(own)
        below.append(under)
    most = max(len(own) for own in leaves)
    if most > LEAVES_MAX:
        return None
    width = 16 if most <= 16 else 32
    magic, shift = NARROW if width == 16 else WIDE
    bounds, sizes = _places(forest, signals + len(forest.pairs))
    rows = [len(own) + 2 if size < 0 else size + 2 for own, size in zip(bounds, sizes, strict=True)]
    if sum(rows) * len(leaves) * width // 8 > BYTES_MAX:
        return None
    first = np.concatenate(([0], np.cumsum(rows)))
    bits = np.full((int(first[-1]), len(leaves)), (1 << width) - 1, dtype=np.uint32)
    for tree, under in enumerate(below):
        for node, taken in under:
            _take(forest, node, ~np.uint32(taken), bits[:, tree], first, bounds, sizes)
    table = np.zeros((len(leaves), width), dtype=np.float64)
    for tree, own in enumerate(leaves):
        for place, value in enumerate(own):
            table[tree, ((1 << place) * magic % (1 << width)) >> shift] = value
    counts = [len(own) if size < 0 else size for own, size in zip(bounds, sizes, strict=True)]
    return LeafMasks(
        first[:-1].astype(np.int64),
        np.array(counts, dtype=np.int64),
        np.concatenate(([0], np.cumsum([len(own) for own in bounds])))[:-1].astype(np.int64),
        np.array([int(size >= 0) for size in sizes], dtype=np.int64),
        np.array([bound for own in bounds for bound in own] or [0.0]),
        np.ascontiguousarray(bits.astype(np.uint16 if width == 16 else np.uint32)),
        table,
        magic,
        shift,
        forest.pairs,
    )


def _number_leaves(
    forest: FlatForest, root: int, leaves: list[float], under: list[tuple[int, int]]
) -> int:
    """Number the leaves from yes to no; per question the bits of the leaves below its yes."""
    threshold, yes, no, _, _ = forest.nodes[root].item()
    if yes == root:
        leaves.append(threshold)
        return 1 << (len(leaves) - 1)
    left = _number_leaves(forest, yes, leaves, under)
    right = _number_leaves(forest, no, leaves, under)
    under.append((root, left))
    return left | right


def _places(forest: FlatForest, signals: int) -> tuple[list[list[float]], list[int]]:
    """The bounds asked of each signal, ascending; codes that a category lists, -1 for a number."""
    found: list[set[float]] = [set() for _ in range(signals)]
    sizes = [-1] * signals
    for place, (threshold, yes, _, _, signal) in enumerate(forest.nodes.tolist()):
        if yes == place:
            continue
        if signal >= 0:
            found[signal].add(threshold)
        else:
            words = int(forest.bits[int(threshold)])
            sizes[-1 - signal] = max(sizes[-1 - signal], words * 32)
    return [sorted(own) for own in found], sizes


def _take(
    forest: FlatForest,
    node: int,
    kept: np.uint32,
    column: NDArray[np.uint32],
    first: Places,
    bounds: list[list[float]],
    sizes: list[int],
) -> None:
    """Take the leaves below yes away wherever the question is answered with no."""
    threshold, yes, _, missing, signal = forest.nodes[node].item()
    own = signal if signal >= 0 else -1 - signal
    start = int(first[own])
    if signal >= 0:
        answered = bounds[own].index(threshold) + 1
        column[start + answered : start + len(bounds[own]) + 1] &= kept
        last = start + len(bounds[own]) + 1
    else:
        size, listed = sizes[own], forest.codes_at(int(threshold))
        places = [code for code in range(size) if code not in listed]
        column[start + np.array([*places, size])] &= kept
        last = start + size + 1
    if missing != yes:
        column[last] &= kept


@njit
def _add_leaves(
    matrix: Floats,
    found: Floats,
    first: Places,
    count: Places,
    bound_from: Places,
    is_category: Places,
    bounds: Floats,
    bits: Bits,
    leaves: Floats,
    magic: int,
    shift: int,
) -> None:
    """Sums (n,) of the leaves that each row of ``matrix`` (n, k) falls in."""
    trees = bits.shape[1]
    left = np.empty(trees, dtype=bits.dtype)
    times, by = np.uint32(magic), np.uint32(shift)
    whole = np.uint32(leaves.shape[1] - 1)
    for row in range(matrix.shape[0]):
        for signal in range(matrix.shape[1]):
            value = matrix[row, signal]
            place = count[signal] + 1
            if is_category[signal]:
                if value >= 0.0:
                    place = min(np.int64(value), count[signal])
            elif value == value:
                low, high = bound_from[signal], bound_from[signal] + count[signal]
                while low < high:
                    middle = (low + high) >> 1
                    if bounds[middle] < value:
                        low = middle + 1
                    else:
                        high = middle
                place = low - bound_from[signal]
            own = bits[first[signal] + place]
            if signal == 0:
                for tree in range(trees):
                    left[tree] = own[tree]
            else:
                for tree in range(trees):
                    left[tree] &= own[tree]
        total = 0.0
        for tree in range(trees):
            word = np.uint32(left[tree])
            bit = word & (~word + np.uint32(1))
            total += leaves[tree, ((bit * times) >> by) & whole]
        found[row] = total


def masked_sums(masks: LeafMasks, matrix: Floats) -> Floats:
    """Raw log-odds of default (n,) float64 of signal values (n, k) float64, kept row by row."""
    found = np.empty(len(matrix), dtype=np.float64)
    _add_leaves(
        with_pairs(masks.pairs, matrix),
        found,
        masks.first,
        masks.count,
        masks.bound_from,
        masks.is_category,
        masks.bounds,
        masks.bits,
        masks.leaves,
        masks.magic,
        masks.shift,
    )
    return found


@njit
def _finish(
    raw: Floats, points: Places, pd: Floats, slope: float, intercept: float, factor: float,
    offset: float, most: int,
) -> None:  # fmt: skip
    """As ``pd_of`` and ``points_of``, row by row."""
    for row in range(raw.shape[0]):
        log_odds = slope * raw[row] + intercept
        if log_odds >= 0.0:
            pd[row] = 1.0 / (1.0 + math.exp(-log_odds))
        else:
            grown = math.exp(log_odds)
            pd[row] = grown / (1.0 + grown)
        points[row] = min(most, max(0, math.floor(offset - factor * log_odds + 0.5)))


def finish_rows(
    raw: Floats, slope: float, intercept: float, factor: float, offset: float
) -> tuple[Places, Floats]:
    """Points (n,) int64 and probabilities (n,) float64 of raw sums, as one row's are made.

    ``slope`` and ``intercept`` calibrate; ``factor`` and ``offset`` are those of the scale.
    """
    points, pd = np.empty(len(raw), dtype=np.int64), np.empty(len(raw))
    _finish(raw, points, pd, slope, intercept, factor, offset, SCORE_MAX)
    return points, pd
