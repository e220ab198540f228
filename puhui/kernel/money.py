"""Money in whole minor units, the one rounding function, and sharing out without loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction

from puhui.kernel.errors import Refused

DIGITS = {"CNY": 2, "USD": 2, "EUR": 2, "HKD": 2, "THB": 2, "AED": 2, "INR": 2, "KES": 2, "JPY": 0}
"""Decimal digits of the minor unit by ISO 4217 code (list of 2024-06-25)."""

MINOR_MAX = 2**62
"""The largest amount in minor units: sums of two stay inside 64 bits."""


class Rounding(Enum):
    """How a fraction of a minor unit is rounded; every call names its mode."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency in whole minor units (fen, cents); may be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        assert type(self.minor) is int, self.minor
        assert self.currency in DIGITS, self.currency

    def __add__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self, other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self, other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        assert self.currency == other.currency, (self, other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        assert self.currency == other.currency, (self, other)
        return self.minor <= other.minor

    def __str__(self) -> str:
        unit = "元" if self.currency == "CNY" else self.currency
        return f"{self.figure()} {unit}"

    def figure(self) -> str:
        """The amount with thousands separators and all decimals, without its currency."""
        return figure_of(self.minor, DIGITS[self.currency])

    def major(self) -> Decimal:
        """The amount in major units (yuan, dollars), exact."""
        return Decimal(self.minor).scaleb(-DIGITS[self.currency])


def figure_of(minor: int, digits: int) -> str:
    """An amount in minor units with thousands separators and ``digits`` decimals."""
    sign = "-" if minor < 0 else ""
    if digits == 2:
        return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"
    major, rest = divmod(abs(minor), 10**digits)
    return f"{sign}{major:,}.{rest:0{digits}d}" if digits else f"{sign}{major:,}"


def round_minor(value: Decimal | Fraction | int, mode: Rounding) -> int:
    """Round ``value`` minor units to a whole number of them, exactly, by the named mode."""
    if value == (whole := int(value)):
        return whole
    exact = Fraction(value)
    floor, rest = divmod(exact.numerator, exact.denominator)
    twice = 2 * rest
    match mode:
        case Rounding.HALF_EVEN:
            up = twice > exact.denominator or (twice == exact.denominator and floor % 2 == 1)
        case Rounding.HALF_UP:
            away = twice == exact.denominator and exact > 0
            up = twice > exact.denominator or away
        case Rounding.DOWN:
            up = rest != 0 and exact < 0
        case Rounding.UP:
            up = rest != 0 and exact > 0
    return floor + 1 if up else floor


def allocate(total_minor: int, weights: Sequence[int | Decimal | Fraction]) -> tuple[int, ...]:
    """Share ``total_minor`` out by ``weights``; each part is cut, the last takes the remainder.

    The parts always sum to the total. Weights are not negative and not all nought.
    """
    assert weights, "no weights"
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact)
    assert whole > 0, weights
    assert all(weight >= 0 for weight in exact), weights
    parts = [round_minor(total_minor * weight / whole, Rounding.DOWN) for weight in exact[:-1]]
    parts.append(total_minor - sum(parts))
    assert sum(parts) == total_minor, parts
    return tuple(parts)


def parse_money(text: str, currency: str) -> Money:
    """Read an amount in major units as people write it: "43,000", "43,000.00", "0.5".

    Refused: ``kernel.bad_amount`` for anything that is not a finite amount with at most the
    currency's decimals and below the largest amount.
    """
    cleaned = text.strip().replace(",", "").replace("，", "")
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise Refused("kernel.bad_amount", f"{text[:40]!r} is not an amount of money.") from None
    if not value.is_finite():
        raise Refused("kernel.bad_amount", f"{text[:40]!r} is not an amount of money.")
    if value and value.adjusted() > 18:
        raise Refused("kernel.bad_amount", f"{text[:40]!r} is larger than any amount kept here.")
    scaled = value.scaleb(DIGITS[currency])
    if scaled != scaled.to_integral_value():
        raise Refused(
            "kernel.bad_amount", f"{text[:40]!r} has more decimals than {currency} allows."
        )
    if abs(scaled) >= MINOR_MAX:
        raise Refused("kernel.bad_amount", f"{text[:40]!r} is larger than any amount kept here.")
    return Money(int(scaled), currency)
