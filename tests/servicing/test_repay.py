"""Repayment: worked cases by hand, refusals, and invariants over any run of events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import (
    Allocation,
    DayCount,
    Direction,
    EventKind,
    LoanEvent,
    LoanState,
    LoanStatus,
    Method,
    Overpayment,
    Part,
    Terms,
    Timing,
)
from puhui.servicing.rules import repay
from puhui.servicing.rules.accrue import bring_to
from puhui.servicing.rules.schedule import build_schedule
from tests.servicing import plan

START = date(2026, 1, 1)


def opened(terms: Terms | None = None) -> LoanState:
    """A loan just paid out: 12,000 yuan at 12 % over three months."""
    terms = terms or plan.terms()
    return repay.open_loan(terms, build_schedule(terms), plan.servicing())


def bullet() -> LoanState:
    """The same with interest first, so that each month's interest is 120.00."""
    return opened(plan.terms(method=Method.INTEREST_FIRST))


def lines(allocation: Allocation) -> list[tuple[int, str, str, int]]:
    """An allocation as plain values."""
    return [
        (line.number, line.timing.value, line.part.value, line.amount_minor)
        for line in allocation.lines
    ]


def test_a_loan_paid_on_its_days_is_paid_off() -> None:
    state = opened()
    for row in state.instalments:
        due = bring_to(state, row.due_on).owed_today_minor
        assert due == row.principal_due_minor + row.interest_due_minor
        state, allocation = repay.apply_repayment(state, due, row.due_on)
        assert {line.timing for line in allocation.lines} == {Timing.DUE}
        assert state.arrears_minor == 0
    assert state.status is LoanStatus.PAID_OFF
    assert state.outstanding_minor == 0


def test_part_of_an_instalment_goes_to_interest_first() -> None:
    """The first instalment is 4,080.27: 120.00 interest and 3,960.27 principal, by hand."""
    state, allocation = repay.apply_repayment(opened(), 20_000, date(2026, 2, 1))
    assert lines(allocation) == [(1, "due", "interest", 12_000), (1, "due", "principal", 8_000)]
    assert state.owed_today_minor == 408_027 - 20_000
    assert state.status is LoanStatus.CURRENT
    assert bring_to(state, date(2026, 2, 2)).status is LoanStatus.PAST_DUE


def test_lateness_bears_penalty_interest_on_overdue_principal() -> None:
    """3,960.27 x 12 % x 1.5 / 360 x 10 days = 19.80135 yuan; nothing within three days."""
    state = opened()
    assert bring_to(state, date(2026, 2, 4)).instalments[0].penalty_due_minor == 0
    late = bring_to(state, date(2026, 2, 11))
    assert late.days_past_due == 10
    assert late.instalments[0].penalty_due_minor == 1_980
    assert late.arrears_minor == 408_027 + 1_980
    paid, allocation = repay.apply_repayment(late, 408_027 + 1_980, date(2026, 2, 11))
    assert [line[2] for line in lines(allocation)] == ["penalty", "interest", "principal"]
    assert {line[1] for line in lines(allocation)} == {"past_due"}
    assert paid.status is LoanStatus.CURRENT


def test_looking_at_a_loan_changes_nothing() -> None:
    state = opened()
    stepwise = state
    for day in range(1, 200, 7):
        stepwise = bring_to(stepwise, START + timedelta(days=day))
    straight = bring_to(state, stepwise.on)
    assert [row.penalty_due_minor for row in stepwise.instalments] == [
        row.penalty_due_minor for row in straight.instalments
    ]


def test_early_repayment_of_a_part_lowers_what_follows() -> None:
    """On 16 January 15 of 31 days have run: 120 x 15/31 = 58.06; 6,000.00 goes to principal.

    The 16 days left cost 60 x 16/31 = 30.97, the months after it 60.00 each.
    """
    state, allocation = repay.apply_repayment(bullet(), 605_806, date(2026, 1, 16))
    assert lines(allocation) == [
        (1, "in_advance", "interest", 5_806),
        (1, "in_advance", "principal", 600_000),
    ]
    assert state.outstanding_minor == 600_000
    assert [row.interest_due_minor for row in state.instalments] == [5_806 + 3_097, 6_000, 6_000]
    assert [row.owed_minor for row in state.instalments] == [3_097, 6_000, 606_000]


def test_a_second_early_repayment_counts_from_the_first() -> None:
    """Five days on 6,000.00: 60 x 5/31 = 9.68; then 11 days on 3,000.00: 30 x 11/31 = 10.65."""
    state, _ = repay.apply_repayment(bullet(), 605_806, date(2026, 1, 16))
    state, allocation = repay.apply_repayment(state, 300_968, date(2026, 1, 21))
    assert [line[3] for line in lines(allocation)] == [968, 300_000]
    assert [row.interest_due_minor for row in state.instalments] == [
        5_806 + 968 + 1_065, 3_000, 3_000,
    ]  # fmt: skip


