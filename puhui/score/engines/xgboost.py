"""XGBoost, imported where it is used: one thread, monotone where declared, served without it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.score.nouns import Signal

Floats = NDArray[np.float64]

ROUNDS = 100
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic", "nthread": 1, "verbosity": 0, "tree_method": "hist",
    "max_depth": 5, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5, "lambda": 5.0,
    "max_cat_to_onehot": 8, "num_parallel_tree": 3,
}  # fmt: skip
"""Cautious settings for thousands of rows; a round is the mean of three trees on other draws."""

SIDES = {"up": 1, "down": -1}
KEPT = (
    "left_children", "right_children", "split_indices", "split_conditions", "default_left",
    "split_type", "categories", "categories_nodes", "categories_segments", "categories_sizes",
    "sum_hessian",
)  # fmt: skip


def data_of(
    matrix: Floats,
    signals: Sequence[Signal],
    outcomes: Floats | None = None,
    weights: Floats | None = None,
) -> Any:
    """Values as the library takes them; a category never seen counts as missing."""
    import xgboost

    kinds = ["c" if signal.kind == "category" else "float" for signal in signals]
    seen = matrix.copy()
    for place, signal in enumerate(signals):
        if signal.kind == "category":
            seen[seen[:, place] < 0.0, place] = np.nan
    return xgboost.DMatrix(
        seen, outcomes, weight=weights, feature_types=kinds, enable_categorical=True, nthread=1
    )


def fit_booster(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    seed: int,
    weights: Floats | None = None,
) -> Any:
    """Train on ``matrix`` (n, k) and ``outcomes`` (n,) 0 or 1."""
    import xgboost

    sides = ",".join(str(SIDES.get(signal.direction, 0)) for signal in signals)
    settings = {**SETTINGS, "seed": seed, "monotone_constraints": f"({sides})"}
    data = data_of(matrix, signals, outcomes, weights)
    return xgboost.train(settings, data, num_boost_round=ROUNDS)


def raw_sums(booster: Any, matrix: Floats, signals: Sequence[Signal]) -> Floats:
    """Raw log-odds (n,) as the library itself adds them, in single precision."""
    found = booster.predict(data_of(matrix, signals), output_margin=True)
    return np.asarray(found, dtype=np.float64)


def trees_text(booster: Any) -> str:
    """The trees and the log-odds they start from, as compact JSON: what serving needs of them."""
    whole = json.loads(booster.save_raw("json").decode())["learner"]
    start = float(whole["learner_model_param"]["base_score"].strip("[]"))
    trees = [
        {name: tree[name] for name in KEPT} for tree in whole["gradient_booster"]["model"]["trees"]
    ]
    document = {"format": "xgboost", "start": math.log(start / (1.0 - start)), "trees": trees}
    return json.dumps(document, separators=(",", ":"))


def fit_trees(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    seed: int,
    weights: Floats | None = None,
) -> str:
    """Train, and give the trees as JSON."""
    return trees_text(fit_booster(matrix, outcomes, signals, seed, weights))
