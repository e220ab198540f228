"""Figures of decisions: worked by hand, and held to what must be true of any."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.intake import evaluate
from puhui.intake.evaluate import (
    Decided,
    GuardCount,
    count_guards,
    count_reasons,
    earnings,
    learn_charged_off_share,
)
from puhui.kernel.money import Money
from tests.intake import sample

NAN = math.nan


def by_hand() -> Decided:
    """Eight rows: six with known outcome, of which two are bad; five approved, one of them bad."""
    return Decided(
        is_bad=np.array([0, 0, 1, 0, 0, 1, NAN, NAN]),
        pd=np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.9, 0.15, 0.8]),
        points=np.array([800, 750, 700, 650, 500, 300, 780, 400]),
        is_approved=np.array([1, 1, 1, 1, 0, 0, 1, 0], dtype=np.bool_),
        expected=earnings([(100, 10, 20)] * 8),
        realised=earnings([(100, 10, 0)] * 2 + [(50, 5, 500)] + [(100, 10, 0)] * 2 + [(50, 5, 500)]
                          + [(100, 10, 0)] * 2),
        currency="CNY",
    )  # fmt: skip


def test_figures_worked_by_hand() -> None:
    """Rates, misclassified shares, profit and baselines of the eight rows."""
    found = evaluate(by_hand(), train_points=np.array([800, 300]), resamples=20)
    assert (found.rows, found.labelled, found.approved, found.approved_labelled) == (8, 6, 5, 4)
    assert found.approval_rate == 5 / 8
    assert found.bad_rate_all == pytest.approx(2 / 6)
    assert found.bad_rate_approved == 0.25
    assert found.bad_rate_refused == 0.5
    assert found.misclassified_share == pytest.approx(2 / 6)  # one bad approved, one good refused
    assert found.misclassified_majority == pytest.approx(2 / 6)
    assert found.misclassified_random == pytest.approx((4 * 2 + 2 * 4) / 36)
    assert found.majority_is_good
    assert found.bad_rate_majority == pytest.approx(2 / 6)
    assert found.realised.interest == Money(350, "CNY")
    assert found.realised.loss == Money(500, "CNY")
    assert found.realised.profit == Money(-150, "CNY")
    assert found.realised.net == Money(-185, "CNY")
    assert found.expected.net == Money(5 * 70, "CNY")
    assert found.expected_labelled.net == Money(4 * 70, "CNY")
    assert found.realised_all.net == Money(500 - 1000 - 50, "CNY")
    assert found.realised_random_net == Money(-550 * 4 // 6, "CNY")
    assert found.measures.auc == pytest.approx(6 / 8)
    assert found.best_cut_off.net == Money(180, "CNY")
    assert found.best_cut_off.pd_max == 0.2
    assert [cut.net.minor for cut in found.cut_offs] == [0, 90, 180, -275, -185, -95, -550]


def test_the_random_baseline_is_the_exact_lot() -> None:
    """The mean is near the bad rate of all, the interval that of drawing without putting back."""
    rows = sample.decided(2000, unknown=0)
    found = evaluate(rows, train_points=rows.points, resamples=0)
    chance = found.bad_rate_random
    assert chance.low < found.bad_rate_all < chance.high
    assert chance.mean == pytest.approx(found.bad_rate_all, abs=0.002)
    spread = math.sqrt(found.bad_rate_all * (1 - found.bad_rate_all) / 1000 * (1000 / 1999))
    assert chance.high - chance.low == pytest.approx(2 * 1.96 * spread, rel=0.1)
    assert found.bad_rate_approved < chance.low
    assert found.score_psi == pytest.approx(0.0, abs=1e-12)
    again = evaluate(rows, train_points=rows.points, resamples=0)
    assert again.bad_rate_random == chance


def test_when_no_one_or_everyone_is_approved() -> None:
    """Shares that do not exist are not numbers; sums are nought."""
    rows = sample.decided(100)
    nobody = Decided(rows.is_bad, rows.pd, rows.points, np.zeros(100, np.bool_), rows.expected,
                     rows.realised, "CNY")  # fmt: skip
    found = evaluate(nobody, train_points=rows.points, resamples=0)
    assert math.isnan(found.bad_rate_approved)
    assert math.isnan(found.bad_rate_random.mean)
    assert found.realised.net == Money(0, "CNY")
    everyone = Decided(rows.is_bad, rows.pd, rows.points, np.ones(100, np.bool_), rows.expected,
                       rows.realised, "CNY")  # fmt: skip
    found = evaluate(everyone, train_points=np.array([], np.int64), resamples=0)
    assert found.bad_rate_approved == found.bad_rate_all
    assert found.realised == found.realised_all
    assert math.isnan(found.bad_rate_refused)
    assert math.isnan(found.score_psi)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 300), st.floats(0.05, 0.95))
def test_parts_agree_with_their_whole(seed: int, rows: int, cut: float) -> None:
    """Sums over bins and curves are those of the rows, whatever the rows are."""
    made = sample.decided(rows, seed=seed, unknown=rows // 4)
    made = Decided(made.is_bad, made.pd, made.points, made.pd <= cut, made.expected, made.realised,
                   "CNY")  # fmt: skip
    found = evaluate(made, train_points=made.points, resamples=0)
    known = ~np.isnan(made.is_bad)
    bads = int(made.is_bad[known].sum())
    assert sum(one.bads for one in found.score_bins) == bads
    assert sum(one.goods + one.bads for one in found.score_bins) == found.labelled
    assert all(one.low < one.high for one in found.score_bins)
    assert found.cut_offs[0].net.minor == 0
    assert found.cut_offs[-1].net == found.realised_all.net
    assert found.cut_offs[-1].bad_rate == pytest.approx(found.bad_rate_all)
    assert found.best_cut_off.net.minor >= max(0, found.realised_all.net.minor)
    shares = [cut_off.share for cut_off in found.cut_offs]
    assert shares == sorted(shares)
    if 0 < bads < found.labelled:
        assert found.roc[0] == (0.0, 0.0)
        assert found.roc[-1] == (1.0, 1.0)
        assert list(found.roc) == sorted(found.roc)
    taken = found.approved_labelled
    wrong = (found.bad_rate_approved * taken if taken else 0) + (
        (1 - found.bad_rate_refused) * (found.labelled - taken) if taken < found.labelled else 0
    )
    assert found.misclassified_share * found.labelled == pytest.approx(wrong)


def test_loss_given_default_comes_from_training_rows() -> None:
    """Charged off over exposure of bad training rows; others and unknown amounts do not count."""
    charged = np.array([50.0, 10.0, NAN, 900.0, 5.0])
    exposure = np.array([100.0, 100.0, 100.0, 1000.0, 0.0])
    is_bad = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    is_train = np.array([True, True, True, False, True])
    share = learn_charged_off_share(charged, exposure, is_bad, is_train)
    assert share == Decimal("0.300000")
    assert learn_charged_off_share(charged, exposure, is_bad, ~is_train & False) is None
    over = learn_charged_off_share(exposure * 3, exposure, is_bad, is_train)
    assert over == Decimal(1)


def test_counts_of_guards_and_reasons() -> None:
    """Guards keep their order and count what had nothing to look at; reasons count once a row."""
    pairs = [("age", "passed"), ("debt", "not_applicable"), ("age", "failed"), ("age", "passed")]
    assert count_guards(pairs) == (GuardCount("age", 2, 1, 0), GuardCount("debt", 0, 0, 1))
    assert count_reasons([["a", "b", "a"], ["b"], []]) == (("b", 2), ("a", 1))
