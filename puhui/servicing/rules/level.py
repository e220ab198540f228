"""Levels 等额 and rows of principal and interest, from exact whole-number arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from operator import sub

from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns import Method
from puhui.servicing.rules.period import divide

HALF_EVEN = Rounding.HALF_EVEN
ERROR = 1e-14
"""More than the relative error of one period's few roundings of doubles, each of 1.2e-16."""
DOUBLE_MAX = 1e13
"""Above this, in minor units, doubles are not asked for a level."""

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
    """The equal instalment 等额本息 in minor units: the exact fraction, rounded once.

    B * prod(1+f_i) / sum over i of prod(1+f_j, j>i); with equal factors this is the annuity.
    Doubles tell the nearest whole number as long as the fraction lies clear of a half by more than
    they can err (``ERROR`` of it for each period); otherwise whole numbers decide, so that the
    result is that of whole numbers always. ``worth`` is what one unit paid each time is worth.
    """
    try:
        worth, share = 0.0, 1.0 / denominator
        for numerator in reversed(numerators):
            worth = (1.0 + worth) / (1.0 + numerator * share)
        level = balance / worth
    except OverflowError:
        return _exact_level(balance, numerators, denominator, rounding)
    if level < DOUBLE_MAX:
        nearest = int(level + 0.5)
        if abs(level - nearest) < 0.5 - ERROR * len(numerators) * (level + 1.0):
            return nearest
    return _exact_level(balance, numerators, denominator, rounding)


def _exact_level(
    balance: int, numerators: Sequence[int], denominator: int, rounding: Rounding
) -> int:
    product, total, power = 1, 0, 1
    for numerator in numerators:
        grown = denominator + numerator
        total = total * grown + power
        product *= grown
        power *= denominator
    return divide(balance * product, denominator * total, rounding)


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


Columns = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Principal, interest and what is outstanding after each instalment, minor units."""


def level_columns(
    balance: int, numerators: Sequence[int], denominator: int, rounding: Rounding
) -> Columns:
    """The rows of ``lay_out`` for equal instalments, in one pass; a test holds the two equal.

    ``denominator`` is even. Only where an instalment does not cover its interest, or more than all
    that is left, do rows need the bounds of ``_level_rows``; whether they do is seen at the end.
    """
    level = level_payment(balance, numerators, denominator, rounding)
    half, left, is_even = denominator // 2, balance, rounding is HALF_EVEN
    principal, interest, outstanding = [], [], []
    for numerator in numerators:
        due = (left * numerator + half) // denominator
        if is_even and due & 1 and left * numerator + half == due * denominator:
            due -= 1
        part = level - due
        left -= part
        principal.append(part)
        interest.append(due)
        outstanding.append(left)
    principal[-1] += left
    outstanding[-1] = 0
    if min(principal) < 0:
        principal, interest = _level_rows(balance, level, numerators, denominator, rounding)
        outstanding = list(accumulate(principal, sub, initial=balance))[1:]
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
