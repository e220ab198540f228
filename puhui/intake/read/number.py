"""Numbers and amounts as files write them; the grammar is that of the score room."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction

from puhui.kernel.money import DIGITS, Rounding, round_minor

MISSING_TEXTS = frozenset({"", ".", "na", "n/a", "nan", "null", "none"})
AMOUNT_MAX = 1e15
"""Amounts in major units stay below this, so that minor units fit 64 bits with room to add."""

WRITTEN = re.compile(
    r"(?P<sign>[+-]?)\s*[$¥￥€£]?\s*(?P<late>[+-]?)"
    r"(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,4})?)"
)


def is_missing(text: str) -> bool:
    """Whether a text means "no value"."""
    return text.strip().lower() in MISSING_TEXTS


def number_of(text: str) -> float:
    """The float64 of a text, not a number where it is missing.

    Raises ValueError for any other text and for infinite values. Blanks, one currency sign, a
    sign, thousands separators in groups of three and an exponent may be there.
    """
    digits = _plain(text)
    number = math.nan if digits is None else float(digits)
    if math.isinf(number):
        raise ValueError("not finite")
    return number + 0.0


def minor_of(text: str, currency: str, times: str = "1") -> int | None:
    """The amount in minor units, ``times`` as the mapping declares it; None where missing.

    Rounded half to even to whole minor units. Raises ValueError where it is not an amount.
    """
    digits = _plain(text)
    if digits is None:
        return None
    if abs(float(digits)) >= AMOUNT_MAX:
        raise ValueError("too large")
    exact = Fraction(Decimal(digits)) * Fraction(Decimal(times)) * 10 ** DIGITS[currency]
    return round_minor(exact, Rounding.HALF_EVEN)


def _plain(text: str) -> str | None:
    """The digits of a number without signs of currency and separators; None where missing."""
    cleaned = text.strip()
    if cleaned.lower() in MISSING_TEXTS:
        return None
    match = WRITTEN.fullmatch(cleaned.replace("，", ","))
    if match is None or (match["sign"] and match["late"]):
        raise ValueError("not a number")
    digits = match["digits"].replace(",", "")
    if not any(mark.isdigit() for mark in digits.lower().partition("e")[0]):
        raise ValueError("not a number")
    return match["sign"] + match["late"] + digits
