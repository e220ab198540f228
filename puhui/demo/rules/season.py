"""Days of the county: market days, weekends, seasons and the buying before festivals."""

from __future__ import annotations

from datetime import date

import numpy as np

from puhui.demo.nouns import Figures, Floats
from puhui.kernel.calendar import days_between

MARKET_ENDINGS = ((1, 4, 7), (2, 5, 8), (3, 6, 9), (0, 5))
"""Last digits of the days of the month on which a town holds its market (赶集), by pattern."""


def day_number(day: date) -> int:
    """Days since 1970-01-01, as flows count them."""
    return days_between(date(1970, 1, 1), day)


def is_market_day(day: date, pattern: int) -> bool:
    """Whether towns of ``pattern`` (0..3) hold their market on ``day``."""
    return day.day % 10 in MARKET_ENDINGS[pattern]


def is_before_festival(day: date, figures: Figures) -> bool:
    """Whether ``day`` lies in the days of buying before a festival, the festival included."""
    lead = figures.festival_lead_days
    return any(0 <= (festival - day).days <= lead for festival in figures.festivals)


def is_new_year_rest(day: date, figures: Figures) -> bool:
    """Whether shops are shut for the first three days of the Spring Festival."""
    return any(0 <= (day - festival).days <= 2 for festival in figures.spring_festivals)


def day_factors(days: tuple[date, ...], figures: Figures) -> Floats:
    """Factors of sales, ``(trades, patterns, days)`` float64; 0 when everybody rests.

    Each is the product of the month's factor and those of weekend, market day and festival.
    """
    made = np.ones((len(figures.trades), len(MARKET_ENDINGS), len(days)))
    for at, day in enumerate(days):
        is_rest = is_new_year_rest(day, figures)
        is_festival = is_before_festival(day, figures)
        for row, trade in enumerate(figures.trades):
            factor = trade.months[day.month - 1]
            factor *= trade.weekend if day.weekday() >= 5 else 1.0
            factor *= trade.festival if is_festival else 1.0
            for pattern in range(len(MARKET_ENDINGS)):
                at_market = trade.market_day if is_market_day(day, pattern) else 1.0
                made[row, pattern, at] = 0.0 if is_rest else factor * at_market
    return made
