"""Trees laid out as bits: the sums of the walk, to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from puhui.score import Model
from puhui.score.arrays.forest import flatten_forest, forest_sums
from puhui.score.arrays.leaf_mask import LEAVES_MAX, finish_rows, leaf_masks_of, masked_sums
from puhui.score.engines.lightgbm import fit_trees
from puhui.score.engines.scorer import MANY_ROWS, score_matrix, scorer_of
from puhui.score.nouns import Signal, pd_of, points_of

Floats = NDArray[np.float64]
SIGNALS = (
    Signal("x", "number", "copy", ("x",), "甲", "x", direction="up"),
    Signal("y", "number", "copy", ("y",), "乙", "y"),
    Signal("z", "category", "copy", ("z",), "丙", "z"),
)


def rows(count: int, seed: int) -> tuple[Floats, Floats]:
    """Two numbers and a category of 50; the outcome hangs on all."""
    dice = np.random.default_rng(seed)
    matrix = np.column_stack([dice.normal(size=(count, 2)), dice.integers(0, 50, count)])
    odds = matrix[:, 0] + np.sin(3 * matrix[:, 1]) + (matrix[:, 2] % 7 == 0)
    bad = (dice.random(count) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    matrix[dice.random(matrix.shape) < 0.05] = np.nan
    return matrix, bad


def asked(bounds: Floats) -> Floats:
    """Values at, just above and just below every bound; missing; codes unseen and beyond."""
    dice = np.random.default_rng(9)
    numbers = [bounds, np.nextafter(bounds, np.inf), np.nextafter(bounds, -np.inf)]
    values = np.concatenate([*numbers, [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300]])
    codes = np.array([*range(70), -1.0, 1_000.0, np.nan])
    count = 6_000
    return np.column_stack(
        [dice.choice(values, count), dice.choice(values, count), dice.choice(codes, count)]
    )


@pytest.mark.parametrize("leaves", [2, 7, 16, 17, 32])
def test_bits_give_the_sums_of_the_walk(leaves: int) -> None:
    chosen = {"rounds": 20.0, "num_leaves": float(leaves), "min_data_in_leaf": 5.0}
    text = fit_trees(*rows(1_500, 1), SIGNALS, chosen, 3)
    flat, masks = flatten_forest(text, 3), leaf_masks_of(text, 3)
    assert masks is not None
    assert masks.bits.itemsize == (2 if leaves <= 16 else 4)
    matrix = asked(masks.bounds)
    assert masked_sums(masks, matrix).tobytes() == forest_sums(flat, matrix).tobytes()


def test_trees_with_too_many_leaves_are_walked() -> None:
    chosen = {"rounds": 3.0, "num_leaves": float(LEAVES_MAX + 8), "min_data_in_leaf": 2.0}
    assert leaf_masks_of(fit_trees(*rows(3_000, 1), SIGNALS, chosen, 3), 3) is None


def test_missing_values_of_the_other_library_go_either_way() -> None:
    """XGBoost's trees: a listed category says yes, and what is no code goes by default."""
    tree: dict[str, Any] = {
        "left_children": [1, -1, 3, -1, -1], "right_children": [2, -1, 4, -1, -1],
        "split_indices": [2, 0, 0, 0, 0], "split_conditions": [0.0, 0.5, 0.25, -1.0, 2.0],
        "default_left": [1, 0, 0, 0, 0], "split_type": [1, 0, 0, 0, 0], "categories": [1, 40],
        "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [2],
        "sum_hessian": [9.0, 4.0, 5.0, 3.0, 2.0],
    }  # fmt: skip
    text = json.dumps({"format": "xgboost", "start": 0.125, "trees": [tree]})
    masks = leaf_masks_of(text, 3)
    assert masks is not None
    matrix = asked(masks.bounds)
    assert masked_sums(masks, matrix).tobytes() == (
        forest_sums(flatten_forest(text, 3), matrix).tobytes()
    )


def test_a_score_ends_as_one_row_ends() -> None:
    dice = np.random.default_rng(1)
    raw = np.concatenate([dice.normal(size=5_000) * 4, [0.0, -0.0, 700.0, -700.0]])
    points, pd = finish_rows(raw, 0.9, -0.3, 72.1, 384.0)
    for place, one in enumerate(raw.tolist()):
        log_odds = 0.9 * one + -0.3
        assert points[place] == points_of(log_odds, 72.1, 384.0)
        assert pd[place] == pd_of(log_odds)


def test_many_rows_score_as_few_do(trees: Model) -> None:
    dice = np.random.default_rng(2)
    matrix = dice.normal(size=(MANY_ROWS, len(trees.signals))) * 30
    scorer = scorer_of(trees)
    points, pd = score_matrix(scorer, matrix)
    for part in range(0, MANY_ROWS, 1_024):
        some = score_matrix(scorer, matrix[part : part + 1_024])
        assert points[part : part + 1_024].tobytes() == some[0].tobytes()
        assert pd[part : part + 1_024].tobytes() == some[1].tobytes()
