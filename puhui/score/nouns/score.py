"""Tables of raw texts, the sample drawn from them, and scores with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Keyed
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused

Value = str | float | int | None
"""One raw value of a row, as a file or a form gives it."""

Row = Keyed[str, Value]
"""One raw row: column name to value; a column that is not there counts as missing."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of raw values by name, all of one length."""

    columns: Keyed[str, tuple[Value, ...]]
    rows: int

    @staticmethod
    def of_rows(names: Sequence[str], rows: Iterable[Sequence[Value]]) -> Table:
        """Build a table from rows in the order of ``names``.

        Refused: ``score.table_uneven`` where a row is shorter or longer than the header,
        ``score.column_twice`` where a name stands twice.
        """
        kept = list(rows)
        if len(set(names)) != len(names):
            raise Refused("score.column_twice", "A column name stands twice in the header.")
        for number, row in enumerate(kept, start=1):
            if len(row) != len(names):
                raise Refused(
                    "score.table_uneven",
                    f"Row {number} has {len(row)} values, the header {len(names)}.",
                )
        turned = list(zip(*kept, strict=True)) or [() for _ in names]
        return Table({name: tuple(turned[i]) for i, name in enumerate(names)}, len(kept))

    def row(self, index: int) -> dict[str, Value]:
        """One row as a mapping of column to raw value."""
        return {name: values[index] for name, values in self.columns.items()}

    def take(self, indices: Iterable[int]) -> Table:
        """The rows at ``indices``, in that order."""
        kept = [int(index) for index in indices]
        columns = {name: tuple(v[i] for i in kept) for name, v in self.columns.items()}
        return Table(columns, len(kept))


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """Why one row (0-based) cannot be used; the rest of the table goes on."""

    row: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The labelled rows of a table, split by the mapping's rule.

    ``is_bad`` (n,) float64 is 1, 0, or not a number for unlabelled rows; ``is_train`` (n,) bool
    marks labelled training rows, ``is_test`` the labelled rest.
    """

    is_bad: NDArray[np.float64]
    is_train: NDArray[np.bool_]
    is_test: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a score below the best: the signal and the points it cost."""

    code: str
    points: int
    title_zh: str
    title_en: str
    advice_zh: str = ""
    advice_en: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """A score 0-1000, the calibrated probability of default, and reasons, dearest first."""

    points: int
    pd: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a table: ``points`` (n,) int64 and ``pd`` (n,) float64.

    A row in ``refusals`` has points -1 and a pd that is not a number.
    """

    points: NDArray[np.int64]
    pd: NDArray[np.float64]
    refusals: tuple[RowRefusal, ...] = field(default=())
