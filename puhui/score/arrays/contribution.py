"""Exact contributions of signals to a sum of trees, leaf by leaf, without the tree library.

A leaf's part in the game of Shapley is its value times a product over the signals on its path:
1 or 0 where the signal is known (does the row pass all its questions?), the share of training
rows that pass where it is not. Owen's multilinear extension turns the Shapley value of signal i
into an integral over t of (known - share) x the product over the other signals of
t x known + (1 - t) x share: a polynomial that Gauss's rule integrates exactly. The values are
those of TreeSHAP (Lundberg et al., Nature Machine Intelligence 2, 2020), up to rounding.
Source: Owen, Management Science 18(5), 1972.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.errors import Refused
from puhui.score.arrays.forest import FlatForest, flatten_forest, has_counts
from puhui.score.arrays.pair import Pair, shared_out, with_pairs

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

NO_CODE = -1
"""How a missing category and one never seen stand among the codes that a path lets through."""

DEPTH_MAX = 32
"""Signals on one path; Gauss's rule with half as many points is exact."""

Range = tuple[float, float, bool]
"""The numbers a path lets through: above the first, at most the second, and missing ones."""

Codes = tuple[frozenset[int], bool]
"""The category codes a path lets through; all others where the flag is set."""

Path = dict[int, tuple[Range | Codes, float]]
"""By signal: what the path lets through, and the share of training rows that passed."""


@dataclass(frozen=True, slots=True)
class FlatPaths:
    """Every leaf's path; the pairs of leaf l are ``first[l]`` to ``first[l + 1]``.

    Per pair: ``signal``, ``low``, ``high``, ``others`` (are missing values, or codes not listed,
    let through?), ``share``, and for categories the slice of ``codes`` from ``codes_from`` with
    ``codes_count`` entries (-1 for a number). ``points`` (leaves,) counts Gauss points, whose
    places and weights on 0..1 stand in row ``points - 1`` of ``places`` and ``weights``. The
    columns of ``couples``, pairs of categories, stand after those of the signals.
    """

    value: Floats
    first: Places
    signal: Places
    low: Floats
    high: Floats
    others: Places
    share: Floats
    codes_from: Places
    codes_count: Places
    codes: Places
    points: Places
    places: Floats
    weights: Floats
    couples: tuple[Pair, ...]


@lru_cache(maxsize=8)
def paths_of(text: str, signals: int) -> FlatPaths:
    """Lay out the paths of the trees of a model. Refused: ``score.model_damaged``."""
    forest = flatten_forest(text, signals)
    if not has_counts(forest):
        raise Refused("score.model_damaged", "The trees of the model do not count their rows.")
    value: list[float] = []
    first = [0]
    pairs: list[tuple[int, float, float, bool, float, int, int]] = []
    codes: list[int] = []
    for leaf, path in _leaves(forest):
        if not path:
            continue
        if len(path) > DEPTH_MAX:
            raise Refused("score.model_damaged", "The trees of the model are too deep.")
        value.append(float(forest.nodes[leaf]["threshold"]))
        for signal, (passed, share) in path.items():
            if len(passed) == 3:
                pairs.append((signal, *passed, share, 0, -1))
            else:
                listed, is_rest = passed
                pairs.append((signal, 0.0, 0.0, is_rest, share, len(codes), len(listed)))
                codes.extend(sorted(listed))
        first.append(len(pairs))
    columns = list(zip(*pairs, strict=True)) or [()] * 7
    ends = np.array(first, dtype=np.int64)
    places, weights = _gauss()
    return FlatPaths(
        value=np.array(value, dtype=np.float64),
        first=ends,
        signal=np.array(columns[0], dtype=np.int64),
        low=np.array(columns[1], dtype=np.float64),
        high=np.array(columns[2], dtype=np.float64),
        others=np.array(columns[3], dtype=np.int64),
        share=np.array(columns[4], dtype=np.float64),
        codes_from=np.array(columns[5], dtype=np.int64),
        codes_count=np.array(columns[6], dtype=np.int64),
        codes=np.array(codes or [0], dtype=np.int64),
        points=(np.diff(ends) + 1) // 2,
        places=places,
        weights=weights,
        couples=forest.pairs,
    )


def _gauss() -> tuple[Floats, Floats]:
    """Places and weights of Gauss's rule on 0..1 with 1 to DEPTH_MAX / 2 points, row by row."""
    most = DEPTH_MAX // 2
    places, weights = np.zeros((most, most)), np.zeros((most, most))
    for count in range(1, most + 1):
        found, weight = np.polynomial.legendre.leggauss(count)
        places[count - 1, :count] = (found + 1.0) / 2.0
        weights[count - 1, :count] = weight / 2.0
    return places, weights


