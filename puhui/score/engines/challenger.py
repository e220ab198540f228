"""Champion and challengers: families of models that learn alike, and the one that earns most.

Every family stands behind ``Trainer``. Those beside the points card and LightGBM's trees need the
extra ``models``; all run on one thread from a seed, so a contest can be held again.
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.binning import BinRules
from puhui.score.arrays.forest import flatten_forest, forest_sums
from puhui.score.arrays.logit import fit_calibration, fold_numbers, sigmoid
from puhui.score.arrays.metric import auc_of, h_measure_of, log_loss_of
from puhui.score.arrays.profit import best_profit
from puhui.score.arrays.reject import parcel
from puhui.score.engines.lightgbm import fit_trees
from puhui.score.engines.trainer import card_log_odds, fit_card
from puhui.score.nouns import Signal

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]

SIDES = {"up": 1, "down": -1}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned from: values (n, k) with categories as codes, outcomes (n,) 0 or 1."""

    matrix: Floats
    outcomes: Floats
    signals: tuple[Signal, ...]
    categories: tuple[tuple[str, ...], ...]

    def take(self, rows: NDArray[Any]) -> Lesson:
        """The same lesson with some of its rows."""
        return Lesson(self.matrix[rows], self.outcomes[rows], self.signals, self.categories)

    def places(self) -> list[int]:
        """Where the categories stand."""
        return [i for i, signal in enumerate(self.signals) if signal.kind == "category"]


class Trainer(Protocol):
    """A family of models: learn from a lesson, then tell raw log-odds (n,) of values (n, k)."""

    def __call__(self, lesson: Lesson, seed: int) -> Predict: ...


def fit_points(lesson: Lesson, seed: int) -> Predict:
    """The points card before rounding."""
    fitted = fit_card(lesson.matrix, lesson.outcomes, lesson.signals, lesson.categories, BinRules())
    return lambda matrix: card_log_odds(fitted, matrix, lesson.signals)


def with_refused(lesson: Lesson, refused: Floats, *, factor: float, seed: int) -> Lesson:
    """The lesson with refused applicants' values (m, k) added, their outcomes parcelled.

    A card learned from the lesson alone, calibrated, tells their probabilities; ``factor`` says
    how much worse they are than approved rows of the same score. See ``parcel``.
    """
    raw = fit_points(lesson, seed)(lesson.matrix)
    slope, intercept = fit_calibration(raw, lesson.outcomes)
    pd = sigmoid(slope * fit_points(lesson, seed)(refused) + intercept)
    return Lesson(
        np.vstack([lesson.matrix, refused]),
        np.concatenate([lesson.outcomes, parcel(pd, factor, seed)]),
        lesson.signals,
        lesson.categories,
    )


def fit_monotone(lesson: Lesson, seed: int) -> Predict:
    """LightGBM's trees, monotone where the mapping says so, by our own kernel."""
    text = fit_trees(np.ascontiguousarray(lesson.matrix), lesson.outcomes, lesson.signals, {}, seed)
    forest = flatten_forest(text, len(lesson.signals))
    return lambda matrix: forest_sums(forest, np.ascontiguousarray(matrix))


