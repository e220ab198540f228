"""The term of a loan in words: instalments, due day, and where days on which banks close go."""

from __future__ import annotations

from typing import Any

from puhui.lending import shelf
from puhui.web.ask import Ask

DUE_DAY_MAX = 28
"""The last day that every month has."""


def rhythm_of(product: Any, word: str) -> Any:
    """How often the customer chose to pay; None where nothing was, or the product has it not."""
    found = [one for one in product.schedule.rhythms if one.value == word]
    return found[0] if found else None


def term_words(ask: Ask, product: Any, months: int, rhythm: Any = None) -> str:
    """A term in months, with its instalments where they are not one a month."""
    told = ask.say("apply.months", months=months)
    count = shelf.instalments_of(product, months, rhythm)
    return told if count == months else ask.say("apply.months_of", months=told, count=count)


def hint_words(ask: Ask, product: Any) -> str:
    """How the loan is repaid, in words."""
    schedule = product.schedule
    if schedule.is_bullet:
        return ask.say("apply.hint_bullet")
    if schedule.frequency.value == "months" and schedule.every == 1:
        is_level = product.default_method.value == "equal_instalment"
        is_same = not (schedule.variable_minor or schedule.variable_shares)
        is_plain = is_level and is_same and not schedule.grace_principal
        return ask.say("apply.term_hint" if is_plain else "apply.hint_months")
    unit = schedule.frequency.value
    if unit == "months":
        return ask.say("apply.hint_some_months", every=schedule.every)
    return ask.say(f"apply.hint_{unit}{'_one' * (schedule.every == 1)}", every=schedule.every)


def shift_of(rules: Any) -> str:
    """Where due days on closed days go, as a word; "" where they stay."""
    return str(rules.shift.value) if rules.shifts_due_days else ""


def due_day_of(product: Any, draft: dict[str, str]) -> int | None:
    """The day that was chosen, where the product lets one choose."""
    typed = draft.get("due_day", "")
    rhythm = draft.get("rhythm", "")
    is_monthly = rhythm == "month" or (not rhythm and product.schedule.frequency.value == "months")
    return int(typed) if typed and product.schedule.chooses_due_day and is_monthly else None
