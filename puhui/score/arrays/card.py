"""Adding up a points card for a whole table: a compiled kernel and its numpy twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.score.nouns import Model
from puhui.score.rules.card import pd_of_total

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FlatCard:
    """A card laid flat: the slices of signal j run from ``*_from[j]`` to ``*_from[j + 1]``.

    ``points`` holds a number's points per bin, a category's per code; ``aside`` (k, 2) the
    points of missing and of unseen values.
    """

    start_points: int
    is_category: NDArray[np.bool_]
    edges: Floats
    edges_from: Counts
    points: Counts
    points_from: Counts
    special: Floats
    special_points: Counts
    special_from: Counts
    aside: Counts


def flatten(model: Model) -> FlatCard:
    """Lay a model's card flat for the kernel."""
    assert model.card is not None, model.kind
    edges: list[float] = []
    points: list[int] = []
    special: list[float] = []
    special_points: list[int] = []
    starts: tuple[list[int], list[int], list[int]] = ([0], [0], [0])
    for signal, found in zip(model.signals, model.card.signals, strict=True):
        edges.extend(found.edges)
        by_code = [found.bin_points[group] for group in found.groups]
        points.extend(by_code if signal.kind == "category" else found.bin_points)
        special.extend(signal.special)
        special_points.extend(found.special_points)
        ends = (len(edges), len(points), len(special))
        for start, end in zip(starts, ends, strict=True):
            start.append(end)
    return FlatCard(
        start_points=model.card.start_points,
        is_category=np.array([s.kind == "category" for s in model.signals], dtype=np.bool_),
        edges=np.array(edges, dtype=np.float64),
        edges_from=np.array(starts[0], dtype=np.int64),
        points=np.array(points, dtype=np.int64),
        points_from=np.array(starts[1], dtype=np.int64),
        special=np.array(special, dtype=np.float64),
        special_points=np.array(special_points, dtype=np.int64),
        special_from=np.array(starts[2], dtype=np.int64),
        aside=np.array(
            [(s.missing_points, s.unseen_points) for s in model.card.signals], dtype=np.int64
        ).reshape(-1, 2),
    )


@njit
def _add_up(
    matrix: Floats,
    totals: Counts,
    is_category: NDArray[np.bool_],
    edges: Floats,
    edges_from: Counts,
    points: Counts,
    points_from: Counts,
    special: Floats,
    special_points: Counts,
    special_from: Counts,
    aside: Counts,
) -> None:
    """Add every signal's points to ``totals`` (n,), in blocks of rows that stay in the cache."""
    rows, signals = matrix.shape
    for block in range(0, rows, 2048):
        end = min(block + 2048, rows)
        for j in range(signals):
            first, missing, unseen = points_from[j], aside[j, 0], aside[j, 1]
            count = points_from[j + 1] - first
            if is_category[j]:
                for i in range(block, end):
                    value = matrix[i, j]
                    if value != value:
                        totals[i] += missing
                    elif 0.0 <= value < count:
                        totals[i] += points[first + np.int64(value)]
                    else:
                        totals[i] += unseen
                continue
            low, high = edges_from[j], edges_from[j + 1]
            plain = special_from[j] == special_from[j + 1]
            for i in range(block, end):
                value = matrix[i, j]
                place = first
                for e in range(low, high):
                    place += np.int64(value > edges[e])
                totals[i] += points[place] if value == value else missing
            if not plain:
                for i in range(block, end):
                    for s in range(special_from[j], special_from[j + 1]):
                        if matrix[i, j] == special[s]:
                            place = first
                            for e in range(low, high):
                                place += np.int64(matrix[i, j] > edges[e])
                            totals[i] += special_points[s] - points[place]


def card_totals(card: FlatCard, matrix: Floats) -> Counts:
    """Unclipped totals (n,) int64 of signal values (n, k) float64, by the compiled kernel.

    Fastest where ``matrix`` keeps each column together (Fortran order).
    """
    totals = np.full(len(matrix), card.start_points, dtype=np.int64)
    _add_up(
        matrix,
        totals,
        card.is_category,
        card.edges,
        card.edges_from,
        card.points,
        card.points_from,
        card.special,
        card.special_points,
        card.special_from,
        card.aside,
    )
    return totals


def card_totals_numpy(card: FlatCard, matrix: Floats) -> Counts:
    """The same totals by numpy alone: the kernel's twin, equal by test."""
    totals = np.full(len(matrix), card.start_points, dtype=np.int64)
    for j in range(matrix.shape[1]):
        values = matrix[:, j]
        points = card.points[card.points_from[j] : card.points_from[j + 1]]
        is_missing = np.isnan(values)
        if card.is_category[j]:
            is_known = ~is_missing & (values >= 0) & (values < len(points))
            codes = np.where(is_known, values, 0).astype(np.int64)
            known = points[codes] if len(points) else np.zeros(len(values), dtype=np.int64)
            found = np.where(is_known, known, card.aside[j, 1])
        else:
            edges = card.edges[card.edges_from[j] : card.edges_from[j + 1]]
            found = points[np.searchsorted(edges, np.where(is_missing, 0.0, values), "left")]
            for s in range(card.special_from[j], card.special_from[j + 1]):
                found = np.where(values == card.special[s], card.special_points[s], found)
        totals += np.where(is_missing, card.aside[j, 0], found)
    return totals


def pds_of_totals(model: Model, totals: Counts) -> Floats:
    """The probability of default of each total, by the row rule once per distinct total."""
    distinct, places = np.unique(totals, return_inverse=True)
    found = [pd_of_total(int(total), model.scale) for total in distinct]
    return np.array(found, dtype=np.float64)[places]