def fit_lightgbm(lesson: Lesson, seed: int) -> Predict:
    """LightGBM as it comes: its own defaults, 100 rounds."""
    import lightgbm

    settings = {
        "objective": "binary", "num_threads": 1, "deterministic": True, "force_col_wise": True,
        "seed": seed, "verbose": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(
        _unseen_missing(lesson.matrix), lesson.outcomes, categorical_feature=lesson.places()
    )
    booster = lightgbm.train(settings, data, num_boost_round=100)
    return lambda matrix: np.asarray(
        booster.predict(_unseen_missing(matrix), raw_score=True, num_threads=1)
    )


def fit_xgboost(lesson: Lesson, seed: int) -> Predict:
    """XGBoost with histograms and its own treatment of categories."""
    import xgboost

    kinds = ["c" if signal.kind == "category" else "float" for signal in lesson.signals]
    settings = {
        "objective": "binary:logistic", "nthread": 1, "seed": seed, "verbosity": 0,
        "tree_method": "hist", "max_depth": 4, "eta": 0.05, "subsample": 0.8,
        "colsample_bytree": 0.6, "lambda": 5.0, "max_cat_to_onehot": 8,
        "monotone_constraints": "(" + ",".join(str(s) for s in _sides(lesson)) + ")",
    }  # fmt: skip

    def data(matrix: Floats, outcomes: Floats | None = None) -> Any:
        return xgboost.DMatrix(
            _unseen_missing(matrix), outcomes, feature_types=kinds, enable_categorical=True,
            nthread=1,
        )  # fmt: skip

    booster = xgboost.train(settings, data(lesson.matrix, lesson.outcomes), num_boost_round=250)
    return lambda matrix: np.asarray(
        booster.predict(data(matrix), output_margin=True), dtype=np.float64
    )


def fit_catboost(lesson: Lesson, seed: int) -> Predict:
    """CatBoost with ordered statistics of categories."""
    import catboost

    places = lesson.places()

    def pool(matrix: Floats, outcomes: Floats | None = None) -> Any:
        columns: list[Any] = [matrix[:, place] for place in range(matrix.shape[1])]
        for place in places:
            columns[place] = np.nan_to_num(matrix[:, place], nan=-2.0).astype(np.int64).tolist()
        rows = [list(row) for row in zip(*columns, strict=True)]
        return catboost.Pool(rows, outcomes, cat_features=places, thread_count=1)

    fitted = catboost.CatBoostClassifier(
        iterations=400, depth=6, learning_rate=0.04, random_seed=seed, thread_count=1,
        verbose=False, allow_writing_files=False,
    ).fit(pool(lesson.matrix, lesson.outcomes))  # fmt: skip
    return lambda matrix: np.asarray(fitted.predict(pool(matrix), prediction_type="RawFormulaVal"))


def fit_ebm(lesson: Lesson, seed: int) -> Predict:
    """The explainable boosting machine: one curve per signal and a few pairs, all to be drawn."""
    from interpret.glassbox import ExplainableBoostingClassifier

    kinds = ["nominal" if s.kind == "category" else "continuous" for s in lesson.signals]

    def table(matrix: Floats) -> Any:
        columns = np.empty(matrix.shape, dtype=object)
        for place, kind in enumerate(kinds):
            values = matrix[:, place]
            columns[:, place] = (
                [None if v != v else str(int(v)) for v in values.tolist()]
                if kind == "nominal"
                else values
            )
        return columns

    fitted = ExplainableBoostingClassifier(
        feature_names=[s.name for s in lesson.signals], feature_types=kinds, n_jobs=1,
        random_state=seed, outer_bags=4, interactions=6, max_rounds=2000,
    ).fit(table(lesson.matrix), lesson.outcomes.astype(np.int64))  # fmt: skip
    return lambda matrix: np.asarray(fitted.decision_function(table(matrix)), dtype=np.float64)


def _sides(lesson: Lesson) -> list[int]:
    return [SIDES.get(signal.direction, 0) for signal in lesson.signals]


def _unseen_missing(matrix: Floats) -> Floats:
    return np.where(matrix == -1.0, np.nan, matrix)


TRAINERS: dict[str, tuple[str, Trainer]] = {
    "points": ("numpy", fit_points),
    "monotone": ("lightgbm", fit_monotone),
    "lightgbm": ("lightgbm", fit_lightgbm),
    "xgboost": ("xgboost", fit_xgboost),
    "catboost": ("catboost", fit_catboost),
    "ebm": ("interpret", fit_ebm),
}
"""Every family by name, with the library that it needs."""

YARDSTICKS = ("points", "lightgbm")
"""Not in the blend: the card stands for itself, and one family of LightGBM's trees is enough."""
BLEND = "blend"
"""The mean of the calibrated log-odds of the other families in the contest."""
LOG_ODDS_MAX = 15.0
"""Raw log-odds beyond it come from leaves of a single row, and upset the calibration."""


def trainers_here() -> tuple[str, ...]:
    """The families whose library is installed."""
    return tuple(n for n, (lib, _) in TRAINERS.items() if importlib.util.find_spec(lib))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a family did out of fold: rank (auc, h), fit (log_loss) and profit.

    ``profit_share`` is what the best cut-off would have earned, per unit of amount asked for.
    """

    name: str
    auc: float
    h: float
    log_loss: float
    profit_share: float


@lru_cache(maxsize=1)
def contest_rules() -> dict[str, float]:
    """The worth of good and bad loans, and the tolerance of the fit, from data/contest.toml."""
    text = (resources.files("puhui.score") / "data" / "contest.toml").read_text("utf-8")
    return {name: float(entry["value"]) for name, entry in tomllib.loads(text).items()}


def hold_contest(
    lesson: Lesson, names: Sequence[str], *, folds: int = 5, seed: int = 1
) -> tuple[Standing, ...]:
    """Let families learn on the same folds and be judged on the rows they did not see.

    The last standing is that of their blend where there are several. Refused:
    ``score.kind_unknown``, ``score.engine_missing``.
    """
    for name in names:
        if name not in TRAINERS:
            raise Refused("score.kind_unknown", f"There is no model of kind {name!r}.")
        if name not in trainers_here():
            raise Refused(
                "score.engine_missing", f"{name} needs its library: pip install 'puhui[models]'."
            )
    numbers = fold_numbers(lesson.outcomes, folds, seed)
    held: dict[str, Floats] = {}
    for name in names:
        raw = np.empty(len(lesson.outcomes))
        for fold in range(folds):
            out = numbers == fold
            raw[out] = TRAINERS[name][1](lesson.take(~out), seed)(lesson.matrix[out])
        raw = np.clip(raw, -LOG_ODDS_MAX, LOG_ODDS_MAX)
        slope, intercept = fit_calibration(raw, lesson.outcomes)
        held[name] = slope * raw + intercept
    members = [found for name, found in held.items() if name not in YARDSTICKS]
    if len(members) > 1:
        mean = np.mean(members, axis=0)
        slope, intercept = fit_calibration(mean, lesson.outcomes)
        held[BLEND] = slope * mean + intercept
    return tuple(_standing(name, found, lesson.outcomes) for name, found in held.items())


def _standing(name: str, log_odds: Floats, outcomes: Floats) -> Standing:
    rules, pd = contest_rules(), sigmoid(log_odds)
    profit = best_profit(pd, outcomes, rules["gain_of_good"], rules["loss_of_bad"])
    return Standing(
        name,
        auc_of(pd, outcomes),
        h_measure_of(pd, outcomes),
        log_loss_of(pd, outcomes),
        profit / len(outcomes),
    )


def champion_of(standings: Sequence[Standing]) -> Standing:
    """The champion: of those whose probabilities fit about best, the one that earns most.

    "About best" is a log loss within the tolerance of data/contest.toml of the lowest; it is a
    proper score, so it asks for calibration and for telling rows apart. Of equals the first.
    """
    assert standings, "nobody stood"
    bound = min(one.log_loss for one in standings) * (1 + contest_rules()["log_loss_tolerance"])
    return max((s for s in standings if s.log_loss <= bound), key=lambda s: s.profit_share)
