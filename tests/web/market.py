"""What the pages of payments need: money, a merchant's code, quotes and a device."""

from __future__ import annotations

import itertools
from typing import Any

from puhui.party import find_parties
from tests.exchange.scheme import MINUTE_US, Scheme
from tests.offline.fair import Device
from tests.web.town import OPERATOR, Town

_KEYS = itertools.count(1)
SHOP = {
    "kind": "static",
    "category": "5411",
    "name": "XIAOMAN STORE",
    "city": "YANGTIAN",
    "name_local": "小满杂货店",
    "city_local": "羊田",
}


def act(town: Town, name: str, told: Any) -> Any:
    """Run a use case as the operator, under a key of its own."""
    return town.node.act(name, told, key=f"market {next(_KEYS)}", actor=OPERATOR)


def party_of(town: Town, phone: str) -> str:
    """The party of a phone number."""
    with town.node.read() as tx:
        return find_parties(town.node, tx, phone=phone)[0].id


def top_up(town: Town, party_id: str, amount_minor: int) -> None:
    """Money from outside."""
    told = {"party_id": party_id, "amount_minor": amount_minor, "currency": "CNY"}
    act(town, "payment.top_up", told)


def open_wallet(town: Town, party_id: str) -> None:
    """Put a wallet on record: its holder's name may then be checked by payers."""
    act(town, "payment.open_wallet", {"party_id": party_id, "currency": "CNY"})


def open_shop(town: Town, party_id: str) -> str:
    """The twelve digits of a merchant's printed code."""
    return str(act(town, "payment.create_code", {"party_id": party_id, **SHOP}).digits)


def open_exchange(town: Town) -> Scheme:
    """Two providers with quotes from yuan to dollars that hold for an hour."""
    scheme = Scheme(town.node, funds_minor=10_000_000, cap_minor=5_000_000)
    until = town.node.clock.now_us() + 60 * MINUTE_US
    scheme.one.offer(town.node, "0.1400", expires_us=until)
    scheme.two.offer(town.node, "0.1395", fee_minor=500, expires_us=until)
    return scheme


def device_of(party_id: str) -> Device:
    """A phone that can pay without a network."""
    return Device("phone", party_id)
