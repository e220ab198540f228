"""What several tests of servicing start from: worked cases, terms, servicing."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from puhui.lending import shelf
from puhui.servicing.nouns import DayCount, Method, Servicing, Terms

CASES = Path(__file__).parent / "cases"


def cases_of(name: str) -> list[dict[str, Any]]:
    """The worked cases of a rule; each names its origin."""
    cases = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))["case"]
    assert all(case["name"] and case["origin"] for case in cases)
    return list(cases)


def name_of(case: dict[str, Any]) -> str:
    """How pytest shows a worked case."""
    return str(case["name"])


def terms(
    principal_minor: int = 1_200_000,
    annual_rate: str = "0.12",
    method: Method = Method.EQUAL_INSTALMENT,
    count: int = 3,
    starts_on: date = date(2026, 1, 1),
    day_count: DayCount = DayCount.THIRTY_360,
) -> Terms:
    """Terms of a small loan, changed where a test asks for it."""
    return Terms(principal_minor, "CNY", Decimal(annual_rate), method, count, starts_on, day_count)


def servicing() -> Servicing:
    """How the merchant product takes repayments."""
    return shelf.load_product("merchant_310").servicing
