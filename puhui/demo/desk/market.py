"""The county's market: shops with a code to scan, and two providers who change money."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from puhui.demo.desk.acts import ROOT, Acting, Progress, Wish, expect
from puhui.demo.figures import read_figures
from puhui.demo.nouns import GuardCase, SeededCounty, SeededMerchant
from puhui.exchange import Quote, quote_bytes
from puhui.kernel.clock import business_date, start_of_day_us
from puhui.kernel.node import Node

KIND = "net_deferred"


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop of the county with the twelve digits under its printed code."""

    name: str
    digits: str


@lru_cache(maxsize=1)
def read_market() -> Mapping[str, Any]:
    """What market.toml says."""
    return tomllib.loads(files("puhui.demo").joinpath("data", "market.toml").read_text("utf-8"))


def open_market(
    node: Node, county: SeededCounty, *, progress: Progress | None = None
) -> tuple[Shop, ...]:
    """Give some shops their codes, and let two providers quote until tomorrow's end.

    What providers are is done once; what they quote is renewed on each new day. The keys they sign
    with follow from the keys of this node alone. Refused: what registering a code, a participant
    or a quote refuses.
    """
    acting = Acting(node, progress)
    shops = _make_codes(acting, county)
    providers = _register_providers(acting)
    for answer in acting.run("exchange.post_quote", _quotes(node, providers), step="quotes"):
        expect(answer)
    return shops


def _make_codes(acting: Acting, county: SeededCounty) -> tuple[Shop, ...]:
    told, figures = read_market(), read_figures()
    ordinary = [one for one in county.merchants if one.merchant.case is GuardCase.ORDINARY]
    chosen = ordinary[: told["codes"]["shops"]]
    wishes = []
    for one in chosen:
        trade = figures.trades[one.merchant.trade]
        shop = {
            "party_id": one.party_id,
            "kind": "static",
            "category": told["categories"][trade.name],
            "name": f"{trade.en.upper()} {one.merchant.number}",
            "city": told["codes"]["city"],
            "name_local": _sign(one),
            "city_local": figures.county_zh,
        }
        wishes.append(Wish(f"{ROOT}/code/{one.merchant.number}", shop))
    made = acting.run("payment.create_code", wishes, step="codes")
    return tuple(
        Shop(_sign(one), expect(answer).digits) for one, answer in zip(chosen, made, strict=True)
    )


def _sign(one: SeededMerchant) -> str:
    """What stands over the shop's door."""
    trade = read_figures().trades[one.merchant.trade]
    return f"{one.merchant.owner.name[0]}家{trade.zh}"


def _key_of(node: Node, number: int) -> Ed25519PrivateKey:
    """The key that a provider of the demo signs with."""
    seed = bytes.fromhex(node.keys.index("demo_provider", str(number)))
    return Ed25519PrivateKey.from_private_bytes(seed[:32])


def _register_providers(acting: Acting) -> list[str]:
    """Two providers with their own funds as cover in every currency; their ids."""
    told = read_market()["changers"]
    currencies: Mapping[str, int] = told["funds_minor"]
    opened = [
        Wish(f"{ROOT}/currency/{currency}", {"currency": currency, "settlement_kind": KIND})
        for currency in currencies
    ]
    for answer in acting.run("exchange.open_currency", opened, step="quotes"):
        expect(answer)
    registered = [
        Wish(
            f"{ROOT}/provider/{number}",
            {"name": name, "kind": "provider", "public_key": _public(acting.node, number)},
        )
        for number, name in enumerate(told["names"])
    ]
    made = acting.run("exchange.register_participant", registered, step="quotes")
    providers = [str(expect(answer).participant_id) for answer in made]
    for name, more in (
        ("open_position", lambda amount_minor: {"settlement_kind": KIND}),
        ("put_funds_in", lambda amount_minor: {"amount_minor": amount_minor, "reference": ROOT}),
        ("set_cap", lambda amount_minor: {"cap_minor": amount_minor}),
    ):
        wishes = [
            Wish(
                f"{ROOT}/{name}/{number}/{currency}",
                {"participant_id": provider, "currency": currency, **more(amount_minor)},
            )
            for number, provider in enumerate(providers)
            for currency, amount_minor in currencies.items()
        ]
        for answer in acting.run(f"exchange.{name}", wishes, step="quotes"):
            expect(answer)
    return providers


def _public(node: Node, number: int) -> str:
    return base64.b64encode(_key_of(node, number).public_key().public_bytes_raw()).decode()


def _quotes(node: Node, providers: list[str]) -> Iterator[Wish]:
    """Today's quotes of every provider for every pair, signed; each is for one payment."""
    told = read_market()
    changers = told["changers"]
    today = business_date(node.clock.now_us())
    expires_us = start_of_day_us(today + timedelta(days=2))
    for number, provider in enumerate(providers):
        key = _key_of(node, number)
        kept = 1 - Decimal(told["spread"]["share"][number])
        for pair in told["pairs"]:
            rate = (Decimal(pair["middle"]) * kept).quantize(Decimal("0.000001"))
            for count in range(changers["quotes_each"]):
                way = f"{pair['source']}-{pair['target']}"
                quote = Quote(
                    id=f"demo-{number}-{way}-{today}-{count}",
                    provider_id=provider,
                    source_currency=pair["source"],
                    target_currency=pair["target"],
                    rate=str(rate.normalize()),
                    minimum_minor=changers["minimum_minor"],
                    maximum_minor=changers["maximum_minor"],
                    fee_minor=changers["fee_minor"][number] if pair["source"] == "CNY" else 0,
                    expires_us=expires_us,
                )
                signature = base64.b64encode(key.sign(quote_bytes(quote))).decode()
                signed = replace(quote, signature=signature)
                yield Wish(f"{ROOT}/quote/{quote.id}", {"quote": signed})
