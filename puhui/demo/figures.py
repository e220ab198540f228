"""The county's figures, read once from county.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from puhui.demo.nouns import Figures, Label, Trade


@lru_cache(maxsize=1)
def read_figures() -> Figures:
    """All sizes, shares, trades and festivals of the county."""
    text = files("puhui.demo").joinpath("data", "county.toml").read_text("utf-8")
    told = tomllib.loads(text)
    size, place, identity = told["size"], told["place"], told["identity"]
    festivals = told["festivals"]
    spring = tuple(festivals["spring_festival"])
    return Figures(
        version=told["version"],
        label=Label(**told["label"]),
        county_zh=place["county_zh"],
        county_en=place["county_en"],
        towns=tuple(place["towns"]),
        villages=tuple(place["villages"]),
        region=identity["region"],
        phone_prefix=identity["phone_prefix"],
        merchants=size["merchants"],
        suppliers=size["suppliers"],
        history_days=size["history_days"],
        past_borrowers=size["past_borrowers"],
        past_batches=size["past_batches"],
        firm_share=size["firm_share"],
        staff=tuple((login, role) for login, role in told["staff"]["logins"]),
        guard_cases=MappingProxyType(told["guard_case"]),
        income_yuan=told["household"]["income_yuan"],
        wish_mean_yuan=told["wish"]["mean_yuan"],
        wish_largest_yuan=told["wish"]["largest_yuan"],
        wish_smallest_yuan=told["wish"]["smallest_yuan"],
        festival_lead_days=festivals["lead_days"],
        festivals=(*spring, *festivals["dragon_boat"], *festivals["mid_autumn"]),
        spring_festivals=spring,
        trades=tuple(
            Trade(name=name, **{**one, "months": tuple(one["months"])})
            for name, one in told["trade"].items()
        ),
    )
