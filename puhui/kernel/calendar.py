"""Days: Chinese business days with make-up days, months that keep their anchor, and spans."""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays
from holidays.countries.china import ChinaStaticHolidays


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """Whether banks work on ``day``, and whether the State Council's list reaches that year."""

    day: date
    is_open: bool
    is_published: bool


@lru_cache(maxsize=1)
def last_published_year() -> int:
    """The last year whose holidays and make-up days the State Council's notices give here."""
    return max(ChinaStaticHolidays.special_public_holidays)


@lru_cache(maxsize=256)
def _closed_days(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("CN", years=year)


def business_day(day: date) -> BusinessDay:
    """Look ``day`` up: make-up working weekends are open, public holidays are closed.

    Past the last published year only weekends are known to be closed, and ``is_published`` is
    false: nobody knows the holidays of that year yet, so none are guessed. Source: the State
    Council's yearly notices as kept by the package ``holidays``.
    """
    if day.year > last_published_year():
        return BusinessDay(day, is_open=day.weekday() < 5, is_published=False)
    return BusinessDay(day, is_open=_closed_days(day.year).is_working_day(day), is_published=True)


def next_business_day(day: date) -> BusinessDay:
    """The first open day on or after ``day``; unpublished as soon as one day passed is."""
    is_published = True
    for offset in range(32):
        found = business_day(day + timedelta(days=offset))
        is_published = is_published and found.is_published
        if found.is_open:
            return BusinessDay(found.day, is_open=True, is_published=is_published)
    raise AssertionError(day)


def previous_business_day(day: date) -> BusinessDay:
    """The last open day on or before ``day``; unpublished as soon as one day passed is."""
    is_published = True
    for offset in range(32):
        found = business_day(day - timedelta(days=offset))
        is_published = is_published and found.is_published
        if found.is_open:
            return BusinessDay(found.day, is_open=True, is_published=is_published)
    raise AssertionError(day)


def add_months(day: date, count: int, anchor_day: int | None = None) -> date:
    """``day`` moved by ``count`` months, on ``anchor_day`` or the last day of a shorter month.

    The anchor is the day of the month a contract began on, so that 31 January, 28 February,
    31 March follow one another; without it the day of ``day`` counts.
    """
    month = day.year * 12 + day.month - 1 + count
    year, index = divmod(month, 12)
    last = months.monthrange(year, index + 1)[1]
    return date(year, index + 1, min(anchor_day or day.day, last))


def days_between(start: date, end: date) -> int:
    """Calendar days from ``start`` to ``end``, the first not counted."""
    return (end - start).days
