"""Repayment 还款: a loan recomputed from its events, and one repayment shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import (
    Allocation,
    AllocationLine,
    Direction,
    EventKind,
    InstalmentState,
    LoanEvent,
    LoanState,
    Overpayment,
    Part,
    PayOffQuote,
    Schedule,
    Servicing,
    Terms,
    Timing,
)
from puhui.servicing.rules.accrue import bring_to, interest_to_day
from puhui.servicing.rules.advance import pay_in_advance

PARTS = {
    Part.PENALTY: ("penalty_due_minor", "penalty_paid_minor"),
    Part.FEE: ("fee_due_minor", "fee_paid_minor"),
    Part.INTEREST: ("interest_due_minor", "interest_paid_minor"),
    Part.PRINCIPAL: ("principal_due_minor", "principal_paid_minor"),
}
"""The pair of columns that each part of an instalment has."""


def open_loan(terms: Terms, schedule: Schedule, servicing: Servicing) -> LoanState:
    """A loan on the day its money was paid out, nothing repaid yet."""
    rows = tuple(
        InstalmentState(
            row.number,
            row.starts_on,
            row.due_on,
            row.principal_minor,
            row.interest_minor,
            counted_until=row.starts_on,
        )
        for row in schedule.instalments
    )
    assert sum(row.principal_due_minor for row in rows) == terms.principal_minor, terms
    return LoanState(terms, servicing, terms.starts_on, rows)


def replay(
    terms: Terms, schedule: Schedule, servicing: Servicing, events: Sequence[LoanEvent]
) -> tuple[LoanState, tuple[Allocation, ...]]:
    """The loan after all ``events``, by day, and how each repayment was shared out (in that order).

    A back-dated or undone event needs no reversal: replay the right list. Events of one day keep
    the order given. Refused: ``lending.bad_amount``, ``lending.overpaid``, ``lending.written_off``.
    """
    state = open_loan(terms, schedule, servicing)
    allocations = []
    for event in sorted(events, key=lambda event: event.on):
        if event.kind is EventKind.REPAID:
            state, allocation = apply_repayment(state, event.amount_minor, event.on)
            allocations.append(allocation)
        elif event.kind is EventKind.CHARGED:
            state = charge_fee(state, event.amount_minor, event.on)
        else:
            state = write_off(state, event.on)
    return state, tuple(allocations)


def apply_repayment(state: LoanState, amount_minor: int, on: date) -> tuple[LoanState, Allocation]:
    """Take a repayment: what is past due and due first, the rest early, by the order agreed.

    Money beyond what is due today is early repayment: fees, then interest to the day on all
    principal not yet due, then principal; the instalments that follow are laid out anew on the same
    due days (smaller instalments). Beyond the pay-off amount it is returned or refused by
    ``servicing.overpayment``; after a write-off it is recovery. Parts sum to the amount.
    Refused: ``lending.bad_amount``, ``lending.back_dated``, ``lending.overpaid``.
    """
    if amount_minor <= 0:
        raise Refused("lending.bad_amount", "A repayment must be above nought.")
    state = bring_to(state, on)
    if state.is_written_off:
        return _recover(state, amount_minor)
    rows, lines, rest = _pay_due(state, amount_minor)
    state = replace(state, instalments=rows)
    if rest:
        state, early, rest = pay_in_advance(state, rest)
        lines += early
    if rest and state.servicing.overpayment is Overpayment.REFUSED:
        raise Refused(
            "lending.overpaid", f"This is {rest} minor units more than ends the loan on {on}."
        )
    allocation = Allocation(on, amount_minor, tuple(lines), returned_minor=rest)
    assert sum(line.amount_minor for line in lines) + rest == amount_minor, allocation
    return state, allocation


def _recover(state: LoanState, amount_minor: int) -> tuple[LoanState, Allocation]:
    """Money on a written-off loan: recovery up to the claim, the rest goes back."""
    recovered = min(amount_minor, state.claim_minor - state.recovered_minor)
    rest = amount_minor - recovered
    if rest and state.servicing.overpayment is Overpayment.REFUSED:
        raise Refused("lending.overpaid", f"This is {rest} minor units more than is still owed.")
    allocation = Allocation(
        state.on, amount_minor, (), returned_minor=rest, recovered_minor=recovered
    )
    return replace(state, recovered_minor=state.recovered_minor + recovered), allocation


def _pay_due(
    state: LoanState, amount_minor: int
) -> tuple[tuple[InstalmentState, ...], list[AllocationLine], int]:
    """Share ``amount_minor`` out over what is past due and due; the rest comes back."""
    rows = list(state.instalments)
    lines: list[AllocationLine] = []
    rest = amount_minor
    for index, timing, part in _order(state):
        if not rest:
            break
        due_name, paid_name = PARTS[part]
        row = rows[index]
        paid = getattr(row, paid_name)
        taken = min(rest, getattr(row, due_name) - paid)
        if taken > 0:
            rows[index] = replace(row, **{paid_name: paid + taken})
            lines.append(AllocationLine(row.number, timing, part, taken))
            rest -= taken
    return tuple(rows), lines, rest


def _order(state: LoanState) -> list[tuple[int, Timing, Part]]:
    """Parts of instalments in the order they are paid: by instalment or by part."""
    owed = [
        (index, Timing.PAST_DUE if row.due_on < state.on else Timing.DUE)
        for index, row in enumerate(state.instalments)
        if row.due_on <= state.on and row.owed_minor
    ]
    keys = state.servicing.allocation
    if state.servicing.direction is Direction.VERTICAL:
        return [
            (index, timing, part)
            for key_timing, part in keys
            for index, timing in owed
            if timing is key_timing
        ]
    return [
        (index, timing, part)
        for index, timing in owed
        for key_timing, part in keys
        if timing is key_timing
    ]


def charge_fee(state: LoanState, amount_minor: int, on: date) -> LoanState:
    """Add a fee to the instalment that falls due next, or to the last one.

    Refused: ``lending.bad_amount``, ``lending.back_dated``, ``lending.written_off``.
    """
    if amount_minor <= 0:
        raise Refused("lending.bad_amount", "A fee must be above nought.")
    state = bring_to(state, on)
    if state.is_written_off:
        raise Refused("lending.written_off", "A written-off loan takes no fee.")
    rows = list(state.instalments)
    index = next((i for i, row in enumerate(rows) if row.due_on >= on), len(rows) - 1)
    rows[index] = replace(rows[index], fee_due_minor=rows[index].fee_due_minor + amount_minor)
    return replace(state, instalments=tuple(rows))


def write_off(state: LoanState, on: date) -> LoanState:
    """End the asset 核销: outstanding principal is written off; the claim on the obligor lives.

    Refused: ``lending.back_dated``, ``lending.written_off`` twice, ``lending.nothing_owed``.
    """
    state = bring_to(state, on)
    if state.is_written_off:
        raise Refused("lending.written_off", "The loan is written off already.")
    if not state.outstanding_minor:
        raise Refused("lending.nothing_owed", "There is no principal to write off.")
    claim = quote_pay_off(state, on).total_minor
    return replace(
        state,
        written_off_minor=state.outstanding_minor,
        claim_minor=claim,
        is_written_off=True,
    )


def quote_pay_off(state: LoanState, on: date) -> PayOffQuote:
    """What ends the loan on ``on``: everything due, fees, interest to the day, all principal.

    After a write-off it is the rest of the claim, shown as principal.
    Refused: ``lending.back_dated``.
    """
    state = bring_to(state, on)
    if state.is_written_off:
        return PayOffQuote(on, state.claim_minor - state.recovered_minor, 0, 0, 0)
    interest = interest_to_day(state)
    principal = fee = penalty = 0
    for row in state.instalments:
        principal += row.principal_owed_minor
        fee += row.fee_due_minor - row.fee_paid_minor
        penalty += row.penalty_due_minor - row.penalty_paid_minor
        if row.due_on <= on:
            interest += row.interest_due_minor - row.interest_paid_minor
    return PayOffQuote(on, principal, interest, fee, penalty)
