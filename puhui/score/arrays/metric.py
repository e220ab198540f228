"""How well probabilities of default rank, fit and hold: AUC, KS, H, Brier, PSI, with intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.score.nouns import CalibrationBin, Interval, Measures

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def stair(pd: Floats, is_bad: Floats) -> tuple[Counts, Counts]:
    """Cumulative bads and goods, (m + 1,), from the highest ``pd`` down; ties are one step."""
    order = np.argsort(-pd, kind="stable")
    ordered, outcome = pd[order], is_bad[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    bads = np.cumsum(outcome).astype(np.int64)[last]
    rows = last + 1
    return np.concatenate(([0], bads)), np.concatenate(([0], rows - bads))


def auc_of(pd: Floats, is_bad: Floats) -> float:
    """The chance that a bad row has the higher ``pd``, ties half; NaN with one outcome only.

    Equals the area under the ROC curve (Hanley and McNeil 1982).
    """
    bads, goods = stair(pd, is_bad)
    if bads[-1] == 0 or goods[-1] == 0:
        return math.nan
    doubled = int(np.sum((bads[1:] + bads[:-1]) * np.diff(goods)))
    return doubled / (2 * int(bads[-1]) * int(goods[-1]))


def ks_of(pd: Floats, is_bad: Floats) -> float:
    """The largest gap between the shares of bads and of goods above a cut, 0..1."""
    bads, goods = stair(pd, is_bad)
    if bads[-1] == 0 or goods[-1] == 0:
        return math.nan
    return float(np.max(np.abs(bads / bads[-1] - goods / goods[-1])))


def h_measure_of(pd: Floats, is_bad: Floats) -> float:
    """The H-measure, 0 (no use) to 1 (perfect), with severity prior Beta(1 + pi1, 1 + pi0).

    pi1 is the share of bads. Source: Hand and Anagnostopoulos, A better Beta for the H measure
    of classification performance, Pattern Recognition Letters 40, 2014.
    """
    bads, goods = stair(pd, is_bad)
    if bads[-1] == 0 or goods[-1] == 0:
        return math.nan
    return float(_h_of_stair(bads.astype(np.float64), goods.astype(np.float64)))


def h_prior_of(is_bad: Floats) -> tuple[float, float]:
    """The parameters of the H-measure's Beta prior, to be printed beside it."""
    share = float(np.mean(is_bad))
    return 1.0 + share, 2.0 - share


@njit
def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function by Lentz's continued fraction."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    swapped = x > (a + 1.0) / (a + b + 2.0)
    if swapped:
        a, b, x = b, a, 1.0 - x
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log(1.0 - x)
    ) / a  # fmt: skip
    f, c, d = 1.0, 1.0, 0.0
    for i in range(300):
        m = i // 2
        if i == 0:
            numerator = 1.0
        elif i % 2 == 0:
            numerator = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        else:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 + numerator * d
        d = 1.0 / (d if abs(d) > 1e-30 else 1e-30)
        c = 1.0 + numerator / (c if abs(c) > 1e-30 else 1e-30)
        f *= c * d
        if abs(1.0 - c * d) < 1e-14:
            break
    share = front * (f - 1.0)
    return 1.0 - share if swapped else share


@njit
def _h_of_stair(bads: Floats, goods: Floats) -> float:
    """The H-measure from cumulative counts of one ranking, highest risk first."""
    count = len(bads)
    all_bads, all_goods = bads[count - 1], goods[count - 1]
    pi1 = all_bads / (all_bads + all_goods)
    pi0 = 1.0 - pi1
    a, b = 1.0 + pi1, 1.0 + pi0
    hull_g, hull_b = np.empty(count), np.empty(count)
    size = 0
    for i in range(count):
        while size >= 2 and (hull_b[size - 1] - hull_b[size - 2]) * (
            goods[i] - hull_g[size - 2]
        ) <= (bads[i] - hull_b[size - 2]) * (hull_g[size - 1] - hull_g[size - 2]):
            size -= 1
        hull_g[size], hull_b[size] = goods[i], bads[i]
        size += 1
    norm1 = a / (a + b)
    norm0 = b / (a + b)
    loss, before1, before0 = 0.0, 0.0, 0.0
    for i in range(size):
        if i + 1 < size:
            more_b, more_g = hull_b[i + 1] - hull_b[i], hull_g[i + 1] - hull_g[i]
            cost = more_b / (more_b + more_g)
        else:
            more_b, more_g, cost = 0.0, 0.0, 0.0
        after1 = norm1 * _beta_share(cost, a + 1.0, b)
        after0 = norm0 * _beta_share(cost, a, b + 1.0)
        if i == 0:
            before1, before0 = norm1, norm0
        caught_b, caught_g = hull_b[i] / all_bads, hull_g[i] / all_goods
        loss += pi0 * caught_g * (before1 - after1) + pi1 * (1.0 - caught_b) * (before0 - after0)
        before1, before0 = after1, after0
    worst = pi0 * norm1 * _beta_share(pi1, a + 1.0, b)
    worst += pi1 * (norm0 - norm0 * _beta_share(pi1, a, b + 1.0))
    measured: float = 1.0 - loss / worst
    return measured


def brier_of(pd: Floats, is_bad: Floats) -> float:
    """The mean squared distance between ``pd`` and outcome (Brier 1950)."""
    return float(np.mean((pd - is_bad) ** 2))


