"""A loan as the columns of the day's run: the same figures that its events lead to."""

from __future__ import annotations

from datetime import date
from math import gcd

import numpy as np

from puhui.servicing.arrays.day import units
from puhui.servicing.arrays.live import OWING, PLAN
from puhui.servicing.nouns import Direction, Interest, Method, Plan, PlanRow, PlanState, YearCut
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.replay.calendar import factor, year_cut_of

EVEN = "half_even"
CUTS = {YearCut.LAST_DAY: 1, YearCut.FIRST_DAY: 2}
"""What the column ``year_cut`` says where it is not 0."""


def columns_of(state: PlanState) -> dict[str, int]:
    """The columns of a loan as it stands on ``state.on``; days are ordinals, amounts minor units.

    Names are those of ``arrays.live.LIVE_FIELDS``; columns that only a day decides are left out.
    ``accrued_minor`` is interest and penalty earned to the day and not paid, a penalty too that
    falls due with the instalment that runs.
    """
    on, plan = state.on.toordinal(), state.plan
    rate, per = (state.penalty_annual_rate * plan.penalty_multiplier).as_integer_ratio()
    year = per * plan.penalty_year_days
    shared = gcd(rate, year) or 1
    owed = [row for row in state.rows if row.due_on <= state.on and row.owed_minor]
    if state.is_written_off:
        owed = []
    found = {
        "opened_on": state.drawn[0][0].toordinal(),
        "matures_on": state.rows[-1].due_on.toordinal(),
        "counted_on": on,
        "principal_minor": state.disbursed_minor,
        "outstanding_minor": state.outstanding_minor,
        "is_half_even": int(plan.rounding.value == EVEN),
        "penalty_numerator": rate // shared,
        "penalty_denominator": year // shared,
        "penalty_on_interest": int(plan.penalty_on_interest),
        "grace_days": plan.grace_days,
        "owing_principal_minor": sum(row.principal_owed_minor for row in owed),
        "owing_interest_minor": sum(row.interest_owed_minor for row in owed),
        "owing_fee_minor": sum(row.fee_owed_minor for row in owed),
        "owing_penalty_minor": sum(row.penalty_owed_minor for row in owed),
        "arrears_minor": state.arrears_minor,
        "days_past_due": state.days_past_due,
        "oldest_due_on": on - state.days_past_due if state.days_past_due else 0,
        "is_amortising": int(plan.method in (Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL)),
        "year_cut": _year_cut(plan),
        "looks_back": int(state.looks_back),
        "rate_millionths": int(state.annual_rate * 1_000_000),
    }
    found |= _pauses(state)
    found |= _running(state)
    found["accrued_minor"] = (
        found["owing_interest_minor"]
        + found["owing_penalty_minor"]
        + found["next_penalty_minor"]
        + _accruing(state)
    )
    return found


def _pauses(state: PlanState) -> dict[str, int]:
    """The pause of ageing that runs, and how many days were paused before it."""
    on, pauses = state.on.toordinal(), state.pauses
    runs = bool(pauses) and pauses[-1][1] > on
    since, until = pauses[-1] if runs else (0, 0)
    ended = pauses[:-1] if runs else pauses
    days = sum(ends - begins for begins, ends in ended)
    return {"paused_from": since, "paused_until": until, "paused_days": days}


def running_place(state: PlanState) -> int | None:
    """The first row that is not due yet on ``state.on``; None after the last, or a write-off."""
    if state.is_written_off:
        return None
    for place, row in enumerate(state.rows):
        if row.due_on > state.on:
            return place
    return None


def _accruing(state: PlanState) -> int:
    """Interest of the running row by what its columns say, earned and not paid."""
    place = running_place(state)
    if place is None:
        return 0
    row = state.rows[place]
    earned = _fixed(state, place) + _portion(state, place, row.counted_until, state.on)
    return max(0, earned - row.interest_paid_minor - row.interest_waived_minor)


def _ahead(state: PlanState, place: int) -> int:
    return sum(row.principal_owed_minor for row in state.rows[place:])


def _portion(state: PlanState, place: int, first: date, last: date) -> int:
    numerator, denominator = daily_factor(state, place)
    days = units(first.toordinal(), last.toordinal(), _year_cut(state.plan))
    return divide(_ahead(state, place) * numerator * days, denominator, state.plan.rounding)


