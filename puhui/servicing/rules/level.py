"""Levels 等额 and rows of principal and interest, from exact whole-number arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import gcd

from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns import DayCount, Frequency, Method, Plan, YearCut
from puhui.servicing.rules.period import COUNT_MAX, divide, factors_of, month_days, year_of

Rows = tuple[list[int], list[int]]
"""Principal and interest by instalment, minor units."""


def lay_out(
    method: Method,
    balance: int,
    numerators: Sequence[int],
    denominator: int,
    rounding: Rounding,
    adjusts: bool = False,
    cuts: bool = True,
) -> Rows:
    """Principal and interest of each period for ``balance`` minor units.

    Interest of period i is balance * numerators[i] / denominator; a first period that has begun
    already simply comes with a smaller numerator. The last instalment takes the remainder.
    """
    count = len(numerators)
    if method is Method.EQUAL_INSTALMENT:
        level = level_payment(balance, numerators, denominator, rounding)
        rows = _level_rows(balance, level, numerators, denominator, rounding)
        if adjusts and count > 1:
            return _adjust(balance, level, rows, numerators, denominator, rounding)
        return rows
    if method is Method.EQUAL_PRINCIPAL:
        share = balance // count if cuts else divide(balance, count, rounding)
        principal, left = [], balance
        for _ in range(count - 1):
            principal.append(min(share, left))
            left -= principal[-1]
        principal.append(left)
    else:
        principal = [0] * (count - 1) + [balance]
    interest = []
    for part, numerator in zip(principal, numerators, strict=True):
        interest.append(divide(balance * numerator, denominator, rounding))
        balance -= part
    return principal, interest


def level_payment(
    balance: int, numerators: Sequence[int], denominator: int, rounding: Rounding
) -> int:
    """The equal instalment 等额本息 in minor units, from exact whole-number arithmetic.

    B * prod(1+f_i) / sum over i of prod(1+f_j, j>i); with equal factors this is the annuity.
    """
    product, total = _annuity(tuple(numerators), denominator)
    return divide(balance * product, total, rounding)


@lru_cache(maxsize=4096)
def _annuity(numerators: tuple[int, ...], denominator: int) -> tuple[int, int]:
    """The level for one unit as a fraction; remembered as loans of one day and price share it."""
    product, total, power = 1, 0, 1
    for numerator in numerators:
        grown = denominator + numerator
        total = total * grown + power
        product *= grown
        power *= denominator
    shared = gcd(product, denominator * total)
    return product // shared, denominator * total // shared


def _level_rows(
    balance: int, level: int, numerators: Sequence[int], denominator: int, rounding: Rounding
) -> Rows:
    """Rows that pay ``level`` each time; interest above it is paid too, principal never grows."""
    principal, interest = [], []
    double, is_even = 2 * denominator, rounding is Rounding.HALF_EVEN
    for numerator in numerators:
        twice = 2 * balance * numerator + denominator
        due = twice // double
        if is_even and due & 1 and twice == due * double:
            due -= 1
        part = level - due
        if part < 0:
            part = 0
        elif part > balance:
            part = balance
        principal.append(part)
        interest.append(due)
        balance -= part
    principal[-1] += balance
    return principal, interest


@dataclass(frozen=True, slots=True)
class Months:
    """What loans of one day and price share: due days, twice the numerators of interest, their
    denominator, and the level for one unit of balance as a fraction.
    """

    days: tuple[date, ...]
    twice: tuple[int, ...]
    denominator: int
    product: int
    total: int


def shared_months(plan: Plan, starts_on: date) -> Months | None:
    """What equal instalments by months and actual days share; None where the plan is otherwise.

    It refuses nothing: a plan that cannot be laid out is none of these.
    """
    is_other = (
        plan.frequency is not Frequency.MONTHS
        or plan.day_count is DayCount.THIRTY_360
        or plan.shifts_due_days
        or not plan.annual_rate.is_finite()
    )
    if is_other:
        return None
    return _months(
        plan.annual_rate, year_of(plan.day_count), plan.year_cut is YearCut.LAST_DAY,
        starts_on, plan.every, plan.count, plan.anchor_day,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _months(
    rate: Decimal, year: int, cuts_last: bool, starts_on: date, every: int, count: int,
    anchor_day: int | None,
) -> Months | None:  # fmt: skip
    if rate < 0 or not 1 <= count <= COUNT_MAX or every < 1:
        return None
    days = month_days(starts_on, every, count, anchor_day)
    numerators, denominator = factors_of(rate, year, cuts_last, (starts_on, *days))
    product, total = _annuity(numerators, denominator)
    return Months(days, tuple(2 * one for one in numerators), denominator, product, total)


Columns = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Principal, interest and what is outstanding after each instalment, minor units."""


