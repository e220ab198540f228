"""Mitigation by constraint with Fairlearn, an optional extra: parity of approvals in training."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS_MAX = 12
ROWS_MAX = 20_000
GAP_MAX = 0.02
"""So far apart approvals of groups may stay in training: the gap below which nothing is found."""
SHADE = 1e-3
"""What a chance counts beside a vote: it orders rows with as many votes, and no others."""


def is_installed() -> bool:
    """Whether the extra ``fairness`` is there."""
    return find_spec("fairlearn") is not None


def fit_constrained(
    matrix: Floats,
    is_bad: Floats,
    group: NDArray[np.int64],
    others: Floats,
    seed: int,
    *,
    pd_max: float,
) -> Floats:
    """The share of the ensemble that approves each of ``others`` (m, k), (m,) float64.

    Exponentiated gradient under parity of approvals over ``group`` (n,) int64, small trees inside,
    on at most 20,000 rows by a seeded draw. A bad loan approved and a good one refused cost as
    much as makes ``pd_max`` the break-even: parity holds about where the lender cuts off, and not
    where good and bad are as likely. Rows of group 0, whose group nobody told, are left out: to
    be unknown is no group, and no parity is owed to it. The group is needed in training only,
    never to decide: the mean of the ensemble is taken, so that a decision is not a matter of
    chance. Source: Agarwal et al. 2018, A Reductions Approach to Fair Classification, ICML.
    """
    import lightgbm
    from fairlearn.reductions import DemographicParity, ErrorRate, ExponentiatedGradient

    known = np.flatnonzero(group > 0)
    chosen = known[np.random.default_rng(seed).permutation(len(known))[:ROWS_MAX]]
    inner = lightgbm.LGBMClassifier(
        n_estimators=30, num_leaves=8, min_child_samples=20, random_state=seed, n_jobs=1,
        verbose=-1, deterministic=True, force_col_wise=True,
    )  # fmt: skip
    method: Any = ExponentiatedGradient(
        inner,
        DemographicParity(difference_bound=GAP_MAX),
        max_iter=ROUNDS_MAX,
        objective=ErrorRate(costs={"fp": 1.0 - pd_max, "fn": pd_max}),
    )
    good = 1 - is_bad[chosen].astype(np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other, of no use to anybody here
        method.fit(matrix[chosen], good, sensitive_features=group[chosen])
    found = np.zeros(len(others))
    for weight, predictor in zip(method.weights_, method.predictors_, strict=True):
        if weight > 0.0:
            chance = np.asarray(predictor.predict_proba(others))[:, 1]
            found += float(weight) * ((chance >= 0.5) + SHADE * chance)
    return found
