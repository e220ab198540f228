"""Array twins: equal to the single-loan rules to the minor unit, over many loans."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from puhui.kernel.money import Rounding
from puhui.servicing import arrays
from puhui.servicing.nouns import DayCount, Method, Plan
from puhui.servicing.rules.schedule import build_schedule

METHODS = (Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL, Method.INTEREST_FIRST)


@pytest.mark.parametrize("rounding", [Rounding.HALF_UP, Rounding.HALF_EVEN])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("day_count", [DayCount.THIRTY_360, DayCount.ACT_365])
def test_schedules_equal_the_rule(method: Method, day_count: DayCount, rounding: Rounding) -> None:
    dice = np.random.default_rng(310)
    principal = dice.integers(1, 50_000_000, 300)
    principal[:100] = principal[:100] // 10_000 * 10_000 + 10_000
    rate = dice.integers(0, 480, 300) * 500
    start = date(2026, 1, 31)
    plain = Plan("CNY", Decimal(0), method, 12, day_count=day_count, cuts_shares=True)
    bounds = (start, *build_schedule(plain, 1, start).due_on)
    days = [(last - first).days for first, last in pairwise(bounds)]
    is_30 = day_count is DayCount.THIRTY_360
    parts = np.full(12, 30) if is_30 else np.array(days)
    found_principal, found_interest = arrays.schedule_rows(
        method, principal, rate, parts, 360 if is_30 else 365, rounding
    )
    for row in range(300):
        annual_rate = Decimal(int(rate[row])) / 1_000_000
        terms = replace(plain, annual_rate=annual_rate, rounding=rounding)
        schedule = build_schedule(terms, int(principal[row]), start)
        assert tuple(found_principal[row]) == schedule.principal_minor
        assert tuple(found_interest[row]) == schedule.interest_minor


def test_a_level_at_half_a_unit_is_worked_out_exactly() -> None:
    """Without interest 1,001 in two is 500.5: half up gives 501, half to even 500."""
    lent, rate, parts = np.array([1001]), np.array([0]), np.array([30, 30])
    for rounding, first in ((Rounding.HALF_UP, 501), (Rounding.HALF_EVEN, 500)):
        rows, _ = arrays.schedule_rows(Method.EQUAL_INSTALMENT, lent, rate, parts, 360, rounding)
        assert rows.tolist() == [[first, 1001 - first]]


def test_no_loans_give_no_rows() -> None:
    none = np.zeros(0, np.int64)
    for method in METHODS:
        rows, interest = arrays.schedule_rows(
            method, none, none, np.full(6, 30), 360, Rounding.HALF_UP
        )
        assert rows.shape == interest.shape == (0, 6)
