"""Schedules: worked cases, invariants over any terms, Fineract's cases, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns import DayCount, Frequency, Method, Plan, Schedule, YearCut
from puhui.servicing.rules.level import lay_out, level_payment
from puhui.servicing.rules.period import due_days, factors
from puhui.servicing.rules.replay.draw import first_rows
from puhui.servicing.rules.replay.layout import is_plain
from puhui.servicing.rules.schedule import build_schedule
from tests.servicing import plan


def schedule_of(case: dict[str, Any]) -> Schedule:
    """The schedule of a worked case."""
    terms = Plan(
        "CNY",
        Decimal(case["annual_rate"]),
        Method(case["method"]),
        case["count"],
        day_count=DayCount(case["day_count"]),
        rounding=Rounding.HALF_UP,
        year_cut=YearCut(case.get("year_cut", "31 December")),
        cuts_shares=True,
    )
    return build_schedule(terms, case["principal_minor"], case["starts_on"])


@pytest.mark.parametrize("case", plan.cases_of("schedule"), ids=plan.name_of)
def test_worked_cases(case: dict[str, Any]) -> None:
    schedule = schedule_of(case)
    rows = schedule.instalments
    assert rows[0].total_minor == case["first_minor"]
    assert rows[0].interest_minor == case["first_interest_minor"]
    assert rows[0].due_on == case["first_due"]
    assert rows[-1].due_on == case["last_due"]
    assert rows[-1].outstanding_after_minor == 0
    total = case.get("total_interest_minor")
    assert total is None or schedule.total_interest_minor == total


any_plan = st.builds(
    Plan,
    currency=st.just("CNY"),
    annual_rate=st.decimals(0, 1, places=4),
    method=st.sampled_from([method for method in Method if method is not Method.DRAW_AT_WILL]),
    count=st.integers(1, 60),
    day_count=st.sampled_from(DayCount),
    every=st.integers(1, 3),
    frequency=st.sampled_from(Frequency),
    rounding=st.sampled_from([Rounding.HALF_UP, Rounding.HALF_EVEN]),
    year_cut=st.sampled_from(YearCut),
    adjusts_instalment=st.booleans(),
    cuts_shares=st.booleans(),
    shifts_due_days=st.booleans(),
)
any_amount = st.integers(1, 10**11)
any_start = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(any_plan, any_amount, any_start)
@settings(max_examples=200, deadline=None)
def test_principal_sums_to_the_amount_lent(terms: Plan, lent: int, on: date) -> None:
    schedule = build_schedule(terms, lent, on)
    assert sum(schedule.principal_minor) == lent
    assert min(schedule.principal_minor) >= 0
    assert min(schedule.interest_minor) >= 0
    assert schedule.outstanding_minor[-1] == 0
    assert list(schedule.due_on) == sorted(schedule.due_on)
    if not terms.shifts_due_days:  # two days of one weekend are one working day
        assert len(set(schedule.due_on)) == len(schedule.due_on)
    assert schedule.due_on[0] > on
    assert schedule.total_minor == sum(row.total_minor for row in schedule.instalments)


@given(any_plan, any_amount, any_start)
@settings(max_examples=200, deadline=None)
def test_the_fast_builder_is_the_first_layout_of_the_engine(
    terms: Plan, lent: int, on: date
) -> None:
    """Columns at once and the engine's rows: the same days, principal and interest."""
    assert is_plain(terms)
    rows, _, is_published = first_rows(terms, on, lent, 0)
    schedule = build_schedule(terms, lent, on)
    assert schedule.due_on == tuple(row.due_on for row in rows)
    assert schedule.principal_minor == tuple(row.due[3] for row in rows)
    assert schedule.interest_minor == tuple(row.due[2] for row in rows)
    assert schedule.is_calendar_published == is_published


@given(any_amount, any_start, st.integers(1, 24), st.sampled_from(list(DayCount)[1:]))
@settings(max_examples=50, deadline=None)
def test_a_loan_drawn_at_will_is_one_row(lent: int, on: date, count: int, days: DayCount) -> None:
    terms = Plan("CNY", Decimal("0.1"), Method.DRAW_AT_WILL, count, day_count=days)
    (row,), _, _ = first_rows(terms, on, lent, 0)
    schedule = build_schedule(terms, lent, on)
    assert (schedule.due_on, schedule.interest_minor) == ((row.due_on,), (row.due[2],))


@given(any_plan)
@settings(max_examples=100, deadline=None)
def test_equal_instalments_are_equal_but_for_the_last(terms: Plan) -> None:
    """Up to 36% a year; past that an instalment may not even cover the interest of late periods."""
    rate = min(terms.annual_rate, Decimal("0.36"))
    terms = replace(
        terms, method=Method.EQUAL_INSTALMENT, annual_rate=rate, count=min(terms.count, 24)
    )
    schedule = build_schedule(terms, 10**9, plan.START)
    assert len({row.total_minor for row in schedule.instalments[:-1]}) <= 1


def test_a_plan_that_is_not_plain_is_laid_out_by_the_engine() -> None:
    """12,000 over three months without interest, 6,000 kept for the last."""
    terms = plan.terms("0", balloon_minor=600_000)
    assert build_schedule(terms, 1_200_000, plan.START).principal_minor == (
        200_000, 200_000, 800_000,
    )  # fmt: skip


