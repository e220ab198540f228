"""Schedules 还款计划: from a plan and an amount to instalments in whole minor units."""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from operator import sub

from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX, Rounding, round_minor
from puhui.servicing.nouns import DayCount, Method, Plan, Schedule
from puhui.servicing.rules.level import lay_out, level_columns
from puhui.servicing.rules.period import due_days, factors, whole_months
from puhui.servicing.rules.replay.draw import down_payment, first_rows
from puhui.servicing.rules.replay.layout import is_plain

ROUNDINGS = (Rounding.HALF_UP, Rounding.HALF_EVEN)
DRAW_AT_WILL, EQUAL_INSTALMENT = Method.DRAW_AT_WILL, Method.EQUAL_INSTALMENT


def build_schedule(plan: Plan, principal_minor: int, starts_on: date) -> Schedule:
    """The schedule of ``plan`` with all of ``principal_minor`` taken on ``starts_on``.

    等额本息 pays B * prod(1+f) / sum of prod(1+f_j, j>i) each time; 等额本金 an equal share of
    principal; 先息后本 interest each time and principal at the end; 随借随还 everything at the end,
    interest by the day. All amounts are whole minor units, rounded by ``plan.rounding``; the last
    instalment takes the remainder, so principal sums to the amount lent. What is plain is laid out
    by columns, everything else by the engine; a test holds the two equal.
    Refused: ``lending.bad_terms``.
    """
    if not 0 < principal_minor < MINOR_MAX:
        raise Refused("lending.bad_terms", "The amount lent must be above nought.")
    method = plan.method
    if plan.rounding not in ROUNDINGS:
        raise Refused("lending.bad_terms", "Interest is rounded half up or half to even.")
    if method is DRAW_AT_WILL and plan.day_count is DayCount.THIRTY_360:
        raise Refused("lending.bad_terms", "Interest by the day counts actual days.")
    if not is_plain(plan):
        return _by_engine(plan, principal_minor, starts_on)
    is_level = method is EQUAL_INSTALMENT and not plan.adjusts_instalment
    months = whole_months(plan, starts_on) if is_level else None
    if months is not None:
        days, numerators, denominator = months
        rows = level_columns(principal_minor, numerators, denominator, plan.rounding)
        return Schedule(starts_on, days, *rows, True, _fees(plan, principal_minor, days))
    days, is_published = due_days(plan, starts_on)
    if method is DRAW_AT_WILL:
        days = days[-1:]
    numerators, denominator = factors(plan, starts_on, days)
    fees = _fees(plan, principal_minor, days)
    principal, interest = lay_out(
        method,
        principal_minor,
        numerators,
        denominator,
        plan.rounding,
        plan.adjusts_instalment,
        plan.cuts_shares,
    )
    outstanding = tuple(accumulate(principal, sub, initial=principal_minor))[1:]
    assert outstanding[-1] == 0, outstanding
    return Schedule(
        starts_on,
        days,
        tuple(principal),
        tuple(interest),
        outstanding,
        is_published,
        fees,
    )


def _fees(plan: Plan, principal_minor: int, due_on: tuple[date, ...]) -> tuple[int, ...]:
    """The fee of each row; empty where the plan asks for none."""
    if not (plan.fee_minor or plan.fee_share):
        return ()
    each = plan.fee_minor + round_minor(principal_minor * plan.fee_share, plan.rounding)
    return (each,) * len(due_on)


def _by_engine(plan: Plan, principal_minor: int, starts_on: date) -> Schedule:
    down = down_payment(plan, principal_minor)
    rows, _, is_published = first_rows(plan, starts_on, principal_minor, down)
    principal = tuple(row.due[3] for row in rows)
    due_on = tuple(row.due_on for row in rows)
    fees = _fees(plan, principal_minor, due_on)
    if fees and down:
        fees = tuple(fee * row.key[0] for fee, row in zip(fees, rows, strict=True))
    return Schedule(
        starts_on,
        due_on,
        principal,
        tuple(row.due[2] for row in rows),
        tuple(accumulate(principal, sub, initial=principal_minor))[1:],
        is_published,
        fees,
    )
