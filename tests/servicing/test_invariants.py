"""What a stranger would ask of any loan, whatever is repaid, changed, undone or told late."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.errors import Refused
from puhui.servicing import live
from puhui.servicing.nouns import (
    Early,
    Happening,
    Plan,
    PlanEvent,
    PlanRow,
    PlanState,
    Recalculation,
)
from puhui.servicing.rules.replay import replay
from puhui.servicing.rules.replay.happen import bring_to, take_event
from puhui.servicing.rules.replay.outcome import plan_state
from puhui.servicing.rules.replay.step import Steps
from tests.servicing.kinds import NAMES, kinds
from tests.servicing.ordeal import Ordeal
from tests.servicing.plan import START
from tests.servicing.test_ordeal import LENT as SMALL
from tests.servicing.test_ordeal import PLANS

LENT = 1_200_000
KINDS = kinds(LENT)
DRAWN = PlanEvent("0", Happening.DRAWN, START, LENT)
LOANS = count(1)

step = st.tuples(
    st.sampled_from(["repay", "repay", "repay", "rate", "rate_from", "move", "both", "undo"]),
    st.integers(1, 400),
    st.integers(1, 99),
)
STEPS = st.lists(step, min_size=1, max_size=7, unique_by=lambda one: one[1])


def events_of(plan: Plan, steps: list[tuple[str, int, int]]) -> list[PlanEvent]:
    """Steps as events in the order they were told: many lie before those told earlier."""
    book = [DRAWN]
    for number, (kind, days, part) in enumerate(steps, start=1):
        on, name = START + timedelta(days=days), str(number)
        state = or_code(plan, book, on)
        rows = () if isinstance(state, str) else state.rows
        coming = [row.due_on for row in rows if row.due_on > on]
        due = coming[part % len(coming)] if coming else None
        rate = Decimal(part) / 400
        moved = due + timedelta(days=part % 9 + 1) if due else None
        event = {
            "repay": PlanEvent(name, Happening.REPAID, on, part * LENT // 150),
            "rate": PlanEvent(name, Happening.RATE_CHANGED, on, annual_rate=rate),
            "rate_from": PlanEvent(
                name, Happening.RATE_CHANGED, on, due_on=due, annual_rate=rate
            ),
            "move": PlanEvent(name, Happening.DUE_DAY_MOVED, on, due_on=due, moved_to=moved),
            "both": PlanEvent(
                name, Happening.RESCHEDULED, on, due_on=due, moved_to=moved, annual_rate=rate,
                count=part % 3,
            ),
            "undo": PlanEvent(name, Happening.UNDONE, on, undoes=book[-1].event_id),
        }[kind]  # fmt: skip
        if kind == "undo" and book[-1].kind in (Happening.DRAWN, Happening.UNDONE):
            continue
        try:
            replay(plan, [*book, event], START + timedelta(days=500))
        except Refused:
            continue
        book.append(event)
    return book


def or_code(plan: Plan, book: list[PlanEvent], on: date) -> PlanState | str:
    """The loan by that day, or the code of why there is none."""
    try:
        return replay(plan, book, on)
    except Refused as refused:
        return refused.code


def check_sums(state: PlanState, lent: int = LENT) -> None:
    """Principal is conserved, money is found again, nothing is below nought."""
    assert sum(row.principal_minor for row in state.rows) == lent
    repaid = sum(share.principal_minor for share in state.shares)
    assert repaid + state.outstanding_minor == lent
    assert sum(row.principal_paid_minor for row in state.rows) == repaid
    brought = sum(share.total_minor for share in state.shares)
    assert sum(row.paid_minor for row in state.rows) + state.credit_minor == brought
    assert min(state.outstanding_minor, state.credit_minor, state.accruing_minor) >= 0
    for row in state.rows:
        assert min(row.principal_minor, row.interest_minor, row.fee_minor, row.penalty_minor) >= 0
        assert 0 <= row.principal_paid_minor <= row.principal_minor, row
        assert 0 <= row.interest_paid_minor <= row.interest_minor, row
    dues = [row.due_on for row in state.rows]
    assert dues == sorted(dues)


@given(st.sampled_from(NAMES), st.sampled_from(Early), STEPS, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_any_sequence_conserves_money_and_its_order_of_telling_is_nothing(
    name: str, early: Early, steps: list[tuple[str, int, int]], dice: random.Random
) -> None:
    plan = KINDS[name] if "flat" in name else replace(KINDS[name], early=early)
    book = events_of(plan, steps)
    told_late = dice.sample(book, len(book))
    for days in (0, 45, 200, 500):
        on = START + timedelta(days=days)
        state = or_code(plan, book, on)
        assert or_code(plan, told_late, on) == state
        if isinstance(state, str):  # what was undone later stands in the way of something before
            assert state in ("servicing.bad_event", "lending.bad_terms")
        else:
            check_sums(state)


@given(
    st.sampled_from([name for name in NAMES if "flat" not in name]),
    st.sampled_from(Recalculation),
    STEPS,
)
@settings(max_examples=60, deadline=None)
def test_looking_every_day_changes_nothing(
    name: str, kind: Recalculation, steps: list[tuple[str, int, int]]
) -> None:
    """A loan brought from day to day is the loan recomputed at once: of every kind of plan."""
    plan = replace(KINDS[name], recalculation=kind)
    steps = [one for one in steps if one[0] == "repay"]
    book = events_of(plan, steps)
    assume(kind is not Recalculation.NONE)  # there a draw is foreseen, which no step by step can
    # A row that comes back through overdue interest after its day gets no fee any more: loans of
    # that kind are the peer's, where instalments have none, and not in the store.
    has_rows_back = kind is not Recalculation.TO_THE_DAY and plan.fixed_minor
    assume(not (has_rows_back and plan.fee_minor))
    loan, on = Steps(plan), START
    todo = sorted(book, key=lambda event: event.on)
    for _ in range(430):
        if loan.rows:
            bring_to(loan, on)
        while todo and todo[0].on == on:
            take_event(loan, todo.pop(0))
        on += timedelta(days=1)
    bring_to(loan, on)
    assert told(plan_state(loan)) == told(replay(plan, book, on))


def told(state: PlanState) -> PlanState:
    """A loan without rows at its end that ask for nothing: of the peer's kinds a fixed instalment
    may leave one where it is looked at on its last day.
    """
    rows = list(state.rows)
    while rows and not (rows[-1].owed_minor or rows[-1].principal_minor or rows[-1].interest_minor):
        rows.pop()
    return replace(state, rows=tuple(rows))


def interest_of_a_life(plan: Plan, days: int, extra_minor: int) -> tuple[int, int]:
    """All interest if every row is paid on its day and something more on another; its rows."""
    more = PlanEvent("more", Happening.REPAID, START + timedelta(days=days), extra_minor)
    book, on = [DRAWN], START
    while True:
        state = replay(plan, book, on)
        due = next((row.due_on for row in state.rows if row.owed_minor), None)
        if due is None:
            return sum(row.interest_minor for row in state.rows), len(state.rows)
        assert due >= on
        if more not in book and more.on < due:
            book.append(more)
            on = more.on
            continue
        on = due
        owed = replay(plan, book, on).owed_today_minor
        book.append(PlanEvent(str(len(book)), Happening.REPAID, on, owed))


def is_level(rows: Sequence[PlanRow]) -> bool:
    """Whether all rows but the last repay principal, and ask for as much of it and interest."""
    asked = {row.principal_minor + row.interest_minor for row in rows[:-1]}
    return len(asked) == 1 and all(row.principal_minor for row in rows)


PROMPT = [name for name in NAMES if name not in ("quarters", "quarters_each", "bullet")]


@pytest.mark.parametrize("early", Early)
@given(st.sampled_from(PROMPT), st.integers(1, 300), st.integers(1, 28), st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_interest_never_falls_the_later_money_comes(
    early: Early, name: str, days: int, later: int, part: int
) -> None:
    """The same early repayment a while later never costs less, but for a fen a row of rounding.

    Over a due day that holds where instalments stay and their count falls. Money that stands for
    the next instalments saves interest until those fall due only, and smaller instalments repay
    less on the due days that follow: there it is claimed within a period. So it is where principal
    is asked for in shares: what came on the eve of a due day went into interest first, and that day
    asks for as much less.
    """
    plan = KINDS[name] if "flat" in name else replace(KINDS[name], early=early)
    plan = replace(plan, penalty_multiplier=Decimal(0))
    foreseen = replay(plan, [DRAWN], START).rows
    rests = plan.grace_principal or plan.first_periods > 1 or not is_level(foreseen)
    if plan.early is not Early.REDUCE_COUNT or rests:
        first, last = START + timedelta(days=days), START + timedelta(days=days + later)
        assume(not any(first < row.due_on <= last for row in foreseen))
    sooner, rows = interest_of_a_life(plan, days, part * LENT // 100)
    after, _ = interest_of_a_life(plan, days + later, part * LENT // 100)
    assert sooner <= after + rows, (sooner, after)


@given(st.sampled_from(NAMES), STEPS, st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_undoing_is_as_if_it_never_was(
    name: str, steps: list[tuple[str, int, int]], which: int
) -> None:
    plan = KINDS[name]
    book = [event for event in events_of(plan, steps) if event.kind is not Happening.UNDONE]
    one, on = book[which % len(book)], START + timedelta(days=450)
    assume(one.kind is not Happening.DRAWN)
    undo = PlanEvent("undo", Happening.UNDONE, on, undoes=one.event_id)
    without = [event for event in book if event is not one]
    assert or_code(plan, [*book, undo], on) == or_code(plan, without, on)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(PLANS),
    st.lists(
        st.tuples(st.integers(1, 150), st.integers(1, 60)),
        min_size=2,
        max_size=5,
        unique_by=lambda one: one[0],
    ),
    st.randoms(use_true_random=False),
)
def test_told_late_the_books_are_the_same(
    sqlite_node: Node, clock: FixedClock, plan: Plan, told: list[tuple[int, int]],
    dice: random.Random,
) -> None:  # fmt: skip
    """Repayments that come day by day, or all at the end in any order, back-dated: one table."""
    number, began = next(LOANS), clock.now_us()
    first = Ordeal(sqlite_node, clock, f"in-order-{number:06d}x", plan, lent=SMALL, is_joint=False)
    start = first.today
    for days, part in sorted(told):
        first.move((start + timedelta(days=days) - first.today).days)
        first.happen(Happening.REPAID, amount_minor=SMALL * part // 100)
    end = first.today
    clock.set_us(began)
    late = Ordeal(sqlite_node, clock, f"told-late-{number:05d}x", plan, lent=SMALL, is_joint=False)
    late.move((end - start).days)
    for days, part in dice.sample(told, len(told)):
        late.happen(
            Happening.REPAID, start + timedelta(days=days), amount_minor=SMALL * part // 100
        )
    assert _table(sqlite_node, first) == _table(sqlite_node, late)


def _table(node: Node, loan: Ordeal) -> tuple[object, ...]:
    with node.read() as tx:
        state = live.read_book(tx, loan.loan_id).state(loan.today)
        row = live.take_loan(tx, loan.loan_id)
    shares = sorted(
        (share.on, share.principal_minor, share.interest_minor) for share in state.shares
    )
    return state.rows, shares, row.outstanding_minor, row.booked_minor, row.owing_interest_minor
