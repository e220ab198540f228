"""Categories of many values as numbers: the share of bads among rows of the same category."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LEVELS_MIN = 17
"""From so many categories on a share of bads tells more than the name alone."""
PRIOR_ROWS = 1.0
"""The overall share of bads counts as so many rows of every category."""


def codes_from(column: Floats, levels: int) -> Places:
    """The codes (n,) of a category column; missing and unseen ones are ``levels``."""
    known = (column >= 0.0) & (column < levels)
    return np.where(known, np.nan_to_num(column), levels).astype(np.int64)


def ordered_shares(codes: Places, outcomes: Floats, weights: Floats, seed: int) -> Floats:
    """The share of bads (n,) among the rows of the same category that a draw puts before it.

    So no row's outcome is part of its own number, and a category of few rows tells no more in
    learning than it will of a row to come. Source: Prokhorenkova et al. 2018, CatBoost: unbiased
    boosting with categorical features, NeurIPS (ordered target statistics).
    """
    prior = float(weights @ outcomes / weights.sum())
    order = np.lexsort((np.random.default_rng(seed).permutation(len(codes)), codes))
    sorted_codes = codes[order]
    is_first = np.append(True, sorted_codes[1:] != sorted_codes[:-1])
    group = np.cumsum(is_first) - 1
    found = np.empty(len(codes))
    found[order] = _share(
        _before(outcomes[order] * weights[order], is_first, group),
        _before(weights[order], is_first, group),
        prior,
    )
    return found


def _before(worth: Floats, is_first: NDArray[np.bool_], group: Places) -> Floats:
    """The sum (n,) of ``worth`` over the rows of the same group that come before each row."""
    sums = np.cumsum(worth) - worth
    return np.asarray(sums - sums[is_first][group])


def _share(bads: Floats, rows: Floats, prior: float) -> Floats:
    return np.asarray((bads + PRIOR_ROWS * prior) / (rows + PRIOR_ROWS))


def shares_of(codes: Places, outcomes: Floats, weights: Floats, levels: int) -> Floats:
    """The share of bads of every category over all rows, (levels + 1,).

    The last is that of rows whose category is missing, and stands for every one never seen; a
    category without rows has the overall share.
    """
    prior = float(weights @ outcomes / weights.sum())
    bads = np.bincount(codes, outcomes * weights, minlength=levels + 1).astype(np.float64)
    rows = np.bincount(codes, weights, minlength=levels + 1).astype(np.float64)
    return _share(bads, rows, prior)
