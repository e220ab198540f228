"""Lessons: the rows that every family of models learns from, refused applicants included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.binning import BinRules
from puhui.score.arrays.logit import fit_calibration, sigmoid
from puhui.score.arrays.reject import fuzzy_weights, parcel
from puhui.score.engines.card import Rows, card_log_odds, fit_card
from puhui.score.nouns import Signal

Floats = NDArray[np.float64]

PARCELLING, FUZZY = "parcelling", "fuzzy"
METHODS = (PARCELLING, FUZZY)
"""Ways to guess the outcomes of refused applicants; see ``arrays.reject``."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refused applicants: values (m, k), how their outcomes are guessed, and how much worse than
    approved ones of the same score they are taken to be (``factor``, at least 1).
    """

    matrix: Floats
    method: str
    factor: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned from: values (n, k) with categories as codes, outcomes (n,) 0 or 1.

    ``settings`` are those that a mapping states for trees; ``periods`` (n,) are those over which
    the bins of a card keep their order.
    """

    matrix: Floats
    outcomes: Floats
    signals: tuple[Signal, ...]
    categories: tuple[tuple[str, ...], ...]
    settings: tuple[tuple[str, float], ...] = ()
    periods: NDArray[np.int64] | None = None
    refusals: Refusals | None = None

    def take(self, rows: NDArray[Any]) -> Lesson:
        """The same lesson with some of its rows; refused applicants stay."""
        return replace(
            self,
            matrix=np.ascontiguousarray(self.matrix[rows]),
            outcomes=self.outcomes[rows],
            periods=None if self.periods is None else self.periods[rows],
        )

    def places(self) -> list[int]:
        """Where the categories stand."""
        return [i for i, signal in enumerate(self.signals) if signal.kind == "category"]


def guess(lesson: Lesson, seed: int) -> Rows | None:
    """The refused applicants of a lesson with guessed outcomes; None where there are none.

    A card learned from the lesson's known outcomes, calibrated on them, tells their chances.
    """
    refused = lesson.refusals
    if refused is None:
        return None
    fitted = fit_card(lesson.matrix, lesson.outcomes, lesson.signals, lesson.categories, BinRules())
    raw = card_log_odds(fitted, lesson.matrix, lesson.signals)
    slope, intercept = fit_calibration(raw, lesson.outcomes)
    pd = sigmoid(slope * card_log_odds(fitted, refused.matrix, lesson.signals) + intercept)
    if refused.method == PARCELLING:
        outcomes = parcel(pd, refused.factor, seed)
        return Rows(refused.matrix, outcomes, np.ones(len(outcomes)))
    bad, good = fuzzy_weights(pd, refused.factor)
    outcomes = np.concatenate([np.ones(len(pd)), np.zeros(len(pd))])
    return Rows(np.vstack([refused.matrix] * 2), outcomes, np.concatenate([bad, good]))


def joined(lesson: Lesson, seed: int) -> Rows:
    """All rows of a lesson with their weights, refused applicants last."""
    known = Rows(lesson.matrix, lesson.outcomes, np.ones(len(lesson.outcomes)))
    more = guess(lesson, seed)
    if more is None:
        return known
    return Rows(
        np.ascontiguousarray(np.vstack([known.matrix, more.matrix])),
        np.concatenate([known.outcomes, more.outcomes]),
        np.concatenate([known.weights, more.weights]),
    )
