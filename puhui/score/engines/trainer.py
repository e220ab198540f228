"""Training: a points card or boosted trees from a table and its mapping, checked out of fold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.binning import (
    BinRules,
    SignalBins,
    bin_category,
    bin_number,
    woe_column,
)
from puhui.score.arrays.forest import flatten_forest, forest_sums
from puhui.score.arrays.logit import fit_calibration, fit_logit, fold_numbers, sigmoid
from puhui.score.arrays.metric import auc_of, brier_of, h_measure_of, ks_of, log_loss_of
from puhui.score.arrays.vector import (
    categories_of,
    codes_of,
    column_of,
    draw_sample,
    matrix_of,
)
from puhui.score.engines.lightgbm import fit_trees
from puhui.score.formats.model_json import seal
from puhui.score.nouns import (
    Calibration,
    Card,
    Forest,
    Mapping,
    Model,
    Scale,
    Signal,
    SignalPoints,
    Table,
)
from puhui.score.rules.leakage import refuse_leaking_signals
from puhui.score.rules.value import read_day

Floats = NDArray[np.float64]

SCALE = Scale(anchor_points=600, anchor_odds=20.0, points_per_doubling=50)
"""600 points at 20 good to 1 bad, 50 points double the odds: 0 and 1000 lie far outside."""

FOLDS = 5
RIDGE = 1.0
ROWS_MIN = 100
"""Below so many labelled training rows, or a tenth of it of either outcome, nothing is learned."""


@dataclass(frozen=True, slots=True)
class FittedCard:
    """A card before rounding: the signals it kept, their bins, and the logistic weights."""

    kept: tuple[int, ...]
    bins: tuple[SignalBins, ...]
    weights: Floats


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


def train(
    table: Table,
    mapping: Mapping,
    kind: str,
    seed: int,
    *,
    maker: str = "puhui",
    trained_on: str = "",
    name: str = "",
    stable_periods: int = 0,
) -> Model:
    """Train a model as ``train_held_out`` does; for those who need the model alone."""
    return train_held_out(
        table, mapping, kind, seed, maker=maker, trained_on=trained_on, name=name,
        stable_periods=stable_periods,
    ).model  # fmt: skip


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
) -> Trained:
    """Train a model of ``kind`` "points" or "trees" on the mapping's training rows.

    The rest of the table is never looked at. Five-fold figures out of the training rows stand
    in ``metrics`` (cv_auc, cv_ks, cv_h, cv_brier, cv_log_loss); the calibration comes from the
    same out-of-fold predictions. ``trained_on`` is an ISO date for the record; it is part of
    the digest. With ``stable_periods`` (2 or more) a card's bins also keep the order of their bad
    rates over so many periods of equal counts by the mapping's date; fewer where days are few.
    Refused: ``score.no_date`` where that asks for a date column, ``score.leaking_signal``,
    ``score.column_missing``, ``score.kind_unknown``, ``score.too_few_rows``.
    """
    if kind not in ("points", "trees"):
        raise Refused("score.kind_unknown", f"There is no model of kind {kind!r}.")
    refuse_leaking_signals(mapping)
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
    blank = Model(
        name=name or f"{mapping.name}_{kind}",
        kind=kind,
        mapping=mapping.name,
        mapping_digest=mapping.digest,
        target=f"{mapping.target.column} in {', '.join(mapping.target.bad)}",
        signals=signals,
        categories=categories,
        scale=SCALE,
        calibration=Calibration(1.0, 0.0),
        card=None,
        forest=None,
        data_digest=_digest(matrix, outcomes),
        parameters=(),
        metrics=(),
        maker=maker,
        trained_on=trained_on,
    )
    chosen = dict(mapping.parameters)
    if kind == "points":
        periods = _periods_of(part, mapping, stable_periods)
        periods = None if periods is None else periods[usable]
        model, log_odds = _fit_points(blank, matrix, outcomes, periods, seed)
    else:
        model, log_odds = _fit_trees(blank, matrix, outcomes, chosen, seed)
    counts = (("rows", float(len(outcomes))), ("bads", float(outcomes.sum())))
    refused = (("refused_rows", float(len(refusals))),)
    made = seal(replace(model, metrics=(*model.metrics, *counts, *refused)))
    return Trained(made, train_rows[usable], sigmoid(log_odds), outcomes)


def _refuse_thin(outcomes: Floats) -> None:
    bads = int(outcomes.sum())
    if len(outcomes) < ROWS_MIN or min(bads, len(outcomes) - bads) < ROWS_MIN // 10:
        raise Refused(
            "score.too_few_rows",
            f"{len(outcomes)} labelled training rows with {bads} bad ones are too few to learn.",
        )


def _digest(matrix: Floats, outcomes: Floats) -> str:
    """SHA-256 of the numbers that were learned from, in their order."""
    found = hashlib.sha256(f"{matrix.shape}".encode())
    found.update(np.ascontiguousarray(matrix, dtype="<f8").tobytes())
    found.update(np.ascontiguousarray(outcomes, dtype="<f8").tobytes())
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


def _fit_trees(
    blank: Model, matrix: Floats, outcomes: Floats, chosen: dict[str, float], seed: int
) -> tuple[Model, Floats]:
    matrix = np.ascontiguousarray(matrix)
    folds = fold_numbers(outcomes, FOLDS, seed)
    raw = np.empty(len(outcomes))
    for fold in range(FOLDS):
        held = folds == fold
        text = fit_trees(matrix[~held], outcomes[~held], blank.signals, chosen, seed)
        raw[held] = forest_sums(
            flatten_forest(text, matrix.shape[1]), np.ascontiguousarray(matrix[held])
        )
    slope, intercept = fit_calibration(raw, outcomes)
    log_odds = slope * raw + intercept
    made = replace(
        blank,
        forest=Forest(fit_trees(matrix, outcomes, blank.signals, chosen, seed)),
        calibration=Calibration(slope, intercept),
        parameters=(*sorted(chosen.items()), ("folds", float(FOLDS)), ("seed", float(seed))),
        metrics=cross_metrics(log_odds, outcomes),
    )
    return made, log_odds


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


def _fit_points(
    blank: Model,
    matrix: Floats,
    outcomes: Floats,
    periods: NDArray[np.int64] | None,
    seed: int,
) -> tuple[Model, Floats]:
    rules = BinRules()
    folds = fold_numbers(outcomes, FOLDS, seed)
    raw = np.empty(len(outcomes))
    for fold in range(FOLDS):
        held = folds == fold
        own = None if periods is None else periods[~held]
        fitted = fit_card(
            matrix[~held], outcomes[~held], blank.signals, blank.categories, rules, own
        )
        raw[held] = card_log_odds(fitted, matrix[held], blank.signals)
    slope, intercept = fit_calibration(raw, outcomes)
    fitted = fit_card(matrix, outcomes, blank.signals, blank.categories, rules, periods)
    kept = fitted.kept
    settings = {key: float(value) for key, value in asdict(rules).items()}
    if periods is not None:
        settings["stable_periods"] = float(periods.max() + 1)
    settings.update({"folds": float(FOLDS), "ridge": RIDGE, "seed": float(seed)})
    log_odds = slope * raw + intercept
    made = replace(
        blank,
        signals=tuple(blank.signals[place] for place in kept),
        categories=tuple(blank.categories[place] for place in kept),
        card=make_card(fitted, slope, intercept, blank.scale),
        calibration=Calibration(slope, intercept),
        parameters=tuple(sorted(settings.items())),
        metrics=cross_metrics(log_odds, outcomes),
    )
    return made, log_odds


def fit_card(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    categories: Sequence[Sequence[str]],
    rules: BinRules,
    periods: NDArray[np.int64] | None = None,
) -> FittedCard:
    """Bin every signal of ``matrix`` (n, k), then weigh the bins by a logistic regression.

    A signal whose weight would turn its own bad rates round is dropped, so that points never
    contradict the bad rates they stand on; so is one with a single bin. With ``periods`` (n,)
    the bins of numbers also keep their order over time.
    """
    bins = tuple(
        bin_category(matrix[:, place], outcomes, len(categories[place]), rules)
        if signal.kind == "category"
        else bin_number(matrix[:, place], outcomes, signal, rules, periods)
        for place, signal in enumerate(signals)
    )
    woe = np.column_stack(
        [woe_column(matrix[:, p], bins[p], signals[p].special) for p in range(len(signals))]
    )
    kept = [place for place in range(len(signals)) if float(np.ptp(woe[:, place])) > 0.0]
    weights = fit_logit(woe[:, kept], outcomes, RIDGE)
    while kept and float(weights[1:].max()) >= 0.0:
        kept.pop(int(np.argmax(weights[1:])))
        weights = fit_logit(woe[:, kept], outcomes, RIDGE)
    return FittedCard(tuple(kept), tuple(bins[place] for place in kept), weights)


def card_log_odds(fitted: FittedCard, matrix: Floats, signals: Sequence[Signal]) -> Floats:
    """Log-odds of default (n,) of a card before rounding."""
    found = np.full(len(matrix), fitted.weights[0])
    for place, bins, weight in zip(fitted.kept, fitted.bins, fitted.weights[1:], strict=True):
        found += weight * woe_column(matrix[:, place], bins, signals[place].special)
    return found


def make_card(fitted: FittedCard, slope: float, intercept: float, scale: Scale) -> Card:
    """Whole points per bin; every signal's worst bin has none, the start takes the rest.

    Calibrated log-odds times the scale's factor, rounded per bin: what a printed card adds up
    is what the computer scores.
    """
    factor = scale.factor()
    start = scale.offset() - factor * (slope * float(fitted.weights[0]) + intercept)
    signals = []
    for bins, weight in zip(fitted.bins, fitted.weights[1:].tolist(), strict=True):
        asides = (bins.missing[2], bins.unseen_woe, *(woe for _, _, woe in bins.special))
        exact = [-factor * slope * weight * woe for woe in (*bins.woe.tolist(), *asides)]
        worst = min(exact)
        start += worst
        whole = [int(np.floor(points - worst + 0.5)) for points in exact]
        count = len(bins.woe)
        signals.append(
            SignalPoints(
                edges=bins.edges,
                groups=bins.groups,
                bin_points=tuple(whole[:count]),
                bin_rows=tuple(bins.rows.tolist()),
                bin_bads=tuple(bins.bads.tolist()),
                missing_points=whole[count],
                missing_rows=bins.missing[0],
                missing_bads=bins.missing[1],
                unseen_points=whole[count + 1],
                special_points=tuple(whole[count + 2 :]),
                special_rows=tuple(rows for rows, _, _ in bins.special),
                special_bads=tuple(bads for _, bads, _ in bins.special),
            )
        )
    return Card(int(np.floor(start + 0.5)), tuple(signals))


def better_of(models: Sequence[Model]) -> Model:
    """The champion: the highest cross-validated AUC on training rows; the first on a tie."""
    assert models, "no models"
    return max(models, key=lambda model: model.metric("cv_auc"))
