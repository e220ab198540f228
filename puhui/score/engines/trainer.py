"""Training: a model of any family from a table and its mapping, checked out of fold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.binning import BinRules
from puhui.score.arrays.logit import fit_calibration, fold_numbers, sigmoid
from puhui.score.arrays.metric import auc_of, brier_of, h_measure_of, ks_of, log_loss_of
from puhui.score.arrays.vector import (
    categories_of,
    codes_of,
    column_of,
    draw_sample,
    matrix_of,
)
from puhui.score.engines.card import RIDGE, make_card
from puhui.score.engines.family import Family, Learnt, family_of
from puhui.score.engines.lesson import METHODS, Lesson, Refusals, guess
from puhui.score.formats.model_json import seal
from puhui.score.formats.protected_toml import protected_names
from puhui.score.nouns import Calibration, Mapping, Model, Scale, Signal, Table
from puhui.score.rules.leakage import refuse_leaking_signals
from puhui.score.rules.protect import refuse_protected_names
from puhui.score.rules.value import read_day

Floats = NDArray[np.float64]

SCALE = Scale(anchor_points=600, anchor_odds=20.0, points_per_doubling=50)
"""600 points at 20 good to 1 bad, 50 points double the odds: 0 and 1000 lie far outside."""

FOLDS = 5
KIND_OF = {"xgboost": "trees", "pairs": "trees", "ebm": "additive"}
"""What a model of a family is to whoever serves it."""
ROWS_MIN = 100
"""Below so many labelled training rows, or a tenth of it of either outcome, nothing is learned."""


@dataclass(frozen=True, slots=True)
class RefusedTable:
    """Refused applicants with the columns of the signals, and how their outcomes are guessed:
    ``method`` "parcelling" or "fuzzy", ``factor`` (1 or more) times as bad as approved ones.
    """

    table: Table
    method: str = "parcelling"
    factor: float = 1.5


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with what it said of its training rows when they were held out.

    ``rows`` (n,) int64 are the places of the rows learned from, ``pd`` (n,) float64 their
    calibrated out-of-fold probabilities, ``is_bad`` (n,) float64 their outcomes.
    """

    model: Model
    rows: NDArray[np.int64]
    pd: Floats
    is_bad: Floats


def train(table: Table, mapping: Mapping, kind: str, seed: int, **more: Any) -> Model:
    """Train a model as ``train_held_out`` does; for those who need the model alone."""
    return train_held_out(table, mapping, kind, seed, **more).model


def train_held_out(
    table: Table,
    mapping: Mapping,
    kind: str,
    seed: int,
    *,
    maker: str = "puhui",
    trained_on: str = "",
    name: str = "",
    stable_periods: int = 0,
    refused: RefusedTable | None = None,
) -> Trained:
    """Train a model of ``kind`` "points", "trees", "xgboost", "pairs" or "ebm" on training rows.

    The rest of the table is never looked at. Five-fold figures out of the training rows stand
    in ``metrics`` (cv_auc, cv_ks, cv_h, cv_brier, cv_log_loss); the calibration comes from the
    same out-of-fold predictions. ``trained_on`` is an ISO date for the record; it is part of
    the digest. With ``stable_periods`` (2 or more) a card's bins, those of categories too, keep
    the order of their bad rates over so many periods of equal counts by the mapping's date; fewer
    where days are few.
    With ``refused`` applicants without an outcome help to learn, by outcomes guessed anew within
    each fold; figures and calibration stay those of known outcomes. Refused: ``score.no_date``
    where periods ask for a date column, ``score.leaking_signal``, ``score.protected_signal``,
    ``score.column_missing``, ``score.kind_unknown``, ``score.engine_missing``,
    ``score.too_few_rows``, ``score.reject_method``.
    """
    family = family_of(kind)
    lesson, kept, refusals = read_lesson(table, mapping, stable_periods, refused)
    blank = Model(
        name=name or f"{mapping.name}_{kind}",
        kind=KIND_OF.get(kind, kind),
        mapping=mapping.name,
        mapping_digest=mapping.digest,
        target=f"{mapping.target.column} in {', '.join(mapping.target.bad)}",
        signals=lesson.signals,
        categories=lesson.categories,
        scale=SCALE,
        calibration=Calibration(1.0, 0.0),
        card=None,
        forest=None,
        data_digest=_digest(lesson.matrix, lesson.outcomes, lesson.refusals),
        parameters=(),
        metrics=(),
        maker=maker,
        trained_on=trained_on,
    )
    log_odds, calibration = held_out(family, lesson, seed)
    made = _made(blank, kind, family(lesson, seed), lesson, calibration, seed)
    counts = (
        ("rows", float(len(lesson.outcomes))),
        ("bads", float(lesson.outcomes.sum())),
        ("refused_rows", float(refusals)),
    )
    figures = (*cross_metrics(log_odds, lesson.outcomes), *_guessed(lesson, seed))
    made = seal(replace(made, metrics=(*figures, *counts)))
    return Trained(made, kept, sigmoid(log_odds), lesson.outcomes)


