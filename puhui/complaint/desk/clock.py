"""The clock of complaints, read once from its dated figures."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

from puhui.complaint.nouns import ComplaintClock


@lru_cache(maxsize=1)
def read_clock() -> ComplaintClock:
    """How long an answer may take, and what a complaint may be about."""
    text = (files("puhui.complaint") / "data" / "clock.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    return ComplaintClock(
        business_days=told["answer"]["business_days"]["value"],
        calendar_days_max=told["answer"]["calendar_days_max"]["value"],
        soon_business_days=told["soon"]["business_days"]["value"],
        subjects=tuple((one["name"], one["zh"], one["en"]) for one in told["subject"]),
    )
