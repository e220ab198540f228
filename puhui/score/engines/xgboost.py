"""XGBoost, imported where it is used: one thread, monotone where declared, served without it.

A category of many values is also told as the share of bads among its rows (``arrays.target``).
A split on that share is a split on a set of categories, and is written as one: whoever serves
the trees knows nothing of shares.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.target import LEVELS_MIN, codes_from, ordered_shares, shares_of
from puhui.score.nouns import Signal

Floats = NDArray[np.float64]

ROUNDS = 100
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic", "nthread": 1, "verbosity": 0, "tree_method": "hist",
    "max_depth": 5, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5, "lambda": 5.0,
    "max_cat_to_onehot": 4, "num_parallel_tree": 3,
}  # fmt: skip
"""Cautious settings for thousands of rows; a round is the mean of three trees on other draws."""

SIDES = {"up": 1, "down": -1}
KEPT = (
    "left_children", "right_children", "split_indices", "split_conditions", "default_left",
    "split_type", "categories", "categories_nodes", "categories_segments", "categories_sizes",
    "sum_hessian",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """XGBoost's own booster, over ``signals`` and then one column of shares for every entry of
    ``shares``: the place of a category and its shares by code, the last for what is no code.
    """

    booster: Any
    signals: tuple[Signal, ...]
    shares: tuple[tuple[int, Floats], ...] = ()


def data_of(
    matrix: Floats,
    signals: Sequence[Signal],
    outcomes: Floats | None = None,
    weights: Floats | None = None,
    more: Sequence[Floats] = (),
) -> Any:
    """Values as the library takes them, columns of shares last; a category never seen counts as
    missing.
    """
    import xgboost

    kinds = ["c" if signal.kind == "category" else "float" for signal in signals]
    seen = matrix.copy()
    for place, signal in enumerate(signals):
        if signal.kind == "category":
            seen[seen[:, place] < 0.0, place] = np.nan
    return xgboost.DMatrix(
        np.column_stack([seen, *more]), outcomes, weight=weights,
        feature_types=kinds + ["float"] * len(more), enable_categorical=True, nthread=1,
    )  # fmt: skip


def fit_booster(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    levels: Sequence[int],
    seed: int,
    weights: Floats | None = None,
) -> Fitted:
    """Train on ``matrix`` (n, k) and ``outcomes`` (n,) 0 or 1.

    ``levels`` (k,) says how many categories each signal has, 0 for a number.
    """
    import xgboost

    each = np.ones(len(outcomes)) if weights is None else weights
    shares, more = [], []
    for place, count in enumerate(levels):
        if count >= LEVELS_MIN:
            codes = codes_from(matrix[:, place], count)
            more.append(ordered_shares(codes, outcomes, each, seed + place))
            shares.append((place, shares_of(codes, outcomes, each, count)))
    sides = [SIDES.get(signal.direction, 0) for signal in signals] + [0] * len(more)
    settings = {
        **SETTINGS, "seed": seed, "monotone_constraints": f"({','.join(map(str, sides))})"
    }  # fmt: skip
    data = data_of(matrix, signals, outcomes, weights, more)
    booster = xgboost.train(settings, data, num_boost_round=ROUNDS)
    return Fitted(booster, tuple(signals), tuple(shares))


def raw_sums(fitted: Fitted, matrix: Floats) -> Floats:
    """Raw log-odds (n,) as the library itself adds them, in single precision."""
    more = [
        shares[codes_from(matrix[:, place], len(shares) - 1)] for place, shares in fitted.shares
    ]
    data = data_of(matrix, fitted.signals, more=more)
    return np.asarray(fitted.booster.predict(data, output_margin=True), dtype=np.float64)


def trees_text(fitted: Fitted) -> str:
    """The trees and the log-odds they start from, as compact JSON: what serving needs of them."""
    whole = json.loads(fitted.booster.save_raw("json").decode())["learner"]
    start = float(whole["learner_model_param"]["base_score"].strip("[]"))
    trees = [
        _with_sets({name: tree[name] for name in KEPT}, fitted)
        for tree in whole["gradient_booster"]["model"]["trees"]
    ]
    document = {"format": "xgboost", "start": math.log(start / (1.0 - start)), "trees": trees}
    return json.dumps(document, separators=(",", ":"))


def _with_sets(tree: dict[str, Any], fitted: Fitted) -> dict[str, Any]:
    """The tree with its splits on shares written as splits on sets of categories.

    A share below the bound goes left, as of a number; categories of a set go right, so the set
    is of those whose share, in single precision, is not below it.
    """
    count = len(fitted.signals)
    for node, own in enumerate(tree["split_indices"]):
        if tree["left_children"][node] < 0 or own < count:
            continue
        place, shares = fitted.shares[own - count]
        is_right = shares.astype(np.float32) >= np.float32(tree["split_conditions"][node])
        codes = np.flatnonzero(is_right[:-1]).tolist()
        tree["split_indices"][node], tree["split_type"][node] = place, 1
        tree["split_conditions"][node] = 0.0
        tree["default_left"][node] = int(not is_right[-1])
        tree["categories_nodes"].append(node)
        tree["categories_segments"].append(len(tree["categories"]))
        tree["categories_sizes"].append(len(codes))
        tree["categories"].extend(codes)
    return tree


def fit_trees(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    levels: Sequence[int],
    seed: int,
    weights: Floats | None = None,
) -> str:
    """Train, and give the trees as JSON."""
    return trees_text(fit_booster(matrix, outcomes, signals, levels, seed, weights))
