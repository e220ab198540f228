"""Rules of complaints: when an answer is due, and what a complaint must say."""

from __future__ import annotations

from datetime import date, timedelta

from puhui.complaint.nouns import ComplaintClock
from puhui.kernel.calendar import next_business_day
from puhui.kernel.errors import Refused

WORDS_LENGTH_MAX = 2_000


def day_after(filed_on: date, business_days: int) -> date:
    """The open day that comes ``business_days`` open days after ``filed_on``, make-up days open."""
    day = filed_on
    for _ in range(business_days):
        day = next_business_day(day + timedelta(days=1)).day
    return day


def answer_due(filed_on: date, clock: ComplaintClock) -> date:
    """The day by which a complaint is answered: what was promised, never later than the law says.

    Source: data/clock.toml.
    """
    latest = filed_on + timedelta(days=clock.calendar_days_max)
    return min(day_after(filed_on, clock.business_days), latest)


def check_words(words: str) -> str:
    """The words of a complaint or an answer, trimmed.

    Refused: ``complaint.no_words``, ``complaint.too_long``.
    """
    found = words.strip()
    if not found:
        raise Refused("complaint.no_words", "A complaint and its answer are made of words.")
    if len(found) > WORDS_LENGTH_MAX:
        raise Refused("complaint.too_long", f"At most {WORDS_LENGTH_MAX} characters.")
    return found


def check_subject(subject: str, clock: ComplaintClock) -> None:
    """Whether a complaint may be about it. Refused: ``complaint.bad_subject``."""
    if subject not in {name for name, _, _ in clock.subjects}:
        raise Refused("complaint.bad_subject", f"A complaint is not about {subject[:40]!r}.")
