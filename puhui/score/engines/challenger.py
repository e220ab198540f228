"""Champion and challengers: families of models that learn alike, and the one that earns most.

Every family stands behind ``Trainer``; those of ``family`` can be put in force, the others are
yardsticks. Those beside the points card and LightGBM's trees need the extra ``models`` to learn;
all run on one thread from a seed, so a contest can be held again.
"""

from __future__ import annotations

import importlib.util
import math
import tomllib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Keyed
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.logit import fit_calibration, fold_numbers, sigmoid
from puhui.score.arrays.metric import auc_of, h_measure_of, log_loss_of
from puhui.score.arrays.profit import best_earnings
from puhui.score.arrays.target import LEVELS_MIN
from puhui.score.engines.family import LOG_ODDS_MAX, Predict, family_of
from puhui.score.engines.lesson import Lesson
from puhui.score.engines.trainer import RefusedTable, read_lesson
from puhui.score.nouns import Mapping, Table

Floats = NDArray[np.float64]


class Trainer(Protocol):
    """A family of models: learn from a lesson, then tell raw log-odds (n,) of values (n, k)."""

    def __call__(self, lesson: Lesson, seed: int) -> Predict: ...


def served(kind: str) -> Trainer:
    """A family that can be put in force, by our own kernels."""

    def fit(lesson: Lesson, seed: int) -> Predict:
        return family_of(kind)(lesson, seed).predict

    return fit


