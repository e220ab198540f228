"""The figures of exchange, read once from their TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.exchange.nouns.quote import SchemeFee
from puhui.kernel.money import MINOR_MAX


@dataclass(frozen=True, slots=True)
class Tariff:
    """The operator's share, its bounds by currency, and how many quotes there may be."""

    share: Decimal
    bounds: dict[str, tuple[int, int]]
    quotes_pair_max: int
    quotes_provider_max: int
    quotes_tried_max: int

    def fee(self, currency: str) -> SchemeFee:
        """The operator's fee in one currency; a currency without bounds pays the share alone."""
        minimum, maximum = self.bounds.get(currency, (0, MINOR_MAX))
        return SchemeFee(self.share, minimum, maximum)


@lru_cache(maxsize=1)
def tariff() -> Tariff:
    """What the operator takes, from ``data/exchange.toml``."""
    text = (files("puhui.exchange") / "data" / "exchange.toml").read_text(encoding="utf-8")
    told: dict[str, Any] = tomllib.loads(text)
    bounds = told["scheme_fee"]["bounds"]
    return Tariff(
        share=Decimal(told["scheme_fee"]["share"]["value"]),
        bounds={
            currency: (one["minimum_minor"], one["maximum_minor"])
            for currency, one in bounds.items()
        },
        quotes_pair_max=told["quotes"]["pair_max"]["value"],
        quotes_provider_max=told["quotes"]["provider_max"]["value"],
        quotes_tried_max=told["quotes"]["tried_max"]["value"],
    )


@dataclass(frozen=True, slots=True)
class Between:
    """How nodes speak with one another: how long a peer may have a leg held, by how much clocks
    may differ, how long one try waits and how many there are, how long a silent one is left alone,
    and how long a deal that is started on a page has until its target leg ends.
    """

    hold_s_max: int
    skew_s_max: int
    timeout_s: int
    tries_max: int
    quiet_s_max: int
    deal_s: int


@lru_cache(maxsize=1)
def between() -> Between:
    """The bounds between nodes, from ``data/exchange.toml``."""
    text = (files("puhui.exchange") / "data" / "exchange.toml").read_text(encoding="utf-8")
    told: dict[str, Any] = tomllib.loads(text)["between"]
    return Between(**{name: figure["value"] for name, figure in told.items()})
