"""Logistic regression against its own optimality conditions and a published set of figures."""

from __future__ import annotations

import numpy as np
import pytest

from puhui.kernel.errors import Fault
from puhui.score.arrays.logit import fit_calibration, fit_logit, fold_numbers, sigmoid

# Mendenhall and Sincich's hours-of-study example as in Wikipedia, "Logistic regression":
# intercept -4.0777, slope 1.5046.
HOURS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 4.0, 4.25)
HOURS_MORE = (4.5, 4.75, 5.0, 5.5)
PASSED = (0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1)


def test_a_published_fit() -> None:
    hours = np.array([*HOURS, *HOURS_MORE])[:, None]
    found = fit_logit(hours, np.array(PASSED, dtype=np.float64))
    assert found == pytest.approx([-4.0777, 1.5046], abs=5e-5)


def test_the_gradient_is_nought_at_the_fit() -> None:
    dice = np.random.default_rng(1)
    signals = dice.normal(size=(400, 3))
    outcomes = (dice.random(400) < sigmoid(signals @ np.array([1.0, -2.0, 0.3]) - 0.5)) * 1.0
    for ridge in (0.0, 3.0):
        found = fit_logit(signals, outcomes, ridge)
        design = np.column_stack([np.ones(400), signals])
        gradient = design.T @ (outcomes - sigmoid(design @ found))
        gradient[1:] -= ridge * found[1:]
        assert np.abs(gradient).max() < 1e-6


def test_perfect_separation_is_a_fault_without_a_ridge() -> None:
    signals = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    outcomes = np.array([0.0, 0.0, 1.0, 1.0])
    assert fit_logit(signals, outcomes, ridge=1.0)[1] > 0
    with pytest.raises(Fault, match=r"score\.logit_diverged"):
        fit_logit(signals * 1e-3, outcomes)


def test_calibration_finds_the_slope_it_was_made_with() -> None:
    dice = np.random.default_rng(2)
    log_odds = dice.normal(size=20_000) * 2
    outcomes = (dice.random(20_000) < sigmoid(0.5 * log_odds - 0.7)) * 1.0
    slope, intercept = fit_calibration(log_odds, outcomes)
    assert slope == pytest.approx(0.5, abs=0.04)
    assert intercept == pytest.approx(-0.7, abs=0.05)
    slope, _ = fit_calibration(-log_odds, outcomes)
    assert slope == 0.05  # never turned round


def test_folds_spread_both_outcomes_and_are_fixed_by_the_seed() -> None:
    outcomes = np.array([1.0] * 20 + [0.0] * 80)
    folds = fold_numbers(outcomes, 5, 7)
    assert [int(outcomes[folds == fold].sum()) for fold in range(5)] == [4] * 5
    assert np.bincount(folds).tolist() == [20] * 5
    assert (folds == fold_numbers(outcomes, 5, 7)).all()
    assert (folds != fold_numbers(outcomes, 5, 8)).any()


@pytest.mark.parametrize("scale", [-0.3, 0.0, 0.4, 1.0, 40.0])
@pytest.mark.parametrize("shift", [-12.0, 0.0, 3.0])
def test_a_calibration_never_runs_away(scale: float, shift: float) -> None:
    """Raw log-odds far from the truth, few bads: still the share of bads on average."""
    dice = np.random.default_rng(11)
    truth = dice.normal(size=400) - 3.0
    outcomes = (dice.random(400) < sigmoid(truth)).astype(np.float64)
    slope, intercept = fit_calibration(np.clip(scale * truth + shift, -15, 15), outcomes)
    pd = sigmoid(slope * np.clip(scale * truth + shift, -15, 15) + intercept)
    assert slope >= 0.05
    assert pd.mean() == pytest.approx(outcomes.mean(), abs=1e-6)


def test_a_rank_turned_round_is_flattened_not_turned_back() -> None:
    dice = np.random.default_rng(2)
    truth = dice.normal(size=2_000)
    outcomes = (dice.random(2_000) < sigmoid(truth)).astype(np.float64)
    slope, intercept = fit_calibration(-truth, outcomes)
    assert slope == 0.05
    assert sigmoid(slope * -truth + intercept).mean() == pytest.approx(outcomes.mean(), abs=1e-6)
