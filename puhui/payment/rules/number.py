"""Wallet numbers (钱包号码) as people read and type them: nineteen digits, the last two a check.

The first seventeen say in which part of the range of all accounts (128 bits) one lies: they
come from it by arithmetic alone, are kept nowhere, and lead back to a span of accounts. Two wallets
share a number where they lie in one part: with ten million wallets, in one store of two thousand.
Check digits are those of ISO/IEC 7064, MOD 97-10: every single wrong digit and every swap of two
neighbours is found.
"""

from __future__ import annotations

import re

from puhui.kernel.errors import Refused

PARTS = 10**17
LENGTH = 19
_RANGE = 1 << 128
_TYPED = re.compile(r"[\s\u3000\-\u2010-\u2015]")
_DIGITS = re.compile(r"[0-9]{19}", re.ASCII)


def number_of(account_id: int) -> str:
    """The wallet number of an account, nineteen digits."""
    part = account_id * PARTS >> 128
    return f"{part:017d}{98 - part * 100 % 97:02d}"


def grouped(number: str) -> str:
    """A wallet number as it is shown: four digits at a time, as on a bank card."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def plain(text: str) -> str:
    """What was typed, without blanks and hyphens."""
    return _TYPED.sub("", text)


def is_wallet_number(text: str) -> bool:
    """Whether a text, blanks aside, is a wallet number with its check digits right."""
    digits = plain(text)
    return _DIGITS.fullmatch(digits) is not None and int(digits) % 97 == 1


def span_of(text: str) -> tuple[int, int]:
    """The accounts, first and last, that a wallet number may mean.

    Refused: ``payment.bad_wallet_number``.
    """
    if not is_wallet_number(text):
        raise Refused(
            "payment.bad_wallet_number", "A wallet number has 19 digits; one of these is wrong."
        )
    part = int(plain(text)[:-2])
    return -(-part * _RANGE // PARTS), -(-(part + 1) * _RANGE // PARTS) - 1
