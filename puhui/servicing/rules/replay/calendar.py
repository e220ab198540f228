"""Periods of a plan after its reschedules: due days, rates and graces, row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from puhui.kernel.calendar import add_months
from puhui.kernel.errors import Refused
from puhui.servicing.nouns.plan import Basis, Interest, Plan
from puhui.servicing.nouns.terms import DayCount, Frequency, Method, YearCut
from puhui.servicing.rules.period import COUNT_MAX, YEAR_DAYS, open_day, year_parts


class Period(Protocol):
    """What interest of a period follows from: its days, its rate, whether it is a whole one."""

    @property
    def starts_on(self) -> date:
        """The first day."""
        ...

    @property
    def due_on(self) -> date:
        """The day on which it ends."""
        ...

    @property
    def annual_rate(self) -> Decimal:
        """A share per year."""
        ...

    @property
    def is_broken(self) -> bool:
        """Whether its length is not that of the plan's periods."""
        ...

    @property
    def periods(self) -> int:
        """How many periods of the plan it spans."""
        ...


@dataclass(slots=True)
class Slot:
    """One period before amounts: its days, its rate, what starts or pauses with it.

    Its due day was planned as the ``steps``-th after ``origin``, before closed days moved it.
    """

    starts_on: date
    due_on: date
    annual_rate: Decimal
    is_new: bool = False
    has_grace: bool = False
    is_broken: bool = False
    periods: int = 1
    origin: date = date.min
    steps: int = 0


def next_due(plan: Plan, origin: date, number: int) -> date:
    """The ``number``-th due day after ``origin``; a missing day of a month is clamped or rolled.

    Clamped it is the last day of that month, rolled the first day of the next.
    """
    if plan.frequency is Frequency.MONTHS:
        wanted = plan.anchor_day or origin.day
        day = add_months(origin, plan.every * number, wanted)
        is_short = day.day < wanted
        return day + timedelta(days=1) if is_short and not plan.clamps_month_end else day
    step = plan.every * number * (7 if plan.frequency is Frequency.WEEKS else 1)
    return origin + timedelta(days=step)


def slots_of(plan: Plan, starts_on: date) -> tuple[list[Slot], bool]:
    """The periods of ``plan`` from ``starts_on``, and whether all holidays are known.

    Refused: ``lending.bad_terms``.
    """
    if not 1 <= plan.count <= COUNT_MAX or plan.every < 1:
        raise Refused("lending.bad_terms", f"{plan.count} instalments cannot be planned.")
    slots: list[Slot] = []
    start, number = starts_on, 0
    for place in range(plan.count):
        periods = 1 if place else plan.first_periods
        number += periods
        due = next_due(plan, starts_on, number)
        if due <= start:
            raise Refused("lending.bad_terms", "Due days must follow one another.")
        of_period = Decimal(0) if place < plan.interest_free else plan.annual_rate
        slot = Slot(start, due, of_period, periods=periods, origin=starts_on, steps=number)
        slots.append(slot)
        start = due
    if plan.method is Method.DRAW_AT_WILL:
        last = slots[-1]
        slots = [replace(last, starts_on=starts_on, annual_rate=plan.annual_rate, is_broken=True)]
    return slots, _shift(plan, slots)


def _shift(plan: Plan, slots: list[Slot]) -> bool:
    """Move due days to business days if the contract says so; whether all holidays are known."""
    is_published = True
    if plan.shifts_due_days:
        for index, slot in enumerate(slots):
            found = open_day(plan, slot.due_on)
            slot.due_on, is_published = found.day, is_published and found.is_published
            if index + 1 < len(slots):
                slots[index + 1].starts_on = found.day
    return is_published


def factor(plan: Plan, slot: Period, first: date, last: date) -> tuple[int, int]:
    """Interest per unit of balance from ``first`` to ``last`` within ``slot``, as a fraction.

    A whole period counts its months (or its days over 365) whatever the calendar says; 30/360 by
    months counts 30 days a month; part of such a period is taken by actual days, and all of a
    broken one by actual days over 360.
    """
    rate, per = slot.annual_rate.as_integer_ratio()
    is_months = plan.frequency is Frequency.MONTHS
    by_month = plan.basis is Basis.WHOLE_PERIOD or plan.day_count is DayCount.THIRTY_360
    days, length = (last - first).days, (slot.due_on - slot.starts_on).days
    if is_months and by_month and slot.is_broken:
        return rate * days, per * 360
    if is_months and by_month:
        if first == slot.starts_on and last == slot.due_on:
            return rate * plan.every * slot.periods, per * 12
        return rate * plan.every * slot.periods * days, per * 12 * length
    if plan.day_count is DayCount.ACT_ACT:
        return rate * year_parts(first, last, plan.year_cut), per * 365 * 366
    return rate * days, per * YEAR_DAYS.get(plan.day_count, 365)


def even_factor(plan: Plan, slot: Period, first: date, last: date) -> tuple[int, int]:
    """The same, each day of the period alike: what days of it are of the whole period's factor.

    Alike but for the length of its year, where the plan ``counts_each_year``.
    """
    if plan.counts_each_year:
        return factor(plan, slot, first, last)
    numerator, denominator = factor(plan, slot, slot.starts_on, slot.due_on)
    return numerator * (last - first).days, denominator * (slot.due_on - slot.starts_on).days


def year_cut_of(plan: Plan) -> YearCut | None:
    """Where a year ends for interest within a period; None where its days bear alike.

    They do by every count of days but act/act, over whole months, and where interest is flat.
    """
    is_alike = (
        not plan.counts_each_year
        or plan.day_count is not DayCount.ACT_ACT
        or plan.interest is Interest.FLAT
        or (plan.frequency is Frequency.MONTHS and plan.basis is Basis.WHOLE_PERIOD)
    )
    return None if is_alike else plan.year_cut
