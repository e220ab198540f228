"""Families of models that can be put in force: each learns from a lesson and is served by us.

Trees of LightGBM and XGBoost and additive tables are read once and served by our own kernels, so
a bank needs the library to train and never to score.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.additive import additive_sums, flatten_additive
from puhui.score.arrays.binning import BinRules
from puhui.score.arrays.forest import flatten_forest, forest_sums
from puhui.score.engines import ebm, lightgbm, xgboost
from puhui.score.engines.card import FittedCard, card_log_odds, fit_card
from puhui.score.engines.lesson import Lesson, guess, joined
from puhui.score.nouns import Additive, Forest

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]

LOG_ODDS_MAX = 15.0
"""Raw log-odds beyond it come from leaves of a single row, and upset the calibration."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a family learned: how it tells raw log-odds (n,) of values (n, k), and its own form."""

    predict: Predict
    card: FittedCard | None = None
    forest: Forest | None = None
    additive: Additive | None = None


def learn_points(lesson: Lesson, seed: int) -> Learnt:
    """The points card before rounding."""
    fitted = fit_card(
        lesson.matrix,
        lesson.outcomes,
        lesson.signals,
        lesson.categories,
        BinRules(),
        lesson.periods,
        guess(lesson, seed),
    )
    return Learnt(lambda matrix: card_log_odds(fitted, matrix, lesson.signals), card=fitted)


def learn_trees(lesson: Lesson, seed: int) -> Learnt:
    """LightGBM's trees, monotone where the mapping says so."""
    rows = joined(lesson, seed)
    weights = None if lesson.refusals is None else rows.weights
    text = lightgbm.fit_trees(
        rows.matrix, rows.outcomes, lesson.signals, dict(lesson.settings), seed, weights
    )
    return _served(text, lesson)


def learn_xgboost(lesson: Lesson, seed: int) -> Learnt:
    """XGBoost's trees by histograms, monotone where the mapping says so."""
    return _learn_xgboost(lesson, seed, xgboost.ALONE)


def learn_pairs(lesson: Lesson, seed: int) -> Learnt:
    """XGBoost's trees that also ask for pairs of categories."""
    return _learn_xgboost(lesson, seed, xgboost.PAIRED)


def _learn_xgboost(lesson: Lesson, seed: int, plan: xgboost.Plan) -> Learnt:
    rows = joined(lesson, seed)
    weights = None if lesson.refusals is None else rows.weights
    levels = [len(texts) for texts in lesson.categories]
    text = xgboost.fit_trees(
        rows.matrix, rows.outcomes, lesson.signals, levels, seed, weights, plan
    )
    return _served(text, lesson)


def _served(text: str, lesson: Lesson) -> Learnt:
    flat = flatten_forest(text, len(lesson.signals))
    return Learnt(
        lambda matrix: forest_sums(flat, np.ascontiguousarray(matrix)), forest=Forest(text)
    )


def learn_ebm(lesson: Lesson, seed: int) -> Learnt:
    """The explainable boosting machine: one curve per signal and a few pairs, all to be drawn."""
    rows = joined(lesson, seed)
    weights = None if lesson.refusals is None else rows.weights
    made = ebm.fit_additive(
        rows.matrix, rows.outcomes, lesson.signals, lesson.categories, seed, weights
    )
    flat = flatten_additive(made, len(lesson.signals))
    return Learnt(lambda matrix: additive_sums(flat, np.ascontiguousarray(matrix)), additive=made)


Family = Callable[[Lesson, int], Learnt]

FAMILIES: dict[str, tuple[str, Family]] = {
    "points": ("numpy", learn_points),
    "trees": ("lightgbm", learn_trees),
    "xgboost": ("xgboost", learn_xgboost),
    "pairs": ("xgboost", learn_pairs),
    "ebm": ("interpret", learn_ebm),
}
"""Every kind that can be trained and put in force, with the library that training needs."""


def family_of(kind: str) -> Family:
    """The family of a kind. Refused: ``score.kind_unknown``, ``score.engine_missing``."""
    if kind not in FAMILIES:
        raise Refused(
            "score.kind_unknown", f"There is no model of kind {kind!r}: {', '.join(FAMILIES)}."
        )
    library, family = FAMILIES[kind]
    if importlib.util.find_spec(library) is None:
        raise Refused(
            "score.engine_missing", f"{kind} needs its library: pip install 'puhui[models]'."
        )
    return family


def families_here() -> tuple[str, ...]:
    """The kinds whose library is installed."""
    return tuple(n for n, (library, _) in FAMILIES.items() if importlib.util.find_spec(library))
