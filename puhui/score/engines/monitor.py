"""Watching a model in use: have its signals, scores or outcomes moved since training?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.metric import calibration_of, psi_of
from puhui.score.arrays.vector import matrix_of
from puhui.score.engines.scorer import score_matrix, scorer_of
from puhui.score.nouns import SCORE_MAX, Mapping, Model, Monitoring, Signal, SignalShift, Table

Floats = NDArray[np.float64]
BINS = 10


def monitor(
    model: Model,
    before: Table,
    after: Table,
    *,
    points_least: int,
    is_bad: Floats | None = None,
    mapping: Mapping | None = None,
) -> Monitoring:
    """Set the rows scored now (``after``) against those it learned from (``before``).

    The PSI of the score counts rows in tenths of ``before``; that of a signal in its tenths or
    categories, missing values a bin of their own. ``points_least`` is the score from which on
    applications are approved; ``is_bad`` (rows of ``after``,) gives outcomes, NaN where unknown.
    Rows that cannot be read are left out. Refused: ``score.column_missing``.
    """
    scorer = scorer_of(model, mapping)
    old, old_refused = matrix_of(before, scorer.signals, scorer.codes)
    new, new_refused = matrix_of(after, scorer.signals, scorer.codes)
    kept = np.ones(len(new), dtype=np.bool_)
    kept[[refusal.row for refusal in new_refused]] = False
    old = np.delete(old, [refusal.row for refusal in old_refused], axis=0)
    points_before, _ = score_matrix(scorer, old)
    points, pd = score_matrix(scorer, new[kept])
    outcomes = is_bad[kept] if is_bad is not None else np.full(len(points), np.nan)
    is_known = ~np.isnan(outcomes)
    edges = _tenths(points_before.astype(np.float64))
    return Monitoring(
        model_digest=model.digest,
        rows=len(points),
        score_psi=psi_of(
            _counts(points_before.astype(np.float64), edges),
            _counts(points.astype(np.float64), edges),
        ),
        signal_shifts=tuple(
            _shift(signal, len(model.categories[place]), old[:, place], new[kept, place])
            for place, signal in enumerate(scorer.signals)
        ),
        approval_rate=float(np.mean(points >= points_least)) if len(points) else np.nan,
        points_least=min(points_least, SCORE_MAX),
        mean_pd=float(np.mean(pd)) if len(pd) else np.nan,
        calibration=calibration_of(pd[is_known], outcomes[is_known]) if is_known.any() else (),
    )


def _tenths(values: Floats) -> Floats:
    kept = values[~np.isnan(values)]
    if not len(kept):
        return np.empty(0)
    return np.unique(np.quantile(kept, np.arange(1, BINS) / BINS, method="inverted_cdf"))


def _counts(values: Floats, edges: Floats) -> Floats:
    """Rows per bin between ``edges``, missing values last, (len(edges) + 2,)."""
    is_missing = np.isnan(values)
    places = np.searchsorted(edges, values[~is_missing], side="left")
    counts = np.bincount(places, minlength=len(edges) + 1).astype(np.float64)
    return np.append(counts, float(is_missing.sum()))


def _shift(signal: Signal, categories: int, before: Floats, after: Floats) -> SignalShift:
    """Categories are counted one by one, unseen ones together below the first code."""
    edges = np.arange(-1.0, categories) if signal.kind == "category" else _tenths(before)
    return SignalShift(
        signal=signal.name,
        psi=psi_of(_counts(before, edges), _counts(after, edges)),
        missing_before=float(np.mean(np.isnan(before))) if len(before) else np.nan,
        missing_after=float(np.mean(np.isnan(after))) if len(after) else np.nan,
    )