def _guessed(lesson: Lesson, seed: int) -> tuple[tuple[str, float], ...]:
    """The share of refused applicants guessed bad, and how many times that of approved ones.

    Whoever signs for a model can see how much of it is a guess; nothing where nobody was guessed.
    """
    rows = guess(lesson, seed)
    if rows is None or not float(rows.weights.sum()):
        return ()
    share = float(rows.weights @ rows.outcomes / rows.weights.sum())
    known = float(lesson.outcomes.mean())
    return (("reject_bad_share", share), ("reject_times_known", share / known))


def read_lesson(
    table: Table, mapping: Mapping, stable_periods: int = 0, refused: RefusedTable | None = None
) -> tuple[Lesson, NDArray[np.int64], int]:
    """The lesson of a table's training rows, their places, and how many rows were set aside.

    It refuses what ``train_held_out`` does.
    """
    refuse_leaking_signals(mapping)
    refuse_protected_names(mapping.signals, protected_names())
    sample = draw_sample(table, mapping)
    signals = tuple(s for s in mapping.signals if s.operation not in ("absent", "stated"))
    train_rows = np.flatnonzero(sample.is_train)
    part = table.take(train_rows)
    categories = tuple(categories_of(part, s, range(part.rows)) for s in signals)
    matrix, refusals = matrix_of(part, signals, codes_of(categories))
    usable = np.ones(part.rows, dtype=np.bool_)
    usable[[refusal.row for refusal in refusals]] = False
    matrix, outcomes = matrix[usable], sample.is_bad[train_rows][usable]
    _refuse_thin(outcomes)
    periods = _periods_of(part, mapping, stable_periods)
    lesson = Lesson(
        np.ascontiguousarray(matrix),
        outcomes,
        signals,
        categories,
        mapping.parameters,
        None if periods is None else periods[usable],
        None if refused is None else _refused_of(refused, signals, categories),
    )
    return lesson, train_rows[usable], len(refusals)


def _refused_of(
    refused: RefusedTable, signals: Sequence[Signal], categories: Sequence[Sequence[str]]
) -> Refusals:
    if refused.method not in METHODS or not refused.factor >= 1.0:
        raise Refused(
            "score.reject_method",
            f"Outcomes of refused applicants are guessed by {' or '.join(METHODS)}, and they are "
            "taken to be at least as bad as approved ones (factor 1 or more).",
        )
    matrix, unread = matrix_of(refused.table, signals, codes_of(categories))
    kept = np.ones(len(matrix), dtype=np.bool_)
    kept[[one.row for one in unread]] = False
    return Refusals(np.ascontiguousarray(matrix[kept]), refused.method, refused.factor)


def held_out(family: Family, lesson: Lesson, seed: int) -> tuple[Floats, Calibration]:
    """Calibrated log-odds (n,) of rows while they were held out, and their calibration."""
    folds = fold_numbers(lesson.outcomes, FOLDS, seed)
    raw = np.empty(len(lesson.outcomes))
    for fold in range(FOLDS):
        held = folds == fold
        raw[held] = family(lesson.take(~held), seed).predict(lesson.matrix[held])
    slope, intercept = fit_calibration(raw, lesson.outcomes)
    return slope * raw + intercept, Calibration(slope, intercept)


