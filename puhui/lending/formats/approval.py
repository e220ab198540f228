"""What one officer decides alone, read from its dated file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from puhui.kernel.money import DIGITS
from puhui.lending.nouns.approval import ApprovalFigures


@lru_cache(maxsize=1)
def load_approval_figures() -> ApprovalFigures:
    """The figures that come with the package, amounts in minor units of their currency."""
    text = (resources.files("puhui.lending") / "data" / "approval.toml").read_text("utf-8")
    found = tomllib.loads(text)
    alone = {
        f"lending.{name}": one["value"] * 10 ** DIGITS[one["unit"]]
        for name, one in found["alone"].items()
    }
    days, sum_days = found["days"]["value"], found["sum_days"]["value"]
    return ApprovalFigures(alone, days, tuple(found["reasons"]["value"]), sum_days)
