"""Points cards: bins of every signal, weighed by a logistic regression, as whole points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.binning import (
    BinRules,
    SignalBins,
    bin_category,
    bin_number,
    woe_column,
)
from puhui.score.arrays.logit import fit_logit
from puhui.score.nouns import Card, Scale, Signal, SignalPoints

Floats = NDArray[np.float64]

RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to learn from: values (n, k), outcomes (n,) 0 or 1, weights (n,)."""

    matrix: Floats
    outcomes: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class FittedCard:
    """A card before rounding: the signals it kept, their bins, and the logistic weights."""

    kept: tuple[int, ...]
    bins: tuple[SignalBins, ...]
    weights: Floats


def fit_card(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    categories: Sequence[Sequence[str]],
    rules: BinRules,
    periods: NDArray[np.int64] | None = None,
    guessed: Rows | None = None,
) -> FittedCard:
    """Bin every signal of ``matrix`` (n, k), then weigh the bins by a logistic regression.

    A signal whose weight would turn its own bad rates round is dropped, so that points never
    contradict the bad rates they stand on; so is one with a single bin. With ``periods`` (n,)
    bins also keep their order over time. ``guessed`` are refused applicants with
    outcomes that were guessed: they help to weigh bins, and no bin counts them.
    """
    bins = tuple(
        bin_category(matrix[:, place], outcomes, len(categories[place]), rules, periods)
        if signal.kind == "category"
        else bin_number(matrix[:, place], outcomes, signal, rules, periods)
        for place, signal in enumerate(signals)
    )
    weights_of = None
    if guessed is not None:
        weights_of = np.concatenate([np.ones(len(outcomes)), guessed.weights])
        matrix = np.vstack([matrix, guessed.matrix])
        outcomes = np.concatenate([outcomes, guessed.outcomes])
    woe = np.column_stack(
        [woe_column(matrix[:, p], bins[p], signals[p].special) for p in range(len(signals))]
    )
    kept = [place for place in range(len(signals)) if float(np.ptp(woe[:, place])) > 0.0]
    weights = fit_logit(woe[:, kept], outcomes, RIDGE, weights_of)
    while kept and float(weights[1:].max()) >= 0.0:
        kept.pop(int(np.argmax(weights[1:])))
        weights = fit_logit(woe[:, kept], outcomes, RIDGE, weights_of)
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
