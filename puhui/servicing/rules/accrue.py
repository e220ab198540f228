"""Accrual 计提: penalty interest on overdue principal, and interest to the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import InstalmentState, LoanState
from puhui.servicing.rules.period import divide, factors


def bring_to(state: LoanState, on: date) -> LoanState:
    """The loan on a later day: penalty interest 罚息 on overdue principal is counted up to ``on``.

    penalty = overdue principal x days x annual rate x multiplier / days of the year, in place of
    ordinary interest; once ``grace_days`` have passed it counts from the due day, before that not
    at all. Sums are exact, so looking at a loan on days between changes nothing.
    Source of the multiplier: see the product. Refused: ``lending.back_dated``.
    """
    if on < state.on:
        raise Refused("lending.back_dated", f"The loan has already been counted to {state.on}.")
    if on == state.on:
        return state
    if state.is_written_off:
        return replace(state, on=on)
    rate, per = (state.terms.annual_rate * state.servicing.penalty_multiplier).as_integer_ratio()
    year = per * state.servicing.penalty_year_days
    edge = on - timedelta(days=state.servicing.grace_days)
    rows = tuple(
        _count_overdue(row, on, rate, year, state)
        if row.due_on < edge and row.principal_owed_minor
        else row
        for row in state.instalments
    )
    return replace(state, on=on, instalments=rows)


def _count_overdue(
    row: InstalmentState, on: date, rate: int, year: int, state: LoanState
) -> InstalmentState:
    days = (on - max(row.counted_until, row.due_on)).days
    minor_days = row.overdue_minor_days + row.principal_owed_minor * days
    return replace(
        row,
        counted_until=on,
        overdue_minor_days=minor_days,
        penalty_due_minor=divide(minor_days * rate, year, state.terms.rounding),
    )


def current_index(state: LoanState) -> int | None:
    """The first instalment that is not due yet on ``state.on``, or None after the last due day."""
    for index, row in enumerate(state.instalments):
        if row.due_on > state.on:
            return index
    return None


def balance_ahead(state: LoanState, index: int) -> int:
    """Principal not yet paid of instalment ``index`` and all after it, in minor units."""
    return sum(row.principal_owed_minor for row in state.instalments[index:])


def period_factor(state: LoanState, index: int) -> tuple[int, int]:
    """Interest per unit of balance for the whole period of instalment ``index``, as a fraction."""
    days = tuple(row.due_on for row in state.instalments)
    numerators, denominator = factors(state.terms, days)
    return numerators[index], denominator


def fixed_interest(state: LoanState, index: int) -> int:
    """Interest of the running instalment for the days up to its ``counted_until``.

    An instalment's interest is always that plus the portion from there to its due day on the
    balance ahead, the portion being balance x factor x days / days of the period, rounded.
    """
    row = state.instalments[index]
    return row.interest_due_minor - _portion(state, index, row.counted_until, row.due_on)


def _portion(state: LoanState, index: int, first: date, last: date) -> int:
    row = state.instalments[index]
    numerator, denominator = period_factor(state, index)
    return divide(
        balance_ahead(state, index) * numerator * (last - first).days,
        denominator * (row.due_on - row.starts_on).days,
        state.terms.rounding,
    )


def interest_until(state: LoanState, index: int) -> int:
    """Interest of the running instalment from its start to ``state.on``, paid or not."""
    row = state.instalments[index]
    return fixed_interest(state, index) + _portion(state, index, row.counted_until, state.on)


def interest_to_day(state: LoanState) -> int:
    """Interest accrued and not yet paid on principal that is not due yet, on ``state.on``."""
    index = current_index(state)
    if index is None or state.is_written_off:
        return 0
    return max(0, interest_until(state, index) - state.instalments[index].interest_paid_minor)