def test_early_repayment_keeps_equal_instalments_equal() -> None:
    state, _ = repay.apply_repayment(opened(plan.terms(count=12)), 500_000, date(2026, 1, 11))
    owed = [row.owed_minor for row in state.instalments]
    assert len(set(owed[:-1])) == 1
    assert abs(owed[-1] - owed[0]) <= 12
    assert state.outstanding_minor == sum(row.principal_owed_minor for row in state.instalments)


def test_a_small_early_repayment_pays_interest_only() -> None:
    state, allocation = repay.apply_repayment(bullet(), 5_000, date(2026, 1, 16))
    assert lines(allocation) == [(1, "in_advance", "interest", 5_000)]
    again, allocation = repay.apply_repayment(state, 1_806, date(2026, 1, 16))
    assert lines(allocation) == [
        (1, "in_advance", "interest", 806),
        (1, "in_advance", "principal", 1_000),
    ]
    assert again.outstanding_minor == 1_199_000


def test_a_credit_drawn_at_will_costs_interest_to_the_day() -> None:
    """10,000 at 7.2 % over 360 for 20 days is 40.00; the other 90 days less 20 cost nothing."""
    state = opened(
        plan.terms(1_000_000, "0.072", Method.DRAW_AT_WILL, 3, day_count=DayCount.ACT_360)
    )
    quote = repay.quote_pay_off(state, START + timedelta(days=20))
    assert (quote.principal_minor, quote.interest_minor) == (1_000_000, 4_000)
    state, allocation = repay.apply_repayment(state, quote.total_minor, quote.on)
    assert state.status is LoanStatus.PAID_OFF
    assert allocation.returned_minor == 0


def test_money_taken_back_on_the_first_day_costs_nothing() -> None:
    quote = repay.quote_pay_off(opened(), START)
    assert quote.total_minor == 1_200_000


def test_overpayment_is_returned_or_refused() -> None:
    state = opened()
    quote = repay.quote_pay_off(state, date(2026, 1, 20))
    paid, allocation = repay.apply_repayment(state, quote.total_minor + 7, quote.on)
    assert allocation.returned_minor == 7
    assert paid.status is LoanStatus.PAID_OFF
    strict = replace(state.servicing, overpayment=Overpayment.REFUSED)
    with pytest.raises(Refused) as refused:
        repay.apply_repayment(replace(state, servicing=strict), quote.total_minor + 7, quote.on)
    assert refused.value.code == "lending.overpaid"


def test_parts_can_go_before_instalments() -> None:
    """Vertical: interest of both late instalments before any principal."""
    vertical = replace(plan.servicing(), direction=Direction.VERTICAL, grace_days=60)
    terms = plan.terms()
    state = repay.open_loan(terms, build_schedule(terms), vertical)
    on = date(2026, 3, 2)
    _, allocation = repay.apply_repayment(state, 30_000, on)
    assert [line[:3] for line in lines(allocation)] == [
        (1, "past_due", "interest"), (2, "past_due", "interest"), (1, "past_due", "principal"),
    ]  # fmt: skip
    flat = replace(state, servicing=replace(vertical, direction=Direction.HORIZONTAL))
    _, allocation = repay.apply_repayment(flat, 30_000, on)
    assert {line[0] for line in lines(allocation)} == {1}


def test_a_fee_falls_due_with_the_next_instalment() -> None:
    state = repay.charge_fee(opened(), 500, date(2026, 2, 2))
    assert [row.fee_due_minor for row in state.instalments] == [0, 500, 0]
    on_due_day = repay.charge_fee(opened(), 500, date(2026, 2, 1))
    assert [row.fee_due_minor for row in on_due_day.instalments] == [500, 0, 0]
    after_the_end = repay.charge_fee(opened(), 500, date(2026, 9, 1))
    assert [row.fee_due_minor for row in after_the_end.instalments] == [0, 0, 500]
    quote = repay.quote_pay_off(state, date(2026, 2, 2))
    assert quote.fee_minor == 500
    state, allocation = repay.apply_repayment(state, quote.total_minor, quote.on)
    assert allocation.sum_minor(Part.FEE) == 500
    assert state.status is LoanStatus.PAID_OFF


def test_a_write_off_ends_the_asset_and_recovery_goes_on() -> None:
    state = bring_to(opened(), date(2026, 12, 1))
    claim = repay.quote_pay_off(state, state.on).total_minor
    assert claim > 1_200_000
    lost = repay.write_off(state, state.on)
    assert (lost.outstanding_minor, lost.written_off_minor) == (0, 1_200_000)
    assert (lost.arrears_minor, lost.days_past_due, lost.owed_today_minor) == (0, 0, 0)
    lost, allocation = repay.apply_repayment(lost, 100_000, date(2027, 1, 5))
    assert (allocation.recovered_minor, allocation.lines) == (100_000, ())
    assert repay.quote_pay_off(lost, lost.on).total_minor == claim - 100_000
    lost, allocation = repay.apply_repayment(lost, claim, date(2027, 1, 6))
    assert allocation.returned_minor == 100_000
    assert lost.status is LoanStatus.WRITTEN_OFF


