"""Amounts as people type them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import parse_money
from puhui.web.ask import Ask

_TEN_THOUSANDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)万", re.ASCII)


def plain_amount(text: str) -> str:
    """What was typed, in figures: "￥１，２００ 元" is "1,200", "1.5万" is "15000"."""
    typed = "".join(unicodedata.normalize("NFKC", text).split())
    typed = typed.removeprefix("¥").removesuffix("元")
    found = _TEN_THOUSANDS.fullmatch(typed)
    return typed if found is None else f"{(Decimal(found[1]) * 10_000).normalize():f}"


def read_amount(text: str, currency: str) -> int | None:
    """What was typed in minor units; None where it is no amount above nought."""
    try:
        found = parse_money(plain_amount(text), currency).minor
    except Refused:
        return None
    return found if found > 0 else None


def amount_of(ask: Ask, currency: str, name: str = "amount") -> int | None:
    """The amount of a form in minor units; None with the problem noted at its field."""
    found = read_amount(ask.text(name), currency)
    if found is None:
        ask.wrong(name, ask.say("form.bad_amount"))
    return found