def test_days_keep_their_anchor_through_short_months() -> None:
    schedule = build_schedule(plan.terms(count=4), 100, date(2026, 1, 31))
    assert [str(day) for day in schedule.due_on] == [
        "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31",
    ]  # fmt: skip


def test_due_days_shift_to_business_days_and_say_what_is_not_published() -> None:
    """1 October 2026 opens a public holiday; 2031 has no holidays published yet."""
    shifted = plan.terms(count=1, shifts_due_days=True)
    schedule = build_schedule(shifted, 100, date(2026, 9, 1))
    assert schedule.due_on[0] > date(2026, 10, 1)
    assert schedule.is_calendar_published
    later = build_schedule(shifted, 100, date(2031, 1, 1))
    assert later.due_on == (date(2031, 2, 3),)
    assert not later.is_calendar_published


def test_weeks_and_days() -> None:
    weekly = plan.terms(day_count=DayCount.ACT_364, frequency=Frequency.WEEKS, every=2)
    assert build_schedule(weekly, 100, plan.START).due_on[1] - plan.START == timedelta(days=28)
    daily = replace(weekly, frequency=Frequency.DAYS, every=15)
    assert build_schedule(daily, 100, plan.START).due_on[2] - plan.START == timedelta(days=45)


@pytest.mark.parametrize(
    "changes",
    [
        {"annual_rate": Decimal("-0.01")},
        {"annual_rate": Decimal("NaN")},
        {"count": 0},
        {"count": 481},
        {"every": 0},
        {"rounding": Rounding.UP},
        {"method": Method.DRAW_AT_WILL},
    ],
    ids=str,
)
def test_impossible_plans_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        build_schedule(replace(plan.terms(), **changes), 100, plan.START)
    assert refused.value.code == "lending.bad_terms"


def test_nothing_cannot_be_lent() -> None:
    with pytest.raises(Refused) as refused:
        build_schedule(plan.terms(), 0, plan.START)
    assert refused.value.code == "lending.bad_terms"


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 10**12), st.integers(0, 400_000), st.integers(1, 60), st.integers(1, 6),
    st.sampled_from([DayCount.ACT_360, DayCount.ACT_364, DayCount.ACT_365, DayCount.ACT_ACT]),
    st.sampled_from([Rounding.HALF_UP, Rounding.HALF_EVEN]), any_start,
)  # fmt: skip
def test_the_short_way_of_equal_instalments_is_the_long_one(
    lent: int, millionths: int, count: int, every: int, days: DayCount, rounding: Rounding,
    starts_on: date,
) -> None:  # fmt: skip
    """One pass over what loans of a day share, against the rows from the general rule."""
    rate, method = Decimal(millionths).scaleb(-6), Method.EQUAL_INSTALMENT
    plan = Plan("CNY", rate, method, count, every=every, day_count=days, rounding=rounding)
    short = build_schedule(plan, lent, starts_on)
    due, _ = due_days(plan, starts_on)
    numerators, denominator = factors(plan, starts_on, due)
    principal, interest = lay_out(method, lent, numerators, denominator, rounding)
    assert short.due_on == due
    assert short.principal_minor == tuple(principal)
    assert short.interest_minor == tuple(interest)
    assert short.outstanding_minor == tuple(
        lent - sum(principal[: place + 1]) for place in range(count)
    )
    assert short.is_calendar_published


def exact_level(lent: int, factors: list[Fraction]) -> Fraction:
    """What is paid each time, by fractions."""
    worth = Fraction(0)
    for one in reversed(factors):
        worth = (1 + worth) / (1 + one)
    return lent / worth


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 10**15),
    st.lists(st.integers(0, 10**7), min_size=1, max_size=60),
    st.integers(1, 10**9),
    st.sampled_from([Rounding.HALF_UP, Rounding.HALF_EVEN]),
)
def test_a_level_is_the_exact_fraction_rounded_once(
    lent: int, numerators: list[int], denominator: int, rounding: Rounding
) -> None:
    wanted = exact_level(lent, [Fraction(one, denominator) for one in numerators])
    found = level_payment(lent, numerators, denominator, rounding)
    assert found == round_minor(wanted, rounding)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**8), st.integers(1, 60), st.integers(-2, 2))
def test_a_level_near_a_half_is_exact(level: int, count: int, step: int) -> None:
    """Without interest the level is a plain quotient: on a half, and as near it as can be."""
    lent = (2 * level + 1) * count + step
    for rounding in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        found = level_payment(lent, [0] * (2 * count), 1, rounding)
        assert found == round_minor(Fraction(lent, 2 * count), rounding)


def test_numbers_that_no_double_holds() -> None:
    huge = 10**400
    assert level_payment(1_000, [huge], huge, Rounding.HALF_UP) == 2_000
    assert level_payment(1_000, [1], huge, Rounding.HALF_UP) == 1_000


def test_due_days_beyond_the_table_of_the_calendar() -> None:
    """By months the days are the same before, within and after the years of the table."""
    for year in (1950, 2026, 2099, 2150):
        on = date(year, 1, 31)
        days = build_schedule(plan.terms(count=4, day_count=DayCount.ACT_365), 100, on).due_on
        assert [(day.month, day.day >= 28) for day in days] == [
            (2, True), (3, True), (4, True), (5, True),
        ]  # fmt: skip
        assert days[1].day == 31
