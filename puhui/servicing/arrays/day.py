"""One day of many loans, compiled: interest, penalty, age, bucket, class and stage."""

from __future__ import annotations

import numpy as np

from puhui.kernel.compiled import njit
from puhui.servicing.arrays.live import WIDE, Rows, Whole

MILLION = 10**6
NORMAL, SPECIAL_MENTION, SUBSTANDARD, DOUBTFUL, LOSS = range(5)
BOUNDS = ("special", "substandard", "doubtful", "loss", "stage_two", "stage_three", "probation")
"""Places of the bounds that ``judge`` takes, in days."""


@njit
def divide(amount: int, numerator: int, denominator: int, is_half_even: int) -> int:
    """``amount`` x ``numerator`` / ``denominator``, none below nought, rounded half up or even.

    Exact while numerator x denominator stays below 2**62 and the result fits 64 bits.
    """
    whole = amount // denominator * numerator
    part = amount % denominator * numerator
    whole += part // denominator
    rest = part % denominator
    if rest > denominator - rest or (
        rest == denominator - rest and (is_half_even == 0 or whole % 2 == 1)
    ):
        whole += 1
    return whole


@njit
def leap_days(day: int) -> int:
    """How many days before the day number ``day`` (from 1 on) lie in leap years."""
    cycles, rest = divmod(day - 1, 146_097)
    centuries = min(rest // 36_524, 3)
    rest -= centuries * 36_524
    fours, rest = divmod(rest, 1_461)
    years = min(rest // 365, 3)
    whole = (cycles * 97 + centuries * 24 + fours) * 366
    if years < 3 or (fours == 24 and centuries < 3):
        return whole
    return whole + rest - 3 * 365


@njit
def units(first: int, last: int, year_cut: int) -> int:
    """What a period counts: its days, or, where years are cut, 366 for a day of a common year and
    365 for one of a leap year, as ``rules.period.year_parts`` says. ``year_cut`` is 1 where 31
    December belongs to the new year, 2 where it belongs to the old one.
    """
    days = last - first
    if year_cut == 0:
        return days
    shift = 1 if year_cut == 1 else 0
    return 366 * days - leap_days(last + shift) + leap_days(first + shift)


@njit
def accrue(live: Rows, day: int, running: Whole) -> int:
    """Interest of running instalments to ``day``, not paid yet, into ``running`` ``(n,) int64``.

    Returns how many loans have a fraction or an amount too wide for 64 bits; theirs is -1.
    """
    wide = 0
    for n in range(len(live)):
        one = live[n]
        if one.number == 0:
            running[n] = 0
            continue
        days = units(one.fixed_on, day, one.year_cut)
        is_wide = one.factor_numerator > WIDE // one.factor_denominator
        if one.year_cut and days and one.ahead_minor > WIDE // days:
            is_wide = True
        if is_wide:
            running[n] = -1
            wide += 1
            continue
        earned = one.fixed_minor + divide(
            one.ahead_minor * days, one.factor_numerator, one.factor_denominator, one.is_half_even
        )
        running[n] = max(0, earned - one.next_interest_paid_minor)
    return wide


@njit
def age_owing(live: Rows, owing: Rows, loan: Whole, day: int, penalty: Whole) -> None:
    """Count overdue principal of ``owing`` ``(m,)`` up to ``day``; what is owed of each penalty.

    ``loan`` ``(m,)`` says whose each one is. Within the days of grace nothing is counted; after
    them all days since the due day.
    """
    for n in range(len(owing)):
        one, of = owing[n], live[loan[n]]
        bearing = one.principal_minor
        if of.penalty_on_interest:
            bearing += one.interest_minor
        if of.penalty_numerator and bearing and one.due_on < day - of.grace_days:
            since = max(one.counted_on, one.due_on)
            owing[n].minor_days = one.minor_days + bearing * (day - since)
            owing[n].counted_on = day
        due = 0
        if one.minor_days:
            due = divide(
                owing[n].minor_days, of.penalty_numerator, of.penalty_denominator, of.is_half_even
            )
        penalty[n] = due - one.penalty_paid_minor


@njit
def sum_owing(live: Rows, owing: Rows, loan: Whole, day: int, penalty: Whole) -> None:
    """What each loan owes by part, its arrears, and how old the oldest is, on ``day``."""
    for n in range(len(live)):
        live[n].owing_principal_minor = live[n].owing_interest_minor = 0
        live[n].owing_fee_minor = live[n].owing_penalty_minor = 0
        live[n].oldest_due_on = live[n].arrears_minor = live[n].days_past_due = 0
    for n in range(len(owing)):
        one, at = owing[n], loan[n]
        live[at].owing_principal_minor += one.principal_minor
        live[at].owing_interest_minor += one.interest_minor
        live[at].owing_fee_minor += one.fee_minor
        live[at].owing_penalty_minor += penalty[n]
        owed = one.principal_minor + one.interest_minor + one.fee_minor + penalty[n]
        if one.due_on < day and owed > 0:
            live[at].arrears_minor += owed
            if live[at].oldest_due_on == 0 or one.due_on < live[at].oldest_due_on:
                live[at].oldest_due_on = one.due_on
                live[at].days_past_due = day - one.due_on


@njit
def judge(
    live: Rows, day: int, buckets: Whole, bounds: Whole, suspended_from: int, risen: Whole,
    paused: Whole,
) -> None:  # fmt: skip
    """Bucket, class and stage of each loan on ``day``; ``rules.age`` decides the same of one.

    ``buckets`` are the first days of each; ``bounds`` the days named in ``BOUNDS``. ``risen``
    ``(n,)`` is 1 where the chance of default rose much. ``paused`` ``(n,)`` of the days past due
    are not counted. An impaired loan stays so until its arrears were gone for the probation.
    """
    for n in range(len(live)):
        one = live[n]
        days = one.days_past_due - paused[n]
        live[n].bucket = np.searchsorted(buckets, days, side="right")
        watched = one.watch_until > day
        stage = 1
        if days >= bounds[5]:
            stage = 3
        elif days >= bounds[4] or watched or risen[n] == 1:
            stage = 2
        cleared = 0
        if one.stage == 3 and stage < 3:
            cleared = (one.cleared_on or day) if days == 0 else 0
            if days or day - cleared < bounds[6]:
                stage = 3
            else:
                cleared = 0
        risk = NORMAL
        for place in range(4):
            if days >= bounds[place]:
                risk = place + 1
        if watched:
            risk = max(risk, SUBSTANDARD if one.restructured_again else SPECIAL_MENTION)
        if stage == 3:
            risk = max(risk, SUBSTANDARD)
        live[n].stage, live[n].cleared_on, live[n].risk_class = stage, cleared, risk
        live[n].is_suspended = 1 if stage == 3 or days >= suspended_from else 0


def class_by_loss(live: Rows, lost: Whole, lost_bounds: tuple[int, int]) -> None:
    """Put impaired loans of which much is lost, ``(n,)`` millionths, into the classes for it."""
    doubtful, loss = lost_bounds
    least = SUBSTANDARD + (lost >= doubtful) + (lost >= loss)
    is_impaired = live["stage"] == 3
    live["risk_class"] = np.where(
        is_impaired, np.maximum(live["risk_class"], least), live["risk_class"]
    )


@njit
def scale(amounts: Whole, shares: Whole, whole: int) -> Whole:
    """``amounts`` x ``shares`` / ``whole``, rounded half up, all ``(n,) int64``, not negative."""
    made = np.zeros(len(amounts), dtype=np.int64)
    for n in range(len(amounts)):
        made[n] = divide(amounts[n], shares[n], whole, 0)
    return made


def parts_of(amounts: Whole, millionths: Whole) -> Whole:
    """Lenders' parts of ``amounts``, minor units, by ``millionths``, all ``(n,) int64``: what
    ``rules.joint.part_of`` says of one, cut towards nought.
    """
    size = np.abs(amounts)
    parts: Whole = size // MILLION * millionths + size % MILLION * millionths // MILLION
    parts[amounts < 0] *= -1
    return parts
