"""Arithmetic of the examples by fractions, from the formulas alone; nothing of the product."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

RATE = Fraction(12, 100)


def half_up(amount: Fraction) -> int:
    """Whole fen, halves up; not below nought."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def bears(balance: int, days: int, year: int, rate: Fraction = RATE) -> Fraction:
    """Interest of a balance for some days."""
    return Fraction(balance) * rate * days / year


def level_of(balance: int, factors: Sequence[Fraction]) -> Fraction:
    """The equal instalment: what, discounted period by period, is worth the balance."""
    worth, discount = Fraction(0), Fraction(1)
    for factor in factors:
        discount /= 1 + factor
        worth += discount
    return balance / worth


def level_rows(balance: int, factors: Sequence[Fraction], level: int) -> list[tuple[int, int]]:
    """Principal and interest by row where each pays ``level`` and the last all that is left."""
    rows = []
    for place, factor in enumerate(factors):
        interest = half_up(balance * factor)
        principal = balance if place == len(factors) - 1 else min(balance, level - interest)
        rows.append((principal, interest))
        balance -= principal
    return rows


SCENARIOS = (("0.60", "1.00", "1.00"), ("0.15", "0.80", "0.95"), ("0.25", "1.50", "1.15"))
"""Weight, multiple of the chance of default, multiple of the loss: the dated figures."""


def expected_loss(
    exposure: int, *, yearly: str, loss: str, horizon: int, months: int, rate: str, falls: bool
) -> int:
    """IFRS 9 5.5.17: by scenarios, chance of default a month x loss x what is owed then, at
    today's worth; the chance of a year is spread over its months, each as likely as the others
    for a loan that has come so far. ``falls``: what is owed falls evenly over ``months``.
    """
    total, twelfth = Decimal(0), Decimal(1) / 12
    for weight, worse, dearer in SCENARIOS:
        stays = (1 - Decimal(yearly) * Decimal(worse)) ** twelfth
        part = Decimal(0)
        for month in range(1, horizon + 1):
            defaults = stays ** (month - 1) - stays**month
            owed = Decimal(months - month + 1) / months if falls else Decimal(1)
            part += defaults * owed / (1 + Decimal(rate)) ** (month * twelfth)
        total += Decimal(weight) * min(Decimal(1), Decimal(loss) * Decimal(dearer)) * part
    return int((exposure * total).to_integral_value(ROUND_HALF_UP))
