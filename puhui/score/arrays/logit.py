"""Logistic regression by Newton's method (iteratively reweighted least squares)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault

Floats = NDArray[np.float64]


def sigmoid(log_odds: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow, (n,) float64."""
    shrunk = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0 / (1.0 + shrunk), shrunk / (1.0 + shrunk)))


def fit_logit(
    signals: Floats, outcomes: Floats, ridge: float = 0.0, weights: Floats | None = None
) -> Floats:
    """Coefficients (k + 1,), the intercept first, of ``outcomes`` (n,) on ``signals`` (n, k).

    ``weights`` (n,) count each row so many times, once where there are none. ``ridge`` is the
    weight of half the squared coefficients, the intercept left out; 0 gives plain maximum
    likelihood. Steps are halved while the likelihood falls. Fault: ``score.logit_diverged``
    after 100 steps, as under perfect separation without a ridge.
    """
    assert signals.shape[0] == outcomes.shape[0], signals.shape
    design = np.column_stack([np.ones(len(outcomes)), signals])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    found = np.zeros(design.shape[1])
    height = _likelihood(design, outcomes, found, penalty, weights)
    for _ in range(100):
        pd = sigmoid(design @ found)
        rest, spread = outcomes - pd, pd * (1.0 - pd)
        if weights is not None:
            rest, spread = rest * weights, spread * weights
        slope = design.T @ rest - penalty * found
        bend = (design * spread[:, None]).T @ design + np.diag(penalty + 1e-12)
        step = np.linalg.solve(bend, slope)
        shrink = 1.0
        while shrink > 1e-6:
            reached = _likelihood(design, outcomes, found + shrink * step, penalty, weights)
            if reached >= height - 1e-10 * (1.0 + abs(height)):
                break
            shrink /= 2.0
        found = found + shrink * step
        height = _likelihood(design, outcomes, found, penalty, weights)
        if float(np.max(np.abs(shrink * step))) < 1e-10 * (1.0 + float(np.max(np.abs(found)))):
            return found
    raise Fault("score.logit_diverged", "The logistic regression did not converge.")


def _likelihood(
    design: Floats, outcomes: Floats, found: Floats, penalty: Floats, weights: Floats | None
) -> float:
    log_odds = design @ found
    fit = outcomes * log_odds - np.logaddexp(0.0, log_odds)
    if weights is not None:
        fit = fit * weights
    return float(np.sum(fit) - 0.5 * np.sum(penalty * found**2))


def fold_numbers(outcomes: Floats, folds: int, seed: int) -> NDArray[np.int64]:
    """The fold 0..folds-1 of every row, (n,): goods and bads spread evenly, by ``seed``."""
    dice = np.random.default_rng(seed)
    numbers = np.empty(len(outcomes), dtype=np.int64)
    for worth in (0.0, 1.0):
        rows = dice.permutation(np.flatnonzero(outcomes == worth))
        numbers[rows] = np.arange(len(rows)) % folds
    return numbers


def fit_calibration(log_odds: Floats, outcomes: Floats) -> tuple[float, float]:
    """Slope and intercept of Platt's calibration of out-of-fold ``log_odds`` (n,).

    A ridge of 1 around the slope 1 that a well-made model has steadies few rows; a slope that
    is not positive would turn the ranking round, so 0.05 is the least, and the intercept is then
    fitted to it: the mean pd is the share of bads whatever the slope. Steps are halved while the
    fit falls. Source: Platt 1999.
    """
    slope, intercept = _calibrated(log_odds, outcomes, 1.0, moves_slope=True)
    if slope < SLOPE_MIN:
        return _calibrated(log_odds, outcomes, SLOPE_MIN, moves_slope=False)
    return slope, intercept


SLOPE_MIN = 0.05


def _calibrated(
    log_odds: Floats, outcomes: Floats, slope: float, *, moves_slope: bool
) -> tuple[float, float]:
    """The slope and intercept that fit best, from ``slope`` on; it stays where told so."""
    intercept = 0.0
    height = _calibration_fit(log_odds, outcomes, slope, intercept)
    for _ in range(100):
        pd = sigmoid(slope * log_odds + intercept)
        rest, spread = outcomes - pd, pd * (1.0 - pd)
        gradient = np.array([float(rest @ log_odds) - (slope - 1.0), float(np.sum(rest))])
        cross = float(spread @ log_odds)
        own = float(spread @ log_odds**2) + 1.0
        flat = float(np.sum(spread)) + 1e-9
        if moves_slope:
            step = np.linalg.solve([[own, cross], [cross, flat]], gradient)
        else:
            step = np.array([0.0, gradient[1] / flat])
        shrink = 1.0
        while shrink > 1e-9:
            one, other = slope + shrink * float(step[0]), intercept + shrink * float(step[1])
            reached = _calibration_fit(log_odds, outcomes, one, other)
            if reached >= height - 1e-9 * (1.0 + abs(height)):
                break
            shrink /= 2.0
        slope, intercept, height = one, other, reached
        if float(np.max(np.abs(step))) * shrink < 1e-10:
            break
    return slope, intercept


def _calibration_fit(log_odds: Floats, outcomes: Floats, slope: float, intercept: float) -> float:
    found = slope * log_odds + intercept
    return float(outcomes @ found - np.sum(np.logaddexp(0.0, found))) - 0.5 * (slope - 1.0) ** 2
