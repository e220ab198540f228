"""Sums of a day 日终合计: amounts of different currencies are never added up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from puhui.servicing.nouns.live import DaySums

PARTS = ("debited_minor", "accrued_minor", "suspended_minor", "provided_minor", "fees_minor")


def add_sums(sums: Iterable[DaySums]) -> tuple[DaySums, ...]:
    """Sums of chunks or days together, one for each currency, by its code."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in sums:
        for name in PARTS:
            found[one.currency][name] += getattr(one, name)
    return tuple(DaySums(currency, **parts) for currency, parts in sorted(found.items()))


def sums_of(**parts: Mapping[str, int]) -> tuple[DaySums, ...]:
    """Sums by currency of amounts that are given by part and currency."""
    return add_sums(
        DaySums(currency, **{name: minor})
        for name, by_currency in parts.items()
        for currency, minor in by_currency.items()
    )
