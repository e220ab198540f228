"""Levels of risk of code payments: their figures of a day, and what is counted at each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.party import check_actor
from puhui.payment.nouns.code import RiskLevel
from puhui.payment.rules import code as rules
from puhui.payment.tables import code as tables

INSTITUTION = "institution"
"""Whose row of usage sums what all customers paid at a level: no party's id is this word."""


@lru_cache(maxsize=1)
def code_figures() -> Mapping[str, Any]:
    """What data/code.toml says."""
    return tomllib.loads((files("puhui.payment") / "data" / "code.toml").read_text("utf-8"))


def risk_levels(on: date | None = None) -> tuple[RiskLevel, ...]:
    """The levels of risk of code payments, the strongest first, by the figures in force ``on`` a
    day (the newest ones where none is given).
    """
    return rules.levels_of(code_figures(), on)


def is_staff(act: Act) -> bool:
    """Whether the actor is not a party: a customer acts under the party's id or its login."""
    try:
        check_actor(act.tx, act.actor, acts_for="")
    except Refused:
        return False
    return True


def count_at_level(
    act: Act, payer_id: str, currency: str, kind: str, factors: tuple[str, ...], amount_minor: int
) -> RiskLevel:
    """Count a payment at its level of risk, for the customer and for the institution; both rows
    stay locked, so two cannot both just fit.

    Refused: ``payment.code_factors``, ``payment.code_daily_limit``,
    ``payment.code_institution_limit``.
    """
    if factors and not is_staff(act):
        raise Refused("payment.code_factors", "Nobody vouches for their own verification.")
    level = rules.level_of(risk_levels(act.today), kind, factors)
    if level.daily_minor_max is not None:
        spent_minor = _spent(act, payer_id, currency, level, amount_minor)
        if currency == "CNY":
            rules.check_daily(level, spent_minor)
    if level.institution_minor_max is not None and currency == "CNY":
        rules.check_institution(level, _spent(act, INSTITUTION, currency, level, amount_minor))
    return level


def _spent(act: Act, whose: str, currency: str, level: RiskLevel, amount_minor: int) -> int:
    """What was paid today at a level with this payment, minor units."""
    day = act.today.isoformat()
    key = {"party_id": whose, "currency": currency, "day": day, "level": level.name}
    act.tx.put(tables.ADD_CODE_USAGE, **key, spent_minor=amount_minor)
    row = act.tx.one(tables.LOCK_CODE_USAGE, **key)
    assert row is not None, key
    return int(row.spent_minor)
