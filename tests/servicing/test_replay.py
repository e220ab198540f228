"""Replay: invariants over any run of events, back-dated and undone events, each kind of event."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding
from puhui.servicing import noun, plan
from puhui.servicing.nouns import (
    Direction,
    Early,
    FeeBasis,
    Future,
    Happening,
    Interest,
    Method,
    Part,
    Plan,
    PlanEvent,
    PlanState,
    Recalculation,
    Timing,
)

START = date(2026, 1, 15)
PLAN = Plan("CNY", Decimal("0.12"), Method.EQUAL_INSTALMENT, 6)
FREE = replace(PLAN, annual_rate=Decimal(0))
DRAW = PlanEvent("d", Happening.DRAWN, START, 600_000)
END = date(2026, 12, 31)


def paid(name: str, on: date, minor: int, kind: Happening = Happening.REPAID) -> PlanEvent:
    """A payment."""
    return PlanEvent(name, kind, on, minor)


def run(terms: Plan, *events: PlanEvent, on: date = END) -> PlanState:
    """The loan drawn on 15 January, after ``events``."""
    return plan.replay(terms, [DRAW, *events], on)


def principal(state: PlanState) -> list[int]:
    """Principal of each row."""
    return [row.principal_minor for row in state.rows]


PLANS = st.builds(
    Plan,
    currency=st.just("CNY"),
    annual_rate=st.decimals("0", "0.36", places=4),
    method=st.sampled_from(
        [Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL, Method.INTEREST_FIRST]
    ),
    count=st.integers(1, 12),
    frequency=st.sampled_from(list(noun.Frequency)),
    day_count=st.sampled_from(list(noun.DayCount)),
    interest=st.sampled_from(list(Interest)),
    basis=st.sampled_from(list(noun.Basis)),
    rounding=st.sampled_from([Rounding.HALF_UP, Rounding.HALF_EVEN]),
    multiple_minor=st.sampled_from([1, 100]),
    joins_due_day=st.booleans(),
    direction=st.sampled_from(list(Direction)),
    future=st.sampled_from(list(Future)),
    early=st.sampled_from(list(Early)),
    recalculation=st.sampled_from(list(Recalculation)),
    down_payment_share=st.sampled_from([Decimal(0), Decimal("0.25")]),
    pays_down_by_itself=st.booleans(),
).filter(
    lambda terms: terms.interest is Interest.DECLINING or terms.recalculation is Recalculation.NONE
)
RUNS = st.lists(
    st.tuples(
        st.integers(0, 120),
        st.integers(1, 900_000),
        st.sampled_from([Happening.REPAID, Happening.GOODWILL, Happening.MERCHANT_REFUNDED]),
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(PLANS, RUNS, st.integers(0, 400))
def test_money_is_neither_made_nor_lost(
    terms: Plan, payments: list[tuple[int, int, Happening]], days: int
) -> None:
    events = [
        paid(f"p{place}", START + timedelta(days=after), minor, kind)
        for place, (after, minor, kind) in enumerate(payments)
    ]
    state = run(terms, *events, on=START + timedelta(days=days))
    assert sum(principal(state)) == 600_000
    assert all(row.principal_minor >= 0 for row in state.rows)
    assert all(row.interest_minor >= 0 for row in state.rows)
    brought = sum(share.total_minor for share in state.shares)
    assert brought == sum(row.paid_minor for row in state.rows) + state.credit_minor
    if terms.method is not Method.INTEREST_FIRST or terms.count == 1:
        assert state.rows[-1].outstanding_after_minor == 0


@settings(max_examples=60, deadline=None)
@given(PLANS, st.integers(0, 150), st.integers(1, 500_000))
def test_an_undone_event_leaves_no_trace(terms: Plan, days: int, minor: int) -> None:
    """Reverse replay: the loan is the same as if the event had never been, and deltas say so."""
    kept = paid("kept", START + timedelta(days=40), 90_000)
    wrong = paid("wrong", START + timedelta(days=days), minor)
    undo = PlanEvent("undo", Happening.UNDONE, END, undoes="wrong")
    without, after = run(terms, kept), run(terms, kept, wrong, undo)
    assert after.rows == without.rows
    assert after.shares == without.shares
    before = run(terms, kept, wrong)
    changed = {share.event_id: share for share in plan.deltas(before, after)}
    assert changed["wrong"].total_minor == -minor
    assert sum(share.total_minor for share in changed.values()) == -minor
    assert plan.deltas(after, after) == ()


@settings(max_examples=60, deadline=None)
@given(PLANS, st.integers(0, 200), st.integers(1, 300_000))
def test_a_quote_ends_the_loan(terms: Plan, days: int, minor: int) -> None:
    on = START + timedelta(days=days)
    first = paid("first", START + timedelta(days=days // 2), minor)
    quoted = plan.quote(terms, [DRAW, first], on)
    state = run(terms, first, PlanEvent("end", Happening.PAID_OFF, on), on=on)
    assert state.outstanding_minor == 0
    assert state.shares[-1].total_minor == quoted.total_minor


def test_a_loan_is_paid_off_from_its_first_instalment_on() -> None:
    """Whatever other early money does: interest that falls away leaves nothing overpaid."""
    terms = replace(
        PLAN,
        annual_rate=Decimal("0.2829"),
        count=12,
        future=Future.LAST,
        recalculation=Recalculation.EVERY_PERIOD,
    )
    on = START + timedelta(days=2)
    first = paid("first", START + timedelta(days=1), 68)
    state = run(terms, first, PlanEvent("end", Happening.PAID_OFF, on), on=on)
    assert state.outstanding_minor == 0
    assert sum(row.principal_paid_minor for row in state.rows) == 600_000


def test_a_back_dated_payment_moves_what_came_later() -> None:
    """Paid before the later one: that one goes to the next instalment instead."""
    late = paid("late", date(2026, 2, 15), 100_000)
    early = paid("early", date(2026, 2, 1), 100_000)
    before, after = run(FREE, late), run(FREE, late, early)
    assert [row.paid_minor for row in before.rows[:2]] == [100_000, 0]
    assert [row.paid_minor for row in after.rows[:2]] == [100_000, 100_000]
    assert [share.event_id for share in plan.deltas(before, after)] == ["early"]


def test_methods_by_hand() -> None:
    equal = run(replace(FREE, method=Method.EQUAL_PRINCIPAL))
    assert principal(equal) == [100_000] * 6
    first = run(replace(PLAN, method=Method.INTEREST_FIRST))
    assert principal(first) == [0] * 5 + [600_000]
    bullet = run(replace(PLAN, grace_principal=5, grace_interest=5))
    assert [row.due_minor for row in bullet.rows[:5]] == [0] * 5
    assert bullet.rows[-1].interest_minor == sum(row.interest_minor for row in first.rows)
    balloon = run(replace(FREE, balloon_minor=300_000))
    assert principal(balloon) == [50_000] * 5 + [350_000]
    fixed = run(replace(FREE, fixed_minor=90_000))
    assert principal(fixed) == [90_000] * 5 + [150_000]
    variable = run(replace(FREE, variable_minor=(10_000, 20_000, 30_000)))
    assert principal(variable) == [10_000, 20_000, 30_000, 30_000, 30_000, 480_000]
    free = run(replace(PLAN, interest_free=2))
    assert [row.interest_minor for row in free.rows[:2]] == [0, 0]
    assert free.rows[2].interest_minor > 0


def test_a_fixed_instalment_gets_its_rows_back_for_a_later_drawing() -> None:
    """Three of six rows are needed at first; money drawn later is paid back in the same steps, and
    rows that are not needed go again. A plan that does not say so keeps what older releases did.
    """
    few = replace(
        FREE, fixed_minor=200_000, early=Early.REDUCE_COUNT, has_drawings=True,
        recalculation=Recalculation.TO_THE_DAY,
    )  # fmt: skip
    terms = replace(few, regains_rows=True)
    more = PlanEvent("e", Happening.DRAWN, date(2026, 2, 20), 500_000)
    events = paid("p", date(2026, 2, 15), 200_000), more
    assert principal(run(terms, on=START)) == [200_000] * 3
    assert principal(run(terms, *events)) == [200_000] * 5 + [100_000]
    early = paid("q", date(2026, 2, 25), 300_000)
    assert principal(run(terms, *events, early)) == [200_000, 500_000, 200_000, 200_000]
    assert run(terms, *events).rows[-1].due_on == run(FREE).rows[-1].due_on
    assert principal(run(few, *events)) == [200_000, 200_000, 700_000]


def test_flat_interest_is_the_same_each_time() -> None:
    """600,000 at 12 % a year: 6,000 a month, whatever has been repaid."""
    flat = replace(PLAN, interest=Interest.FLAT, basis=noun.Basis.WHOLE_PERIOD)
    assert [row.interest_minor for row in run(flat).rows] == [6_000] * 6


def test_month_ends_are_clamped_or_rolled() -> None:
    draw = PlanEvent("d", Happening.DRAWN, date(2026, 1, 31), 600_000)
    clamped = plan.replay(FREE, [draw], END)
    rolled = plan.replay(replace(FREE, clamps_month_end=False), [draw], END)
    assert [row.due_on.isoformat() for row in clamped.rows[:3]] == [
        "2026-02-28", "2026-03-31", "2026-04-30",
    ]  # fmt: skip
    assert [row.due_on.isoformat() for row in rolled.rows[:3]] == [
        "2026-03-01", "2026-03-31", "2026-05-01",
    ]  # fmt: skip


def test_working_days_and_an_unpublished_calendar() -> None:
    """15 February 2026 is the first day of the Spring Festival; 2027 is not published yet."""
    shifted = replace(FREE, shifts_due_days=True)
    state = run(shifted)
    assert state.rows[0].due_on > date(2026, 2, 15)
    assert state.is_calendar_published
    later = plan.replay(replace(shifted, count=24), [DRAW], END)
    assert not later.is_calendar_published


def test_reschedules() -> None:
    moved = PlanEvent(
        "m", Happening.RESCHEDULED, START, due_on=date(2026, 3, 15), moved_to=date(2026, 4, 1)
    )
    days = [row.due_on for row in run(FREE, moved).rows]
    assert days[:3] == [date(2026, 2, 15), date(2026, 4, 1), date(2026, 5, 1)]
    extra = PlanEvent("x", Happening.RESCHEDULED, START, due_on=date(2026, 3, 15), count=5)
    assert principal(run(FREE, extra)) == [100_000] + [50_000] * 10
    grace = PlanEvent("g", Happening.RESCHEDULED, START, due_on=date(2026, 3, 15), grace=2)
    assert principal(run(FREE, grace)) == [100_000, 0, 0] + [100_000] * 5
    rate = PlanEvent(
        "r", Happening.RESCHEDULED, START, due_on=date(2026, 3, 15), annual_rate=Decimal(0)
    )
    interest = [row.interest_minor for row in run(PLAN, rate).rows]
    assert interest[0] > 0
    assert interest[1:] == [0] * 5


def test_re_ageing_and_re_amortising() -> None:
    aged = PlanEvent("a", Happening.RE_AGED, date(2026, 4, 1), due_on=date(2026, 5, 1), count=3)
    state = run(FREE, aged)
    assert principal(state) == [0, 0, 200_000, 200_000, 200_000]
    spread = PlanEvent("s", Happening.RE_AMORTISED, date(2026, 4, 1))
    assert sum(principal(run(FREE, spread))) == 600_000


def test_charges_waivers_and_a_row_after_the_last() -> None:
    fee = PlanEvent("f", Happening.FEE_CHARGED, START, 5_000, due_on=date(2026, 2, 1))
    late = PlanEvent("l", Happening.PENALTY_CHARGED, START, 700, due_on=date(2026, 9, 1))
    waived = PlanEvent("w", Happening.WAIVED, START, 2_000, part=Part.FEE)
    state = run(FREE, fee, late, waived)
    assert (state.rows[0].fee_minor, state.rows[0].waived_minor) == (5_000, 2_000)
    assert (len(state.rows), state.rows[-1].penalty_minor) == (7, 700)
    assert state.owed_minor == 600_000 + 3_000 + 700


def test_money_that_comes_back() -> None:
    """Overpaid money is a credit, refunded up to that; taken back it goes first, then the loan."""
    over = paid("o", date(2026, 2, 15), 650_000)
    back = PlanEvent("b", Happening.CREDIT_REFUNDED, date(2026, 3, 1), 30_000)
    assert run(FREE, over).credit_minor == 50_000
    assert run(FREE, over, back).credit_minor == 20_000
    taken = PlanEvent("c", Happening.CHARGED_BACK, date(2026, 3, 1), 100_000, undoes="o")
    state = run(FREE, over, taken)
    assert (state.credit_minor, state.owed_minor) == (0, 50_000)
    for terms in (FREE, replace(FREE, recalculation=Recalculation.EVERY_PERIOD)):
        part = run(terms, paid("o", date(2026, 2, 15), 100_000), taken)
        assert (part.owed_minor, part.outstanding_minor) == (600_000, 600_000)


def test_where_money_goes_ahead_of_time() -> None:
    on = date(2026, 2, 1)
    last = run(FREE, paid("g", on, 50_000, Happening.GOODWILL))
    assert [row.paid_minor for row in last.rows] == [0] * 5 + [50_000]
    even = run(FREE, paid("m", on, 60_000, Happening.MERCHANT_REFUNDED))
    assert [row.paid_minor for row in even.rows] == [10_000] * 6
    following = run(FREE, paid("r", on, 150_000))
    assert [row.paid_minor for row in following.rows] == [100_000, 50_000, 0, 0, 0, 0]


def test_order_of_allocation_is_data() -> None:
    """By part over all rows, or row by row with all its parts."""
    on = date(2026, 3, 20)
    fees = [
        PlanEvent(f"f{month}", Happening.FEE_CHARGED, START, 1_000, due_on=date(2026, month, 15))
        for month in (2, 3)
    ]
    rows = run(FREE, *fees, paid("r", on, 2_000), on=on).rows
    assert [row.fee_paid_minor for row in rows[:2]] == [1_000, 0]
    vertical = replace(FREE, direction=Direction.VERTICAL)
    rows = run(vertical, *fees, paid("r", on, 2_000), on=on).rows
    assert [row.fee_paid_minor for row in rows[:2]] == [1_000, 1_000]
    first = replace(FREE, allocation=tuple((timing, part) for timing in Timing for part in (
        Part.PRINCIPAL, Part.INTEREST, Part.FEE, Part.PENALTY,
    )))  # fmt: skip
    rows = run(first, *fees, paid("r", on, 2_000), on=on).rows
    assert (rows[0].fee_paid_minor, rows[0].principal_paid_minor) == (0, 2_000)


def test_early_principal_lowers_the_instalment_the_count_or_the_next() -> None:
    early = replace(PLAN, recalculation=Recalculation.RUNNING_PERIOD)
    payment = paid("p", date(2026, 2, 15), 300_000)
    on = date(2026, 2, 15)
    smaller = run(early, payment, on=on)
    assert smaller.rows[1].due_minor < 64_000
    fewer = run(replace(early, early=Early.REDUCE_COUNT), payment, on=on)
    assert len(fewer.rows) == 5
    following = run(replace(early, early=Early.NEXT_REPAYMENT), payment, on=on)
    assert following.rows[1].principal_minor == 0


def test_down_payments() -> None:
    manual = replace(FREE, down_payment_share=Decimal("0.25"))
    state = run(manual)
    assert (state.rows[0].is_down_payment, state.rows[0].owed_minor) == (True, 150_000)
    state = run(replace(manual, pays_down_by_itself=True))
    assert (state.rows[0].owed_minor, state.outstanding_minor) == (0, 450_000)


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([], "servicing.nothing_drawn"),
        ([DRAW, PlanEvent("u", Happening.UNDONE, END, undoes="x")], "servicing.unknown_event"),
        ([DRAW, DRAW], "servicing.unknown_event"),
        ([DRAW, paid("p", START, -1)], "servicing.bad_event"),
        ([PlanEvent("d", Happening.DRAWN, START, 0)], "servicing.bad_event"),
        ([DRAW, PlanEvent("c", Happening.CREDIT_REFUNDED, END, 1)], "servicing.over_credit"),
        ([DRAW, PlanEvent("e", Happening.DRAWN, END, 1)], "lending.bad_terms"),
        ([DRAW, PlanEvent("a", Happening.RE_AGED, END, due_on=START)], "lending.bad_terms"),
    ],
)
def test_refusals(events: list[PlanEvent], code: str) -> None:
    with pytest.raises(Refused) as refused:
        plan.replay(FREE, events, END)
    assert refused.value.code == code


def test_terms_that_cannot_be_planned() -> None:
    flat = replace(PLAN, interest=Interest.FLAT, recalculation=Recalculation.EVERY_PERIOD)
    for bad in (replace(FREE, count=0), replace(FREE, rounding=Rounding.DOWN), flat):
        with pytest.raises(Refused) as refused:
            run(bad)
        assert refused.value.code == "lending.bad_terms"


def test_fees_by_basis_and_with_each_instalment() -> None:
    def fee(basis: FeeBasis, value: str) -> int:
        return plan.fee_minor(
            basis, Decimal(value), amount_minor=100_000, interest_minor=6_000,
            rounding=Rounding.HALF_EVEN,
        )  # fmt: skip

    assert fee(FeeBasis.FLAT, "250") == 250
    assert fee(FeeBasis.SHARE_OF_AMOUNT, "0.01") == 1_000
    assert fee(FeeBasis.SHARE_OF_INTEREST, "0.1") == 600
    assert fee(FeeBasis.SHARE_OF_BOTH, "0.01") == 1_060
    for value in ("-1", "1.01"):
        with pytest.raises(Refused) as refused:
            fee(FeeBasis.SHARE_OF_BOTH, value)
        assert refused.value.code == "servicing.bad_event"
    fees = plan.fee_each(run(FREE).rows, FeeBasis.SHARE_OF_AMOUNT, Decimal("0.01"), START, "f")
    assert [row.fee_minor for row in run(FREE, *fees).rows] == [1_000] * 6