def test_a_back_dated_repayment_is_replayed_in_its_place() -> None:
    """A late payment turns out to have come on its day: no penalty remains."""
    terms = plan.terms()
    schedule = build_schedule(terms)
    late = LoanEvent(EventKind.REPAID, date(2026, 2, 20), 410_000)
    fee = LoanEvent(EventKind.CHARGED, date(2026, 2, 10), 100)
    end = LoanEvent(EventKind.WRITTEN_OFF, date(2026, 8, 1))
    state, paid = repay.replay(terms, schedule, plan.servicing(), [late, fee])
    assert paid[0].sum_minor(Part.PENALTY) > 0
    right = replace(late, on=date(2026, 2, 1))
    state, paid = repay.replay(terms, schedule, plan.servicing(), [fee, right, end])
    assert paid[0].sum_minor(Part.PENALTY) == 0
    assert state.status is LoanStatus.WRITTEN_OFF


def test_refusals() -> None:
    state = opened()
    paid_off, _ = repay.apply_repayment(state, 1_200_000, START)
    lost = repay.write_off(state, START)
    strict = replace(lost, servicing=replace(lost.servicing, overpayment=Overpayment.REFUSED))
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: repay.apply_repayment(state, 0, START), "lending.bad_amount"),
        (lambda: repay.charge_fee(state, -1, START), "lending.bad_amount"),
        (lambda: bring_to(state, date(2025, 12, 31)), "lending.back_dated"),
        (lambda: repay.write_off(paid_off, START), "lending.nothing_owed"),
        (lambda: repay.write_off(lost, START), "lending.written_off"),
        (lambda: repay.charge_fee(lost, 5, START), "lending.written_off"),
        (lambda: repay.apply_repayment(strict, 10**9, START), "lending.overpaid"),
    ]
    for attempt, code in refusals:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code == code


any_event = st.one_of(
    st.builds(
        LoanEvent,
        st.just(EventKind.REPAID),
        st.dates(START, date(2027, 6, 30)),
        st.integers(1, 700_000),
    ),
    st.builds(
        LoanEvent,
        st.just(EventKind.CHARGED),
        st.dates(START, date(2027, 6, 30)),
        st.integers(1, 5_000),
    ),
)


@given(
    st.sampled_from(Method),
    st.integers(1, 14),
    st.integers(1, 3_000_000),
    st.sampled_from(["0", "0.05", "0.1234", "0.36"]),
    st.lists(any_event, max_size=12),
    st.sampled_from(Direction),
    st.integers(0, 5),
)
@settings(max_examples=250, deadline=None)
def test_what_holds_after_any_events(
    method: Method,
    count: int,
    principal: int,
    rate: str,
    events: list[LoanEvent],
    direction: Direction,
    grace: int,
) -> None:
    """Paid and outstanding principal sum to the amount lent; parts to the whole; a quote ends it.

    Nothing is paid beyond what is due, and every repayment is found again in the columns.
    """
    is_daily = method is Method.DRAW_AT_WILL
    day_count = DayCount.ACT_365 if is_daily else DayCount.THIRTY_360
    terms = plan.terms(principal, rate, method, count, day_count=day_count)
    servicing = replace(plan.servicing(), direction=direction, grace_days=grace)
    state, allocations = repay.replay(terms, build_schedule(terms), servicing, events)
    assert state.principal_paid_minor + state.outstanding_minor == principal
    assert sum(row.principal_due_minor for row in state.instalments) == principal
    for row in state.instalments:
        assert 0 <= row.principal_paid_minor <= row.principal_due_minor
        assert 0 <= row.interest_paid_minor <= row.interest_due_minor
        assert 0 <= row.fee_paid_minor <= row.fee_due_minor
        assert 0 <= row.penalty_paid_minor <= row.penalty_due_minor
    received = sum(event.amount_minor for event in events if event.kind is EventKind.REPAID)
    returned = sum(allocation.returned_minor for allocation in allocations)
    kept = {part: sum(allocation.sum_minor(part) for allocation in allocations) for part in Part}
    assert sum(kept.values()) + returned == received
    assert kept[Part.PRINCIPAL] == state.principal_paid_minor
    assert kept[Part.INTEREST] == sum(row.interest_paid_minor for row in state.instalments)
    for days in (0, 3, 40):
        on = state.on + timedelta(days=days)
        quote = repay.quote_pay_off(state, on)
        if quote.total_minor:
            ended, last = repay.apply_repayment(state, quote.total_minor, on)
            assert ended.status is LoanStatus.PAID_OFF
            assert last.returned_minor == 0
            assert last.sum_minor(Part.PRINCIPAL) == quote.principal_minor
            assert last.sum_minor(Part.INTEREST) == quote.interest_minor
            assert last.sum_minor(Part.PENALTY) == quote.penalty_minor
        else:
            assert state.status is LoanStatus.PAID_OFF
