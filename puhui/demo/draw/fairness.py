"""Rows for an audit of fairness: the county's past borrowers, with or without a seeded bias."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from puhui.demo.nouns import Floats

DICE = 31
APPROVED_SHARE = 0.6
"""How many are approved where nothing is biased."""

SCORE_DROP = 0.30
"""By how much lower rural scores are on average where the bias is seeded: the survey's case."""

APPROVALS_KEPT = 0.5
"""The rural approvals over the urban ones where the bias is seeded: the survey's case."""


def draw_fairness(
    past: Mapping[str, tuple[str, ...]], points: Floats, seed: int, *, is_biased: bool
) -> dict[str, tuple[str, ...]]:
    """Past borrowers as an auditor gets them: signals, outcome, region, score, decision.

    ``points`` (n,) float64 are what a model says of the rows of ``past``. Where people live is
    drawn by chance alone, half of them in the country, so an honest score knows nothing of it.
    Biased: points are taken off for the distance to the branch, so that rural scores are 30 per
    cent lower on average, and the cut-off stands where half as large a share of them is approved.
    """
    dice = np.random.default_rng([seed, DICE])
    is_rural = dice.random(len(points)) < 0.5
    far = np.where(
        is_rural, dice.normal(14.0, 2.0, len(points)), dice.normal(2.0, 0.6, len(points))
    )
    distance = np.round(np.clip(far, 0.1, None), 1)
    score = points.astype(np.float64)
    cut = float(np.quantile(score, 1.0 - APPROVED_SHARE))
    if is_biased:
        wanted = (1.0 - SCORE_DROP) * float(score[~is_rural].mean())
        gap = distance[is_rural].mean() - distance[~is_rural].mean()
        steep = (float(score[is_rural].mean()) - wanted) / float(gap)
        score = np.round(score - steep * (distance - distance[~is_rural].mean()))
        cut = _cut_off(score[is_rural], score[~is_rural])
    return {
        **past,
        "distance_km": tuple(f"{one:.1f}" for one in distance),
        "region": tuple("rural" if one else "urban" for one in is_rural),
        "score": tuple(f"{one:.0f}" for one in score),
        "approved": tuple("yes" if one >= cut else "no" for one in score),
    }


def _cut_off(rural: Floats, urban: Floats) -> float:
    """The score from which on rural approvals come nearest to half the urban ones."""
    cuts = np.unique(np.concatenate((rural, urban)))
    mine = 1.0 - np.searchsorted(np.sort(rural), cuts) / len(rural)
    theirs = 1.0 - np.searchsorted(np.sort(urban), cuts) / len(urban)
    ratio = mine / np.maximum(theirs, 1e-9)
    return float(cuts[int(np.argmin(np.abs(ratio - APPROVALS_KEPT)))])
