"""Weight-of-evidence bins: fine cuts merged until bad rates are monotone and every bin is full."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from puhui.score.arrays.stable import merge_unstable
from puhui.score.nouns import Signal

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BinRules:
    """How coarse bins must be: shares of the training rows (0..1), counts of bads and of bins."""

    fine_bins: int = 50
    bins_max: int = 8
    share_min: float = 0.04
    bads_min: int = 8
    smoothing: float = 0.5


@dataclass(frozen=True, slots=True)
class SignalBins:
    """Bins of one signal with their weights of evidence, ln(share of goods / share of bads).

    ``edges`` (bins - 1,) or ``groups`` (categories,) place values; ``rows``, ``bads`` and ``woe``
    are per bin, with the same three for missing values and each special value.
    """

    edges: tuple[float, ...]
    groups: tuple[int, ...]
    rows: Counts
    bads: Counts
    woe: Floats
    missing: tuple[int, int, float]
    special: tuple[tuple[int, int, float], ...]
    unseen_woe: float
    information: float


def woe_of(rows: float, bads: float, goods_all: float, bads_all: float, smoothing: float) -> float:
    """ln((goods in bin / all goods) / (bads in bin / all bads)), ``smoothing`` added to both.

    A bin without rows is neutral: 0. Source: Siddiqi, Credit Risk Scorecards, 2006, chapter 6.
    """
    if rows == 0:
        return 0.0
    prior = goods_all / bads_all
    goods = rows - bads + smoothing * prior / (1.0 + prior)
    return math.log(goods / (bads + smoothing / (1.0 + prior))) - math.log(prior)


def merge_at(rows: Counts, bads: Counts, left: int) -> tuple[Counts, Counts]:
    """Bins with number ``left`` and its right neighbour made one."""
    joined_rows, joined_bads = rows.copy(), bads.copy()
    joined_rows[left] += joined_rows[left + 1]
    joined_bads[left] += joined_bads[left + 1]
    return np.delete(joined_rows, left + 1), np.delete(joined_bads, left + 1)


def merge_monotone(rows: Counts, bads: Counts, is_rising: bool) -> list[int]:
    """Sizes of runs of neighbouring bins after pooling adjacent violators.

    The pooled bad rates rise strictly (or fall, unless ``is_rising``). Bins without rows join
    the run before them. Source: Ayer et al., Ann. Math. Stat. 26, 1955.
    """
    sign = 1.0 if is_rising else -1.0
    runs: list[list[float]] = []
    for count, bad in zip(rows.tolist(), bads.tolist(), strict=True):
        runs.append([count, sign * bad, 1])
        while len(runs) > 1:
            (n1, b1, w1), (n2, b2, w2) = runs[-2], runs[-1]
            if n1 and n2 and b1 * n2 < b2 * n1:
                break
            runs[-2:] = [[n1 + n2, b1 + b2, w1 + w2]]
    return [int(run[2]) for run in runs]


def merge_small(rows: Counts, bads: Counts, least_rows: float, rules: BinRules) -> list[int]:
    """Sizes of runs after joining each too small bin to the neighbour with the nearer bad rate.

    A bin is too small below ``least_rows`` rows or ``bads_min`` bads or goods; the smallest
    goes first. Then the pairs that lose least information are joined down to ``bins_max``.
    """
    sizes = [1] * len(rows)
    while len(rows) > 1:
        poor = np.minimum(bads, rows - bads) < rules.bads_min
        short = np.flatnonzero(poor | (rows < least_rows))
        if len(short):
            place = int(short[np.argmin(rows[short])])
            left = place - 1 if _left_is_nearer(rows, bads, place) else place
        elif len(rows) > rules.bins_max:
            left = int(np.argmin(_pair_losses(rows, bads)))
        else:
            break
        rows, bads = merge_at(rows, bads, left)
        sizes[left : left + 2] = [sizes[left] + sizes[left + 1]]
    return sizes


def _left_is_nearer(rows: Counts, bads: Counts, place: int) -> bool:
    if place == 0:
        return False
    if place == len(rows) - 1:
        return True
    rates = bads / np.maximum(rows, 1)
    return bool(abs(rates[place - 1] - rates[place]) <= abs(rates[place + 1] - rates[place]))


def _pair_losses(rows: Counts, bads: Counts) -> Floats:
    """Pearson's chi-square between neighbouring bins: how much joining a pair would hide."""
    n1, n2 = rows[:-1].astype(np.float64), rows[1:].astype(np.float64)
    b1, b2 = bads[:-1].astype(np.float64), bads[1:].astype(np.float64)
    rate = (b1 + b2) / np.maximum(n1 + n2, 1.0)
    spread = np.maximum(rate * (1.0 - rate), 1e-12)
    difference = b1 / np.maximum(n1, 1.0) - b2 / np.maximum(n2, 1.0)
    return np.asarray(difference**2 * n1 * n2 / np.maximum(n1 + n2, 1.0) / spread)


