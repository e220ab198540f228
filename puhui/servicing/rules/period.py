"""Periods: due days from a plan, and period factors as whole numbers over one denominator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from puhui.kernel.calendar import (
    BusinessDay,
    add_months,
    next_business_day,
    previous_business_day,
)
from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding
from puhui.servicing.nouns import DayCount, Frequency, Plan, Shift, YearCut

COUNT_MAX = 480
"""The most instalments one schedule may have (forty years by months): a bound, not a rule."""

YEAR_DAYS = {DayCount.THIRTY_360: 360, DayCount.ACT_360: 360, DayCount.ACT_364: 364}


def due_days(plan: Plan, starts_on: date) -> tuple[tuple[date, ...], bool]:
    """The due day of each instalment, and whether the holidays of all those years are known.

    Months keep their anchor day, so 31 January is followed by the last of February and by
    31 March. With ``shifts_due_days`` a day on which banks are closed moves as ``plan.shift``
    says; interest by actual days then runs to the moved day. Refused: ``lending.bad_terms``.
    """
    if not 1 <= plan.count <= COUNT_MAX or plan.every < 1:
        raise Refused("lending.bad_terms", f"{plan.count} instalments cannot be planned.")
    if plan.frequency is Frequency.MONTHS:
        days = month_days(starts_on, plan.every, plan.count, plan.anchor_day)
    else:
        step = plan.every * (7 if plan.frequency is Frequency.WEEKS else 1)
        days = tuple(
            starts_on + timedelta(days=step * number) for number in range(1, plan.count + 1)
        )
    if not plan.shifts_due_days:
        return days, True
    moved = tuple(open_day(plan, day) for day in days)
    return tuple(found.day for found in moved), all(found.is_published for found in moved)


def open_day(plan: Plan, day: date) -> BusinessDay:
    """Where a planned due day comes to lie: itself, or the open day that the plan's shift names.

    ``is_published`` is false where the holidays of a day looked at are not known yet.
    """
    if not plan.shifts_due_days:
        return BusinessDay(day, is_open=True, is_published=True)
    if plan.shift is Shift.PREVIOUS:
        return previous_business_day(day)
    found = next_business_day(day)
    if plan.shift is Shift.MODIFIED_NEXT and found.day.month != day.month:
        before = previous_business_day(day)
        return BusinessDay(before.day, True, found.is_published and before.is_published)
    return found


@lru_cache(maxsize=4096)
def month_days(starts_on: date, every: int, count: int, anchor_day: int | None) -> tuple[date, ...]:
    """Due days by months; remembered because loans of one day share them."""
    return tuple(
        add_months(starts_on, every * number, anchor_day) for number in range(1, count + 1)
    )


def factors(plan: Plan, starts_on: date, days: Sequence[date]) -> tuple[tuple[int, ...], int]:
    """Interest of each period per unit of balance, as whole numerators over one denominator.

    30/360 counts a month as 30 days whatever the dates say (periods of days or weeks count actual
    days over 360); the other counts take actual days. act/act divides by 366 for the days that
    fall in leap years and by 365 for the others, and cuts a period at 31 December (that day
    belongs to the new year, as Apache Fineract counts: 12 December 2023 to 12 January 2024 is
    19/365 + 12/366) or at 1 January (20/365 + 11/366), by ``plan.year_cut``.
    Refused: ``lending.bad_terms`` for a rate below nought or not finite.
    """
    rate = plan.annual_rate
    if not rate.is_finite() or rate < 0:
        raise Refused("lending.bad_terms", "The annual rate must not be below nought.")
    if plan.day_count is DayCount.THIRTY_360 and plan.frequency is Frequency.MONTHS:
        numerator, denominator = rate.as_integer_ratio()
        return (numerator * 30 * plan.every,) * len(days), denominator * 360
    cuts_last = plan.year_cut is YearCut.LAST_DAY
    return factors_of(rate, year_of(plan.day_count), cuts_last, (starts_on, *days))


def year_of(count: DayCount) -> int:
    """The days of a year by a day count, 0 for act/act, which asks each year."""
    if count is DayCount.ACT_365:
        return 365
    return 0 if count is DayCount.ACT_ACT else YEAR_DAYS[count]


@lru_cache(maxsize=4096)
def factors_of(
    rate: Decimal, year: int, cuts_last: bool, bounds: tuple[date, ...]
) -> tuple[tuple[int, ...], int]:
    """The work of ``factors``, 0 for an act/act year; loans of one day and price share them."""
    numerator, denominator = rate.as_integer_ratio()
    if not year:
        cut = YearCut.LAST_DAY if cuts_last else YearCut.FIRST_DAY
        return tuple(
            numerator * year_parts(first, last, cut) for first, last in pairwise(bounds)
        ), denominator * 365 * 366
    return tuple(
        numerator * (last - first).days for first, last in pairwise(bounds)
    ), denominator * year


def year_parts(first: date, last: date, cut: YearCut) -> int:
    """Days of a period as parts of 365 x 366: 366 for a common year's day, 365 for a leap one's."""
    parts = 0
    while first < last:
        edge = date(first.year, 12, 31) if cut is YearCut.LAST_DAY else date(first.year + 1, 1, 1)
        year = first.year
        if first >= edge:
            edge = date(first.year + 1, 12, 31)
            year = first.year + 1
        stop = min(last, edge)
        is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        parts += (stop - first).days * (365 if is_leap else 366)
        first = stop
    return parts


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """``numerator`` over ``denominator`` as a whole number; both not negative, half up or even."""
    whole, rest = divmod(2 * numerator + denominator, 2 * denominator)
    if rest == 0 and rounding is Rounding.HALF_EVEN and whole % 2:
        return whole - 1
    return whole
