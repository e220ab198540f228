"""Additive models: a table of log-odds per signal and per pair of signals, looked up and added.

Serving needs no library: the kernel finds the bin of each value and adds the terms in the order
they were learned, so sums are those of the library that learned them; a test holds that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.errors import Refused
from puhui.score.nouns import Additive

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

BINS_MAX = 70_000


@dataclass(frozen=True, slots=True)
class FlatAdditive:
    """All terms as arrays. Term t has axes ``axis_from[t]`` to ``axis_from[t + 1]`` and its scores
    from ``score_from[t]``, the last axis running fastest.

    Axis a looks at signal ``signal[a]`` and has ``size[a]`` bins: bin 0 is missing, the last is
    for what was never seen. Of a number, bin 1 + i holds what is at or above i of its edges, from
    ``edge_from[a]``; of a category (``is_category``), code c has the bin in ``bins`` at
    ``edge_from[a]`` + c, up to ``edge_count[a]`` codes.
    """

    intercept: float
    axis_from: Places
    signal: Places
    size: Places
    is_category: Places
    edge_from: Places
    edge_count: Places
    edges: Floats
    bins: Places
    score_from: Places
    scores: Floats


def flatten_additive(model: Additive, signals: int) -> FlatAdditive:
    """Lay an additive model flat over ``signals`` columns.

    Refused: ``score.model_damaged`` where a term asks for a signal or a bin that is not there.
    """
    axis_from, score_from = [0], [0]
    signal: list[int] = []
    size: list[int] = []
    is_category: list[int] = []
    edge_from, edge_count = [], []
    edges: list[float] = []
    bins: list[int] = []
    scores: list[float] = []
    for term in model.terms:
        expected = 1
        for axis in term.axes:
            own = axis.bins if axis.is_category else axis.edges
            expected *= axis.size
            signal.append(axis.place)
            size.append(axis.size)
            is_category.append(int(axis.is_category))
            edge_from.append(len(bins) if axis.is_category else len(edges))
            edge_count.append(len(own))
            if axis.is_category:
                bins.extend(axis.bins)
            else:
                edges.extend(axis.edges)
            is_inside = 0 <= axis.place < signals and 2 <= axis.size <= BINS_MAX
            most = max(axis.bins, default=0) if axis.is_category else len(axis.edges) + 1
            if not is_inside or most >= axis.size:
                raise Refused("score.model_damaged", "The tables of the model do not fit.")
        if expected != len(term.scores):
            raise Refused("score.model_damaged", "The tables of the model do not fit.")
        scores.extend(term.scores)
        axis_from.append(len(signal))
        score_from.append(len(scores))

    def whole(values: list[int]) -> Places:
        return np.array(values or [0], dtype=np.int64)

    return FlatAdditive(
        model.intercept,
        whole(axis_from),
        whole(signal),
        whole(size),
        whole(is_category),
        whole(edge_from),
        whole(edge_count),
        np.array(edges or [0.0], dtype=np.float64),
        whole(bins),
        whole(score_from),
        np.array(scores or [0.0], dtype=np.float64),
    )


@njit
def _bin_of(
    value: float, size: int, is_category: int, first: int, count: int, edges: Floats, bins: Places
) -> int:
    """The bin of one value on one axis."""
    if value != value:
        return 0
    if is_category:
        if value < 0.0 or value >= count:
            return size - 1
        found: int = bins[first + np.int64(value)]
        return found
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if edges[first + middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low + 1


@njit
def _add_rows(  # compiled: one loop over terms; arguments are the fields of FlatAdditive
    matrix: Floats,
    found: Floats,
    parts: Floats,
    has_parts: bool,
    intercept: float,
    axis_from: Places,
    signal: Places,
    size: Places,
    is_category: Places,
    edge_from: Places,
    edge_count: Places,
    edges: Floats,
    bins: Places,
    score_from: Places,
    scores: Floats,
) -> None:
    """Sums (n,) of the rows of ``matrix`` (n, k); with ``has_parts`` each signal's share (n, k)."""
    for row in range(matrix.shape[0]):
        total = intercept
        for term in range(len(axis_from) - 1):
            place = 0
            for a in range(axis_from[term], axis_from[term + 1]):
                own = _bin_of(
                    matrix[row, signal[a]], size[a], is_category[a], edge_from[a], edge_count[a],
                    edges, bins,
                )  # fmt: skip
                place = place * size[a] + own
            score = scores[score_from[term] + place]
            total += score
            if has_parts:
                share = score / (axis_from[term + 1] - axis_from[term])
                for a in range(axis_from[term], axis_from[term + 1]):
                    parts[row, signal[a]] += share
        found[row] = total


def _run(flat: FlatAdditive, matrix: Floats, parts: Floats, has_parts: bool) -> Floats:
    found = np.empty(len(matrix), dtype=np.float64)
    _add_rows(
        matrix,
        found,
        parts,
        has_parts,
        flat.intercept,
        flat.axis_from,
        flat.signal,
        flat.size,
        flat.is_category,
        flat.edge_from,
        flat.edge_count,
        flat.edges,
        flat.bins,
        flat.score_from,
        flat.scores,
    )
    return found


def additive_sums(flat: FlatAdditive, matrix: Floats) -> Floats:
    """Raw log-odds of default (n,) float64 of signal values (n, k) float64, kept row by row."""
    return _run(flat, matrix, np.zeros((1, 1)), False)


def additive_parts(flat: FlatAdditive, matrix: Floats) -> Floats:
    """What each signal adds to the raw log-odds, (n, k) float64; a pair's term is halved.

    Terms are centred on the rows they were learned from, so parts stand against the average row.
    """
    parts = np.zeros(matrix.shape, dtype=np.float64)
    _run(flat, matrix, parts, True)
    return parts


def additive_sums_plain(model: Additive, matrix: Floats) -> Floats:
    """The same sums in plain Python: the kernel's twin, equal by test."""
    found = []
    for row in matrix.tolist():
        total = model.intercept
        for term in model.terms:
            place = 0
            for axis in term.axes:
                value = row[axis.place]
                if value != value:
                    own = 0
                elif axis.is_category:
                    is_known = 0 <= value < len(axis.bins)
                    own = axis.bins[int(value)] if is_known else axis.size - 1
                else:
                    own = 1 + sum(edge <= value for edge in axis.edges)
                place = place * axis.size + own
            total += term.scores[place]
        found.append(total)
    return np.array(found, dtype=np.float64)