def _fixed(state: PlanState, place: int) -> int:
    """Interest of a row less that of its days from ``counted_until`` on."""
    row = state.rows[place]
    return row.interest_minor - _portion(state, place, row.counted_until, row.due_on)


def _running(state: PlanState) -> dict[str, int]:
    """The columns of the instalment that runs on ``state.on``, all nought where none does."""
    place = running_place(state)
    if place is None:
        names = ("number", "fixed_minor", "ahead_minor", "fixed_on", "next_due_on",
                 "next_principal_minor", "next_interest_minor", "next_interest_paid_minor",
                 "next_fee_minor", "next_penalty_minor", "factor_numerator")  # fmt: skip
        return dict.fromkeys(names, 0) | {"factor_denominator": 1}
    row = state.rows[place]
    numerator, denominator = daily_factor(state, place)
    return {
        "number": row.number,
        "fixed_minor": _fixed(state, place),
        "ahead_minor": _ahead(state, place),
        "fixed_on": row.counted_until.toordinal(),
        "factor_numerator": numerator,
        "factor_denominator": denominator,
        "next_due_on": row.due_on.toordinal(),
        "next_principal_minor": row.principal_owed_minor,
        "next_interest_minor": row.interest_minor,
        "next_interest_paid_minor": row.interest_paid_minor + row.interest_waived_minor,
        "next_fee_minor": row.fee_owed_minor,
        "next_penalty_minor": row.penalty_owed_minor,
    }


def daily_factor(state: PlanState, place: int) -> tuple[int, int]:
    """Interest per minor unit and day of the period of row ``place``, in lowest terms.

    Flat interest is spread over the days of its period, whatever is left of principal. Where the
    days of each year count by its length it is per part of a day (``arrays.day.units``).
    """
    row, plan = state.rows[place], state.plan
    days = (row.due_on - row.starts_on).days
    if days <= 0:
        return 0, 1
    if _year_cut(plan):
        numerator, denominator = row.annual_rate.as_integer_ratio()
        denominator *= 365 * 366
    elif plan.interest is Interest.FLAT:
        numerator, denominator = row.interest_minor, max(1, _ahead(state, place)) * days
    else:
        numerator, denominator = factor(plan, row, row.starts_on, row.due_on)
        denominator *= days
    shared = gcd(numerator, denominator)
    return numerator // shared, denominator // shared


def _year_cut(plan: Plan) -> int:
    """The column of that name."""
    cut = year_cut_of(plan)
    return 0 if cut is None else CUTS[cut]


def owing_of(state: PlanState) -> bytes:
    """What is owed of instalments due by ``state.on``, packed as records ``OWING``."""
    if state.is_written_off:
        return b""
    rows = [_owing(r) for r in state.rows if r.due_on <= state.on and r.owed_minor]
    return np.array(rows, dtype=OWING).tobytes()


def _owing(row: PlanRow) -> tuple[int, ...]:
    """Penalties that no days change count as paid below nought."""
    return (
        row.number,
        row.due_on.toordinal(),
        row.principal_owed_minor,
        row.interest_owed_minor,
        row.fee_owed_minor,
        row.penalty_paid_minor + row.penalty_waived_minor - row.penalty_charged_minor,
        row.overdue_minor_days,
        max(row.counted_until, row.due_on).toordinal(),
    )


def plan_of(state: PlanState) -> bytes:
    """The instalments that run or are ahead on ``state.on``, packed as records ``PLAN``."""
    place = running_place(state)
    if place is None:
        return b""
    rows = [
        (
            row.number,
            row.starts_on.toordinal(),
            row.due_on.toordinal(),
            row.principal_owed_minor,
            row.interest_minor - (row.interest_paid_minor + row.interest_waived_minor) * (n > 0),
            row.fee_owed_minor,
            *daily_factor(state, place + n),
            row.penalty_owed_minor,
        )
        for n, row in enumerate(state.rows[place:])
    ]
    return np.array(rows, dtype=PLAN).tobytes()


def allocation_text(plan: Plan) -> str:
    """The order in which money is used, as one text that ``rules.debit`` reads."""
    keys = ",".join(f"{timing.value}.{part.value}" for timing, part in plan.allocation)
    is_vertical = plan.direction is Direction.VERTICAL
    return f"{'vertical' if is_vertical else 'horizontal'}|{keys}"
