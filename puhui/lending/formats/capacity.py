"""The dated caps on debt, instalments and offers."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.lending.nouns.obligation import Caps


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    text = (files("puhui.lending") / "data" / "capacity.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=64)
def load_caps(on: date) -> Caps:
    """The caps in force on a day: of each figure the last one that begins by then, else the first.

    Days before the first figure fall under it, so that old loans are not left without a cap.
    """
    found: dict[str, Any] = {}
    for name, entry in _read().items():
        values = sorted(entry["values"], key=lambda value: value["from"])
        begun = [value for value in values if value["from"] <= on]
        one = begun[-1] if begun else values[0]
        assert one.get("source"), f"{name} of capacity.toml has no source"
        found[name] = one["value"]
    return Caps(
        Decimal(found["income_multiple"]),
        Decimal(found["instalment_share"]),
        tuple(found["turnover_products"]),
        found["offers_max"],
        found["offers_days"],
        found["declined_days"],
        found["declared_months"],
        found["guarantor_years_min"],
        found["need_days"],
        tuple((code, Decimal(rate)) for code, rate in found["yuan_per_unit"].items()),
    )
