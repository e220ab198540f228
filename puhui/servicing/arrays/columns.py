"""A loan as the columns of the day's run: the same figures that its events lead to."""

from __future__ import annotations

from math import gcd

import numpy as np

from puhui.servicing.arrays.live import OWING, PLAN
from puhui.servicing.nouns import Direction, InstalmentState, LoanState, Method, Servicing
from puhui.servicing.rules.accrue import (
    balance_ahead,
    current_index,
    fixed_interest,
    interest_to_day,
    period_factor,
)

EVEN = "half_even"


def columns_of(state: LoanState) -> dict[str, int]:
    """The columns of a loan as it stands on ``state.on``; days are ordinals, amounts minor units.

    Names are those of ``arrays.live.LIVE_FIELDS``; columns that only a day decides are left out.
    ``accrued_minor`` is interest and penalty earned to the day and not paid.
    """
    on = state.on.toordinal()
    rate, per = (state.terms.annual_rate * state.servicing.penalty_multiplier).as_integer_ratio()
    year = per * state.servicing.penalty_year_days
    shared = gcd(rate, year) or 1
    owed = [row for row in state.instalments if row.due_on <= state.on and row.owed_minor]
    if state.is_written_off:
        owed = []
    found = {
        "opened_on": state.terms.starts_on.toordinal(),
        "matures_on": state.instalments[-1].due_on.toordinal(),
        "counted_on": on,
        "principal_minor": state.disbursed_minor,
        "outstanding_minor": state.outstanding_minor,
        "is_half_even": int(state.terms.rounding.value == EVEN),
        "penalty_numerator": rate // shared,
        "penalty_denominator": year // shared,
        "grace_days": state.servicing.grace_days,
        "owing_principal_minor": sum(row.principal_owed_minor for row in owed),
        "owing_interest_minor": sum(r.interest_due_minor - r.interest_paid_minor for r in owed),
        "owing_fee_minor": sum(row.fee_due_minor - row.fee_paid_minor for row in owed),
        "owing_penalty_minor": sum(r.penalty_due_minor - r.penalty_paid_minor for r in owed),
        "arrears_minor": state.arrears_minor,
        "days_past_due": state.days_past_due,
        "oldest_due_on": on - state.days_past_due if state.days_past_due else 0,
        "is_amortising": int(
            state.terms.method in (Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL)
        ),
        "rate_millionths": int(state.terms.annual_rate * 1_000_000),
    }
    found["accrued_minor"] = (
        found["owing_interest_minor"] + found["owing_penalty_minor"] + interest_to_day(state)
    )
    return found | _running(state)


def _running(state: LoanState) -> dict[str, int]:
    """The columns of the instalment that runs on ``state.on``, all nought where none does."""
    index = None if state.is_written_off else current_index(state)
    if index is None:
        names = ("number", "fixed_minor", "ahead_minor", "fixed_on", "next_due_on",
                 "next_principal_minor", "next_interest_minor", "next_interest_paid_minor",
                 "next_fee_minor", "factor_numerator")  # fmt: skip
        return dict.fromkeys(names, 0) | {"factor_denominator": 1}
    row = state.instalments[index]
    numerator, denominator = daily_factor(state, index)
    return {
        "number": row.number,
        "fixed_minor": fixed_interest(state, index),
        "ahead_minor": balance_ahead(state, index),
        "fixed_on": row.counted_until.toordinal(),
        "factor_numerator": numerator,
        "factor_denominator": denominator,
        "next_due_on": row.due_on.toordinal(),
        "next_principal_minor": row.principal_owed_minor,
        "next_interest_minor": row.interest_due_minor,
        "next_interest_paid_minor": row.interest_paid_minor,
        "next_fee_minor": row.fee_due_minor - row.fee_paid_minor,
    }


def daily_factor(state: LoanState, index: int) -> tuple[int, int]:
    """Interest per minor unit and day of the period of instalment ``index``, in lowest terms."""
    row = state.instalments[index]
    numerator, denominator = period_factor(state, index)
    denominator *= (row.due_on - row.starts_on).days
    shared = gcd(numerator, denominator)
    return numerator // shared, denominator // shared


def owing_of(state: LoanState) -> bytes:
    """What is owed of instalments due by ``state.on``, packed as records ``OWING``."""
    if state.is_written_off:
        return b""
    rows = [_owing(r) for r in state.instalments if r.due_on <= state.on and r.owed_minor]
    return np.array(rows, dtype=OWING).tobytes()


def _owing(row: InstalmentState) -> tuple[int, ...]:
    return (
        row.number,
        row.due_on.toordinal(),
        row.principal_owed_minor,
        row.interest_due_minor - row.interest_paid_minor,
        row.fee_due_minor - row.fee_paid_minor,
        row.penalty_paid_minor,
        row.overdue_minor_days,
        max(row.counted_until, row.due_on).toordinal(),
    )


def plan_of(state: LoanState) -> bytes:
    """The instalments that run or are ahead on ``state.on``, packed as records ``PLAN``."""
    index = current_index(state)
    if index is None or state.is_written_off:
        return b""
    rows = [
        (
            row.number,
            row.starts_on.toordinal(),
            row.due_on.toordinal(),
            row.principal_owed_minor,
            row.interest_due_minor,
            row.fee_due_minor - row.fee_paid_minor,
            *daily_factor(state, place),
        )
        for place, row in enumerate(state.instalments[index:], index)
    ]
    return np.array(rows, dtype=PLAN).tobytes()


def allocation_text(servicing: Servicing) -> str:
    """The order in which money is used, as one text that ``rules.debit`` reads."""
    keys = ",".join(f"{timing.value}.{part.value}" for timing, part in servicing.allocation)
    is_vertical = servicing.direction is Direction.VERTICAL
    return f"{'vertical' if is_vertical else 'horizontal'}|{keys}"
