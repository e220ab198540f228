"""The tiers of allowances, read once from their dated figures."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from puhui.kernel.errors import Refused
from puhui.offline.nouns import OfflineTier

WORDS = ("zh", "en")


@lru_cache(maxsize=1)
def offline_tiers() -> tuple[OfflineTier, ...]:
    """All tiers, smallest first."""
    text = (files("puhui.offline") / "data" / "tiers.toml").read_text(encoding="utf-8")
    return tuple(
        OfflineTier(
            name=name,
            cover_share=Decimal(told.pop("cover_share")),
            **{key: value for key, value in told.items() if key not in WORDS},
        )
        for name, told in tomllib.loads(text)["tier"].items()
    )


def find_tier(name: str) -> OfflineTier:
    """The tier of a name. Refused: ``offline.unknown_tier``."""
    for tier in offline_tiers():
        if tier.name == name:
            return tier
    raise Refused("offline.unknown_tier", f"There is no offline tier {name[:40]!r}.")
