"""The figures of exchange, read once from their TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.exchange.nouns.quote import FeeKind, SchemeFee
from puhui.kernel.money import MINOR_MAX

NO_FEE = SchemeFee(Decimal(0), 0, 0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """The operator's shares and their bounds by currency, and how many quotes there may be.

    Each is by what it is taken of: ``scheme_fee`` of a payment on this node, ``deal_fee`` of a
    customer's payment to another one. ``deals_open_max`` is how many such payments of one customer
    may be under way, ``deals_lapsed_day_max`` how many may come back in one day.
    """

    shares: dict[str, Decimal]
    bounds: dict[str, dict[str, tuple[int, int]]]
    quotes_pair_max: int
    quotes_provider_max: int
    quotes_tried_max: int
    deals_open_max: int
    deals_lapsed_day_max: int

    def fee(self, currency: str, kind: FeeKind = FeeKind.SCHEME) -> SchemeFee:
        """The operator's fee in one currency; a currency without bounds pays the share alone."""
        if kind is FeeKind.NONE:
            return NO_FEE
        minimum, maximum = self.bounds[kind].get(currency, (0, MINOR_MAX))
        return SchemeFee(self.shares[kind], minimum, maximum)


@lru_cache(maxsize=1)
def tariff() -> Tariff:
    """What the operator takes, from ``data/exchange.toml``."""
    text = (files("puhui.exchange") / "data" / "exchange.toml").read_text(encoding="utf-8")
    told: dict[str, Any] = tomllib.loads(text)
    kinds = ("scheme_fee", "deal_fee")
    return Tariff(
        shares={kind: Decimal(told[kind]["share"]["value"]) for kind in kinds},
        bounds={
            kind: {
                currency: (one["minimum_minor"], one["maximum_minor"])
                for currency, one in told[kind]["bounds"].items()
            }
            for kind in kinds
        },
        quotes_pair_max=told["quotes"]["pair_max"]["value"],
        quotes_provider_max=told["quotes"]["provider_max"]["value"],
        quotes_tried_max=told["quotes"]["tried_max"]["value"],
        deals_open_max=told["quotes"]["deals_open_max"]["value"],
        deals_lapsed_day_max=told["quotes"]["deals_lapsed_day_max"]["value"],
    )


@dataclass(frozen=True, slots=True)
class Between:
    """How nodes speak with one another: how long a peer may have a leg held, by how much clocks
    may differ, how long one try waits and how many there are, how long a silent one is left alone,
    how long a deal that is started on a page has until its target leg ends, how often a customer
    may ask about payees there in a day, and for how many days that count is kept.
    """

    hold_s_max: int
    skew_s_max: int
    timeout_s: int
    tries_max: int
    quiet_s_max: int
    deal_s: int
    payee_asks_day_max: int
    asks_kept_days: int


@lru_cache(maxsize=1)
def between() -> Between:
    """The bounds between nodes, from ``data/exchange.toml``."""
    text = (files("puhui.exchange") / "data" / "exchange.toml").read_text(encoding="utf-8")
    told: dict[str, Any] = tomllib.loads(text)["between"]
    return Between(**{name: figure["value"] for name, figure in told.items()})
