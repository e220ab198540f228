"""How good the decisions were, once it is known how the loans ended."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.money import Money
from puhui.score import study

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Flags = NDArray[np.bool_]

CURVE_POINTS = 60
SCORE_BINS_MAX = 24
DRAWS = 2000
INTERVAL_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Earnings:
    """What many loans bring and take, each (n,) int64 minor units; see ``lending.profit``."""

    interest_minor: Wholes
    cost_minor: Wholes
    loss_minor: Wholes

    def sum(self, rows: Flags, currency: str) -> Profit:
        """The earnings of some rows together."""
        interest, cost, loss = (
            Money(int(column[rows].sum()), currency)
            for column in (self.interest_minor, self.cost_minor, self.loss_minor)
        )
        return Profit(interest, loss, cost)

    def net_minor(self) -> Wholes:
        """Interest less losses less cost, per row."""
        return self.interest_minor - self.loss_minor - self.cost_minor


@dataclass(frozen=True, slots=True)
class Profit:
    """Interest, what is charged off, and cost of funds and operation."""

    interest: Money
    loss: Money
    cost: Money

    @property
    def profit(self) -> Money:
        """Interest less what is charged off."""
        return self.interest - self.loss

    @property
    def net(self) -> Money:
        """The profit less cost of funds and operating cost."""
        return self.interest - self.loss - self.cost


@dataclass(frozen=True, slots=True)
class Decided:
    """The rows that were decided, as arrays of one length n.

    ``is_bad`` float64 is 1, 0, or not a number where the outcome is not known; ``pd`` float64;
    ``points`` int64; ``is_approved`` bool. ``expected`` and ``realised`` hold what each loan
    would bring if it were lent (also the refused ones), realised only counting where the outcome
    is known.
    """

    is_bad: Floats
    pd: Floats
    points: Wholes
    is_approved: Flags
    expected: Earnings
    realised: Earnings
    currency: str


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A mean with the bounds of its middle 95%."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CutPoint:
    """What approving the safest ``share`` of rows brings: their highest pd, bads and net profit."""

    share: float
    pd_max: float
    bad_rate: float
    net: Money


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Rows with scores from ``low`` to below ``high``."""

    low: int
    high: int
    goods: int
    bads: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every figure about decisions whose outcome is known; shares are 0..1.

    ``misclassified_share`` counts approved bad and refused good rows; that of ``measures`` uses a
    pd of 0.5 as the cut. The random baseline approves as many labelled rows by lot, the majority
    baseline treats all alike, as the more frequent outcome. Not a number where nothing is known.
    """

    rows: int
    labelled: int
    approved: int
    approved_labelled: int
    approval_rate: float
    bad_rate_all: float
    bad_rate_approved: float
    bad_rate_refused: float
    bad_rate_random: RateInterval
    majority_is_good: bool
    bad_rate_majority: float
    misclassified_share: float
    misclassified_random: float
    misclassified_majority: float
    measures: study.Measures
    expected: Profit
    expected_labelled: Profit
    realised: Profit
    realised_all: Profit
    realised_random_net: Money
    roc: tuple[tuple[float, float], ...]
    cut_offs: tuple[CutPoint, ...]
    best_cut_off: CutPoint
    score_bins: tuple[ScoreBin, ...]
    score_psi: float


def earnings(parts: Iterable[tuple[int, int, int]]) -> Earnings:
    """Earnings from (interest, cost, loss) of each row in minor units."""
    table = np.array(list(parts), dtype=np.int64).reshape(-1, 3)
    return Earnings(table[:, 0], table[:, 1], table[:, 2])


def learn_charged_off_share(
    charged_off: Floats, exposure: Floats, is_bad: Floats, is_train: Flags
) -> Decimal | None:
    """The loss given default learned on training rows: charged off / exposure over bad ones.

    Rows without both amounts are left out; None where no bad training row has them. At most one,
    rounded to six decimals, as the profit formulas count.
    """
    known = is_train & (is_bad == 1.0) & ~np.isnan(charged_off) & (exposure > 0)
    if not known.any():
        return None
    share = float(charged_off[known].sum() / exposure[known].sum())
    return Decimal(str(min(1.0, max(0.0, share)))).quantize(Decimal("0.000001"))


def evaluate(
    decided: Decided, *, train_points: Wholes, seed: int = 7, resamples: int = 500
) -> Evaluation:
    """Work out every figure of the decisions.

    ``train_points`` are the scores of the rows that trained the model, for the PSI. Chance is
    seeded, so a second run gives the same figures.
    """
    count = len(decided.pd)
    for column in (decided.is_bad, decided.points, decided.is_approved):
        assert len(column) == count, (len(column), count)
    known = ~np.isnan(decided.is_bad)
    assert known.any(), "no row has a known outcome"
    is_bad, pd = decided.is_bad[known], decided.pd[known]
    approved = decided.is_approved & known
    chosen = decided.is_approved[known]
    bads, rows, taken = int(is_bad.sum()), len(is_bad), int(chosen.sum())
    bad_rate = bads / rows
    majority_is_good = 2 * bads <= rows
    realised_all = decided.realised.sum(known, decided.currency)
    cut_offs = _cut_offs(pd, is_bad, decided.realised.net_minor()[known], decided.currency)
    return Evaluation(
        rows=count,
        labelled=rows,
        approved=int(decided.is_approved.sum()),
        approved_labelled=taken,
        approval_rate=float(decided.is_approved.mean()),
        bad_rate_all=bad_rate,
        bad_rate_approved=_mean(is_bad[chosen]),
        bad_rate_refused=_mean(is_bad[~chosen]),
        bad_rate_random=_random_bad_rate(bads, rows - bads, taken, seed),
        majority_is_good=majority_is_good,
        bad_rate_majority=bad_rate if majority_is_good else math.nan,
        misclassified_share=float(np.mean(chosen == (is_bad == 1.0))),
        misclassified_random=(taken * bads + (rows - taken) * (rows - bads)) / rows**2,
        misclassified_majority=min(bad_rate, 1 - bad_rate),
        measures=study.measure(
            pd, is_bad, resamples=resamples if 0 < bads < rows else 0, seed=seed
        ),
        expected=decided.expected.sum(decided.is_approved, decided.currency),
        expected_labelled=decided.expected.sum(approved, decided.currency),
        realised=decided.realised.sum(approved, decided.currency),
        realised_all=realised_all,
        realised_random_net=Money(realised_all.net.minor * taken // rows, decided.currency),
        roc=_roc(pd, is_bad),
        cut_offs=cut_offs,
        best_cut_off=max(cut_offs, key=lambda cut: cut.net.minor),
        score_bins=_score_bins(decided.points[known], is_bad),
        score_psi=_score_psi(train_points, decided.points),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _random_bad_rate(bads: int, goods: int, taken: int, seed: int) -> RateInterval:
    """The bad rate of ``taken`` rows drawn by lot without putting back, over seeded draws."""
    if taken == 0:
        return RateInterval(math.nan, math.nan, math.nan)
    dice = np.random.default_rng(seed)
    rates = dice.hypergeometric(bads, goods, taken, size=DRAWS) / taken
    tails = [(1 - INTERVAL_SHARE) / 2, (1 + INTERVAL_SHARE) / 2]
    low, high = np.quantile(rates, tails).tolist()
    return RateInterval(float(rates.mean()), low, high)


def _roc(pd: Floats, is_bad: Floats) -> tuple[tuple[float, float], ...]:
    """(share of goods refused, share of bads refused) as the cut falls, thinned evenly."""
    order = np.argsort(-pd, kind="stable")
    outcome = is_bad[order]
    last = np.append(np.flatnonzero(np.diff(pd[order])), len(pd) - 1)
    bads = np.cumsum(outcome)[last]
    goods = (last + 1) - bads
    if bads[-1] == 0 or goods[-1] == 0:
        return ()
    x, y = np.append(0.0, goods / goods[-1]), np.append(0.0, bads / bads[-1])
    walked = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    kept = np.unique(np.searchsorted(walked, np.linspace(0.0, walked[-1], CURVE_POINTS)))
    kept = np.minimum(kept, len(x) - 1)
    return tuple(zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def _cut_offs(pd: Floats, is_bad: Floats, net_minor: Wholes, currency: str) -> tuple[CutPoint, ...]:
    """Net profit and bad rate when the safest share is approved, from none to all."""
    order = np.argsort(pd, kind="stable")
    ranked, nets = pd[order], np.cumsum(net_minor[order])
    bads = np.cumsum(is_bad[order])
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    wanted = np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).astype(np.int64))
    best = int(np.argmax(nets[ends]))
    kept = ends[np.unique(np.append(wanted, best))].tolist()
    none = CutPoint(0.0, 0.0, 0.0, Money(0, currency))
    return none, *(
        CutPoint(
            (place + 1) / len(pd),
            float(ranked[place]),
            float(bads[place]) / (place + 1),
            Money(int(nets[place]), currency),
        )
        for place in kept
    )


def _score_bins(points: Wholes, is_bad: Floats) -> tuple[ScoreBin, ...]:
    """Goods and bads by score, in steps of a round width."""
    low, high = int(points.min()), int(points.max()) + 1
    width = next(
        (step for step in (5, 10, 20, 25, 50) if (high - low) / step <= SCORE_BINS_MAX), 100
    )
    edges = range(low // width * width, high + width, width)
    places = (points - edges[0]) // width
    bads = np.bincount(places[is_bad == 1.0], minlength=len(edges))
    goods = np.bincount(places[is_bad == 0.0], minlength=len(edges))
    found = [
        ScoreBin(edge, edge + width, int(goods[i]), int(bads[i])) for i, edge in enumerate(edges)
    ]
    while len(found) > 1 and not found[-1].goods + found[-1].bads:
        found.pop()
    return tuple(found)


def _score_psi(before: Wholes, after: Wholes) -> float:
    """How far scores moved since training: PSI over tenths of the training rows."""
    if not len(before) or not len(after):
        return math.nan
    edges = np.unique(np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf"))
    old, new = (
        np.bincount(np.searchsorted(edges, one), minlength=len(edges) + 1).astype(np.float64)
        for one in (before, after)
    )
    return study.psi_of(old, new)


@dataclass(frozen=True, slots=True)
class GuardCount:
    """How often a guard passed, failed, or had nothing to look at."""

    code: str
    passed: int
    failed: int
    not_applicable: int


def count_guards(results: Iterable[tuple[str, str]]) -> tuple[GuardCount, ...]:
    """Count (code, outcome) pairs; outcomes are "passed", "failed" and "not_applicable"."""
    counts = Counter(results)
    codes = dict.fromkeys(code for code, _ in counts)
    return tuple(
        GuardCount(
            code, *(counts[code, outcome] for outcome in ("passed", "failed", "not_applicable"))
        )
        for code in codes
    )


def count_reasons(reasons: Iterable[Sequence[str]]) -> tuple[tuple[str, int], ...]:
    """How many applications each reason code was given to, the most frequent first."""
    counts = Counter(code for codes in reasons for code in dict.fromkeys(codes))
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
