"""XGBoost, imported where it is used: one thread, monotone where declared, served without it.

A category of many values is also told as the share of bads among its rows (``arrays.target``).
A split on that share is a split on a set of categories, and is written as one: whoever serves
the trees knows nothing of shares. Trees of ``PAIRED`` also ask for pairs of categories
(``arrays.pair``), whose shares are part of the model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.pair import Pair, learn_pairs, ordered_column, told_pairs, with_pairs
from puhui.score.arrays.target import LEVELS_MIN, codes_from, ordered_shares, shares_of
from puhui.score.nouns import Signal

Floats = NDArray[np.float64]

SEEDS = 2**31
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic", "nthread": 1, "verbosity": 0, "tree_method": "hist",
    "max_depth": 5, "subsample": 0.8, "colsample_bytree": 0.5, "lambda": 5.0,
    "max_cat_to_onehot": 4,
}  # fmt: skip
"""Cautious settings for thousands of rows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The model is the mean of ``members`` learned apart, of ``rounds`` trees each at a rate of
    ``eta``: what one draw of an order tells of a category is chance. ``is_paired``: pairs of
    categories are told as shares too.
    """

    members: int
    rounds: int
    eta: float
    is_paired: bool = False


ALONE, PAIRED = Plan(3, 100, 0.1), Plan(16, 40, 0.2, is_paired=True)

SIDES = {"up": 1, "down": -1}
KEPT = (
    "left_children", "right_children", "split_indices", "split_conditions", "default_left",
    "split_type", "categories", "categories_nodes", "categories_segments", "categories_sizes",
    "sum_hessian",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """XGBoost's own booster, over the signals and then one column of shares for every entry of
    ``shares``: the place of a category and its shares by code, the last for what is no code.
    """

    booster: Any
    shares: tuple[tuple[int, Floats], ...] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """Boosters whose mean is the model; columns of ``pairs`` stand last in their tables."""

    signals: tuple[Signal, ...]
    members: tuple[Member, ...]
    pairs: tuple[Pair, ...] = ()


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


def fit_boosters(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    levels: Sequence[int],
    seed: int,
    weights: Floats | None = None,
    plan: Plan = ALONE,
) -> Fitted:
    """Train on ``matrix`` (n, k) and ``outcomes`` (n,) 0 or 1, each member by draws of its own.

    ``levels`` (k,) says how many categories each signal has, 0 for a number.
    """
    each = np.ones(len(outcomes)) if weights is None else weights
    seeds = np.random.default_rng(seed).bit_generator.seed_seq.generate_state(plan.members)
    pairs = learn_pairs(matrix, outcomes, each, levels) if plan.is_paired else ()
    members = tuple(
        _member(matrix, outcomes, signals, levels, one, each, plan, pairs) for one in seeds.tolist()
    )
    return Fitted(tuple(signals), members, pairs)


def _member(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    levels: Sequence[int],
    seed: int,
    weights: Floats,
    plan: Plan,
    pairs: Sequence[Pair],
) -> Member:
    import xgboost

    shares, more = [], []
    for place, count in enumerate(levels):
        if count >= LEVELS_MIN:
            codes = codes_from(matrix[:, place], count)
            more.append(ordered_shares(codes, outcomes, weights, seed + place))
            shares.append((place, shares_of(codes, outcomes, weights, count)))
    for place, pair in enumerate(pairs, len(levels)):
        more.append(ordered_column(pair, matrix, outcomes, weights, seed + place))
    sides = [SIDES.get(signal.direction, 0) for signal in signals] + [0] * len(more)
    written = f"({','.join(map(str, sides))})"
    settings = {**SETTINGS, "eta": plan.eta, "seed": seed % SEEDS, "monotone_constraints": written}
    data = data_of(matrix, signals, outcomes, weights, more)
    return Member(xgboost.train(settings, data, num_boost_round=plan.rounds), tuple(shares))


def raw_sums(fitted: Fitted, matrix: Floats) -> Floats:
    """Raw log-odds (n,) as the library itself adds them, in single precision; the members' mean."""
    found, own = np.zeros(len(matrix)), matrix.shape[1]
    paired = list(with_pairs(fitted.pairs, matrix)[:, own:].T)
    for member in fitted.members:
        more = [
            shares[codes_from(matrix[:, place], len(shares) - 1)] for place, shares in member.shares
        ] + paired
        found += member.booster.predict(
            data_of(matrix, fitted.signals, more=more), output_margin=True
        )
    return found / len(fitted.members)


def trees_text(fitted: Fitted) -> str:
    """The trees and the log-odds they start from, as compact JSON: what serving needs of them.

    The leaves of each member are divided by the count of members.
    """
    trees, start, count = [], 0.0, len(fitted.members)
    for member in fitted.members:
        whole = json.loads(member.booster.save_raw("json").decode())["learner"]
        share = float(whole["learner_model_param"]["base_score"].strip("[]"))
        start += math.log(share / (1.0 - share)) / count
        for tree in whole["gradient_booster"]["model"]["trees"]:
            told = {name: tree[name] for name in KEPT}
            _write_sets(told, len(fitted.signals), member.shares)
            told["split_conditions"] = [
                bound / count if left < 0 else bound
                for bound, left in zip(tree["split_conditions"], tree["left_children"], strict=True)
            ]
            trees.append(told)
    document = {"format": "xgboost", "start": start, "trees": trees}
    if fitted.pairs:
        document["pairs"] = told_pairs(fitted.pairs)
    return json.dumps(document, separators=(",", ":"))


def _write_sets(tree: dict[str, Any], signals: int, columns: Sequence[tuple[int, Floats]]) -> None:
    """Write splits on shares as splits on sets of categories.

    A share below the bound goes left, as of a number; categories of a set go right, so the set
    is of those whose share, in single precision, is not below it. Columns of pairs stay columns,
    after those of the signals.
    """
    for node, own in enumerate(tree["split_indices"]):
        if tree["left_children"][node] < 0 or own < signals:
            continue
        if own >= signals + len(columns):
            tree["split_indices"][node] = own - len(columns)
            continue
        place, shares = columns[own - signals]
        is_right = shares.astype(np.float32) >= np.float32(tree["split_conditions"][node])
        codes = np.flatnonzero(is_right[:-1]).tolist()
        tree["split_indices"][node], tree["split_type"][node] = place, 1
        tree["default_left"][node] = int(not is_right[-1])
        tree["categories_nodes"].append(node)
        tree["categories_segments"].append(len(tree["categories"]))
        tree["categories_sizes"].append(len(codes))
        tree["categories"].extend(codes)


def fit_trees(
    matrix: Floats,
    outcomes: Floats,
    signals: Sequence[Signal],
    levels: Sequence[int],
    seed: int,
    weights: Floats | None = None,
    plan: Plan = ALONE,
) -> str:
    """Train, and give the trees as JSON."""
    return trees_text(fit_boosters(matrix, outcomes, signals, levels, seed, weights, plan))
