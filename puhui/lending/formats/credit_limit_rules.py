"""The figures of the monthly review of credit limits, read from their dated file."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any

from puhui.lending.nouns.strategy import CreditLimitRules


@lru_cache(maxsize=1)
def load_credit_limit_rules() -> CreditLimitRules:
    """The rules that come with the package; shares are decimals, days and months whole."""
    text = (resources.files("puhui.lending") / "data" / "dynamic_limit.toml").read_text("utf-8")
    found = tomllib.loads(text)
    values: dict[str, Any] = {
        one.name: Decimal(value) if isinstance(value := found[one.name]["value"], str) else value
        for one in fields(CreditLimitRules)
    }
    return CreditLimitRules(**values)
