"""Age and class of one loan: bucket 逾期阶段, 五级分类, stage of IFRS 9, suspension of interest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta

from puhui.servicing.nouns.live import Judged, RiskClass, RiskFigures

Pause = tuple[int, int]
"""A pause of ageing: the number of its first day, and of the day on which ageing goes on."""


def days_counted(days_past_due: int, day: int, pauses: Sequence[Pause]) -> int:
    """Days past due without those of pauses, up to the day number ``day``.

    A pause counts from the oldest due day on that is not paid: what it spared a debt that is gone,
    or a time in which nothing was past due, takes nothing off the age of another.
    """
    oldest = day - days_past_due
    paused = sum(max(0, min(day, until) - max(oldest, since)) for since, until in pauses)
    return days_past_due - paused


def with_pause(pauses: Sequence[Pause], day: int, until: int) -> tuple[Pause, ...]:
    """Pauses after one begins on ``day``, in place of the rest of one that runs; ``until`` is the
    day it ends on, ``day`` itself where it does but end the one that runs.
    """
    cut = ((since, min(day, ends)) for since, ends in pauses if since < day)
    return (*cut, (day, until)) if until > day else tuple(cut)


def month_ends(after: int, before: int) -> tuple[date, ...]:
    """The last days of months past the day number ``after`` and before ``before``, in order."""
    found: list[date] = []
    first = date.fromordinal(after + 1).replace(day=1)
    while True:
        first = (first + timedelta(days=32)).replace(day=1)
        last = first - timedelta(days=1)
        if last.toordinal() >= before:
            return tuple(found)
        found.append(last)


def last_month_end(day: int) -> int:
    """The number of the last day of a month that is not after the day number ``day``."""
    on = date.fromordinal(day)
    return day if (on + timedelta(days=1)).day == 1 else on.replace(day=1).toordinal() - 1


def judge_loan(
    figures: RiskFigures,
    day: int,
    days: int,
    *,
    stage_before: int,
    cleared_on: int,
    watch_until: int,
    is_again: bool = False,
    has_risen: bool = False,
    lost_millionths: int = 0,
) -> Judged:
    """Bucket, class and stage of a loan that is ``days`` past due on the day number ``day``.

    Past the first day it is special mention, past 90 days substandard, past 270 doubtful, past 360
    a loss; restructured loans are at least special mention and in stage two while they are watched,
    and substandard where they were restructured again (``is_again``) while they were watched.
    Past 30 days, or where the chance of default ``has_risen`` much since the loan was opened, stage
    two; past 90 days stage three; out of stage three only after the probation without
    arrears. An impaired loan is substandard at the least; doubtful or a loss where as many
    ``lost_millionths`` of it as the rules say are lost. Sources: ``data/risk.toml``.
    """
    special, substandard, doubtful, loss, two, three, probation = figures.bounds
    is_watched = watch_until > day
    stage = 3 if days >= three else 2 if days >= two or is_watched or has_risen else 1
    cleared = 0
    if stage_before == 3 and stage < 3:
        cleared = (cleared_on or day) if days == 0 else 0
        if days or day - cleared < probation:
            stage = 3
        else:
            cleared = 0
    risk = RiskClass(sum(days >= bound for bound in (special, substandard, doubtful, loss)))
    if is_watched:
        risk = max(risk, RiskClass.SUBSTANDARD if is_again else RiskClass.SPECIAL_MENTION)
    if stage == 3:
        lost = sum(lost_millionths >= bound for bound in figures.lost_bounds)
        risk = max(risk, RiskClass(RiskClass.SUBSTANDARD + lost))
    return Judged(
        bisect_right(figures.buckets, days),
        risk,
        stage,
        stage == 3 or days >= figures.suspended_from,
        cleared,
    )


def has_risen(figures: RiskFigures, first_grade: int, grade: int) -> bool:
    """Whether the chance of default is a multiple of that on the first day: a significant increase
    in risk under IFRS 9 5.5.9, whatever is past due. Grades count from 1, 0 is none known.
    """
    if not first_grade or grade <= first_grade:
        return False
    before, now = figures.grades[first_grade - 1], figures.grades[grade - 1]
    return now >= before * figures.rise


def is_debit_day(figures: RiskFigures, days_past_due: int) -> bool:
    """Whether the wallet is asked on this day: the due day, each day at first, rarely later."""
    if days_past_due <= figures.debit_daily_days:
        return True
    return (days_past_due - figures.debit_daily_days) % figures.debit_later_days == 0
