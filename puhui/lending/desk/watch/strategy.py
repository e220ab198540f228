"""What a strategy would bring: cut-offs and prices tried on applications of the past."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.store import Row, Transaction
from puhui.lending.desk.watch.fairness import has_ended_badly
from puhui.lending.nouns import Earning, Law, Product
from puhui.lending.nouns.strategy import PastApplication, Strategy, StrategyStep
from puhui.lending.rules.price import build_price, pd_decimal
from puhui.lending.rules.profit import MILLION, expect, realise
from puhui.lending.tables.fairness import READ_SCORED
from puhui.score import study as score

__all__ = ["Strategy", "StrategyStep", "simulate_strategy"]

NEVER = 2.0
"""A pd above all cut-offs: rows that no cut-off may approve."""


def past_applications(tx: Transaction, product: str, count: int) -> tuple[PastApplication, ...]:
    """The newest decided applications for a product that have a score; one statement."""
    return tuple(_past(row) for row in tx.all(READ_SCORED, product=product, count=count))


def _past(row: Row) -> PastApplication:
    credit_minor = json.loads(row.decision)["credit_limit"]["amount_minor"]
    return PastApplication(
        row.party_id,
        row.wanted_minor,
        credit_minor,
        round(float(row.pd), 6),
        Decimal(row.pd_max),
        row.model_digest,
        has_ended_badly(row.status, row.days_past_due),
    )


def simulate_strategy(
    product: Product,
    law: Law,
    *,
    wanted_minor: Sequence[int],
    pd: Sequence[float],
    is_bad: Sequence[bool] | None,
    groups: Sequence[str],
    on: date,
    extra_margin: Decimal = Decimal(0),
    ended_bad: Sequence[bool | None] = (),
    steps: int = 101,
) -> Strategy:
    """Approvals, bad rate, profit and each group's approvals at every cut-off, at equal shares of
    the rows that may be approved: from none of them to all.

    Each row is priced by its own pd, ``extra_margin`` (share per year) more or less than the
    product asks, and lent what it wants up to the product's largest amount; a row whose price may
    not be charged, or that wants less than the smallest amount, no cut-off approves. With
    ``is_bad`` profit is what would have been earned, without it what is expected. ``groups`` are
    names for fairness alone: no price looks at them. ``ended_bad`` says by row how its loan ended,
    None where it runs or there is none; it is counted and changes no figure. Amounts in minor units
    of the product.
    """
    priced = _Prices(product, law, on, extra_margin)
    outcomes: Sequence[bool | None] = [None] * len(pd) if is_bad is None else is_bad
    rows = list(zip(wanted_minor, pd, outcomes, strict=True))
    chance = np.array(pd, dtype=np.float64)
    profit = np.zeros(len(rows), dtype=np.int64)
    for place, (wanted, own, bad) in enumerate(rows):
        amount = min(wanted, product.largest_minor)
        share = priced.net_millionths(round(float(pd_decimal(own)), 6), bad)
        if share is None or wanted < product.smallest_minor:
            chance[place] = NEVER
        else:
            profit[place] = round(Decimal(amount) * share / MILLION)
    bads = np.array(pd if is_bad is None else is_bad, dtype=np.float64)
    names = sorted(set(groups))
    codes = {name: code for code, name in enumerate(names)}
    own_codes = np.array([codes[name] for name in groups], dtype=np.int64)
    may = chance < NEVER
    curve = score.cut_off_curve(chance[may], bads[may], profit[may], own_codes[may], steps=steps)
    within = curve.by_group.shape[1]
    ended = _Ended(chance, ended_bad)
    found = tuple(
        StrategyStep(
            pd_max=pd_decimal(max(0.0, bound)),
            approved=int(curve.approved[place]),
            bads=float(curve.bads[place]),
            profit_minor=int(curve.profit_minor[place]),
            approved_by_group=tuple(
                (name, int(curve.by_group[place, code]) if code < within else 0)
                for name, code in codes.items()
            ),
            **ended.up_to(bound),
        )
        for place, bound in enumerate(curve.pd_max.tolist())
    )
    counts = tuple((name, int((own_codes == code).sum())) for name, code in codes.items())
    return Strategy(len(rows), counts, found)


class _Ended:
    """How the loans ended of rows up to a pd."""

    def __init__(self, chance: NDArray[np.float64], ended_bad: Sequence[bool | None]) -> None:
        assert len(ended_bad) in (0, len(chance)), len(ended_bad)
        pairs = zip(chance.tolist(), ended_bad, strict=False)
        told = [(own, bad) for own, bad in pairs if bad is not None]
        self._all = sorted(own for own, _ in told)
        self._bad = sorted(own for own, bad in told if bad)

    def up_to(self, bound: float) -> dict[str, int]:
        """How many ended, and how many of them badly."""
        return {
            "ended": bisect_right(self._all, bound), "ended_bad": bisect_right(self._bad, bound)
        }  # fmt: skip


class _Prices:
    """Net profit per million lent, once for each pd (to six decimals) and outcome."""

    def __init__(self, product: Product, law: Law, on: date, extra_margin: Decimal) -> None:
        self._product, self._law, self._on, self._extra = product, law, on, extra_margin
        self.net_millionths = lru_cache(maxsize=1 << 20)(self._net)

    def _net(self, pd: float, is_bad: bool | None) -> int | None:
        """None where the price may not be charged."""
        price = build_price(self._product, self._law, pd, self._on)
        rate = price.needed_rate + self._extra
        if rate > price.rate_cap:
            return None
        terms = {
            "principal_minor": MILLION,
            "annual_rate": max(rate, self._product.pricing.rate_min),
            "term_months": self._product.default_term_months,
        }
        pricing, method = self._product.pricing, self._product.default_method
        found: Earning
        if is_bad is None:
            found = expect(pricing, method, pd=pd, **terms)  # type: ignore[arg-type]
        else:
            found = realise(pricing, method, is_bad=bool(is_bad), **terms)  # type: ignore[arg-type]
        return found.net_minor
