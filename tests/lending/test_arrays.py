"""Array twins: equal to the single-loan rules to the minor unit, over many loans."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from puhui.kernel.money import Rounding
from puhui.lending import arrays
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns import DayCount, Method, Terms
from puhui.lending.rules import profit
from puhui.lending.rules.schedule import build_schedule

PRICING = load_product("merchant_310").pricing
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
    plain = Terms(1, "CNY", Decimal(0), method, 12, start, day_count)
    bounds = (start, *build_schedule(plain).due_on)
    days = [(last - first).days for first, last in pairwise(bounds)]
    is_30 = day_count is DayCount.THIRTY_360
    parts = np.full(12, 30) if is_30 else np.array(days)
    found_principal, found_interest = arrays.schedule_rows(
        method, principal, rate, parts, 360 if is_30 else 365, rounding
    )
    for row in range(300):
        annual_rate = Decimal(int(rate[row])) / 1_000_000
        terms = Terms(
            int(principal[row]), "CNY", annual_rate, method, 12, start, day_count,
            rounding=rounding,
        )  # fmt: skip
        schedule = build_schedule(terms)
        assert tuple(found_principal[row]) == schedule.principal_minor
        assert tuple(found_interest[row]) == schedule.interest_minor


def test_a_level_at_half_a_unit_is_worked_out_exactly() -> None:
    """Without interest 1,001 in two is 500.5: half up gives 501, half to even 500."""
    lent, rate, parts = np.array([1001]), np.array([0]), np.array([30, 30])
    for rounding, first in ((Rounding.HALF_UP, 501), (Rounding.HALF_EVEN, 500)):
        rows, _ = arrays.schedule_rows(Method.EQUAL_INSTALMENT, lent, rate, parts, 360, rounding)
        assert rows.tolist() == [[first, 1001 - first]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("share", [None, Decimal("0.345678")])
def test_profit_equals_the_rule(method: Method, share: Decimal | None) -> None:
    dice = np.random.default_rng(7)
    principal = dice.integers(1, 50_000_000, 200)
    rate = dice.integers(0, 480, 200) * 500
    is_bad = dice.random(200) < 0.3
    pd = dice.random(200)
    realised = arrays.realise_rows(
        PRICING, method, principal_minor=principal, rate_millionths=rate,
        term_months=12, is_bad=is_bad, charged_off_share=share,
    )  # fmt: skip
    expected = arrays.expect_rows(
        PRICING, method, principal_minor=principal, rate_millionths=rate,
        term_months=12, pd=pd, charged_off_share=share,
    )  # fmt: skip
    for row in range(200):
        annual_rate = Decimal(int(rate[row])) / 1_000_000
        one = profit.realise(
            PRICING, method, principal_minor=int(principal[row]), annual_rate=annual_rate,
            term_months=12, is_bad=bool(is_bad[row]), charged_off_share=share,
        )  # fmt: skip
        assert tuple(int(column[row]) for column in realised) == (
            one.interest_minor, one.cost_minor, one.loss_minor,
        )  # fmt: skip
        other = profit.expect(
            PRICING, method, principal_minor=int(principal[row]), annual_rate=annual_rate,
            term_months=12, pd=float(pd[row]), charged_off_share=share,
        )  # fmt: skip
        assert tuple(int(column[row]) for column in expected) == (
            other.interest_minor, other.cost_minor, other.loss_minor,
        )  # fmt: skip


def test_cut_off_equals_the_rule() -> None:
    dice = np.random.default_rng(11)
    for size in (0, 1, 7, 400):
        pd = np.round(dice.random(size), 2)
        net = dice.integers(-1000, 800, size)
        rule = profit.choose_cut_off(pd.tolist(), net.tolist(), Decimal("0.1"))
        assert arrays.choose_cut_off_rows(pd, net, Decimal("0.1")) == rule


def test_no_loans_give_no_rows() -> None:
    none = np.zeros(0, np.int64)
    for method in METHODS:
        rows, interest = arrays.schedule_rows(
            method, none, none, np.full(6, 30), 360, Rounding.HALF_UP
        )
        assert rows.shape == interest.shape == (0, 6)
