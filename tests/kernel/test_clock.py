"""Time: microseconds, aware times, and China's civil day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel.clock import (
    FixedClock,
    SystemClock,
    business_date,
    start_of_day_us,
    time_of,
    time_us_of,
)


@given(st.integers(-(10**15), 10**16))
def test_microseconds_and_times_are_one(time_us: int) -> None:
    moment = time_of(time_us)
    assert moment.tzinfo is UTC
    assert time_us_of(moment) == time_us
    assert time_us_of(moment.astimezone(timezone(timedelta(hours=-7)))) == time_us


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        time_us_of(datetime(2026, 3, 2))  # noqa: DTZ001  the mistake itself


def test_the_business_day_is_chinas() -> None:
    before = time_us_of(datetime(2026, 3, 1, 15, 59, 59, 999_999, tzinfo=UTC))
    assert business_date(before) == date(2026, 3, 1)
    assert business_date(before + 1) == date(2026, 3, 2)
    assert start_of_day_us(date(2026, 3, 2)) == before + 1


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_a_day_begins_where_the_last_one_ended(day: date) -> None:
    start = start_of_day_us(day)
    assert business_date(start) == day
    assert business_date(start - 1) == day - timedelta(days=1)


def test_clocks() -> None:
    clock = FixedClock(5)
    assert clock.now_us() == clock.now_us() == 5
    clock.set_us(3)
    assert clock.now_us() == 3
    assert business_date(SystemClock().now_us()).year >= 2026