def _made(
    blank: Model, kind: str, learnt: Learnt, lesson: Lesson, calibration: Calibration, seed: int
) -> Model:
    """The model with what was learned, and the settings it was learned by."""
    settings: dict[str, float] = {"folds": float(FOLDS), "seed": float(seed)}
    if lesson.refusals is not None:
        settings["reject_factor"] = lesson.refusals.factor
        settings["reject_rows"] = float(len(lesson.refusals.matrix))
        settings[f"reject_{lesson.refusals.method}"] = 1.0
    if learnt.card is None:
        chosen = dict(lesson.settings) if kind == "trees" else {}
        return replace(
            blank,
            forest=learnt.forest,
            additive=learnt.additive,
            calibration=calibration,
            parameters=(*sorted(chosen.items()), *settings.items()),
        )
    kept, settings = learnt.card.kept, {**settings, "ridge": RIDGE}
    settings |= {key: float(value) for key, value in asdict(BinRules()).items()}
    if lesson.periods is not None:
        settings["stable_periods"] = float(lesson.periods.max() + 1)
    return replace(
        blank,
        signals=tuple(blank.signals[place] for place in kept),
        categories=tuple(blank.categories[place] for place in kept),
        card=make_card(learnt.card, calibration.slope, calibration.intercept, blank.scale),
        calibration=calibration,
        parameters=tuple(sorted(settings.items())),
    )


def _refuse_thin(outcomes: Floats) -> None:
    bads = int(outcomes.sum())
    if len(outcomes) < ROWS_MIN or min(bads, len(outcomes) - bads) < ROWS_MIN // 10:
        raise Refused(
            "score.too_few_rows",
            f"{len(outcomes)} labelled training rows with {bads} bad ones are too few to learn.",
        )


def _digest(matrix: Floats, outcomes: Floats, refusals: Refusals | None) -> str:
    """SHA-256 of the numbers that were learned from, in their order."""
    found = hashlib.sha256(f"{matrix.shape}".encode())
    found.update(np.ascontiguousarray(matrix, dtype="<f8").tobytes())
    found.update(np.ascontiguousarray(outcomes, dtype="<f8").tobytes())
    if refusals is not None:
        found.update(np.ascontiguousarray(refusals.matrix, dtype="<f8").tobytes())
    return found.hexdigest()


def cross_metrics(log_odds: Floats, outcomes: Floats) -> tuple[tuple[str, float], ...]:
    """The recorded figures of out-of-fold ``log_odds`` (n,) against ``outcomes`` (n,)."""
    pd = sigmoid(log_odds)
    return (
        ("cv_auc", auc_of(pd, outcomes)),
        ("cv_ks", ks_of(pd, outcomes)),
        ("cv_h", h_measure_of(pd, outcomes)),
        ("cv_brier", brier_of(pd, outcomes)),
        ("cv_log_loss", log_loss_of(pd, outcomes)),
    )


def _periods_of(part: Table, mapping: Mapping, count: int) -> NDArray[np.int64] | None:
    """The period 0..count-1 of each row by its day, equal counts in each; None below two.

    Rows without a day belong to the first. Refused: ``score.no_date``, ``score.column_missing``,
    ``score.bad_date``.
    """
    if count < 2:
        return None
    if not mapping.date_column:
        raise Refused("score.no_date", f"The mapping {mapping.name!r} declares no date column.")
    values = column_of(part, mapping.date_column)
    days = [read_day(value, mapping.date_format) for value in values]
    numbers = np.array([0 if day is None else day.toordinal() for day in days], dtype=np.int64)
    bounds = np.quantile(numbers, np.arange(1, count) / count, method="inverted_cdf")
    return np.searchsorted(bounds, numbers, side="left").astype(np.int64)


def better_of(models: Sequence[Model]) -> Model:
    """The champion: the highest cross-validated AUC on training rows; the first on a tie."""
    assert models, "no models"
    return max(models, key=lambda model: model.metric("cv_auc"))
