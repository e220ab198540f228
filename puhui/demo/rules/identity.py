"""Numbers that are right in form and belong to nobody: their region or range was never assigned."""

from __future__ import annotations

from datetime import date

RESIDENT_CHECK = "10X98765432"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
COMPANY = "91"
"""Registered with the market regulator (9), a company (1)."""


def resident_id(region: str, birth_date: date, order: int) -> str:
    """A resident identity number (公民身份号码) with its check character.

    ``region`` has 6 digits, ``order`` is 0..999, odd for men. Source: GB 11643-1999.
    """
    assert len(region) == 6, region
    assert 0 <= order <= 999, order
    digits = f"{region}{birth_date:%Y%m%d}{order:03d}"
    weighted = sum(int(digit) * pow(2, 17 - place) for place, digit in enumerate(digits))
    return digits + RESIDENT_CHECK[weighted % 11]


def uscc(region: str, number: int) -> str:
    """A unified social credit code (统一社会信用代码) of company ``number``, 0..9999.

    Both check characters are right: of the organisation code (GB 11714-1997) inside it, and its
    own (GB 32100-2015).
    """
    assert 0 <= number <= 9999, number
    organisation = f"9999{number:04d}"
    weights = zip(ORGANISATION_WEIGHTS, organisation, strict=True)
    rest = 11 - sum(weight * int(digit) for weight, digit in weights) % 11
    code = COMPANY + region + organisation + {10: "X", 11: "0"}.get(rest, str(rest))
    values = enumerate(code)
    weighted = sum(USCC_ALPHABET.index(letter) * pow(3, place, 31) for place, letter in values)
    return code + USCC_ALPHABET[(31 - weighted % 31) % 31]
