"""Fees earned as interest: the tables of the standard by fractions, and what holds of any loan.

The amortised cost of the examples is worked out forwards as IFRS 9 says: the cost at the start of
a period, plus the effective rate of it, less what is paid. The rule goes backwards from the flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.servicing import noun
from puhui.servicing.arrays.spread import left_of, pack
from puhui.servicing.nouns import Interest
from puhui.servicing.nouns.plan import Happening
from puhui.servicing.nouns.spread import Deferral, Flow, Knots
from puhui.servicing.rules.age import last_month_end
from puhui.servicing.rules.replay import replay
from puhui.servicing.rules.spread import flows_of, is_by_days, knots_of, left_on, rates_of
from tests.servicing.templates import HORIZONTAL, VERTICAL

START = date(2026, 3, 2)
LENT, FEE = 1_200_000, 24_000
MONTHLY = replace(
    HORIZONTAL, annual_rate=Decimal("0.12"), count=12, method=noun.Method.EQUAL_PRINCIPAL,
    day_count=noun.DayCount.THIRTY_360, anchor_day=None,
)  # fmt: skip


def drawn(lent: int = LENT) -> noun.PlanEvent:
    return noun.PlanEvent("0", Happening.DRAWN, START, lent)


def deferred(plan: noun.Plan, lent: int, fee: int, own: int | None = None) -> Deferral:
    """The fee of a loan as it is deferred on its first day."""
    state = replay(plan, [drawn(lent)], START)
    rates = None if is_by_days(plan) else rates_of(lent, fee, flows_of(state))
    return Deferral(fee, fee if own is None else own, rates)


def solved(advance: int, flows: Sequence[int], part: Fraction) -> Fraction:
    """The rate a year at which flows, each a ``part`` of a year apart, are worth the advance: by
    halving, to 30 digits."""
    low, high = Fraction(0), Fraction(10)
    for _ in range(110):
        rate = (low + high) / 2
        worth = sum(flow / (1 + rate * part) ** n for n, flow in enumerate(flows, start=1))
        low, high = (rate, high) if worth > advance else (low, rate)
        low, high = (Fraction(round(one * 10**34), 10**34) for one in (low, high))
    return low


def table(advance: int, flows: Sequence[int], rate: Fraction, part: Fraction) -> list[Fraction]:
    """The amortised cost at first and after each payment."""
    cost = [Fraction(advance)]
    for flow in flows:
        cost.append(cost[-1] * (1 + rate * part) - flow)
    return cost


def whole(amount: Fraction) -> int:
    """To the fen, halves to even."""
    return round(amount)


def test_the_table_of_the_standard() -> None:
    """12,000.00 in twelve parts of 1,000.00 at 1 % a month, 240.00 kept back: after each payment
    the balance less the amortised cost is what is not earned."""
    flows = [100_000 + 1_000 * n for n in range(12, 0, -1)]
    month = Fraction(1, 12)
    rate = solved(LENT - FEE, flows, month)
    assert Fraction(15, 100) < rate < Fraction(17, 100)
    cost = table(LENT - FEE, flows, rate, month)
    assert abs(cost[-1]) < Fraction(1, 1000), "the last payment ends it"
    left = [whole(LENT - 100_000 * n - cost[n]) for n in range(13)]
    assert left[0] == FEE and left[12] == 0
    deferral = deferred(MONTHLY, LENT, FEE)
    assert deferral.rates is not None
    assert deferral.rates.contract == Decimal("0.12")
    assert abs(Fraction(deferral.rates.effective) - rate) < Fraction(1, 10**14)
    knots = knots_of(replay(MONTHLY, [drawn()], START), deferral)
    assert [minor for _, minor in knots] == left
    assert date.fromordinal(knots[0][0]) == START
    assert date.fromordinal(knots[3][0]) == date(2026, 6, 2)
    # Half of April's period of 30 days: half of what it earns, cut to the fen.
    april = date(2026, 4, 2).toordinal()
    half = left[1] - (left[1] - left[2]) * 15 // 30
    assert left_on(knots, april + 15) == half


def test_one_payment_at_the_end() -> None:
    """10,000.00 for a year of 365 days at 10 %, 500.00 kept back: 11,000.00 for 9,500.00, all of
    it in one period, so that 73 days earn a fifth of the fee."""
    plan = replace(
        MONTHLY, annual_rate=Decimal("0.10"), count=1, every=12, method=noun.Method.INTEREST_FIRST,
        day_count=noun.DayCount.ACT_365,
    )  # fmt: skip
    deferral = deferred(plan, 1_000_000, 50_000)
    assert deferral.rates is not None
    assert Fraction(deferral.rates.effective).limit_denominator(10**6) == Fraction(15, 95)
    knots = knots_of(replay(plan, [drawn(1_000_000)], START), deferral)
    assert [minor for _, minor in knots] == [50_000, 0]
    assert left_on(knots, START.toordinal() + 73) == 40_000
    assert left_on(knots, START.toordinal() - 1) == 50_000
    assert left_on(knots, START.toordinal() + 365) == 0


def test_early_principal_brings_it_to_the_flows_left() -> None:
    """5,000.00 paid early after two payments: what is left is worth at the contract's rate less
    worth at the effective one, of the flows that are left (IFRS 9 B5.4.6)."""
    day = date(2026, 5, 2)
    events = [
        drawn(),
        noun.PlanEvent("1", Happening.REPAID, date(2026, 4, 2), 112_000),
        noun.PlanEvent("2", Happening.REPAID, day, 111_000),
        noun.PlanEvent("3", Happening.REPAID, day, 500_000),
    ]
    state = replay(MONTHLY, events, day)
    assert state.outstanding_minor == 500_000
    flows = [row.principal_owed_minor + row.interest_owed_minor for row in state.rows[2:]]
    assert flows[0] == 50_000 + 5_000, "the rest in ten equal parts"
    rate = solved(LENT - FEE, [100_000 + 1_000 * n for n in range(12, 0, -1)], Fraction(1, 12))
    cost = sum(flow / (1 + rate / 12) ** n for n, flow in enumerate(flows, start=1))
    deferral = deferred(MONTHLY, LENT, FEE)
    before = left_on(knots_of(replay(MONTHLY, events[:3], day), deferral), day.toordinal())
    now = left_on(knots_of(state, deferral), day.toordinal())
    assert now == whole(500_000 - cost)
    assert now * 2 == pytest.approx(before, abs=2), "half of the flows, half of what was left"


def test_by_days_where_nobody_knows_what_will_be_drawn() -> None:
    plan = replace(HORIZONTAL, annual_rate=Decimal("0.12"), count=12,
                   method=noun.Method.DRAW_AT_WILL, is_revolving=True)  # fmt: skip
    deferral = deferred(plan, 100_000, 3_650)
    assert deferral.rates is None
    state = replay(plan, [drawn(100_000)], START)
    knots = knots_of(state, deferral)
    days = (state.rows[-1].due_on - START).days
    assert left_on(knots, START.toordinal() + 30) == 3_650 - 3_650 * 30 // days
    repaid = [drawn(100_000), noun.PlanEvent("1", Happening.REPAID, START, 50_000)]
    assert knots_of(replay(plan, repaid, START), deferral) == knots, "whatever is drawn"


def test_nothing_is_left_of_what_is_over() -> None:
    deferral = deferred(MONTHLY, LENT, FEE)
    over = [drawn(), noun.PlanEvent("1", Happening.PAID_OFF, date(2026, 3, 20), 0)]
    assert left_on(knots_of(replay(MONTHLY, over, date(2026, 3, 20)), deferral), 739_000) == 0
    gone = [drawn(), noun.PlanEvent("1", Happening.WRITTEN_OFF, date(2026, 3, 20))]
    assert knots_of(replay(MONTHLY, gone, date(2026, 3, 20)), deferral) == ()
    assert left_on((), 1) == 0


def test_a_fee_that_no_rate_explains_is_earned_by_days() -> None:
    flow = (Flow(START, START + timedelta(days=365), 100, Decimal(1)),)
    assert rates_of(100, 100, flow) is None
    assert rates_of(0, 5, flow) is None
    assert rates_of(200, 5, flow) is None, "less comes back than was paid out"
    free = rates_of(100, 5, flow)
    assert free is not None and free.contract == 0


def test_ends_of_months() -> None:
    for day, wanted in (("2026-03-31", "2026-03-31"), ("2026-03-30", "2026-02-28"),
                        ("2026-01-01", "2025-12-31"), ("2028-02-29", "2028-02-29")):  # fmt: skip
        number = date.fromisoformat(day).toordinal()
        assert last_month_end(number) == date.fromisoformat(wanted).toordinal()


PLANS = st.sampled_from(
    (
        MONTHLY,
        replace(MONTHLY, method=noun.Method.EQUAL_INSTALMENT),
        replace(MONTHLY, method=noun.Method.EQUAL_INSTALMENT, annual_rate=Decimal(0)),
        replace(MONTHLY, method=noun.Method.INTEREST_FIRST, day_count=noun.DayCount.ACT_ACT),
        replace(VERTICAL, count=24, day_count=noun.DayCount.ACT_365),
        replace(VERTICAL, count=26, every=1, frequency=noun.Frequency.WEEKS,
                day_count=noun.DayCount.ACT_360),
        replace(MONTHLY, interest=Interest.FLAT),
        replace(MONTHLY, method=noun.Method.DRAW_AT_WILL, is_revolving=True),
    )
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(PLANS, st.integers(10_000, 10**9), st.integers(1, 900), st.integers(0, 100))
def test_a_loan_as_agreed_earns_its_fee_and_no_more(
    plan: noun.Plan, lent: int, parts: int, own: int
) -> None:
    """Never below nought, never less than the day before, all of it on the last due day."""
    fee = max(1, lent * parts // 10_000)
    deferral = deferred(plan, lent, fee, fee * own // 100)
    state = replay(plan, [drawn(lent)], START)
    knots = knots_of(state, deferral)
    last = state.rows[-1].due_on.toordinal()
    days = range(START.toordinal(), last + 3)
    left = [left_on(knots, day) for day in days]
    assert left[0] == deferral.fee_minor
    assert all(after <= before for before, after in pairwise(left))
    assert left[-3:] == [0, 0, 0]
    later = state.rows[len(state.rows) // 2].due_on
    again = knots_of(replay(plan, [drawn(lent)], later), deferral)
    if not is_by_days(plan) and len(state.rows) > 1:
        unpaid = [left_on(again, day) for day in range(later.toordinal(), last + 3)]
        assert unpaid == left[later.toordinal() - START.toordinal() :], "whoever is late or not"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2**53)), max_size=8), max_size=12
    ),
    st.integers(-5, 400),
)
def test_many_loans_at_once_are_as_one(books: list[list[tuple[int, int]]], day: int) -> None:
    found: list[Knots] = []
    for book in books:
        on, knots = 0, []
        for gap, left in book:
            on += gap
            knots.append((on, left))
        if knots:
            knots.append((on + 1, 0))
        found.append(tuple(knots))
    made = left_of([pack(one) if one else b"" for one in found], day)
    assert made.dtype == np.int64
    assert made.tolist() == [left_on(one, day) for one in found]
