"""Each kind of plan in the engine of stored loans: sums, ends, single path equal to columns."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.servicing.arrays.columns import columns_of
from puhui.servicing.nouns import (
    Direction,
    Early,
    Future,
    Happening,
    Interest,
    LoanStatus,
    Part,
    Plan,
    PlanEvent,
    PlanState,
    Recalculation,
    Timing,
)
from puhui.servicing.rules.replay import quote, replay
from puhui.servicing.rules.schedule import build_schedule
from tests.servicing.kinds import NAMES, kinds
from tests.servicing.plan import START

LENT = 1_200_000
KINDS = kinds(LENT)


def run(plan: Plan, *events: PlanEvent, on: date = START, lent: int = LENT) -> PlanState:
    """The loan after its draw on the first day of 2026 and ``events``."""
    return replay(plan, [PlanEvent("0", Happening.DRAWN, START, lent), *events], on)


def paid(name: str, on: date, minor: int) -> PlanEvent:
    """A repayment."""
    return PlanEvent(name, Happening.REPAID, on, minor)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_what_is_serviced(name: str) -> None:
    """The schedule of the contract is the first layout of the loan, row by row, with its fees."""
    plan = KINDS[name]
    schedule, state = build_schedule(plan, LENT, START), run(plan)
    assert [row.due_on for row in state.rows] == list(schedule.due_on)
    assert [row.principal_minor for row in state.rows] == list(schedule.principal_minor)
    assert [row.interest_minor for row in state.rows] == list(schedule.interest_minor)
    fees = schedule.fee_minor or (0,) * len(state.rows)
    assert [row.fee_minor for row in state.rows] == list(fees)
    assert sum(schedule.principal_minor) == LENT
    assert schedule.outstanding_minor[-1] == 0


@pytest.mark.parametrize("name", NAMES)
def test_paid_on_its_days_it_is_paid_off(name: str) -> None:
    plan = KINDS[name]
    events: list[PlanEvent] = []
    for number, row in enumerate(run(plan).rows, start=1):
        owed = run(plan, *events, on=row.due_on).owed_today_minor
        assert owed == row.due_minor, (name, number)
        if owed:
            events.append(paid(str(number), row.due_on, owed))
    state = run(plan, *events, on=events[-1].on)
    assert state.status is LoanStatus.PAID_OFF
    assert state.credit_minor == 0


DAYS = st.integers(0, 420)


@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(DAYS, st.integers(1, 600_000)), max_size=6),
    st.integers(10_000, 3_000_000),
    st.booleans(),
    st.permutations(list(Part)),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_paid_when(
    name: str, told: list[tuple[int, int]], lent: int, is_vertical: bool, order: list[Part]
) -> None:
    """Principal sums to what was lent, nothing is overpaid, a quote ends it, columns agree."""
    plan = kinds(lent)[name]
    if plan.interest is Interest.FLAT:  # a product may not ask for principal before it
        order = sorted(order, key=lambda part: part is Part.PRINCIPAL)
    keys = tuple((timing, part) for timing in Timing for part in order)
    plan = replace(
        plan,
        allocation=keys,
        direction=Direction.VERTICAL if is_vertical else Direction.HORIZONTAL,
    )
    events = [
        paid(str(number), START + timedelta(days=days), minor)
        for number, (days, minor) in enumerate(sorted(told), start=1)
    ]
    on = events[-1].on if events else START
    state = run(plan, *events, on=on, lent=lent)
    assert sum(row.principal_minor for row in state.rows) == lent
    assert state.principal_paid_minor + state.outstanding_minor == lent
    for row in state.rows:
        assert 0 <= row.principal_paid_minor <= row.principal_minor
        assert 0 <= row.interest_paid_minor <= row.interest_minor
        assert 0 <= row.fee_paid_minor <= row.fee_minor
        assert 0 <= row.penalty_paid_minor <= row.penalty_minor
    received = sum(event.amount_minor for event in events)
    assert sum(row.paid_minor for row in state.rows) + state.credit_minor == received
    for days in (0, 5, 33):
        later = on + timedelta(days=days)
        seen = run(plan, *events, on=later, lent=lent)
        told_by = columns_of(seen)
        due = told_by["owing_interest_minor"] + told_by["owing_penalty_minor"]
        assert told_by["accrued_minor"] - due == seen.accruing_minor
        book = [PlanEvent("0", Happening.DRAWN, START, lent), *events]
        ends = quote(plan, book, later)
        if ends.total_minor:
            ended = replay(plan, [*book, paid("end", later, ends.total_minor)], later)
            assert ended.status is LoanStatus.PAID_OFF, name
            assert ended.credit_minor == state.credit_minor
        else:
            assert seen.outstanding_minor == 0


HABITS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    recalculation=st.sampled_from(Recalculation),
    early=st.sampled_from(Early),
    future=st.sampled_from(Future),
    direction=st.sampled_from(Direction),
    rests_on_due_day=st.booleans(),
    compounds_overdue=st.booleans(),
    joins_due_day=st.booleans(),
    shares_whole_term=st.booleans(),
)
ANYTHING = st.one_of(
    st.tuples(
        st.sampled_from([Happening.REPAID, Happening.GOODWILL, Happening.MERCHANT_REFUNDED]),
        DAYS, st.integers(1, 600_000),
    ),
    st.tuples(st.just(Happening.DRAWN), st.integers(0, 90), st.integers(1, 400_000)),
    st.tuples(
        st.sampled_from([Happening.FEE_CHARGED, Happening.PENALTY_CHARGED]),
        DAYS, st.integers(1, 5_000),
    ),
    st.tuples(st.just(Happening.PAID_OFF), DAYS, st.just(0)),
)  # fmt: skip


def drawn_book(told: list[tuple[Happening, int, int]]) -> list[PlanEvent]:
    """A book of the first draw and what was told, one event a day at most."""
    days = {0: (Happening.DRAWN, LENT)}
    for kind, day, minor in told:
        days.setdefault(day, (kind, minor))
    return [
        PlanEvent(f"on {day}", kind, START + timedelta(days=day), minor)
        for day, (kind, minor) in sorted(days.items())
    ]


def replayed(plan: Plan, book: list[PlanEvent], on: date) -> PlanState | str:
    """The loan, or the code of why there is none."""
    try:
        return replay(plan, book, on)
    except Refused as refused:
        return refused.code


@given(
    st.sampled_from([name for name in NAMES if "flat" not in name]),
    HABITS,
    st.lists(ANYTHING, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(0, 420),
)
@settings(max_examples=100, deadline=None)
def test_what_holds_of_every_kind(
    name: str,
    habits: dict[str, Any],
    told: list[tuple[Happening, int, int]],
    dice: random.Random,
    days: int,
) -> None:
    """One engine: money is neither made nor lost, and only the days of events matter.

    Principal of all rows sums to what was drawn and is never below nought; what was paid is found
    in the rows or owed back; a book told in another order, or with an event more that was undone,
    comes to the same loan; the balance is never below nought and paying off ends the loan. The last
    two are not claimed where payments rest until the next due day: there interest of rows ahead is
    paid as it stands, and may fall away afterwards.
    """
    plan = replace(KINDS[name], **habits)
    book = drawn_book(told)
    on = START + timedelta(days=days)
    state = replayed(plan, book, on)
    shuffled = dice.sample(book, len(book))
    assert replayed(plan, shuffled, on) == state
    if isinstance(state, str):
        assert state == "lending.bad_terms", state
        return
    before = [event for event in book if event.on <= on]
    assert replay(plan, before, on) == state
    drawn = sum(event.amount_minor for event in before if event.kind is Happening.DRAWN)
    assert sum(row.principal_minor for row in state.rows) == drawn == state.disbursed_minor
    assert state.outstanding_minor <= drawn
    assert state.credit_minor >= 0
    for row in state.rows:
        assert min(row.principal_minor, row.interest_minor, row.fee_minor) >= 0
    if not plan.down_payment_share:
        brought = sum(share.total_minor for share in state.shares)
        assert sum(row.paid_minor for row in state.rows) + state.credit_minor == brought
    wrong = [
        PlanEvent("wrong", Happening.REPAID, START + timedelta(days=days // 2), 99_999),
        PlanEvent("undo", Happening.UNDONE, on, undoes="wrong"),
    ]
    undone = replay(plan, dice.sample([*book, *wrong], len(book) + 2), on)
    assert (undone.rows, undone.shares) == (state.rows, state.shares)
    rests = plan.recalculation is Recalculation.RUNNING_PERIOD and plan.rests_on_due_day
    if not rests:
        ended = replay(plan, [*before, PlanEvent("end", Happening.PAID_OFF, on)], on)
        assert (state.outstanding_minor >= 0, ended.outstanding_minor) == (True, 0)


def level(plan: str) -> list[tuple[int, int, int]]:
    """Principal, interest and fee of each row of a plan over 12,000.00."""
    return [
        (row.principal_minor, row.interest_minor, row.fee_minor) for row in run(KINDS[plan]).rows
    ]


def test_kinds_by_hand() -> None:
    """12,000.00 at 12 % a year over twelve months of 30 days: 1 % a month.

    Flat: 1,000.00 and 120.00 each month. Balloon: a twelfth of 8,400.00 each, the last with
    3,600.00 more. Three months of grace on principal: 120.00 each, then 12,000.00 / 9. Nothing for
    three months, then their interest with the first: 4 x 120.00. A bullet by actual days of 2026:
    12,000.00 x 12 % = 1,440.00. Two months free of interest. Ten per cent each month.
    """
    assert level("flat") == [(100_000, 12_000, 0)] * 12
    shares = level("balloon_shares")
    assert [one[0] for one in shares] == [70_000] * 11 + [430_000]
    grace = level("grace_shares")
    assert grace[:3] == [(0, 12_000, 0)] * 3
    assert [one[0] for one in grace[3:]] == [133_333] * 8 + [133_336]
    assert level("grace_all")[0][1] == 48_000
    assert len(level("grace_all")) == 9
    assert level("bullet") == [(1_200_000, 144_000, 0)]
    free = level("free_first")
    assert free[:2] == [(0, 0, 0)] * 2
    assert free[2:] == [(0, 12_000, 0)] * 9 + [(1_200_000, 12_000, 0)]
    fixed = level("fixed")
    assert [sum(one) for one in fixed[:-1]] == [120_000] * (len(fixed) - 1)
    assert fixed[0] == (108_000, 12_000, 0)
    assert sum(fixed[-1]) <= 120_000
    down = level("down")
    assert down[0] == (240_000, 0, 0)
    assert down[1][1] == 9_600
    fees = level("fees")
    assert {one[2] for one in fees} == {500 + 1_200}


def test_days_by_hand() -> None:
    """From 31 January: rolled 1 March, 31 March; holidays of May 2026 (1 to 5) by each rule."""
    roll = replay(KINDS["roll"], [PlanEvent("0", Happening.DRAWN, date(2026, 1, 31), LENT)],
                  date(2026, 1, 31))  # fmt: skip
    assert [row.due_on for row in roll.rows[:3]] == [
        date(2026, 3, 1), date(2026, 3, 31), date(2026, 5, 1),
    ]  # fmt: skip
    due = {
        name: build_schedule(KINDS[name], LENT, date(2026, 1, 1)).due_on[3]
        for name in ("level", "before", "modified")
    }
    assert due["level"] == date(2026, 5, 1)
    assert due["before"] == date(2026, 4, 30)
    assert due["modified"] == date(2026, 5, 6)
    ends = build_schedule(KINDS["modified"], LENT, date(2026, 1, 31))
    assert ends.due_on[3] == date(2026, 5, 29)  # 31 May is a Sunday, and June another month
    assert not build_schedule(KINDS["before"], LENT, date(2027, 6, 1)).is_calendar_published


def test_in_advance_by_hand() -> None:
    """On 16 January 58.06 of interest is earned: 1,000.00 goes where the plan sends it first."""
    half = date(2026, 1, 16)
    keys = KINDS["level"].allocation
    by_interest = run(KINDS["level"], paid("1", half, 100_000), on=half)
    assert by_interest.shares[0].interest_minor == 5_806
    order = (*keys[:8], keys[11], keys[10], keys[9], keys[8])
    by_principal = run(replace(KINDS["level"], allocation=order), paid("1", half, 100_000), on=half)
    assert by_principal.shares[0].principal_minor == 100_000
    assert by_principal.accruing_minor == 5_806
    fee = PlanEvent("1", Happening.FEE_CHARGED, half, 700)
    last = run(replace(KINDS["level"], allocation=order), fee, paid("2", half, 100_000), on=half)
    assert last.shares[0].fee_minor == 0
    first = run(KINDS["level"], fee, paid("2", half, 100_000), on=half)
    assert first.shares[0].fee_minor == 700


def test_fees_end_with_the_loan() -> None:
    """Paid off after three months no fee of later instalments is asked for."""
    plan, on = KINDS["fees"], date(2026, 4, 1)
    events: list[PlanEvent] = []
    for number, row in enumerate(run(plan).rows[:3], start=1):
        events.append(paid(str(number), row.due_on, row.due_minor))
    book = [PlanEvent("0", Happening.DRAWN, START, LENT), *events]
    ends = quote(plan, book, on)
    assert (ends.fee_minor, ends.interest_minor) == (0, 0)
    state = replay(plan, [*book, paid("4", on, ends.total_minor)], on)
    assert state.status is LoanStatus.PAID_OFF
    assert sum(row.fee_paid_minor for row in state.rows) == 3 * 1_700
