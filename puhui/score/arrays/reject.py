"""Reject inference: outcomes that refused applicants would have had, as far as can be guessed.

A card learned only from those who were approved knows nothing of the others. Both ways here
assume that a refused applicant of a score is worse than an approved one of the same score by a
stated factor; neither brings knowledge of its own, so what they change is reported, never hidden.
Source: Siddiqi, Credit Risk Scorecards, 2006, chapter 6 (parcelling and fuzzy augmentation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def parcel(pd: Floats, factor: float, seed: int, *, bands: int = 10) -> Floats:
    """Outcomes (n,) 0 or 1 for refused rows with the probabilities ``pd`` (n,) of a first card.

    Rows fall into ``bands`` of equal counts by pd; in each, round(mean pd x ``factor`` x rows)
    rows, drawn by ``seed``, are taken as bad. ``factor`` is at least 1.
    """
    assert factor >= 1.0, factor
    outcomes = np.zeros(len(pd))
    dice = np.random.default_rng(seed)
    for band in np.array_split(np.argsort(pd, kind="stable"), bands):
        if len(band):
            share = min(1.0, float(pd[band].mean()) * factor)
            bad = int(np.floor(share * len(band) + 0.5))
            outcomes[dice.permutation(band)[:bad]] = 1.0
    return outcomes


def fuzzy_weights(pd: Floats, factor: float) -> tuple[Floats, Floats]:
    """Weights (n,) of each refused row as a bad and as a good one; they add up to 1.

    The row enters twice. ``factor`` multiplies the odds of default and is at least 1.
    """
    assert factor >= 1.0, factor
    bad = pd * factor / (1.0 - pd + pd * factor)
    return bad, 1.0 - bad
