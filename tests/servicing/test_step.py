"""A loan from event to event: worked cases by hand, refusals, invariants over any run of events."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import (
    DayCount,
    Direction,
    Early,
    Happening,
    LoanStatus,
    Method,
    Plan,
    PlanEvent,
    PlanState,
    Share,
)
from puhui.servicing.rules.replay import quote, replay
from tests.servicing import plan
from tests.servicing.plan import START

LENT = 1_200_000
DRAW = PlanEvent("0", Happening.DRAWN, START, LENT)
FEBRUARY = date(2026, 2, 1)
PLAN = plan.terms()
BULLET = plan.terms(method=Method.INTEREST_FIRST)


def event(
    name: str, on: date, minor: int = 0, kind: Happening = Happening.REPAID, **more: object
) -> PlanEvent:
    """An event, a repayment unless it is said to be another."""
    return PlanEvent(name, kind, on, minor, **more)  # type: ignore[arg-type]


def run(terms: Plan, *events: PlanEvent, on: date | None = None) -> PlanState:
    """12,000 yuan paid out on the first day of 2026, and what came after."""
    book = [DRAW, *events]
    return replay(terms, book, on or max(one.on for one in book))


def parts(share: Share) -> tuple[int, int, int, int, int]:
    """Principal, interest, fee, penalty and what is owed back."""
    return (
        share.principal_minor,
        share.interest_minor,
        share.fee_minor,
        share.penalty_minor,
        share.credit_minor,
    )


def test_a_loan_paid_on_its_days_is_paid_off() -> None:
    events: list[PlanEvent] = []
    for row in run(PLAN).rows:
        due = run(PLAN, *events, on=row.due_on).owed_today_minor
        assert due == row.principal_minor + row.interest_minor
        events.append(event(str(row.number), row.due_on, due))
        state = run(PLAN, *events)
        assert state.arrears_minor == 0
    assert state.status is LoanStatus.PAID_OFF
    assert state.outstanding_minor == 0
    assert [row.paid_on for row in state.rows] == [row.due_on for row in state.rows]


def test_part_of_an_instalment_goes_to_interest_first() -> None:
    """The first instalment is 4,080.27: 120.00 interest and 3,960.27 principal, by hand."""
    part = event("1", FEBRUARY, 20_000)
    state = run(PLAN, part)
    assert parts(state.shares[0]) == (8_000, 12_000, 0, 0, 0)
    assert state.owed_today_minor == 408_027 - 20_000
    assert state.status is LoanStatus.CURRENT
    assert run(PLAN, part, on=date(2026, 2, 2)).status is LoanStatus.PAST_DUE


def test_lateness_bears_penalty_interest_on_overdue_principal() -> None:
    """3,960.27 x 12 % x 1.5 / 360 x 10 days = 19.80135 yuan; nothing within three days."""
    assert run(PLAN, on=date(2026, 2, 4)).rows[0].penalty_minor == 0
    on = date(2026, 2, 11)
    late = run(PLAN, on=on)
    assert late.days_past_due == 10
    assert late.rows[0].penalty_minor == 1_980
    assert late.arrears_minor == 408_027 + 1_980
    paid = run(PLAN, event("1", on, 408_027 + 1_980))
    assert parts(paid.shares[0]) == (396_027, 12_000, 0, 1_980, 0)
    assert paid.status is LoanStatus.CURRENT
    assert paid.rows[0].late_minor == 408_027 + 1_980


def test_overdue_interest_bears_penalty_where_the_plan_says_so() -> None:
    """复利: 4,080.27 x 12 % x 1.5 / 360 x 10 days = 20.40135 yuan."""
    state = run(replace(PLAN, penalty_on_interest=True), on=date(2026, 2, 11))
    assert state.rows[0].penalty_minor == 2_040


def test_early_repayment_of_a_part_lowers_what_follows() -> None:
    """On 16 January 15 of 31 days have run: 120 x 15/31 = 58.06; 6,000.00 goes to principal.

    The 16 days left cost 60 x 16/31 = 30.97, the months after it 60.00 each.
    """
    first = event("1", date(2026, 1, 16), 605_806)
    state = run(BULLET, first)
    assert parts(state.shares[0]) == (600_000, 5_806, 0, 0, 0)
    assert state.outstanding_minor == 600_000
    assert [row.interest_minor for row in state.rows] == [5_806 + 3_097, 6_000, 6_000]
    assert [row.owed_minor for row in state.rows] == [3_097, 6_000, 606_000]
    # Five days on 6,000.00: 60 x 5/31 = 9.68; then 11 days on 3,000.00: 30 x 11/31 = 10.65.
    state = run(BULLET, first, event("2", date(2026, 1, 21), 300_968))
    assert parts(state.shares[1]) == (300_000, 968, 0, 0, 0)
    assert [row.interest_minor for row in state.rows] == [5_806 + 968 + 1_065, 3_000, 3_000]


def test_early_repayment_keeps_equal_instalments_equal() -> None:
    state = run(plan.terms(count=12), event("1", date(2026, 1, 11), 500_000))
    owed = [row.owed_minor for row in state.rows]
    assert len(set(owed[:-1])) == 1
    assert abs(owed[-1] - owed[0]) <= 12
    assert state.outstanding_minor == sum(row.principal_owed_minor for row in state.rows)


def test_early_repayment_may_take_instalments_away_or_the_next_ones() -> None:
    """Half of the loan: the same instalment over fewer rows, or nothing asked for at first."""
    half = event("1", FEBRUARY, 408_027 + 400_000)
    twelve = plan.terms(count=12)
    level = run(twelve).rows[1].due_minor
    on = run(twelve).rows[0].due_on
    half = replace(half, on=on, amount_minor=run(twelve).rows[0].due_minor + 600_000)
    fewer = run(replace(twelve, early=Early.REDUCE_COUNT), half)
    assert len(fewer.rows) < 9
    assert {row.due_minor - row.paid_minor for row in fewer.rows[2:-1]} == {level}
    following = run(replace(twelve, early=Early.NEXT_REPAYMENT), half)
    assert [row.principal_owed_minor for row in following.rows[1:6]] == [0] * 5
    assert following.rows[-1].due_on == run(twelve).rows[-1].due_on
    smaller = run(twelve, half)
    for state in (fewer, following, smaller):
        assert state.outstanding_minor == LENT - state.shares[0].principal_minor
        assert state.rows[2].interest_minor < run(twelve).rows[2].interest_minor


def test_a_small_early_repayment_pays_interest_only() -> None:
    first = event("1", date(2026, 1, 16), 5_000)
    state = run(BULLET, first, event("2", date(2026, 1, 16), 1_806))
    assert [parts(share)[:2] for share in state.shares] == [(0, 5_000), (1_000, 806)]
    assert state.outstanding_minor == 1_199_000


def test_a_credit_drawn_at_will_costs_interest_to_the_day() -> None:
    """10,000 at 7.2 % over 360 for 20 days is 40.00; drawn again it costs from that day on."""
    terms = plan.terms("0.072", Method.DRAW_AT_WILL, 3, day_count=DayCount.ACT_360)
    draw = PlanEvent("0", Happening.DRAWN, START, 1_000_000)
    on = START + timedelta(days=20)
    ends = quote(terms, [draw], on)
    assert parts(ends)[:2] == (1_000_000, 4_000)
    book = [draw, event("1", on, ends.total_minor)]
    assert replay(terms, book, on).status is LoanStatus.PAID_OFF
    again = event("2", on + timedelta(days=10), 500_000, Happening.DRAWN)
    revolving = replace(terms, is_revolving=True)
    assert replay(revolving, book, on).status is LoanStatus.CURRENT
    state = replay(revolving, [*book, again], again.on + timedelta(days=10))
    assert (state.outstanding_minor, state.accruing_minor) == (500_000, 1_000)
    assert state.disbursed_minor == 1_500_000


def test_money_taken_back_on_the_first_day_costs_nothing() -> None:
    assert quote(PLAN, [DRAW], START).total_minor == LENT


def test_more_than_the_loan_is_owed_back() -> None:
    ends = quote(PLAN, [DRAW], date(2026, 1, 20))
    over = event("1", ends.on, ends.total_minor + 7)
    assert run(PLAN, over).credit_minor == 7
    back = event("2", ends.on, 7, Happening.CREDIT_REFUNDED)
    state = run(PLAN, over, back)
    assert (state.credit_minor, state.status) == (0, LoanStatus.PAID_OFF)
    assert state.shares[1].total_minor == -7


def test_parts_can_go_before_instalments() -> None:
    """Vertical: interest of both late instalments before any principal."""
    terms = replace(PLAN, direction=Direction.VERTICAL, grace_days=60)
    part = event("1", date(2026, 3, 2), 20_000)
    rows = run(terms, part).rows
    assert [row.interest_paid_minor > 0 for row in rows[:2]] == [True, True]
    rows = run(replace(terms, direction=Direction.HORIZONTAL), part).rows
    assert [row.paid_minor for row in rows[:2]] == [20_000, 0]


def test_a_fee_falls_due_with_the_next_instalment_or_after_the_last() -> None:
    fee = Happening.FEE_CHARGED
    state = run(PLAN, event("1", date(2026, 2, 2), 500, fee))
    assert [row.fee_minor for row in state.rows] == [0, 500, 0]
    assert [row.fee_minor for row in run(PLAN, event("1", FEBRUARY, 500, fee)).rows] == [500, 0, 0]
    after = run(PLAN, event("1", date(2026, 9, 1), 500, fee)).rows
    assert [row.fee_minor for row in after] == [0, 0, 0, 500]
    ends = quote(PLAN, [DRAW, event("1", date(2026, 2, 2), 500, fee)], date(2026, 2, 2))
    assert ends.fee_minor == 500


DAYS = st.dates(START, date(2027, 6, 30))
any_event = st.one_of(
    st.tuples(st.just(Happening.REPAID), DAYS, st.integers(1, 700_000)),
    st.tuples(st.just(Happening.FEE_CHARGED), DAYS, st.integers(1, 5_000)),
    st.tuples(st.just(Happening.PENALTY_CHARGED), DAYS, st.integers(1, 5_000)),
    st.tuples(st.just(Happening.RE_AMORTISED), st.dates(START, date(2026, 1, 31)), st.just(0)),
    st.tuples(st.just(Happening.RE_AGED), DAYS, st.integers(1, 12)),
    st.tuples(st.just(Happening.RATE_CHANGED), st.dates(START, date(2026, 1, 31)),
              st.integers(0, 30)),
)  # fmt: skip


def made(number: int, told: tuple[Happening, date, int]) -> PlanEvent:
    """An event of what hypothesis drew; counts and rates come as its number."""
    kind, on, value = told
    if kind is Happening.RE_AGED:
        return event(str(number), on, kind=kind, due_on=on + timedelta(days=20), count=value)
    if kind is Happening.RATE_CHANGED:
        return event(str(number), on, kind=kind, annual_rate=Decimal(value) / 100)
    return event(str(number), on, value, kind)


@given(
    st.sampled_from(Method),
    st.integers(2, 14),
    st.integers(1, 3_000_000),
    st.sampled_from(["0", "0.05", "0.1234", "0.36"]),
    st.lists(any_event, max_size=9),
    st.sampled_from(Direction),
    st.integers(0, 5),
    st.sampled_from(Early),
    st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_what_holds_after_any_events(
    method: Method,
    count: int,
    lent: int,
    rate: str,
    told: list[tuple[Happening, date, int]],
    direction: Direction,
    grace: int,
    early: Early,
    on_interest: bool,
) -> None:
    """Paid and outstanding principal sum to the amount lent; parts to the whole; a quote ends it.

    Nothing is paid beyond what is due, every repayment is found again in the rows, and the loan is
    the same whether it was looked at between or not.
    """
    is_daily = method is Method.DRAW_AT_WILL
    terms = plan.terms(
        rate, method, count, DayCount.ACT_365 if is_daily else DayCount.THIRTY_360,
        direction=direction, grace_days=grace, early=early, penalty_on_interest=on_interest,
    )  # fmt: skip
    book = [PlanEvent("0", Happening.DRAWN, START, lent)]
    for number, one in enumerate(sorted(told, key=lambda one: one[1]), start=1):
        more = [*book, made(number, one)]
        try:
            replay(terms, more, more[-1].on)
        except Refused as refused:
            assert refused.code in ("lending.nothing_owed", "servicing.bad_event"), one
        else:
            book = more
    on = book[-1].on
    state = replay(terms, book, on)
    assert state.principal_paid_minor + state.outstanding_minor == lent
    assert sum(row.principal_minor for row in state.rows) == lent
    for row in state.rows:
        assert 0 <= row.principal_paid_minor <= row.principal_minor
        assert 0 <= row.interest_paid_minor <= row.interest_minor
        assert 0 <= row.fee_paid_minor <= row.fee_minor
        assert 0 <= row.penalty_paid_minor <= row.penalty_minor
    assert list(state.rows) == sorted(state.rows, key=lambda row: row.due_on)
    received = sum(one.amount_minor for one in book if one.kind is Happening.REPAID)
    assert sum(share.total_minor for share in state.shares) == received
    assert sum(row.paid_minor for row in state.rows) + state.credit_minor == received
    for days in (0, 3, 40):
        later = on + timedelta(days=days)
        ends = quote(terms, book, later)
        if ends.total_minor:
            last = event("end", later, ends.total_minor)
            ended = replay(terms, [*book, last], later)
            assert ended.status is LoanStatus.PAID_OFF
            assert parts(ended.shares[-1]) == parts(ends)
        else:
            assert state.status is LoanStatus.PAID_OFF
