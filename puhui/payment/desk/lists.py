"""The figures of payment, read once from the TOML files that carry their dates and sources."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from puhui.payment.nouns.wallet import Tier, Tiers


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("puhui.payment").joinpath("data", name).read_text("utf-8"))


@lru_cache(maxsize=1)
def tiers() -> Tiers:
    """The tiers of wallets, with their limits and the identity checks they ask for."""
    found = _toml("tiers.toml")
    by_number = {
        entry["number"]: Tier(
            number=entry["number"],
            zh=entry["zh"],
            en=entry["en"],
            single_minor_max=entry.get("single_minor_max"),
            daily_minor_max=entry.get("daily_minor_max"),
            balance_minor_max=entry.get("balance_minor_max"),
            methods=frozenset(entry["methods"]),
            needs_bank_card=entry["needs_bank_card"],
        )
        for entry in found["tier"]
    }
    return Tiers(by_number, found["unrecorded"], found["source"])


@lru_cache(maxsize=8)
def figures(part: str) -> SimpleNamespace:
    """One part of payment.toml by name: request, bill, hold, usage, order or text."""
    return SimpleNamespace(**_toml("payment.toml")[part])


@lru_cache(maxsize=1)
def status_reasons() -> dict[str, str]:
    """The reason codes of banks by the codes of our refusals; ``other`` for all the rest."""
    found: dict[str, str] = _toml("status_reason.toml")["code"]
    return found