def _leaves(forest: FlatForest) -> Iterator[tuple[int, Path]]:
    """Every leaf with its path, tree by tree."""
    nodes, cover = forest.nodes.tolist(), forest.cover.tolist()
    for root in forest.trees[:, 0].tolist():
        waiting: list[tuple[int, Path]] = [(root, {})]
        while waiting:
            place, path = waiting.pop()
            threshold, yes, no, missing, signal = nodes[place]
            if yes == place:
                yield place, path
                continue
            for child in (no, yes):
                asked = signal if signal >= 0 else -1 - signal
                passed, share = path.get(asked, (None, 1.0))
                narrowed: Range | Codes
                if signal >= 0:
                    narrowed = _narrow(passed, threshold, child == yes, child == missing)
                else:
                    listed = forest.codes_at(int(threshold))
                    listed |= {NO_CODE} if missing == yes else frozenset()
                    narrowed = _pick(passed, listed, child == yes)
                share = share * cover[child] / cover[place]
                waiting.append((child, {**path, asked: (narrowed, share)}))


def _narrow(passed: Range | Codes | None, threshold: float, yes: bool, missing: bool) -> Range:
    low, high, others = passed if passed and len(passed) == 3 else (-np.inf, np.inf, True)
    if yes:
        return (low, min(high, threshold), others and missing)
    return (max(low, threshold), high, others and missing)


def _pick(passed: Range | Codes | None, asked: frozenset[int], yes: bool) -> Codes:
    listed, is_rest = passed if passed and len(passed) == 2 else (frozenset(), True)
    if yes:
        return (asked - listed if is_rest else asked & listed, False)
    return (listed | asked if is_rest else listed - asked, is_rest)


@njit
def _passes(
    value: float, low: float, high: float, others: int, codes: Places, first: int, count: int
) -> float:
    """1 where a value passes all questions of its signal on a path, else 0."""
    if count < 0:
        if value != value:
            return float(others)
        return 1.0 if low < value <= high else 0.0
    code = value if value >= 0.0 else float(NO_CODE)
    for place in range(first, first + count):
        if code == codes[place]:
            return 1.0 - others
    return float(others)


@njit
def _share_out(  # compiled: one loop over leaves; arguments are the fields of FlatPaths
    matrix: Floats,
    found: Floats,
    value: Floats,
    first: Places,
    signal: Places,
    low: Floats,
    high: Floats,
    others: Places,
    share: Floats,
    codes_from: Places,
    codes_count: Places,
    codes: Places,
    points: Places,
    places: Floats,
    weights: Floats,
) -> None:
    """Add every leaf's contributions for the rows of ``matrix`` (n, k) to ``found`` (n, k)."""
    known = np.empty(DEPTH_MAX)
    factor = np.empty(DEPTH_MAX)
    total = np.empty(DEPTH_MAX)
    for row in range(matrix.shape[0]):
        for leaf in range(len(value)):
            start = first[leaf]
            count = first[leaf + 1] - start
            for j in range(count):
                p = start + j
                known[j] = _passes(
                    matrix[row, signal[p]],
                    low[p],
                    high[p],
                    others[p],
                    codes,
                    codes_from[p],
                    codes_count[p],
                )
                total[j] = 0.0
            for q in range(points[leaf]):
                t = places[points[leaf] - 1, q]
                product = weights[points[leaf] - 1, q] * value[leaf]
                for j in range(count):
                    factor[j] = t * known[j] + (1.0 - t) * share[start + j]
                    product *= factor[j]
                for j in range(count):
                    total[j] += product / factor[j]
            for j in range(count):
                found[row, signal[start + j]] += (known[j] - share[start + j]) * total[j]


def contributions(paths: FlatPaths, matrix: Floats) -> Floats:
    """What each signal adds to the raw log-odds of each row, (n, k) float64.

    With the expected sum over the training rows they add up to the row's own sum. What a pair of
    categories adds is halved between the two.
    """
    wide = with_pairs(paths.couples, matrix)
    found = np.zeros(wide.shape, dtype=np.float64)
    _share_out(
        wide,
        found,
        paths.value,
        paths.first,
        paths.signal,
        paths.low,
        paths.high,
        paths.others,
        paths.share,
        paths.codes_from,
        paths.codes_count,
        paths.codes,
        paths.points,
        paths.places,
        paths.weights,
    )
    return shared_out(paths.couples, found)
