"""Time: where it comes from, and how it is written down."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

BUSINESS_ZONE = timezone(timedelta(hours=8), "CST")
"""China keeps one civil time all year (UTC+8, no summer time since 1991)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EPOCH_DAY = EPOCH.toordinal()
_ZONE_US = BUSINESS_ZONE.utcoffset(None) // timedelta(microseconds=1)
_DAY_US = timedelta(days=1) // timedelta(microseconds=1)


class Clock(Protocol):
    """A source of time in microseconds since 1970-01-01 UTC."""

    def now_us(self) -> int:
        """The time now, in microseconds UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_us(self) -> int:
        """The machine's time in microseconds UTC."""
        return time.time_ns() // 1000


class FixedClock:
    """A clock that stands still until it is set: for tests, replay and simulated days."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """The time it was set to, in microseconds UTC."""
        return self._now_us

    def set_us(self, now_us: int) -> None:
        """Move to ``now_us``; backwards is allowed, as real clocks do it too."""
        self._now_us = now_us


def time_of(time_us: int) -> datetime:
    """The aware UTC time of ``time_us`` microseconds since 1970."""
    return EPOCH + timedelta(microseconds=time_us)


def time_us_of(moment: datetime) -> int:
    """Microseconds since 1970 of an aware ``moment``."""
    assert moment.tzinfo is not None, moment
    return (moment - EPOCH) // timedelta(microseconds=1)


def business_date(time_us: int) -> date:
    """The calendar day in China at ``time_us``: contracts, due dates and limits count by it."""
    return date.fromordinal(_EPOCH_DAY + (time_us + _ZONE_US) // _DAY_US)


def start_of_day_us(day: date) -> int:
    """The first microsecond of ``day`` in China, as microseconds UTC."""
    return time_us_of(datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE))
