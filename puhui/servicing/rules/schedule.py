"""Schedules 还款计划: from terms and drawdowns to instalments in whole minor units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from math import gcd
from operator import sub

from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX, Rounding, round_minor
from puhui.servicing.nouns import DayCount, Drawdown, Method, Schedule, Terms
from puhui.servicing.rules.period import divide, due_days, factors

Rows = tuple[list[int], list[int]]
"""Principal and interest by instalment, minor units."""


def build_schedule(terms: Terms) -> Schedule:
    """The schedule of ``terms`` with the whole principal taken on ``terms.starts_on``.

    等额本息 pays B * prod(1+f) / sum of prod(1+f_j, j>i) each time; 等额本金 an equal share of
    principal; 先息后本 interest each time and principal at the end; 随借随还 everything at the end,
    interest by the day. All amounts are whole minor units, rounded by ``terms.rounding``; the last
    instalment takes the remainder, so principal sums to the amount lent.
    Refused: ``lending.bad_terms``.
    """
    if not 0 < terms.principal_minor < MINOR_MAX:
        raise Refused("lending.bad_terms", "The amount lent must be above nought.")
    if terms.rounding not in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        raise Refused("lending.bad_terms", "Interest is rounded half up or half to even.")
    days, is_published = due_days(terms)
    if terms.method is Method.DRAW_AT_WILL:
        if terms.day_count is DayCount.THIRTY_360:
            raise Refused("lending.bad_terms", "Interest by the day counts actual days.")
        days = days[-1:]
    numerators, denominator = factors(terms, days)
    principal, interest = lay_out(
        terms.method,
        terms.principal_minor,
        numerators,
        denominator,
        terms.rounding,
        terms.adjusts_instalment,
    )
    return _schedule(terms, days, principal, interest, is_published)


def _schedule(
    terms: Terms, days: tuple[date, ...], principal: list[int], interest: list[int], known: bool
) -> Schedule:
    outstanding = tuple(accumulate(principal, sub, initial=terms.principal_minor))[1:]
    assert outstanding[-1] == 0, outstanding
    return Schedule(terms.starts_on, days, tuple(principal), tuple(interest), outstanding, known)


def lay_out(
    method: Method,
    balance: int,
    numerators: Sequence[int],
    denominator: int,
    rounding: Rounding,
    adjusts: bool = False,
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
        share = balance // count
        principal = [share] * (count - 1) + [balance - share * (count - 1)]
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


def build_drawn_schedule(terms: Terms, drawdowns: Sequence[Drawdown]) -> Schedule:
    """The schedule of ``drawdowns`` on any days before the last due day, 等额本息 only.

    ``terms.principal_minor`` is not looked at. A period is split where money is taken; each
    portion bears balance * f * days / days of the period (actual days, also under 30/360), is
    rounded and then added. A drawdown sets the level anew: balance plus the unrounded interest of
    its period, over the discounting of the rest. A drawdown on a due day belongs to the next
    period and shows in the closing balance of that due day. Refused: ``lending.bad_terms``.
    Checked against Apache Fineract's progressive instalment cases (Apache-2.0).
    """
    days, is_published = due_days(terms)
    drawn = sorted(drawdowns, key=lambda drawdown: drawdown.on)
    if terms.method is not Method.EQUAL_INSTALMENT or not drawn:
        raise Refused("lending.bad_terms", "Several drawdowns need equal instalments.")
    if drawn[0].on < terms.starts_on or drawn[-1].on >= days[-1]:
        raise Refused("lending.bad_terms", "Money must be taken within the term.")
    if any(drawdown.amount_minor <= 0 for drawdown in drawn):
        raise Refused("lending.bad_terms", "The amount taken must be above nought.")
    numerators, denominator = factors(terms, days)
    principal: list[int] = []
    interest: list[int] = []
    outstanding: list[int] = []
    balance, level, start = 0, 0, terms.starts_on
    for index, due in enumerate(days):
        inside = [drawdown for drawdown in drawn if start <= drawdown.on < due]
        exact, rounded = _broken_interest(
            balance, inside, start, due, Fraction(numerators[index], denominator), terms.rounding
        )
        balance += sum(drawdown.amount_minor for drawdown in inside)
        rest = numerators[index:]
        if inside:
            level = broken_level(
                balance, exact, rest, denominator, terms.rounding, terms.adjusts_instalment
            )
        is_last = index == len(days) - 1
        part = balance if is_last else max(0, min(balance, level - rounded))
        balance -= part
        principal.append(part)
        interest.append(rounded)
        outstanding.append(balance)
        start = due
    assert balance == 0, balance
    for index, due in enumerate(days):
        outstanding[index] += sum(drawdown.amount_minor for drawdown in drawn if drawdown.on == due)
    return Schedule(
        terms.starts_on, days, tuple(principal), tuple(interest), tuple(outstanding), is_published
    )


def _broken_interest(
    balance: int,
    inside: Sequence[Drawdown],
    start: date,
    due: date,
    factor: Fraction,
    rounding: Rounding,
) -> tuple[Fraction, int]:
    """Interest of one period split at its drawdowns: exact, and as a sum of rounded portions."""
    bounds = [start, *(drawdown.on for drawdown in inside), due]
    exact, rounded = Fraction(0), 0
    for index, (first, last) in enumerate(pairwise(bounds)):
        if index:
            balance += inside[index - 1].amount_minor
        portion = balance * factor * Fraction((last - first).days, (due - start).days)
        exact += portion
        rounded += round_minor(portion, rounding)
    return exact, rounded


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