def fit_lightgbm(lesson: Lesson, seed: int) -> Predict:
    """LightGBM as it comes: its own defaults, 100 rounds."""
    import lightgbm

    places = lesson.places()
    settings = {
        "objective": "binary", "num_threads": 1, "deterministic": True, "force_col_wise": True,
        "seed": seed, "verbose": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(
        _unseen_missing(lesson.matrix, places), lesson.outcomes, categorical_feature=places
    )
    booster = lightgbm.train(settings, data, num_boost_round=100)
    return lambda matrix: np.asarray(
        booster.predict(_unseen_missing(matrix, places), raw_score=True, num_threads=1)
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


def _unseen_missing(matrix: Floats, places: Sequence[int]) -> Floats:
    seen = matrix.copy()
    for place in places:
        seen[seen[:, place] < 0.0, place] = np.nan
    return seen


TRAINERS: dict[str, tuple[str, Trainer]] = {
    "points": ("numpy", served("points")),
    "monotone": ("lightgbm", served("trees")),
    "xgboost": ("xgboost", served("xgboost")),
    "pairs": ("xgboost", served("pairs")),
    "ebm": ("interpret", served("ebm")),
    "lightgbm": ("lightgbm", fit_lightgbm),
    "catboost": ("catboost", fit_catboost),
}
"""Every family by name, with the library that it needs."""

INNER_FOLDS, INNER_ROWS_MAX = 5, 20_000
"""How a choice is made. Five folds and not three, and many rows: a family that needs many must not
seem worse in the choice than it will be."""

CANDIDATES = {
    "points": "points",
    "monotone": "trees",
    "xgboost": "xgboost",
    "pairs": "pairs",
    "ebm": "ebm",
}
"""Who may be champion, and the kind it is trained as; the others are yardsticks."""


def candidates_for(lesson: Lesson, names: Sequence[str]) -> tuple[str, ...]:
    """Those of ``names`` who may be champion on a lesson.

    Pairs stand where a category has many values (``LEVELS_MIN``): where none has, sets of two
    signals' values say as much, and a contest on few rows may take pairs by luck.
    """
    has_many = any(len(values) >= LEVELS_MIN for values in lesson.categories)
    return tuple(name for name in names if name in CANDIDATES and (has_many or name != "pairs"))


def trainers_here() -> tuple[str, ...]:
    """The families whose library is installed."""
    return tuple(n for n, (lib, _) in TRAINERS.items() if importlib.util.find_spec(lib))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a family did out of fold: rank (auc, h), fit (log_loss) and profit.

    ``profit_share`` is what the best cut-off would have earned, per unit of amount asked for, and
    ``earned`` (n,) what each row would have; ``slope`` and ``intercept`` calibrate the family's
    raw log-odds.
    """

    name: str
    auc: float
    h: float
    log_loss: float
    profit_share: float
    slope: float = 1.0
    intercept: float = 0.0
    earned: Floats = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)


@lru_cache(maxsize=1)
def contest_rules() -> dict[str, float]:
    """The worth of good and bad loans, and the tolerance of the fit, from data/contest.toml."""
    text = (resources.files("puhui.score") / "data" / "contest.toml").read_text("utf-8")
    return {name: float(entry["value"]) for name, entry in tomllib.loads(text).items()}


def hold_contest(
    lesson: Lesson,
    names: Sequence[str],
    *,
    folds: int = 5,
    seed: int = 1,
    learn_rows_max: Keyed[str, int] | None = None,
) -> tuple[Standing, ...]:
    """Let families learn on the same folds and be judged on the rows they did not see.

    A family that ``learn_rows_max`` names learns from so many rows at most. Refused:
    ``score.kind_unknown``, ``score.engine_missing``.
    """
    _check_names(names)
    numbers = fold_numbers(lesson.outcomes, folds, seed)
    found = []
    for name in names:
        most = (learn_rows_max or {}).get(name, len(lesson.outcomes))
        raw = _held_out(lesson, name, numbers, seed, most)
        slope, intercept = fit_calibration(raw, lesson.outcomes)
        log_odds = slope * raw + intercept
        found.append(_standing(name, log_odds, lesson.outcomes, slope, intercept))
    return tuple(found)


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in TRAINERS:
            raise Refused("score.kind_unknown", f"There is no model of kind {name!r}.")
        if name not in trainers_here():
            raise Refused(
                "score.engine_missing", f"{name} needs its library: pip install 'puhui[models]'."
            )


def _held_out(
    lesson: Lesson, name: str, numbers: NDArray[np.int64], seed: int, rows_max: int
) -> Floats:
    """Raw log-odds (n,) of every row by a model that did not see its fold."""
    raw = np.empty(len(lesson.outcomes))
    for fold in range(int(numbers.max()) + 1):
        out = numbers == fold
        part = _some(lesson.take(~out), rows_max, seed)
        raw[out] = TRAINERS[name][1](part, seed)(lesson.matrix[out])
    return np.clip(raw, -LOG_ODDS_MAX, LOG_ODDS_MAX)


@dataclass(frozen=True, slots=True)
class Nested:
    """A contest within a contest: how each family did, and how the champion did that was chosen
    in each outer fold without its rows; ``chosen`` names it, fold by fold.
    """

    standings: tuple[Standing, ...]
    champion: Standing
    chosen: tuple[str, ...]


def hold_nested(
    lesson: Lesson,
    names: Sequence[str],
    *,
    folds: int = 5,
    inner: int = INNER_FOLDS,
    seed: int = 1,
    inner_rows_max: int = INNER_ROWS_MAX,
    learn_rows_max: Keyed[str, int] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Nested:
    """Report every family, and a champion that was not chosen on the rows it is reported on.

    In each outer fold the candidates hold a contest on the other rows alone (at most
    ``inner_rows_max`` of them by a seeded draw, as choosing needs fewer rows than learning); who
    wins by fit and profit learns from all of them, calibrated by that inner contest, and speaks
    for the fold. A family that ``learn_rows_max`` names learns from so many rows at most, by a
    seeded draw. Refused: ``score.kind_unknown``, ``score.engine_missing``.
    """
    _check_names(names)
    candidates = candidates_for(lesson, names)
    assert candidates, names
    numbers = fold_numbers(lesson.outcomes, folds, seed)
    raws = {name: np.empty(len(lesson.outcomes)) for name in names}
    spoken = np.empty(len(lesson.outcomes))
    chosen = []
    for fold in range(folds):
        out = numbers == fold
        part = lesson.take(~out)
        for name in names:
            own = _some(part, (learn_rows_max or {}).get(name, len(part.outcomes)), seed)
            raw = TRAINERS[name][1](own, seed)(lesson.matrix[out])
            raws[name][out] = np.clip(raw, -LOG_ODDS_MAX, LOG_ODDS_MAX)
        part = _some(part, inner_rows_max, seed + fold)
        inside = hold_contest(
            part, candidates, folds=inner, seed=seed, learn_rows_max=learn_rows_max
        )
        best = champion_of(inside)
        spoken[out] = best.slope * raws[best.name][out] + best.intercept
        chosen.append(best.name)
        if progress is not None:
            progress(f"outer fold {fold + 1} of {folds}: {best.name} chosen")
    found = []
    for name, raw in raws.items():
        slope, intercept = fit_calibration(raw, lesson.outcomes)
        found.append(_standing(name, slope * raw + intercept, lesson.outcomes, slope, intercept))
    return Nested(
        tuple(found), _standing("champion", spoken, lesson.outcomes, 1.0, 0.0), tuple(chosen)
    )


def choose_kind(
    table: Table,
    mapping: Mapping,
    seed: int,
    *,
    stable_periods: int = 0,
    refused: RefusedTable | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[str, Nested]:
    """The kind to train on a table's training rows, and what to expect of such a choice.

    The kind is the winner on folds of all training rows (at most 20,000 of them); the figures are
    those of ``hold_nested``, of rows that no choice has seen. It refuses what training does.
    """
    lesson, _, _ = read_lesson(table, mapping, stable_periods, refused)
    names = candidates_for(lesson, trainers_here())
    nested = hold_nested(lesson, names, seed=seed, progress=progress)
    part = _some(lesson, INNER_ROWS_MAX, seed)
    best = champion_of(hold_contest(part, names, folds=INNER_FOLDS, seed=seed))
    return CANDIDATES[best.name], nested


def _some(lesson: Lesson, count: int, seed: int) -> Lesson:
    """At most ``count`` rows by a seeded draw, in their order."""
    if len(lesson.outcomes) <= count:
        return lesson
    drawn = np.random.default_rng(seed).permutation(len(lesson.outcomes))[:count]
    return lesson.take(np.sort(drawn))


def _standing(
    name: str, log_odds: Floats, outcomes: Floats, slope: float, intercept: float
) -> Standing:
    rules, pd = contest_rules(), sigmoid(log_odds)
    earned = best_earnings(pd, outcomes, rules["gain_of_good"], rules["loss_of_bad"])
    return Standing(
        name,
        auc_of(pd, outcomes),
        h_measure_of(pd, outcomes),
        log_loss_of(pd, outcomes),
        float(earned.mean()),
        slope,
        intercept,
        earned,
    )


def champion_of(standings: Sequence[Standing]) -> Standing:
    """The champion: of those whose probabilities fit about best, the one that surely earns most.

    All stood on the same rows. "About best" is a log loss within the tolerance of
    data/contest.toml of the lowest; it is a proper score, so it asks for calibration and for
    telling rows apart. Who fits best gives way only to one whose profit is higher by more than
    the chance stated there, by a one-sided test of what each row earns by both; of several to the
    one that earns most, and of equals to the first.
    """
    assert standings, "nobody stood"
    best = min(standings, key=lambda one: one.log_loss)
    bound = best.log_loss * (1 + contest_rules()["log_loss_tolerance"])
    sound = [one for one in standings if one.log_loss <= bound and _earns_more(one, best)]
    return max(sound, key=lambda one: one.profit_share, default=best)


def _earns_more(one: Standing, other: Standing) -> bool:
    gap = one.earned - other.earned
    if len(gap) < 2:
        return False
    times = NormalDist().inv_cdf(1.0 - contest_rules()["profit_chance"])
    return float(gap.mean()) > times * float(gap.std(ddof=1)) / math.sqrt(len(gap))
