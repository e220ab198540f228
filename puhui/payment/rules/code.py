"""Rules of codes to scan: numbers with a check digit, levels of risk, bars of a shown code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from puhui.kernel.errors import Refused
from puhui.payment.nouns.code import RiskLevel

MERCHANT_DIGITS = 12
SHOWN_DIGITS = 18
SHOWN_START = "29"
"""How every code that payers show begins, so that tills know it from other barcodes."""

SHOWN_NUMBERS = 10 ** (SHOWN_DIGITS - len(SHOWN_START) - 1)
MERCHANT_NUMBERS = 10 ** (MERCHANT_DIGITS - 1)

CODE_128 = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 "
    "122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 "
    "321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 "
    "211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 "
    "213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 "
    "121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 "
    "241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 "
    "412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 "
    "211214 211232 2331112"
).split()
"""Widths of bars and gaps of every sign of Code 128, in modules (ISO/IEC 15417, table 1)."""

_START_C, _STOP = 105, 106


def check_digit(digits: str) -> str:
    """The digit that makes ``digits`` with it pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def merchant_digits(number: int) -> str:
    """The twelve digits of a merchant's code, from any number."""
    start = f"{number % MERCHANT_NUMBERS:0{MERCHANT_DIGITS - 1}d}"
    return start + check_digit(start)


def shown_digits(number: int) -> str:
    """The eighteen digits that a payer shows, from a secret number below ``SHOWN_NUMBERS``."""
    assert 0 <= number < SHOWN_NUMBERS, "not below the numbers there are"
    start = SHOWN_START + f"{number:0{SHOWN_DIGITS - len(SHOWN_START) - 1}d}"
    return start + check_digit(start)


def check_digits(text: str, *, length: int) -> str:
    """Digits as people enter them, without blanks and hyphens, when their check digit is right.

    One wrong digit is always found, and two neighbours changed over almost always. Refused:
    ``payment.code_digits``.
    """
    digits = re.sub(r"[\s\u3000-]", "", text)
    if not (digits.isascii() and digits.isdigit() and len(digits) == length):
        raise Refused("payment.code_digits", f"The number of this code has {length} digits.")
    if check_digit(digits[:-1]) != digits[-1]:
        raise Refused(
            "payment.code_digits", "A digit is wrong: please compare the number with the code."
        )
    return digits


def digest_of(digits: str) -> str:
    """The SHA-256 of the digits that a payer shows, in hexadecimal."""
    return hashlib.sha256(digits.encode()).hexdigest()


def grouped(digits: str) -> str:
    """Digits in groups of four, as people read them."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def levels_of(figures: Mapping[str, Any], on: date | None) -> tuple[RiskLevel, ...]:
    """The levels of risk that ``figures`` (data/code.toml) state for a day, in their order.

    Of a level that stands there several times the newest that began by then holds; where ``on`` is
    None the newest of all.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for one in sorted(figures["level"], key=lambda one: one["from"]):
        if on is None or one["from"] <= on:
            found[one["name"]] = one
    sums: dict[str, int] = {}
    for one in sorted(figures["institution"], key=lambda one: one["from"]):
        if on is None or one["from"] <= on:
            sums[one["level"]] = one["daily_minor_max"]
    return tuple(
        RiskLevel(
            name,
            found[name]["kind"],
            frozenset(found[name]["factors"]),
            found[name].get("daily_minor_max"),
            sums.get(name),
        )
        for name in sorted(found)
    )


def level_of(levels: Sequence[RiskLevel], kind: str, factors: Sequence[str]) -> RiskLevel:
    """The level of risk of a payment by a ``static`` or ``dynamic`` code: the first of its kind
    whose factors were all verified. Source: data/code.toml. Refused: ``payment.code_factors``.
    """
    known = {name for level in levels for name in level.factors}
    if not known.issuperset(factors):
        raise Refused("payment.code_factors", f"Factors are {', '.join(sorted(known))}.")
    return next(one for one in levels if one.kind == kind and one.factors.issubset(factors))


def check_daily(level: RiskLevel, spent_minor: int) -> None:
    """What a payer paid today by codes of a level, in fen, this payment included.

    Refused: ``payment.code_daily_limit``.
    """
    most = level.daily_minor_max
    if most is not None and spent_minor > most:
        raise Refused(
            "payment.code_daily_limit",
            f"By codes of level {level.name} at most {most // 100:,} yuan a day may be paid.",
        )


def check_institution(level: RiskLevel, spent_minor: int) -> None:
    """What all customers paid today by codes of a level, in fen, this payment included.

    Refused: ``payment.code_institution_limit``.
    """
    most = level.institution_minor_max
    if most is not None and spent_minor > most:
        raise Refused(
            "payment.code_institution_limit",
            f"By codes of level {level.name} no more is paid here today; another way to pay works.",
        )


def bars_of(digits: str) -> tuple[int, ...]:
    """The bars and gaps of an even number of digits as Code 128 C: widths in modules, a bar first.

    The quiet zone of ten modules on each side is left to the picture.
    """
    assert len(digits) % 2 == 0, digits
    values = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    total = _START_C + sum(place * value for place, value in enumerate(values, start=1))
    signs = (_START_C, *values, total % 103, _STOP)
    return tuple(int(width) for sign in signs for width in CODE_128[sign])