def log_loss_of(pd: Floats, is_bad: Floats) -> float:
    """The mean of -ln(probability of what came true), probabilities kept off 0 and 1."""
    kept = np.clip(pd, 1e-15, 1.0 - 1e-15)
    return float(-np.mean(is_bad * np.log(kept) + (1.0 - is_bad) * np.log1p(-kept)))


def misclassified_share_of(pd: Floats, is_bad: Floats, cut: float = 0.5) -> float:
    """The share of rows on the wrong side of ``cut`` (bad is above it)."""
    return float(np.mean((pd > cut) != (is_bad == 1.0)))


def calibration_of(pd: Floats, is_bad: Floats, bins: int = 10) -> tuple[CalibrationBin, ...]:
    """Rows in ``bins`` groups of near ``pd`` of equal size: mean pd beside the bad rate."""
    parts = np.array_split(np.argsort(pd, kind="stable"), bins)
    return tuple(
        CalibrationBin(len(part), float(np.mean(pd[part])), float(np.mean(is_bad[part])))
        for part in parts
        if len(part)
    )


def psi_of(before: Floats, after: Floats) -> float:
    """The population stability index of two sets of shares or counts over the same bins.

    Sum of (after - before) x ln(after / before) over shares, each at least 1e-4. Source:
    Siddiqi 2006; below 0.1 is read as stable, above 0.25 as moved.
    """
    if before.sum() <= 0 or after.sum() <= 0:
        return math.nan
    old = np.maximum(before / before.sum(), 1e-4)
    new = np.maximum(after / after.sum(), 1e-4)
    return float(np.sum((new - old) * np.log(new / old)))


@njit
def _resampled(order_bad: Floats, steps: Counts, draws: Counts) -> Floats:
    """AUC, KS and H of each resample: ``draws`` (m, n) row numbers in ranking order."""
    resamples, rows = draws.shape
    found = np.empty((resamples, 3))
    weight = np.empty(rows)
    for r in range(resamples):
        weight[:] = 0.0
        for i in range(rows):
            weight[draws[r, i]] += 1.0
        bads, goods = np.empty(len(steps) + 1), np.empty(len(steps) + 1)
        bads[0], goods[0] = 0.0, 0.0
        start = 0
        for s in range(len(steps)):
            more_b, more = 0.0, 0.0
            for i in range(start, steps[s]):
                more += weight[i]
                more_b += weight[i] * order_bad[i]
            start = steps[s]
            bads[s + 1], goods[s + 1] = bads[s] + more_b, goods[s] + more - more_b
        all_bads, all_goods = bads[-1], goods[-1]
        if all_bads == 0.0 or all_goods == 0.0:
            found[r, :] = np.nan
            continue
        area, gap = 0.0, 0.0
        for s in range(len(steps)):
            area += (bads[s + 1] + bads[s]) * (goods[s + 1] - goods[s])
            gap = max(gap, abs(bads[s + 1] / all_bads - goods[s + 1] / all_goods))
        found[r, 0] = area / (2.0 * all_bads * all_goods)
        found[r, 1] = gap
        found[r, 2] = _h_of_stair(bads, goods)
    return found


def bootstrap(
    pd: Floats, is_bad: Floats, *, resamples: int = 500, seed: int = 7, share: float = 0.95
) -> tuple[tuple[str, Interval], ...]:
    """Percentile intervals of AUC, KS, H-measure and Brier over seeded resamples of the rows.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    dice = np.random.default_rng(seed)
    order = np.argsort(-pd, kind="stable")
    ordered, outcome = pd[order], is_bad[order]
    steps = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(ordered))
    steps = steps.astype(np.int64)
    squares = (ordered - outcome) ** 2
    found = np.empty((resamples, 4))
    for start in range(0, resamples, 50):
        size = min(50, resamples - start)
        draws = dice.integers(0, len(pd), size=(size, len(pd)))
        found[start : start + size, :3] = _resampled(outcome, steps, draws)
        found[start : start + size, 3] = squares[draws].mean(axis=1)
    tails = np.nanquantile(found, [(1 - share) / 2, (1 + share) / 2], axis=0)
    names = ("auc", "ks", "h_measure", "brier")
    return tuple(
        (name, Interval(float(tails[0, i]), float(tails[1, i]), share))
        for i, name in enumerate(names)
    )


def measure(
    pd: Floats, is_bad: Floats, *, resamples: int = 500, seed: int = 7, cut: float = 0.5
) -> Measures:
    """All measures of ``pd`` (n,) float64 against ``is_bad`` (n,) 0 or 1, with 95% intervals.

    ``resamples`` 0 leaves the intervals out.
    """
    assert len(pd) == len(is_bad), (len(pd), len(is_bad))
    assert not np.isnan(pd).any(), "pd with missing values"
    pd, is_bad = np.asarray(pd, np.float64), np.asarray(is_bad, np.float64)
    return Measures(
        rows=len(pd),
        bad_rate=float(np.mean(is_bad)),
        auc=auc_of(pd, is_bad),
        ks=ks_of(pd, is_bad),
        h_measure=h_measure_of(pd, is_bad),
        h_prior=h_prior_of(is_bad),
        brier=brier_of(pd, is_bad),
        log_loss=log_loss_of(pd, is_bad),
        misclassified_share=misclassified_share_of(pd, is_bad, cut),
        intervals=bootstrap(pd, is_bad, resamples=resamples, seed=seed) if resamples else (),
        calibration=calibration_of(pd, is_bad),
    )
