"""What several tests of lending start from: worked cases, terms, servicing."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"


def cases_of(name: str) -> list[dict[str, Any]]:
    """The worked cases of a rule; each names its origin."""
    cases = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))["case"]
    assert all(case["name"] and case["origin"] for case in cases)
    return list(cases)


def name_of(case: dict[str, Any]) -> str:
    """How pytest shows a worked case."""
    return str(case["name"])
