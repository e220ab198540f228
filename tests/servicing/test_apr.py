"""Apr: worked cases of public sources, the proof by present value, single repayments, fees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import DayCount, Frequency, Method
from puhui.servicing.rules.apr import cost, period_rate
from puhui.servicing.rules.schedule import build_schedule
from tests.servicing import plan


@pytest.mark.parametrize("case", plan.cases_of("apr"), ids=plan.name_of)
def test_worked_cases(case: dict[str, Any]) -> None:
    flows = [(number, case["level_minor"]) for number in range(1, case["count"] + 1)]
    percent = period_rate(case["advanced_minor"], flows) * Decimal(case["per_year"]) * 100
    assert percent.quantize(Decimal("0.01")) == Decimal(case["apr_percent"])


@given(
    st.integers(10**4, 10**10),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=120),
    st.integers(1, 30),
)
@settings(max_examples=150, deadline=None)
def test_the_rate_makes_the_flows_worth_the_advance(
    advanced: int, amounts: list[int], gap: int
) -> None:
    """In exact fractions the value changes its sign within 1e-12 of the rate found."""
    flows = [(number * gap, amount) for number, amount in enumerate(amounts, start=1)]
    if sum(amounts) < advanced or amounts[-1] == 0:
        return
    rate = Fraction(period_rate(advanced, flows))

    def worth(at: Fraction) -> Fraction:
        return sum((amount / (1 + at) ** offset for offset, amount in flows), Fraction(-advanced))

    assert worth(rate - Fraction(1, 10**12)) > 0 or rate == 0
    assert worth(rate + Fraction(1, 10**12)) < 0


@pytest.mark.parametrize("method", [Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL])
def test_without_fees_the_apr_is_the_annual_rate(method: Method) -> None:
    """Only the rounding to whole fen stands between them."""
    terms = plan.terms("0.078", method, 12)
    found = cost(terms, build_schedule(terms, 30_000_000, plan.START))
    assert abs(found.apr - Decimal("0.078")) < Decimal("1e-7")
    assert abs(found.effective_rate - ((1 + Decimal("0.0065")) ** 12 - 1)) < Decimal("1e-6")
    assert found.total_minor == found.interest_minor


def test_a_fee_raises_the_apr_and_counts_as_cost() -> None:
    terms = plan.terms("0.078", count=12)
    found = cost(terms, build_schedule(terms, 30_000_000, plan.START), 300_000)
    assert found.apr > Decimal("0.096")
    assert found.total_minor == found.interest_minor + 300_000


@pytest.mark.parametrize(
    "count,every,frequency,apr",
    [
        (12, 1, Frequency.MONTHS, "0.0730"),
        (6, 1, Frequency.MONTHS, "0.0724"),
        (24, 1, Frequency.MONTHS, "0.0705"),
        (1, 200, Frequency.DAYS, "0.0730"),
        (10, 73, Frequency.DAYS, "0.0705"),
        (1, 500, Frequency.DAYS, "0.0696"),
        (18, 1, Frequency.MONTHS, "0.0693"),
    ],
)
def test_one_repayment_counts_its_term_as_the_period(
    count: int, every: int, frequency: Frequency, apr: str
) -> None:
    """7.2 % over 360 is 7.3 % over 365; half a year has 181 days; two years are compounded.

    A term that is no whole number of years counts days or months: (1 + 0.1)^(1/500) - 1, x 365.
    """
    terms = plan.terms("0.072", Method.DRAW_AT_WILL, count)
    terms = replace(terms, day_count=DayCount.ACT_360, frequency=frequency, every=every)
    found = cost(terms, build_schedule(terms, 10_000_000, plan.START))
    assert found.apr.quantize(Decimal("0.0001")) == Decimal(apr)


def test_weeks_count_52_a_year() -> None:
    terms = replace(
        plan.terms("0.0728", count=26, day_count=DayCount.ACT_364),
        frequency=Frequency.WEEKS,
    )
    found = cost(terms, build_schedule(terms, 10_000_000, plan.START))
    assert abs(found.apr - Decimal("0.0728")) < Decimal("1e-6")


@pytest.mark.parametrize("advanced,flows", [(0, [(1, 5)]), (100, [(1, 99)]), (100, [])])
def test_flows_without_a_rate_are_refused(advanced: int, flows: list[tuple[int, int]]) -> None:
    with pytest.raises(Refused) as refused:
        period_rate(advanced, flows)
    assert refused.value.code == "lending.bad_cash_flow"
