"""Bins: monotone where declared, never too small, every row in one, empty ones neutral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.score.arrays.binning import (
    BinRules,
    bin_category,
    bin_number,
    merge_monotone,
    woe_column,
    woe_of,
)
from puhui.score.nouns import Signal

RULES = BinRules()


def number(direction: str = "", special: tuple[float, ...] = ()) -> Signal:
    """A number signal of one column."""
    return Signal(
        "s", "number", "copy", ("a",), "信号", "signal", direction=direction, special=special
    )


@pytest.mark.parametrize(
    "rows, bads, woe",
    [
        (100, 50, 0.0),  # the mix of the whole: ln(1) = 0
        (0, 0, 0.0),  # an empty bin is neutral
        (100, 25, math.log((75 + 0.25) / (25 + 0.25))),
        (40, 0, math.log((40 + 0.25) / 0.25)),
    ],
)
def test_weights_of_evidence(rows: int, bads: int, woe: float) -> None:
    assert woe_of(rows, bads, 500, 500, 0.5) == pytest.approx(woe, abs=1e-12)


def test_pooling_of_adjacent_violators() -> None:
    rows = np.array([10, 10, 10, 10, 10])
    assert merge_monotone(rows, np.array([1, 3, 2, 5, 9]), True) == [1, 2, 1, 1]
    assert merge_monotone(rows, np.array([5, 4, 3, 2, 1]), True) == [5]
    assert merge_monotone(rows, np.array([5, 4, 3, 2, 1]), False) == [1, 1, 1, 1, 1]
    assert merge_monotone(np.array([10, 0, 10]), np.array([1, 0, 5]), True) == [2, 1]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["up", "down", "", "free"]),
    st.integers(20, 400),
    st.integers(1, 60),
)
def test_bins_are_monotone_full_and_complete(
    seed: int, direction: str, rows: int, distinct: int
) -> None:
    dice = np.random.default_rng(seed)
    values = dice.integers(0, distinct, rows).astype(np.float64)
    values[dice.random(rows) < 0.1] = np.nan
    values[dice.random(rows) < 0.1] = 98.0
    is_bad = (dice.random(rows) < 0.35).astype(np.float64)
    is_bad[:2] = (0.0, 1.0)
    bins = bin_number(values, is_bad, number(direction, (98.0,)), RULES)
    aside = bins.missing[0] + bins.special[0][0]
    assert bins.rows.sum() + aside == rows
    assert bins.bads.sum() + bins.missing[1] + bins.special[0][1] == is_bad.sum()
    assert len(bins.rows) == len(bins.edges) + 1 == len(bins.woe)
    assert len(bins.rows) <= RULES.bins_max
    assert list(bins.edges) == sorted(set(bins.edges))
    if len(bins.rows) > 1:
        assert (np.minimum(bins.bads, bins.rows - bins.bads) >= RULES.bads_min).all()
        assert (bins.rows >= RULES.share_min * rows).all()
        rates = bins.bads / bins.rows
        steps = np.sign(np.diff(rates))
        if direction == "up":
            assert (steps > 0).all()
        if direction == "down":
            assert (steps < 0).all()
        if direction == "":
            assert abs(steps.sum()) == len(steps)
    woe = woe_column(values, bins, (98.0,))
    assert np.isfinite(woe).all()
    assert (woe[np.isnan(values)] == bins.missing[2]).all()
    assert (woe[values == 98.0] == bins.special[0][2]).all()


def test_a_signal_without_values_has_one_neutral_bin() -> None:
    is_bad = np.array([0.0, 1.0] * 50)
    bins = bin_number(np.full(100, np.nan), is_bad, number(), RULES)
    assert bins.edges == ()
    assert bins.woe.tolist() == [0.0]
    assert bins.missing[:2] == (100, 50)


def test_categories_group_by_bad_rate_with_the_rare_pooled() -> None:
    codes = np.repeat([0.0, 1.0, 2.0, 3.0, np.nan], [300, 300, 300, 6, 40])
    dice = np.random.default_rng(0)
    rate = np.where(codes == 0, 0.1, np.where(codes == 1, 0.5, 0.12))
    is_bad = (dice.random(len(codes)) < rate).astype(np.float64)
    bins = bin_category(codes, is_bad, 4, RULES)
    assert len(bins.groups) == 4
    assert bins.rows.sum() + bins.missing[0] == len(codes)
    by_code = bins.woe[list(bins.groups)]
    assert by_code[1] < by_code[0]
    assert bins.groups[3] not in bins.groups[:3]
    assert by_code[3] == bins.unseen_woe == 0.0  # six rows say too little
    assert woe_column(np.array([-1.0]), bins, ()).tolist() == [bins.unseen_woe]


def test_a_category_without_rows_is_safe() -> None:
    is_bad = np.array([0.0, 1.0] * 100)
    bins = bin_category(np.zeros(200), is_bad, 3, RULES)
    assert np.isfinite(bins.woe).all()
    assert len(bins.groups) == 3
    empty = bin_category(np.full(200, np.nan), is_bad, 0, RULES)
    assert woe_column(np.full(2, -1.0), empty, ()).tolist() == [0.0, 0.0]
