"""Days: the State Council's holidays and make-up days, and an honest end of what is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel.calendar import (
    add_months,
    business_day,
    days_between,
    last_published_year,
    next_business_day,
)

# State Council, 国办发明电〔2024〕12号 for 2025 and 国办发明电〔2025〕7号 for 2026: the working
# weekends, and days of the week that are off.
MADE_UP = [
    date(2025, 1, 26),
    date(2025, 2, 8),
    date(2025, 4, 27),
    date(2025, 9, 28),
    date(2025, 10, 11),
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
]
OFF = [
    *(date(2025, 1, 28) + timedelta(days=n) for n in range(8)),
    *(date(2025, 5, 1) + timedelta(days=n) for n in range(5)),
    *(date(2025, 10, 1) + timedelta(days=n) for n in range(8)),
    date(2026, 1, 1),
    date(2026, 1, 2),
    date(2026, 1, 3),
    *(date(2026, 2, 15) + timedelta(days=n) for n in range(9)),
    date(2026, 4, 4),
    date(2026, 4, 5),
    date(2026, 4, 6),
    *(date(2026, 5, 1) + timedelta(days=n) for n in range(5)),
    date(2026, 6, 19),
    date(2026, 6, 20),
    date(2026, 6, 21),
    *(date(2026, 9, 25) + timedelta(days=n) for n in range(3)),
    *(date(2026, 10, 1) + timedelta(days=n) for n in range(7)),
]


@pytest.mark.parametrize("day", MADE_UP)
def test_weekends_that_are_worked(day: date) -> None:
    assert day.weekday() >= 5
    assert business_day(day).is_open
    assert business_day(day).is_published


@pytest.mark.parametrize("day", OFF)
def test_days_that_are_off(day: date) -> None:
    assert not business_day(day).is_open
    assert business_day(day).is_published


def test_each_day_of_two_years_is_as_the_lists_say() -> None:
    """Weekdays are open and weekends closed, but for the lists."""
    day, off, made_up = date(2026, 1, 1), set(OFF), set(MADE_UP)
    while day.year == 2026:
        expected = day in made_up or (day.weekday() < 5 and day not in off)
        assert business_day(day).is_open == expected, day
        day += timedelta(days=1)


def test_past_the_lists_nothing_is_guessed() -> None:
    """This also tells when the package's inner name for its lists is gone."""
    assert last_published_year() >= 2026
    unknown = last_published_year() + 1
    new_year = business_day(date(unknown, 10, 1))
    assert not new_year.is_published
    assert new_year.is_open == (date(unknown, 10, 1).weekday() < 5)
    if last_published_year() == 2026:
        assert not business_day(date(2027, 1, 4)).is_published


def test_the_next_open_day() -> None:
    spring = next_business_day(date(2026, 2, 15))
    assert (spring.day, spring.is_open, spring.is_published) == (date(2026, 2, 24), True, True)
    assert next_business_day(date(2026, 2, 28)).day == date(2026, 2, 28), "a worked Saturday"
    assert next_business_day(date(2026, 3, 2)).day == date(2026, 3, 2)
    end = date(last_published_year(), 12, 31)
    while end.weekday() < 5:
        end += timedelta(days=1)
    assert not next_business_day(end).is_published


def test_months_keep_their_anchor() -> None:
    start = date(2026, 1, 31)
    assert [add_months(start, n, 31) for n in range(4)] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]
    assert add_months(date(2026, 2, 28), 1, 31) == date(2026, 3, 31)
    assert add_months(date(2026, 2, 28), 1) == date(2026, 3, 28)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert add_months(date(2026, 1, 15), -1) == date(2025, 12, 15)


@given(st.dates(date(1990, 1, 1), date(2080, 12, 31)), st.integers(-300, 300))
def test_months_move_by_their_number(day: date, count: int) -> None:
    moved = add_months(day, count, day.day)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == count
    assert moved.day <= day.day
    assert days_between(day, moved) == (moved - day).days
