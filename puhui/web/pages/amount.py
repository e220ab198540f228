"""Amounts as people type them."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.kernel.money import parse_money
from puhui.web.ask import Ask


def read_amount(text: str, currency: str) -> int | None:
    """What was typed in minor units; None where it is no amount above nought."""
    typed = "".join(text.split()).removesuffix("元")
    try:
        found = parse_money(typed, currency).minor
    except Refused:
        return None
    return found if found > 0 else None


def amount_of(ask: Ask, currency: str, name: str = "amount") -> int | None:
    """The amount of a form in minor units; None with the problem noted at its field."""
    found = read_amount(ask.text(name), currency)
    if found is None:
        ask.wrong(name, ask.say("form.bad_amount"))
    return found
