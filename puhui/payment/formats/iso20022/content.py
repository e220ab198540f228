"""What texts of a message must be: bounds of their type, check digits, decimals of a currency."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from puhui.payment.formats.iso20022.structure import Leaf

_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_ZONE = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}" + _ZONE)
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?" + _ZONE
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T" + _TIME)
_PLAIN_TIME = re.compile(_TIME)
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])" + _ZONE)


@lru_cache(maxsize=1)
def currency_digits() -> Mapping[str, int]:
    """Decimals of every currency in use, by its code."""
    text = (files(__package__) / "data" / "currency.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)["digits"]
    return {code: int(digits) for digits, codes in told.items() for code in codes.split()}


def is_iban(text: str) -> bool:
    """Whether an account number has its check digits right (ISO 13616, mod 97-10 of ISO 7064)."""
    if len(text) < 5 or not (text.isascii() and text.isalnum()):
        return False
    moved = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def is_lei(text: str) -> bool:
    """Whether a legal entity identifier has its check digits right (ISO 17442, mod 97-10)."""
    if not re.fullmatch("[A-Z0-9]{18}[0-9]{2}", text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text)) % 97 == 1


def wrong_in(leaf: Leaf, text: str) -> str:
    """What is wrong with the text of an element, as half a sentence; "" where nothing is."""
    if leaf.kind == "string":
        return _wrong_in_string(leaf, text)
    bare = text.strip(" \t\r\n")
    if leaf.kind == "decimal":
        return _wrong_in_number(leaf, bare)
    if leaf.kind == "boolean":
        return "" if bare in ("true", "false", "1", "0") else "is neither true nor false"
    return "" if is_time(leaf.kind, bare) else f"is no {leaf.kind}"


def _wrong_in_string(leaf: Leaf, text: str) -> str:
    if leaf.codes:
        return "" if text in leaf.codes else f"is none of {', '.join(sorted(leaf.codes)[:12])}"
    if leaf.pattern is not None and not leaf.pattern.fullmatch(text):
        return f"is not formed like {leaf.pattern.pattern}"
    if not leaf.least <= len(text) <= leaf.most:
        return f"has {len(text)} characters, {leaf.least} to {leaf.most} are allowed"
    if leaf.name == "IBAN2007Identifier" and not is_iban(text):
        return "is an IBAN with wrong check digits"
    if leaf.name == "LEIIdentifier" and not is_lei(text):
        return "is an LEI with wrong check digits"
    return ""


def _wrong_in_number(leaf: Leaf, text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        return "is no decimal number"
    if text.startswith("-") and leaf.is_positive and Decimal(text):
        return "is below nought"
    whole, _, rest = text.lstrip("+-").partition(".")
    whole, rest = whole.lstrip("0"), rest.rstrip("0")
    if len(rest) > leaf.decimals:
        return f"has more than {leaf.decimals} decimals"
    return f"has more than {leaf.digits} digits" if len(whole + rest) > leaf.digits else ""


def wrong_in_amount(text: str, currency: str) -> str:
    """What is wrong with an amount in ``currency``; "" where nothing is."""
    digits = currency_digits().get(currency)
    if digits is None:
        return f"is in {currency}, which is no currency in use"
    if len(text.strip().partition(".")[2].rstrip("0")) > digits:
        return f"has more decimals than {currency} has ({digits})"
    return ""


def is_time(kind: str, text: str) -> bool:
    """Whether ``text`` is a date, dateTime, time or gYearMonth as XML Schema writes them."""
    try:
        if kind == "date":
            return bool(_DATE.fullmatch(text) and date.fromisoformat(text[:10]))
        if kind == "dateTime":
            return bool(_MOMENT.fullmatch(text) and moment_of(text))
        if kind == "time":
            return bool(_PLAIN_TIME.fullmatch(text) and moment_of(f"2000-01-01T{text}"))
    except ValueError:
        return False
    return bool(_MONTH.fullmatch(text))


def moment_of(text: str) -> datetime:
    """A point in time; digits past microseconds are cut. ValueError where there is none such."""
    return datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text))
