"""Typed columns of a block of rows scored as the row rule scores them, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping as Keyed
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.card import FlatCard
from puhui.score.arrays.vector import Codes, signal_column
from puhui.score.nouns import Model, RowRefusal, Signal, Table, Value
from puhui.score.rules.card import pd_of_total

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """One raw column of a block: ``numbers`` (n,) float64, not a number where missing, or texts.

    Where ``numbers`` is None, row i has the raw value ``values[places[i]]``; ``values`` are the
    distinct ones of the block, so each is read once.
    """

    numbers: Floats | None
    values: tuple[Value, ...] = ()
    places: Places | None = None

    def raw(self) -> tuple[Value, ...]:
        """The raw values row by row."""
        if self.numbers is not None:
            return tuple(None if one != one else one for one in self.numbers.tolist())
        assert self.places is not None, "a column of neither kind"
        return tuple(self.values[place] for place in self.places.tolist())


def block_matrix(
    columns: Keyed[str, Column], rows: int, signals: Sequence[Signal], codes: Codes
) -> tuple[Floats, tuple[RowRefusal, ...]]:
    """All signals of a block, (n, k) float64 column by column, and each bad row's first refusal.

    Plain numbers are taken as they stand; of other columns each distinct value is read once by
    the row rule; signals of several columns are read row by row.
    """
    matrix = np.empty((rows, len(signals)), dtype=np.float64, order="F")
    refusals: dict[int, RowRefusal] = {}
    for place, signal in enumerate(signals):
        refused = _read_into(matrix[:, place], columns, rows, signal, codes[place])
        for one in refused:
            refusals.setdefault(one.row, one)
    return matrix, tuple(refusals[row] for row in sorted(refusals))


def _read_into(
    found: Floats, columns: Keyed[str, Column], rows: int, signal: Signal, codes: Keyed[str, float]
) -> tuple[RowRefusal, ...]:
    if len(signal.columns) != 1:
        raw = {name: columns[name].raw() for name in signal.columns}
        found[:], refused = signal_column(Table(raw, rows), signal, codes)
        return refused
    (name,) = signal.columns
    column = columns[name]
    if column.numbers is not None:
        if signal.operation == "copy" and signal.kind == "number":
            np.add(column.numbers, 0.0, out=found)
            if _is_plain(found, signal):
                return ()
        distinct, places = np.unique(column.numbers, return_inverse=True)
        values: tuple[Value, ...] = tuple(None if v != v else v for v in distinct.tolist())
    else:
        assert column.places is not None, name
        values, places = column.values, column.places
    read, refused = signal_column(Table({name: values}, len(values)), signal, codes)
    found[:] = read[places]
    if not refused:
        return ()
    why = {one.row: one for one in refused}
    bad = np.flatnonzero(np.isin(places, np.array(sorted(why), dtype=np.int64)))
    return tuple(
        RowRefusal(int(row), why[int(places[row])].code, why[int(places[row])].reason)
        for row in bad.tolist()
    )


def _is_plain(numbers: Floats, signal: Signal) -> bool:
    """Whether no value is infinite or outside the signal's bounds; missing values may be."""
    if not len(numbers):
        return True
    low, high = float(np.fmin.reduce(numbers)), float(np.fmax.reduce(numbers))
    if low != low:
        return True
    least = -np.inf if signal.least is None else signal.least
    most = np.inf if signal.most is None else signal.most
    return np.isfinite(low) and np.isfinite(high) and low >= least and high <= most


def pds_in_range(model: Model, card: FlatCard) -> tuple[int, Floats]:
    """The least total that a card can give, and the probability of every total from it upwards."""
    low = high = card.start_points
    for j in range(len(card.aside)):
        own = [
            *card.points[card.points_from[j] : card.points_from[j + 1]].tolist(),
            *card.special_points[card.special_from[j] : card.special_from[j + 1]].tolist(),
            *card.aside[j].tolist(),
        ]
        low, high = low + min(own), high + max(own)
    found = [pd_of_total(total, model.scale) for total in range(low, high + 1)]
    return low, np.array(found, dtype=np.float64)