def join_runs(values: Counts, sizes: list[int]) -> Counts:
    """Sums of ``values`` over consecutive runs of ``sizes``."""
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    return np.asarray(np.add.reduceat(values, starts), dtype=np.int64)


def fine_edges(values: Floats, count: int) -> Floats:
    """At most ``count`` upper edges at data values, each bin (edge before, edge]; the last open."""
    distinct = np.unique(values)
    if len(distinct) > count:
        shares = np.arange(1, count) / count
        distinct = np.unique(np.quantile(values, shares, method="inverted_cdf"))
    return np.asarray(distinct[distinct < values.max()], dtype=np.float64)


def bin_number(
    values: Floats,
    is_bad: Floats,
    signal: Signal,
    rules: BinRules,
    periods: Counts | None = None,
) -> SignalBins:
    """Bins of a number signal: ``values`` (n,) with NaN for missing, ``is_bad`` (n,) 0 or 1.

    Bad rates rise over the bins for direction "up", fall for "down", do whichever carries more
    information for "", and are free for "free". With ``periods`` (n,), the period 0, 1, ... of
    each row, neighbours whose bad rates change places between periods are joined as well.
    """
    special = np.isin(values, np.array(signal.special, dtype=np.float64))
    plain = ~np.isnan(values) & ~special
    kept, outcome = values[plain], is_bad[plain]
    edges = fine_edges(kept, rules.fine_bins) if len(kept) else np.empty(0)
    places = np.searchsorted(edges, kept, side="left")
    rows = np.bincount(places, minlength=len(edges) + 1).astype(np.int64)
    bads = np.bincount(places, weights=outcome, minlength=len(edges) + 1).astype(np.int64)
    directions = {"up": (True,), "down": (False,), "": (True, False)}.get(signal.direction)
    if directions is None:
        options = [_coarse(rows, bads, [1] * len(rows), len(values), rules)]
    else:
        options = [
            _coarse(rows, bads, merge_monotone(rows, bads, rising), len(values), rules)
            for rising in directions
        ]
    if periods is not None and len(kept):
        fine = _by_period(places, outcome, periods[plain], len(rows))
        options = [_steady(sizes, *fine) for sizes in options]
    totals = (float(np.sum(1 - is_bad)), float(np.sum(is_bad)))
    made = [
        _bins_of(
            tuple(edges[np.cumsum(sizes)[:-1] - 1].tolist()) if len(edges) else (),
            (),
            join_runs(rows, sizes),
            join_runs(bads, sizes),
            _aside(values, is_bad, signal.special, totals, rules),
            totals,
            rules,
        )
        for sizes in options
    ]
    return max(made, key=lambda bins: bins.information)


def _by_period(
    places: Counts, outcome: Floats, periods: Counts, bins: int
) -> tuple[Counts, Counts]:
    """Rows and bads per period and fine bin, (periods, bins) each."""
    count = int(periods.max()) + 1
    own = periods * bins + places
    rows = np.bincount(own, minlength=count * bins).astype(np.int64)
    bads = np.bincount(own, weights=outcome, minlength=count * bins).astype(np.int64)
    return rows.reshape(count, bins), bads.reshape(count, bins)


def _steady(sizes: list[int], rows: Counts, bads: Counts) -> list[int]:
    """Runs of fine bins after neighbouring runs whose order flips over time are joined."""
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    joined = merge_unstable(
        np.add.reduceat(rows, starts, axis=1), np.add.reduceat(bads, starts, axis=1)
    )
    return [int(size) for size in join_runs(np.array(sizes, dtype=np.int64), joined)]


def _coarse(rows: Counts, bads: Counts, sizes: list[int], total: int, rules: BinRules) -> list[int]:
    """Runs of the fine bins after the monotone runs ``sizes`` are joined where too small."""
    joined = merge_small(
        join_runs(rows, sizes), join_runs(bads, sizes), rules.share_min * total, rules
    )
    return [int(size) for size in join_runs(np.array(sizes, dtype=np.int64), joined)]


