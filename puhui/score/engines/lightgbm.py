"""LightGBM, imported where it is used: one thread, deterministic, monotone where declared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.score.nouns import Signal

Floats = NDArray[np.float64]

DEFAULTS: dict[str, float] = {
    "rounds": 300,
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "min_data_per_group": 20,
    "cat_smooth": 20.0,
    "cat_l2": 20.0,
    "max_cat_threshold": 16,
}
"""Cautious settings for thousands of rows; a mapping may state others under [trees]."""


def fit_trees(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    chosen: dict[str, float],
    seed: int,
    weights: Floats | None = None,
) -> str:
    """Train on ``matrix`` (n, k) and ``outcomes`` (n,) 0 or 1; the model in LightGBM's text.

    The same input and seed give the same text on one machine and version.
    """
    import lightgbm

    settings: dict[str, Any] = {**DEFAULTS, **chosen}
    rounds = int(settings.pop("rounds"))
    whole = {name: int(v) if float(v).is_integer() else v for name, v in settings.items()}
    sides = {"up": 1, "down": -1}
    parameters = {
        **whole,
        "objective": "binary",
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "verbose": -1,
        "monotone_constraints": [sides.get(signal.direction, 0) for signal in signals],
        "monotone_constraints_method": "intermediate",
    }
    places = [place for place, signal in enumerate(signals) if signal.kind == "category"]
    seen = matrix.copy()
    for place in places:
        seen[seen[:, place] < 0.0, place] = np.nan
    data = lightgbm.Dataset(
        seen,
        outcomes,
        weight=weights,
        feature_name=[f"s{place}" for place in range(len(signals))],
        categorical_feature=places,
        params=parameters,
    )
    booster = lightgbm.train(parameters, data, num_boost_round=rounds)
    return str(booster.model_to_string())


@lru_cache(maxsize=8)
def booster_of(text: str) -> Any:
    """LightGBM's own booster of a model text: the peer that the compiled kernel must equal."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def raw_sums(text: str, matrix: Floats) -> Floats:
    """Raw log-odds (n,) as LightGBM itself adds them, on one thread."""
    return np.asarray(booster_of(text).predict(matrix, raw_score=True, num_threads=1))


def raw_contributions(text: str, matrix: Floats) -> Floats:
    """LightGBM's own contributions (n, k + 1) to the raw log-odds, the expected value last.

    Source: Lundberg et al., Nature Machine Intelligence 2, 2020 (TreeSHAP).
    """
    return np.asarray(booster_of(text).predict(matrix, pred_contrib=True, num_threads=1))
