"""Measures against brute force, worked examples and their own invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from puhui.score import study
from puhui.score.arrays.metric import calibration_of, h_prior_of, ks_of, psi_of

RANKED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({bad for _, bad in rows}) == 2
)


def arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and outcomes of a drawn ranking with ties."""
    pd = np.array([rank / 7 for rank, _ in rows])
    return pd, np.array([float(bad) for _, bad in rows])


@given(RANKED)
def test_auc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    pd, is_bad = arrays(rows)
    bads, goods = pd[is_bad == 1], pd[is_bad == 0]
    pairs = [(b > g) + 0.5 * (b == g) for b in bads for g in goods]
    assert study.auc_of(pd, is_bad) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    assert study.auc_of(-pd, is_bad) == pytest.approx(1 - study.auc_of(pd, is_bad), abs=1e-12)


@given(RANKED)
def test_ks_is_the_widest_gap(rows: list[tuple[int, bool]]) -> None:
    pd, is_bad = arrays(rows)
    gaps = [
        abs(np.mean(pd[is_bad == 1] >= cut) - np.mean(pd[is_bad == 0] >= cut)) for cut in set(pd)
    ]
    assert ks_of(pd, is_bad) == pytest.approx(max(gaps), abs=1e-12)


def h_by_integration(pd: np.ndarray, is_bad: np.ndarray) -> float:
    """The H-measure from its definition: expected least loss over the prior, by quadrature."""
    share = float(np.mean(is_bad))
    prior = stats.beta(1 + share, 2 - share)
    cuts = [-1.0, *sorted(set(pd.tolist()))]
    caught = [
        (float(np.mean(pd[is_bad == 0] > cut)), float(np.mean(pd[is_bad == 1] > cut)))
        for cut in cuts
    ]

    def least(c: float, found: list[tuple[float, float]]) -> float:
        return min(c * (1 - share) * g + (1 - c) * share * (1 - b) for g, b in found)

    grid = np.linspace(0, 1, 8_001)
    weight = prior.pdf(grid)
    ours = integrate.simpson([least(c, caught) for c in grid] * weight, x=grid)
    worst = integrate.simpson([least(c, [(0.0, 0.0), (1.0, 1.0)]) for c in grid] * weight, x=grid)
    return float(1 - ours / worst)


@settings(max_examples=5, deadline=None)
@given(RANKED)
def test_the_h_measure_equals_its_definition(rows: list[tuple[int, bool]]) -> None:
    pd, is_bad = arrays(rows)
    assert study.h_measure_of(pd, is_bad) == pytest.approx(h_by_integration(pd, is_bad), abs=1e-4)


def test_the_h_measure_runs_from_nought_to_one() -> None:
    is_bad = np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    assert study.h_measure_of(is_bad, is_bad) == pytest.approx(1.0)
    assert study.h_measure_of(np.full(5, 0.4), is_bad) == pytest.approx(0.0, abs=1e-12)
    assert h_prior_of(is_bad) == (1.4, 1.6)


def test_measures_of_one_outcome_are_not_numbers() -> None:
    found = study.measure(np.array([0.1, 0.2]), np.zeros(2), resamples=0)
    assert math.isnan(found.auc)
    assert math.isnan(found.ks)
    assert math.isnan(found.h_measure)
    assert found.brier == pytest.approx(0.025)


def test_worked_losses() -> None:
    pd, is_bad = np.array([0.8, 0.4, 0.5]), np.array([1.0, 1.0, 0.0])
    assert study.brier_of(pd, is_bad) == pytest.approx((0.04 + 0.36 + 0.25) / 3)
    logs = (math.log(0.8) + math.log(0.4) + math.log(0.5)) / 3
    assert study.log_loss_of(pd, is_bad) == pytest.approx(-logs)
    assert study.misclassified_share_of(pd, is_bad) == pytest.approx(1 / 3)
    assert math.isfinite(study.log_loss_of(np.array([0.0]), np.array([1.0])))


@pytest.mark.parametrize(
    "before, after, psi",
    [
        ((10, 20, 30), (1, 2, 3), 0.0),
        ((50, 50), (60, 40), 0.1 * math.log(1.2) - 0.1 * math.log(0.8)),
        ((1, 0), (1, 1), (0.5 - 1) * math.log(0.5) + (0.5 - 1e-4) * math.log(0.5 / 1e-4)),
    ],
)
def test_population_stability(before: tuple, after: tuple, psi: float) -> None:
    found = psi_of(np.array(before, dtype=float), np.array(after, dtype=float))
    assert found == pytest.approx(psi, abs=1e-9)


def test_calibration_groups_are_of_equal_size() -> None:
    pd = np.linspace(0, 0.99, 100)
    groups = calibration_of(pd, (pd > 0.5).astype(float))
    assert [group.rows for group in groups] == [10] * 10
    assert [group.bad_rate for group in groups] == [0, 0, 0, 0, 0, 0.9, 1, 1, 1, 1]


def test_intervals_are_seeded_and_hold_the_figure() -> None:
    dice = np.random.default_rng(4)
    pd = dice.random(800).round(2)
    is_bad = (dice.random(800) < pd).astype(np.float64)
    found = study.measure(pd, is_bad, resamples=300, seed=1)
    assert found.intervals == study.measure(pd, is_bad, resamples=300, seed=1).intervals
    assert found.intervals != study.measure(pd, is_bad, resamples=300, seed=2).intervals
    for name in ("auc", "ks", "h_measure", "brier"):
        interval = found.interval(name)
        assert interval.low < getattr(found, name) < interval.high, name
    spread = found.interval("auc").high - found.interval("auc").low
    assert 0.03 < spread < 0.12
    assert dict(study.bootstrap(pd, is_bad, resamples=300, seed=1)) == dict(found.intervals)


def test_resamples_measure_as_a_plain_recount_would() -> None:
    dice = np.random.default_rng(5)
    pd, is_bad = dice.random(60).round(1), (dice.random(60) < 0.4).astype(np.float64)
    order = np.argsort(-pd, kind="stable")
    draws = np.random.default_rng(9).integers(0, 60, size=(20, 60))
    aucs = [study.auc_of(pd[order][draw], is_bad[order][draw]) for draw in draws]
    found = dict(study.bootstrap(pd, is_bad, resamples=20, seed=9))["auc"]
    assert found.low == pytest.approx(np.quantile(aucs, 0.025), abs=1e-12)
    assert found.high == pytest.approx(np.quantile(aucs, 0.975), abs=1e-12)