def level_columns(balance: int, months: Months, rounding: Rounding) -> Columns:
    """The rows of ``lay_out`` for equal instalments, in one pass; a test holds the two equal."""
    denominator = months.denominator
    double, is_even = 2 * denominator, rounding is Rounding.HALF_EVEN
    level = divide(balance * months.product, months.total, rounding)
    principal, interest, outstanding = [], [], []
    for twice in months.twice:
        due, rest = divmod(balance * twice + denominator, double)
        if not rest and is_even and due & 1:
            due -= 1
        part = level - due
        if not 0 <= part <= balance:
            part = 0 if part < 0 else balance
        balance -= part
        principal.append(part)
        interest.append(due)
        outstanding.append(balance)
    if balance:
        principal[-1] += balance
        outstanding[-1] = 0
    return tuple(principal), tuple(interest), tuple(outstanding)


def _adjust(
    balance: int,
    level: int,
    rows: Rows,
    numerators: Sequence[int],
    denominator: int,
    rounding: Rounding,
) -> Rows:
    """Try once a level changed by the last row's difference over the count (Fineract's rule).

    Only when the difference is above half the count, in minor units, and kept only if smaller.
    """
    count = len(numerators)
    difference = rows[0][-1] + rows[1][-1] - level
    if abs(difference) <= count // 2:
        return rows
    changed = level + round_minor(Fraction(difference, count), rounding)
    again = _level_rows(balance, changed, numerators, denominator, rounding)
    return again if abs(again[0][-1] + again[1][-1] - changed) < abs(difference) else rows


def broken_level(
    balance: int,
    exact: Fraction,
    rest: Sequence[int],
    denominator: int,
    rounding: Rounding,
    adjusts: bool,
) -> int:
    """The level from a period with ``exact`` interest over ``rest``, adjusted once if asked for.

    ``balance`` minor units at the end of the period before anything is paid; ``rest`` holds the
    period factors from that period on, over ``denominator``.
    """
    total, product = Fraction(1), Fraction(1)
    for numerator in reversed(rest[1:]):
        product *= Fraction(denominator + numerator, denominator)
        total += product
    level = round_minor((balance + exact) * product / total, rounding)
    if not adjusts:
        return level
    interest = round_minor(exact, rounding)
    last = _last_payment(balance, level, interest, rest, denominator, rounding)
    difference = last - level
    if abs(difference) <= len(rest) // 2:
        return level
    changed = level + round_minor(Fraction(difference, len(rest)), rounding)
    again = _last_payment(balance, changed, interest, rest, denominator, rounding)
    return changed if abs(again - changed) < abs(difference) else level


def _last_payment(
    balance: int,
    level: int,
    interest: int,
    rest: Sequence[int],
    denominator: int,
    rounding: Rounding,
) -> int:
    """What the last instalment comes to if every one before pays ``level``."""
    for numerator in rest[1:]:
        balance -= max(0, min(balance, level - interest))
        interest = divide(balance * numerator, denominator, rounding)
    return balance + interest
