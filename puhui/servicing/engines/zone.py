"""The zone 时区 in whose hours people are spoken to: their own, or a setting of the house."""

from __future__ import annotations

import os
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from puhui.kernel.clock import BUSINESS_ZONE, time_of, time_us_of
from puhui.kernel.errors import Refused

SETTING = "PUHUI_CONTACT_ZONE"


def house_zone() -> str:
    """The name of the house's zone, such as Asia/Almaty; "" for China's."""
    return os.environ.get(SETTING, "")


def local_time(now_us: int, zone: str) -> datetime:
    """The time in a zone by its name, "" for China. Refused: ``servicing.bad_zone``."""
    if not zone:
        return time_of(now_us).astimezone(BUSINESS_ZONE)
    try:
        return time_of(now_us).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("servicing.bad_zone", f"This names no zone: {zone[:40]!r}.") from None


def day_starts_us(moment: datetime, days_before: int = 0) -> int:
    """When the day of a local time began, or one so many days before, in its own zone."""
    day = moment.date() - timedelta(days=days_before)
    return time_us_of(datetime.combine(day, time(), moment.tzinfo))
