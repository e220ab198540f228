"""What several tests of servicing start from: worked cases, terms, servicing."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from puhui.kernel.money import Rounding
from puhui.servicing.nouns import DayCount, Method, Plan, Recalculation

CASES = Path(__file__).parent / "cases"


def cases_of(name: str) -> list[dict[str, Any]]:
    """The worked cases of a rule; each names its origin."""
    cases = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))["case"]
    assert all(case["name"] and case["origin"] for case in cases)
    return list(cases)


def name_of(case: dict[str, Any]) -> str:
    """How pytest shows a worked case."""
    return str(case["name"])


START = date(2026, 1, 1)


def terms(
    annual_rate: str = "0.12",
    method: Method = Method.EQUAL_INSTALMENT,
    count: int = 3,
    day_count: DayCount = DayCount.THIRTY_360,
    **more: Any,
) -> Plan:
    """The plan of a small loan of the merchant product, changed where a test asks for it."""
    told: dict[str, Any] = {
        "rounding": Rounding.HALF_UP,
        "cuts_shares": True,
        "recalculation": Recalculation.TO_THE_DAY,
        "penalty_multiplier": Decimal("1.5"),
        "grace_days": 3,
    }
    return Plan("CNY", Decimal(annual_rate), method, count, day_count=day_count, **(told | more))
