"""Each kind of plan in the engine of stored loans: sums, ends, single path equal to columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.servicing.arrays.columns import columns_of
from puhui.servicing.nouns import Happening, LoanStatus, Part, Plan, PlanEvent, PlanState, Timing
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
@settings(max_examples=250, deadline=None)
def test_whatever_is_paid_when(
    name: str, told: list[tuple[int, int]], lent: int, is_vertical: bool, order: list[Part]
) -> None:
    """Principal sums to what was lent, no part is overpaid, a quote ends the loan, columns agree."""
    from puhui.servicing.nouns import Direction

    plan = kinds(lent)[name]
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
        earned = seen.accruing_minor
        due = told_by["owing_interest_minor"] + told_by["owing_penalty_minor"]
        assert abs(told_by["accrued_minor"] - due - earned) <= (1 if plan.interest.value == "flat" else 0)
        book = [PlanEvent("0", Happening.DRAWN, START, lent), *events]
        ends = quote(plan, book, later)
        if ends.total_minor:
            ended = replay(plan, [*book, paid("end", later, ends.total_minor)], later)
            assert ended.status is LoanStatus.PAID_OFF, name
            assert ended.credit_minor == state.credit_minor
        else:
            assert seen.outstanding_minor == 0
