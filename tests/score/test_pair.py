"""Pairs of categories as shares: by hand, equal on every way, read back, and shared out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.score.arrays.contribution import contributions, paths_of
from puhui.score.arrays.forest import (
    flatten_forest,
    forest_sum,
    forest_sums,
    forest_sums_plain,
)
from puhui.score.arrays.leaf_mask import leaf_masks_of, masked_sums
from puhui.score.arrays.metric import auc_of
from puhui.score.arrays.pair import (
    PAIRS_MIN,
    learn_pairs,
    ordered_column,
    read_pairs,
    shared_out,
    told_pairs,
    with_pairs,
    with_pairs_plain,
)
from puhui.score.engines import xgboost
from puhui.score.nouns import Signal
from tests.score.made import bits

Floats = NDArray[np.float64]
LEVELS = (0, 9, 11)
SIGNALS = (
    Signal("x", "number", "copy", ("x",), "甲", "x", direction="up"),
    Signal("u", "category", "copy", ("u",), "乙", "u"),
    Signal("v", "category", "copy", ("v",), "丙", "v"),
)


def rows(count: int, seed: int) -> tuple[Floats, Floats]:
    """The outcome hangs on which two categories meet, and on neither of them alone."""
    dice = np.random.default_rng(seed)
    matrix = np.column_stack(
        [dice.normal(size=count), dice.integers(0, 9, count), dice.integers(0, 11, count)]
    )
    odds = 0.3 * matrix[:, 0] + 2.5 * ((matrix[:, 1] * 7 + matrix[:, 2] * 5) % 11 < 3) - 1.5
    bad = (dice.random(count) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    matrix[dice.random(matrix.shape) < 0.04] = np.nan
    return matrix, bad


def asked(count: int) -> Floats:
    """Rows that no training saw, with categories that were never seen."""
    dice = np.random.default_rng(5)
    matrix, _ = rows(count, 6)
    for place in (1, 2):
        matrix[dice.random(count) < 0.1, place] = -1.0
    return np.ascontiguousarray(matrix)


@pytest.fixture(scope="module")
def paired() -> xgboost.Fitted:
    pytest.importorskip("xgboost", reason="the extra models is not installed")
    return xgboost.fit_boosters(*rows(3000, 1), SIGNALS, LEVELS, 3, None, xgboost.PAIRED)


def many(count: int) -> tuple[Floats, Floats]:
    """Every pair of 8 x 5 once, the first one twice more, one bad; ``count`` without a second."""
    pairs = [(float(one), float(other)) for one in range(8) for other in range(5)]
    pairs += [(0.0, 0.0), (0.0, 0.0), *[(7.0, np.nan)] * count]
    bad = np.zeros(len(pairs))
    bad[[0, 40]] = 1.0
    return np.array(pairs), bad


def test_shares_by_hand() -> None:
    """Two of three rows of the first pair were bad, and the overall share counts once."""
    matrix, bad = many(2)
    (pair,) = learn_pairs(matrix, bad, np.ones(len(bad)), (8, 5))
    prior = 2 / 44
    assert len(pair.keys) == 41, "a missing category is one of its own"
    assert pair.codes()[0] == (0, 0) and pair.codes()[-1] == (7, 5)
    found = with_pairs((pair,), np.array([[0.0, 0], [1, 1], [7, np.nan], [np.nan, 0], [-1, 0]]))
    expected = [(2 + prior) / 4, prior / 2, prior / 3, prior, prior]
    assert found[:, 2].tolist() == expected
    ordered = ordered_column(pair, matrix, bad, np.ones(len(bad)), 1)
    assert ordered[1] == prior, "nobody came before"
    assert sorted(ordered[[0, 40, 41]].tolist())[0] in (prior / 3, prior / 2, prior)


def test_few_pairs_are_left_to_the_trees() -> None:
    matrix, bad = many(0)
    assert PAIRS_MIN == 40
    assert learn_pairs(matrix, bad, np.ones(len(bad)), (8, 5))
    kept = ~((matrix[:, 0] == 3) & (matrix[:, 1] == 4))
    assert learn_pairs(matrix[kept], bad[kept], np.ones(int(kept.sum())), (8, 5)) == ()
    assert learn_pairs(matrix, bad, np.ones(len(bad)), (8, 0)) == ()


VALUES = st.one_of(st.just(np.nan), st.integers(-1, 12).map(float))


@settings(deadline=None)  # the first example waits for the compiler
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30))
def test_the_plain_way_is_the_same(values: list[tuple[float, float]]) -> None:
    matrix, bad = many(1)
    pairs = learn_pairs(matrix, bad, np.ones(len(bad)), (8, 5))
    given_rows = np.array(values)
    found = with_pairs(pairs, given_rows)
    assert bits(*(with_pairs_plain(pairs, row)[2] for row in values)) == found[:, 2].tobytes()
    assert with_pairs((), given_rows) is given_rows


def test_every_way_of_serving_gives_the_sums_of_the_library(paired: xgboost.Fitted) -> None:
    text, matrix = xgboost.trees_text(paired), asked(5000)
    flat, masks = flatten_forest(text, 3), leaf_masks_of(text, 3)
    ours = forest_sums(flat, matrix)
    assert len(flat.pairs) == 1 and masks is not None
    assert (flat.nodes["signal"] == 3).any(), "the trees ask for the pair"
    assert float(np.abs(ours - xgboost.raw_sums(paired, matrix)).max()) < 2e-5, "640 singles"
    assert ours[:500].tobytes() == forest_sums_plain(flat, matrix[:500]).tobytes()
    assert ours[:500].tobytes() == bits(*(forest_sum(flat, row) for row in matrix[:500]))
    assert ours.tobytes() == masked_sums(masks, matrix).tobytes()


def test_pairs_tell_what_neither_category_tells(paired: xgboost.Fitted) -> None:
    plain = xgboost.fit_boosters(*rows(3000, 1), SIGNALS, LEVELS, 3)
    matrix, bad = rows(4000, 9)
    with_them = auc_of(xgboost.raw_sums(paired, matrix), bad)
    assert with_them > auc_of(xgboost.raw_sums(plain, matrix), bad) + 0.005


def test_reasons_add_up_and_a_pair_is_halved(paired: xgboost.Fitted) -> None:
    text, matrix = xgboost.trees_text(paired), asked(80)
    paths = paths_of(text, 3)
    found = contributions(paths, matrix)
    assert found.shape == (80, 3)
    rest = forest_sums(flatten_forest(text, 3), matrix) - found.sum(axis=1)
    assert float(np.ptp(rest)) < 1e-9
    alone = np.zeros((80, 4))
    alone[:, 3] = 1.0
    shared = shared_out(paths.couples, alone)
    assert (shared == [0.0, 0.5, 0.5]).all()


def test_directions_hold(paired: xgboost.Fitted) -> None:
    forest = flatten_forest(xgboost.trees_text(paired), 3)
    ladder = np.linspace(-4, 4, 100)
    for row in asked(40):
        matrix = np.repeat(row[None], len(ladder), axis=0)
        matrix[:, 0] = ladder
        assert (np.diff(forest_sums(forest, matrix)) >= -1e-12).all()


def damaged(entry: dict[str, Any], **changed: Any) -> str:
    leaf = {"left_children": [-1], "right_children": [-1], "split_indices": [0]}
    leaf |= {"split_conditions": [0.5], "default_left": [0], "split_type": [0]}
    leaf |= {"categories": [], "categories_nodes": [], "categories_segments": []}
    tree = {**leaf, "categories_sizes": [], "sum_hessian": [1.0]}
    return json.dumps({"start": 0.0, "trees": [tree], "pairs": [{**entry, **changed}]})


@pytest.mark.parametrize(
    "changed",
    [
        {"places": [0, 2]},
        {"places": [0]},
        {"keys": []},
        {"keys": [3, 1, 2]},
        {"shares": [0.5]},
        {"keys": [0, 1, 200]},
        {"levels": [1]},
    ],
)
def test_pairs_that_do_not_fit_are_refused(changed: dict[str, Any]) -> None:
    entry = {"places": [0, 1], "levels": [8, 5], "keys": [0, 1, 2], "shares": [0.1, 0.2, 0.3]}
    entry["rest"] = 0.2
    whole = flatten_forest(damaged(entry), 2)
    assert told_pairs(whole.pairs) == [entry]
    assert read_pairs([entry], 2)[0].rest == 0.2
    with pytest.raises(Refused) as no:
        flatten_forest(damaged(entry, **changed), 2)
    assert no.value.code == "score.model_damaged"
