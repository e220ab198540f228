"""Periods: due days from a plan, and period factors as whole numbers over one denominator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
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

FIRST_YEAR, LAST_YEAR = 1970, 2100
"""The years of ``months_of``: a table of the calendar, whatever loans there are."""

MONTHS = Frequency.MONTHS
THIRTY_360, ACT_365, ACT_ACT = DayCount.THIRTY_360, DayCount.ACT_365, DayCount.ACT_ACT
"""Words that every schedule asks for, looked up once: a member of an enum costs 0.1 us each."""

YEAR_DAYS = {DayCount.THIRTY_360: 360, DayCount.ACT_360: 360, DayCount.ACT_364: 364}


def due_days(plan: Plan, starts_on: date) -> tuple[tuple[date, ...], bool]:
    """The due day of each instalment, and whether the holidays of all those years are known.

    Months keep their anchor day, so 31 January is followed by the last of February and by
    31 March. With ``shifts_due_days`` a day on which banks are closed moves as ``plan.shift``
    says; interest by actual days then runs to the moved day. Refused: ``lending.bad_terms``.
    """
    if not 1 <= plan.count <= COUNT_MAX or plan.every < 1:
        raise Refused("lending.bad_terms", f"{plan.count} instalments cannot be planned.")
    if plan.frequency is MONTHS:
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


def month_days(starts_on: date, every: int, count: int, anchor_day: int | None) -> tuple[date, ...]:
    """Due days by months, read off the calendar or, beyond its last year, worked out."""
    first = (starts_on.year - FIRST_YEAR) * 12 + starts_on.month - 1
    if first >= 0:
        days = months_of(anchor_day or starts_on.day, every)[0]
        found = days[first + every : first + every * count + 1 : every]
        if len(found) == count:
            return found
    return tuple(
        add_months(starts_on, every * number, anchor_day) for number in range(1, count + 1)
    )


@lru_cache(maxsize=512)
def months_of(anchor_day: int, every: int) -> tuple[tuple[date, ...], tuple[int, ...]]:
    """The anchor day of every month of the calendar, and its days to that ``every`` months on."""
    start, months = date(FIRST_YEAR, 1, 1), (LAST_YEAR - FIRST_YEAR) * 12
    days = tuple(add_months(start, number, anchor_day) for number in range(months))
    ahead = zip(days, days[every:], strict=False)
    return days, tuple((last - first).days for first, last in ahead)


def factors(plan: Plan, starts_on: date, days: Sequence[date]) -> tuple[tuple[int, ...], int]:
    """Interest of each period per unit of balance, as whole numerators over one denominator.

    30/360 counts a month as 30 days whatever the dates say (periods of days or weeks count actual
    days over 360); the other counts take actual days. act/act divides by 366 for the days that
    fall in leap years and by 365 for the others, and cuts a period at 31 December (that day
    belongs to the new year, as Apache Fineract counts: 12 December 2023 to 12 January 2024 is
    19/365 + 12/366) or at 1 January (20/365 + 11/366), by ``plan.year_cut``.
    Refused: ``lending.bad_terms`` for a rate below nought or not finite.
    """
    numerator, denominator = _rate_of(plan)
    kind = plan.day_count
    if kind is ACT_ACT:
        parts = [
            numerator * year_parts(first, last, plan.year_cut)
            for first, last in pairwise((starts_on, *days))
        ]
        return tuple(parts), denominator * 365 * 366
    if kind is THIRTY_360 and plan.frequency is MONTHS:
        return (numerator * 30 * plan.every,) * len(days), denominator * 360
    parts = [numerator * (last - first).days for first, last in pairwise((starts_on, *days))]
    return tuple(parts), denominator * YEAR_DAYS.get(kind, 365)


def _rate_of(plan: Plan) -> tuple[int, int]:
    rate = plan.annual_rate
    if not rate.is_finite() or rate < 0:
        raise Refused("lending.bad_terms", "The annual rate must not be below nought.")
    return rate.as_integer_ratio()


Months = tuple[tuple[date, ...], tuple[int, ...], int]
"""Due days, and the factors of their periods: numerators over one even denominator."""


def whole_months(plan: Plan, starts_on: date) -> Months | None:
    """``due_days`` and ``factors`` at once, both read off the calendar; None for other plans.

    These are periods by months from the loan's own day of the month, actual days over one length
    of the year, due days that no holiday moves. It reads tables of the calendar, nothing of loans.
    Refused: ``lending.bad_terms`` for a rate below nought or not finite.
    """
    first = (starts_on.year - FIRST_YEAR) * 12 + starts_on.month - 1
    day, every, count = starts_on.day, plan.every, plan.count
    year = 365
    if plan.day_count is not ACT_365:
        year = YEAR_DAYS.get(plan.day_count, 0)
    is_other = (
        plan.frequency is not MONTHS
        or plan.shifts_due_days
        or plan.day_count is THIRTY_360
        or not year
        or first < 0
        or every < 1
        or (plan.anchor_day or day) != day
    )
    if is_other:
        return None
    days, lengths = months_of(day, every)
    last = first + every * count
    found = days[first + every : last + 1 : every]
    if len(found) != count or not 0 < count <= COUNT_MAX:
        return None
    numerator, denominator = _rate_of(plan)
    twice = 2 * numerator
    parts = tuple([twice * length for length in lengths[first:last:every]])
    return found, parts, 2 * denominator * year


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
