"""Dated figures of servicing, read once from their files."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.servicing.nouns.live import RiskFigures, Scenario


def read_data(name: str) -> dict[str, Any]:
    """One file of figures, decimals as they are written."""
    text = (files("puhui.servicing") / "data" / name).read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


@lru_cache(maxsize=1)
def risk_figures() -> RiskFigures:
    """By what a day judges loans."""
    told = read_data("risk.toml")
    risk, stage, loss, debit = told["class"], told["stage"], told["expected_loss"], told["debit"]
    bounds = [risk[n]["value"] for n in ("special_mention", "substandard", "doubtful", "loss")]
    bounds += [stage[n]["value"] for n in ("two", "three", "probation")]
    return RiskFigures(
        buckets=tuple(told["delinquency"]["buckets"]["value"]),
        bounds=tuple(bounds),
        lost_bounds=(
            int(risk["doubtful_lost"]["value"] * 1_000_000),
            int(risk["loss_lost"]["value"] * 1_000_000),
        ),
        watch_days=risk["watch"]["value"],
        suspended_from=stage["suspended"]["value"],
        grades=tuple(loss["grades"]["value"]),
        past_due=tuple(loss["past_due"]["value"]),
        lgd=loss["lgd"]["value"],
        impaired=tuple((first, share) for first, share in loss["impaired"]["value"]),
        months_max=loss["months_max"]["value"],
        scenarios=tuple(
            Scenario(
                one["name"],
                one["weight"]["value"],
                one["default_multiple"]["value"],
                one["loss_multiple"]["value"],
            )
            for one in told["scenario"]
        ),
        takes_part=bool(debit["takes_part"]["value"]),
        debit_daily_days=debit["daily"]["value"],
        debit_later_days=debit["later"]["value"],
        haircuts=tuple((kind, share) for kind, share in told["cover"]["haircuts"]["value"]),
        guarantee_paid=told["cover"]["guarantee_paid"]["value"],
        lgd_floor=told["cover"]["lgd_floor"]["value"],
        rise=stage["rise"]["value"],
        conversion=int(loss["conversion"]["value"] * 1_000_000),
    )
