"""For each operation of exchange something that is really there, for one call that succeeds."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from tests.api.town import Town
from tests.exchange.scheme import MINUTE_US, Scheme, act, top_up

PREIMAGE = (b"what fulfils a leg of the API" + b"." * 3).hex()
CONDITION = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()


def scheme_of(town: Town) -> Scheme:
    """The scheme of a town: its currencies are opened once."""
    town.scheme = town.scheme or Scheme(town.node)
    return town.scheme


def exchange_things(town: Town) -> dict[str, tuple[str, dict[str, Any]]]:
    """Legs that are held, a deal on its way, and where one stands."""
    scheme = scheme_of(town)
    peer_id = scheme.register("Elsewhere", "peer", town.node.keys.public_key)
    for leg_id in ("to-fulfil", "to-abort", "to-read"):
        act(town.node, "prepare_leg", scheme.leg(leg_id, CONDITION))
    now_us = town.node.clock.now_us()
    side: dict[str, Any] = {
        "payer": f"participant:{scheme.payer_bank}",
        "payee": f"participant:{scheme.one.id}",
        "amount_minor": 10_000,
    }
    source = {**side, "peer": "here", "currency": "CNY", "expires_us": now_us + 2 * MINUTE_US}
    target = {**side, "peer": "there", "currency": "USD", "expires_us": now_us + MINUTE_US}
    deal = {"source": source, "target": target, "target_peer_id": peer_id}
    deal_id = act(town.node, "start_deal", deal).deal_id
    things: dict[str, dict[str, Any]] = {
        "prepare_leg": scheme.leg("to-prepare", CONDITION),
        "fulfil_leg": {"leg_id": "to-fulfil", "preimage": PREIMAGE},
        "abort_leg": {"leg_id": "to-abort"},
        "start_deal": deal,
        "read_receipt": {"leg_id": "to-read"},
        "read_standing": {},
        "read_payee": {
            "payee": f"party:{town.parties['ann']}",
            "currency": "USD",
            "amount_minor": 1_000,
        },
        "read_deal": {"deal_id": deal_id},
        "post_quote": {"quote": asdict(scheme.two.quote(town.node))},
        "recall_quote": scheme.two.recall(scheme.two.offer(town.node).id),
    }
    return {f"exchange.{verb}": ("operator", thing) for verb, thing in things.items()}


def own_exchange_things(town: Town) -> dict[str, tuple[str, dict[str, Any]]]:
    """Money that a customer sends or changes by quotes that are open."""
    scheme = scheme_of(town)
    payer = town.traveller = town.fresh()
    top_up(town.node, town.parties[payer], "CNY", 100_000)
    for _ in range(40):
        scheme.one.offer(town.node)
    pair = {"source_currency": "CNY", "target_currency": "USD", "amount_kind": "send"}
    asked = {**pair, "amount_minor": 1_000}
    mine = f"party:{town.parties[payer]}"
    return {
        "exchange.remit": (
            payer,
            {**asked, "payer": mine, "payee": f"party:{town.parties['ann']}"},
        ),
        "exchange.convert": (payer, {**asked, "party_id": town.parties[payer]}),
        "exchange.read_prices": (payer, asked),
    }
