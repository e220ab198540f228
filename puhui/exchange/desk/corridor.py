"""The stated figures of the corridor, read once from their TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.exchange.nouns.corridor import Corridor, Delay, Figure, Route


def _figures(told: Mapping[str, Any], prefix: str = "") -> Iterator[Figure]:
    for name, one in told.items():
        if not isinstance(one, Mapping):
            continue
        if "unit" not in one:
            yield from _figures(one, f"{prefix}{name}.")
            continue
        said = {key: value for key, value in one.items() if key in ("value", "weights")}
        said |= {key: value for key, value in one.items() if key in ("median", "log_deviation")}
        shown = said["value"] if list(said) == ["value"] else said
        yield Figure(
            name=prefix + name,
            value=", ".join(f"{k} {v}" for k, v in said.items()) if shown is said else str(shown),
            unit=one["unit"],
            dated=str(one["from"]),
            source=one["source"],
            confirmed=one.get("confirmed", True),
        )


def _delay(one: Mapping[str, str]) -> Delay:
    return Delay(Decimal(one["median"]), Decimal(one["log_deviation"]))


def _whole(one: Mapping[str, Any]) -> tuple[int, int, int]:
    low, mode, high = one["value"]
    return low, mode, high


def _shares(one: Mapping[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    low, mode, high = map(Decimal, one["value"])
    return low, mode, high


def _route(told: Mapping[str, Any]) -> Route:
    by, hours = told["correspondent"], told["hours"]
    return Route(
        hops=tuple(by["hops"]["value"]),
        hop_weights=tuple(by["hops"]["weights"]),
        sender_fee_minor=_whole(by["sender_fee_minor"]),
        hop_fee_minor=_whole(by["hop_fee_minor"]),
        receiver_fee_minor=_whole(by["receiver_fee_minor"]),
        spread=_shares(by["spread"]),
        desk_delay=_delay(by["desk_delay_h"]),
        in_hours_share=Decimal(by["in_hours_share"]["value"]),
        hold_share=Decimal(by["hold_share"]["value"]),
        hold_delay=_delay(by["hold_delay_h"]),
        sender_hours=(hours["sender"]["value"][0], hours["sender"]["value"][1]),
        correspondent_hours=tuple((low, high) for low, high in hours["correspondent"]["value"]),
        receiver_hours=(hours["receiver_rtgs"]["value"][0], hours["receiver_rtgs"]["value"][1]),
    )


@lru_cache(maxsize=1)
def read_corridor() -> Corridor:
    """The corridor of ``data/corridor.toml``, with every figure as it is stated there."""
    text = (files("puhui.exchange") / "data" / "corridor.toml").read_text(encoding="utf-8")
    told: dict[str, Any] = tomllib.loads(text)
    pair, payment, ours = told["pair"], told["payment"], told["ours"]
    return Corridor(
        source_currency=pair["source_currency"],
        target_currency=pair["target_currency"],
        mid_rate=Decimal(pair["mid_rate"]["value"]),
        median_minor=payment["median_minor"]["value"],
        log_deviation=Decimal(payment["log_deviation"]["value"]),
        smallest_minor=payment["smallest_minor"]["value"],
        largest_minor=payment["largest_minor"]["value"],
        cost_of_waiting=Decimal(payment["cost_of_waiting"]["value"]),
        route=_route(told),
        providers=ours["providers"]["value"],
        provider_spread=_shares(ours["spread"]),
        provider_fee_minor=_whole(ours["fee_minor"]),
        prefunding_days=Decimal(ours["prefunding_days"]["value"]),
        prefunding_rate=Decimal(ours["prefunding_rate"]["value"]),
        domestic_leg_fee_minor=ours["domestic_leg_fee_minor"]["value"],
        domestic_leg_s=Decimal(ours["domestic_leg_s"]["value"]),
        figures=tuple(_figures(told)),
    )