def _aside(
    values: Floats,
    is_bad: Floats,
    special: tuple[float, ...],
    totals: tuple[float, float],
    rules: BinRules,
) -> list[tuple[int, int, float]]:
    """Rows, bads and weight of the missing bin, then of each special value's bin.

    Fewer than ``bads_min`` bads or goods say too little: such a bin is neutral.
    """
    found = []
    for mask in (np.isnan(values), *(values == value for value in special)):
        rows, bads = int(mask.sum()), int(is_bad[mask].sum())
        thin = min(bads, rows - bads) < rules.bads_min
        woe = 0.0 if thin else woe_of(rows, bads, *totals, rules.smoothing)
        found.append((rows, bads, woe))
    return found


def bin_category(
    codes: Floats, is_bad: Floats, count: int, rules: BinRules, periods: Counts | None = None
) -> SignalBins:
    """Bins of a category signal: ``codes`` (n,) 0..count-1 with NaN for missing.

    Categories too small to judge are pooled first; the rest join by nearest bad rate. The pool
    stands for categories never seen; without a pool they are neutral, as is a pool that is
    itself too small. With ``periods`` (n,) groups of categories that change places between
    periods are joined, as the bins of a number are.
    """
    plain = ~np.isnan(codes) & (codes >= 0)
    places = codes[plain].astype(np.int64)
    rows = np.bincount(places, minlength=count).astype(np.int64)
    bads = np.bincount(places, weights=is_bad[plain], minlength=count).astype(np.int64)
    least = rules.share_min * len(codes) / 2
    rare = rows < least
    totals = (float(np.sum(1 - is_bad)), float(np.sum(is_bad)))
    kept = np.flatnonzero(~rare)
    groups = np.zeros(count, dtype=np.int64)
    group_rows: list[int] = []
    group_bads: list[int] = []
    if len(kept):
        order = kept[np.argsort(bads[kept] / rows[kept], kind="stable")]
        sizes = merge_small(rows[order], bads[order], least, rules)
        if periods is not None:
            by_period = _by_period(places, is_bad[plain], periods[plain], count)
            sizes = _steady(sizes, *(counts[:, order] for counts in by_period))
        groups[order] = np.repeat(np.arange(len(sizes)), sizes)
        group_rows = join_runs(rows[order], sizes).tolist()
        group_bads = join_runs(bads[order], sizes).tolist()
    if rare.any() or not group_rows:
        groups[rare] = len(group_rows)
        group_rows.append(int(rows[rare].sum()))
        group_bads.append(int(bads[rare].sum()))
    made = _bins_of(
        (),
        tuple(groups.tolist()),
        np.array(group_rows, dtype=np.int64),
        np.array(group_bads, dtype=np.int64),
        _aside(codes, is_bad, (), totals, rules),
        totals,
        rules,
    )
    if not rare.any():
        return made
    woe = made.woe.copy()
    if min(group_bads[-1], group_rows[-1] - group_bads[-1]) < rules.bads_min:
        woe[-1] = 0.0
    return replace(made, woe=woe, unseen_woe=float(woe[-1]))


def _bins_of(
    edges: tuple[float, ...],
    groups: tuple[int, ...],
    rows: Counts,
    bads: Counts,
    aside: list[tuple[int, int, float]],
    totals: tuple[float, float],
    rules: BinRules,
) -> SignalBins:
    weights = [
        woe_of(n, b, *totals, rules.smoothing)
        for n, b in zip(rows.tolist(), bads.tolist(), strict=True)
    ]
    woe = np.array(weights, dtype=np.float64)
    goods_all, bads_all = totals
    information = float(np.sum(((rows - bads) / goods_all - bads / bads_all) * woe))
    return SignalBins(edges, groups, rows, bads, woe, aside[0], tuple(aside[1:]), 0.0, information)


def woe_column(values: Floats, bins: SignalBins, special: tuple[float, ...]) -> Floats:
    """The weight of evidence of each value, (n,) float64; unseen categories by their own rule."""
    if bins.groups:
        places = np.array(bins.groups, dtype=np.int64)
        codes = np.where(np.isnan(values) | (values < 0), 0, values).astype(np.int64)
        found = bins.woe[places[codes]]
        found = np.where(values < 0, bins.unseen_woe, found)
    else:
        edges = np.array(bins.edges, dtype=np.float64)
        found = bins.woe[np.searchsorted(edges, np.where(np.isnan(values), 0.0, values), "left")]
        for value, (_, _, woe) in zip(special, bins.special, strict=True):
            found = np.where(values == value, woe, found)
    return np.asarray(np.where(np.isnan(values), bins.missing[2], found), dtype=np.float64)
