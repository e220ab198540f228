"""Pairs of categories as numbers: the share of bads among the rows that had both.

A column of such shares stands after the signals of a forest that was learned with it, so a split
on a pair is a split on a number and every kernel walks it as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.score.arrays.target import ordered_shares, shares_of

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

PAIRS_MIN = 40
"""From so many different pairs on the two categories together are told as a share."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two categories at ``one`` and ``other``, of ``ones`` and ``others`` codes.

    ``keys`` (m,) ascending are the pairs seen in learning, code of the one x (others + 1) + code
    of the other, where a missing category has the code after the last. ``shares`` (m,) are their
    shares of bads; ``rest`` is that of a pair never seen.
    """

    one: int
    other: int
    ones: int
    others: int
    keys: Places
    shares: Floats
    rest: float

    def codes(self) -> list[tuple[int, int]]:
        """The codes of both categories of every pair seen; the last of each is missing."""
        return [divmod(key, self.others + 1) for key in self.keys.tolist()]


@njit
def _code(value: float, levels: int) -> int:
    """A code: ``levels`` where a category is missing, -1 where it was never seen."""
    if value != value:
        return levels
    return int(value) if 0.0 <= value < levels else -1


@njit
def _fill_keys(matrix: Floats, one: int, other: int, ones: int, others: int, found: Places) -> None:
    for row in range(matrix.shape[0]):
        left, right = _code(matrix[row, one], ones), _code(matrix[row, other], others)
        found[row] = -1 if left < 0 or right < 0 else left * (others + 1) + right


@njit
def _fill_shares(
    matrix: Floats, one: int, other: int, ones: int, others: int, keys: Places, shares: Floats,
    rest: float, column: int,
) -> None:  # fmt: skip
    """Write the share of each row's pair in a column of ``matrix``, by a search by halves."""
    for row in range(matrix.shape[0]):
        left, right = _code(matrix[row, one], ones), _code(matrix[row, other], others)
        key = left * (others + 1) + right
        low, high = 0, len(keys)
        if left < 0 or right < 0:
            low = high
        while low < high:
            middle = (low + high) // 2
            if keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        is_seen = low < len(keys) and keys[low] == key
        matrix[row, column] = shares[low] if is_seen else rest


def _keys(matrix: Floats, one: int, other: int, ones: int, others: int) -> Places:
    """The key (n,) of each row's pair; -1 where a category was never seen."""
    found = np.empty(len(matrix), dtype=np.int64)
    _fill_keys(matrix, one, other, ones, others, found)
    return found


def places_in(pair: Pair, matrix: Floats) -> Places:
    """The place (n,) of each row's pair among those seen; their count where it is none."""
    keys = _keys(matrix, pair.one, pair.other, pair.ones, pair.others)
    found = np.searchsorted(pair.keys, keys)
    is_seen = pair.keys[np.minimum(found, len(pair.keys) - 1)] == keys
    return np.where(is_seen, found, len(pair.keys)).astype(np.int64)


def learn_pairs(
    matrix: Floats, outcomes: Floats, weights: Floats, levels: Sequence[int]
) -> tuple[Pair, ...]:
    """Every pair of categories that shows ``PAIRS_MIN`` different ones or more, with its shares.

    ``levels`` (k,) says how many categories each signal has, 0 for a number.
    """
    made = []
    categories = [place for place, count in enumerate(levels) if count]
    for one, other in combinations(categories, 2):
        keys = np.unique(_keys(matrix, one, other, levels[one], levels[other]))
        keys = keys[keys >= 0]
        if len(keys) < PAIRS_MIN:
            continue
        blank = Pair(one, other, levels[one], levels[other], keys, np.zeros(0), 0.0)
        shares = shares_of(places_in(blank, matrix), outcomes, weights, len(keys))
        made.append(
            Pair(one, other, blank.ones, blank.others, keys, shares[:-1], float(shares[-1]))
        )
    return tuple(made)


def ordered_column(
    pair: Pair, matrix: Floats, outcomes: Floats, weights: Floats, seed: int
) -> Floats:
    """The column (n,) that learning sees: shares among the rows that a draw puts before."""
    return ordered_shares(places_in(pair, matrix), outcomes, weights, seed)


def with_pairs(pairs: Sequence[Pair], matrix: Floats) -> Floats:
    """Values (n, k) with a column of shares for every pair after them, (n, k + pairs)."""
    if not pairs:
        return matrix
    own = matrix.shape[1]
    wide = np.empty((len(matrix), own + len(pairs)), dtype=np.float64)
    wide[:, :own] = matrix
    for place, pair in enumerate(pairs, own):
        _fill_shares(
            wide, pair.one, pair.other, pair.ones, pair.others, pair.keys, pair.shares, pair.rest,
            place,
        )  # fmt: skip
    return wide


def with_pairs_plain(pairs: Sequence[Pair], row: Sequence[float]) -> list[float]:
    """The same of one row in plain Python: the twin, equal by test."""
    wide = list(row)
    for pair in pairs:
        codes = []
        for value, levels in ((row[pair.one], pair.ones), (row[pair.other], pair.others)):
            codes.append(levels if value != value else int(value) if 0 <= value < levels else -1)
        known = dict(zip(pair.codes(), pair.shares.tolist(), strict=True))
        wide.append(known.get((codes[0], codes[1]), pair.rest))
    return wide


def shared_out(pairs: Sequence[Pair], parts: Floats) -> Floats:
    """What each column adds (n, k + pairs) as what each signal adds (n, k): a pair is halved."""
    own = parts.shape[1] - len(pairs)
    found = np.ascontiguousarray(parts[:, :own])
    for place, pair in enumerate(pairs, own):
        found[:, pair.one] += parts[:, place] / 2.0
        found[:, pair.other] += parts[:, place] / 2.0
    return found


def told_pairs(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Pairs as a document that ``read_pairs`` reads."""
    return [
        {
            "places": [pair.one, pair.other],
            "levels": [pair.ones, pair.others],
            "keys": pair.keys.tolist(),
            "shares": pair.shares.tolist(),
            "rest": pair.rest,
        }
        for pair in pairs
    ]


def read_pairs(told: Sequence[dict[str, Any]], signals: int) -> tuple[Pair, ...]:
    """The pairs of a document over ``signals`` columns; ValueError where they cannot be."""
    made = []
    for entry in told:
        (one, other), (ones, others) = entry["places"], entry["levels"]
        keys = np.array(entry["keys"], dtype=np.int64)
        shares = np.array(entry["shares"], dtype=np.float64)
        is_inside = 0 <= one < signals and 0 <= other < signals and len(keys)
        if not is_inside or keys.shape != shares.shape or not (np.diff(keys) > 0).all():
            raise ValueError(one, other)
        if keys[0] < 0 or keys[-1] >= (ones + 1) * (others + 1):
            raise ValueError(ones, others)
        made.append(Pair(one, other, ones, others, keys, shares, float(entry["rest"])))
    return tuple(made)
