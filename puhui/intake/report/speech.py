"""How a report says its words, shares and amounts in Chinese and in English."""

from __future__ import annotations

import math
import tomllib
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from puhui.kernel.money import Money

NOTHING = "—"
CURRENCIES_ZH = {"CNY": "元", "USD": "美元", "EUR": "欧元", "HKD": "港元", "JPY": "日元"}
STEPS = {
    "zh": ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万")),
    "en": (
        (Decimal(10) ** 9, " billion"),
        (Decimal(10) ** 6, " million"),
        (Decimal(10) ** 3, " thousand"),
    ),
}


@cache
def _texts() -> dict[str, Any]:
    text = (resources.files("puhui.intake") / "data" / "report.toml").read_text("utf-8")
    return tomllib.loads(text)


class Speech:
    """The words of one language, "zh" or "en"."""

    def __init__(self, language: str) -> None:
        assert language in ("zh", "en"), language
        self.language = language

    def __call__(self, key: str, **words: object) -> str:
        """The text of report.toml under ``key``, with its words filled in."""
        text = _texts()[key][self.language]
        assert isinstance(text, str), key
        return text.format(**words) if words else text

    def maybe(self, key: str, otherwise: str) -> str:
        """The text under ``key``, or ``otherwise`` where there is none."""
        return self(key) if key in _texts() else otherwise

    def pick(self, zh: str, en: str) -> str:
        """The one of two texts that is in this language."""
        return zh if self.language == "zh" else en

    def count(self, value: int) -> str:
        """A whole number with thousands separators."""
        return f"{value:,}"

    def share(self, value: float | Decimal | None, digits: int = 1) -> str:
        """A share 0..1 in percent."""
        if value is None or math.isnan(value):
            return NOTHING
        return f"{float(value) * 100:.{digits}f}%"

    def figure(self, value: float | None, digits: int = 3) -> str:
        """A number with a fixed number of decimals."""
        return NOTHING if value is None or math.isnan(value) else f"{value:,.{digits}f}"

    def between(self, low: float, high: float, digits: int = 3) -> str:
        """An interval."""
        return f"{self.figure(low, digits)}–{self.figure(high, digits)}"

    def yuan(self, value: Decimal, digits: int = 2) -> str:
        """An amount of yuan that may be less than a fen."""
        if value and abs(value) < Decimal(10) ** -digits:
            digits = 4 if abs(value) >= Decimal("0.0001") else 7
        return self.pick(f"{value:,.{digits}f} 元", f"CNY {value:,.{digits}f}")

    def money(self, amount: Money) -> str:
        """An amount to the last minor unit, with its currency as people write it."""
        if self.language == "en":
            return f"{amount.currency} {amount.figure()}"
        return f"{amount.figure()} {CURRENCIES_ZH.get(amount.currency, amount.currency)}"

    def money_short(self, amount: Money) -> str:
        """A large amount in round units, for headings."""
        scale, unit = self.scale(amount)
        value = amount.major() / scale
        digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
        return self.pick(f"{value:,.{digits}f} {unit}", f"{unit[:3]} {value:,.{digits}f}{unit[3:]}")

    def scale(self, amount: Money) -> tuple[Decimal, str]:
        """How many major units a round unit of this size has, and what it is called."""
        size = abs(amount.major())
        currency = amount.currency
        name = self.pick(CURRENCIES_ZH.get(currency, currency), currency)
        for step, word in STEPS[self.language]:
            if size >= step:
                return step, self.pick(word + name, name + word)
        return Decimal(1), name
