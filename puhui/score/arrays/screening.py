"""Screening: which single column tells the outcome too well to have been known before it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.logit import fold_numbers
from puhui.score.arrays.metric import auc_of
from puhui.score.arrays.vector import draw_sample
from puhui.score.nouns import ColumnWarning, Mapping, Table, Value
from puhui.score.rules.value import read_number, read_text

Floats = NDArray[np.float64]

FOLDS = 5
QUANTILES = 20
SMOOTHING = 2.0
NUMBER_SHARE_MIN = 0.95


def screen_columns(table: Table, mapping: Mapping, auc_max: float) -> tuple[ColumnWarning, ...]:
    """Columns of the file, declared or not, whose AUC alone is ``auc_max`` or more, best first.

    Each column is tried as a ranked number, as bins of a number, and as a category; bins and
    categories are valued out of fold, so a column of distinct identifiers tells nothing. The
    target's own column is left out. All labelled rows count.
    """
    sample = draw_sample(table, mapping)
    rows = np.flatnonzero(sample.is_train | sample.is_test)
    outcomes = sample.is_bad[rows]
    folds = fold_numbers(outcomes, FOLDS, seed=0)
    closed = {entry.column for entry in mapping.forbidden} | {c.column for c in mapping.loss}
    used = {column for signal in mapping.signals for column in signal.columns}
    found = []
    for name, values in table.columns.items():
        if name == mapping.target.column:
            continue
        auc = column_auc([values[row] for row in rows], outcomes, folds)
        if auc >= auc_max:
            found.append(ColumnWarning(name, auc, name in closed, name in used))
    return tuple(sorted(found, key=lambda warning: (-warning.auc, warning.column)))


def column_auc(values: list[Value], outcomes: Floats, folds: NDArray[np.int64]) -> float:
    """The best AUC (0.5..1) that one column reaches alone, by any of the three ways."""
    texts = [read_text(value) for value in values]
    best = _two_sided(out_of_fold_rates(texts, outcomes, folds), outcomes)
    numbers = _numbers(values)
    is_known = ~np.isnan(numbers)
    if is_known.sum() < NUMBER_SHARE_MIN * max(1, sum(bool(text) for text in texts)):
        return best
    ranked = np.where(is_known, numbers, -math.inf)
    best = max(best, _two_sided(ranked, outcomes))
    shares = np.arange(1, QUANTILES) / QUANTILES
    if is_known.any():
        edges = np.unique(np.quantile(numbers[is_known], shares))
        places = np.where(is_known, np.searchsorted(edges, ranked), -1).tolist()
        binned = out_of_fold_rates([str(place) for place in places], outcomes, folds)
        best = max(best, _two_sided(binned, outcomes))
    return best


def _numbers(values: list[Value]) -> Floats:
    found = np.empty(len(values))
    for place, value in enumerate(values):
        try:
            found[place] = read_number(value)
        except Refused:
            found[place] = math.nan
    return found


def _two_sided(ranks: Floats, outcomes: Floats) -> float:
    auc = auc_of(ranks, outcomes)
    return 0.5 if math.isnan(auc) else max(auc, 1.0 - auc)


def out_of_fold_rates(texts: list[str], outcomes: Floats, folds: NDArray[np.int64]) -> Floats:
    """The smoothed bad rate of each row's text in the other folds, (n,) float64."""
    rows, bads = Counter(texts), Counter[str]()
    fold_rows: Counter[tuple[int, str]] = Counter()
    fold_bads: Counter[tuple[int, str]] = Counter()
    for text, bad, fold in zip(texts, outcomes.tolist(), folds.tolist(), strict=True):
        bads[text] += int(bad)
        fold_rows[fold, text] += 1
        fold_bads[fold, text] += int(bad)
    mean = float(np.mean(outcomes))
    rates = {
        key: (bads[key[1]] - fold_bads[key] + SMOOTHING * mean)
        / (rows[key[1]] - fold_rows[key] + SMOOTHING)
        for key in fold_rows
    }
    pairs = zip(folds.tolist(), texts, strict=True)
    return np.array([rates[pair] for pair in pairs], dtype=np.float64)
