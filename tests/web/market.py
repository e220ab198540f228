"""What the pages of payments need: money, a merchant's code, quotes and a device."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from puhui.kernel.calendar import add_months
from puhui.kernel.clock import business_date
from puhui.party import find_parties
from tests.exchange.scheme import MINUTE_US, Scheme
from tests.offline.fair import Device
from tests.web.browser import Browser
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


def furnish(town: Town, browser: Browser, phone: str, other_phone: str) -> dict[str, str]:
    """One of everything that payments leave behind, of whoever has ``phone``; ids by their name."""
    mine, other = party_of(town, phone), party_of(town, other_phone)
    top_up(town, mine, 3_000_000)
    open_wallet(town, mine)
    open_wallet(town, other)
    pair = {"payer_id": mine, "payee_id": other, "amount_minor": 5_000, "currency": "CNY"}
    paid = act(
        town, "payment.pay", {**_without(pair, "payee_id"), "payee": other, "remark": "菜钱"}
    )
    act(town, "payment.request", {**pair, "payer_id": other, "payee_id": mine, "remark": "房租"})
    asked = act(town, "payment.request", {**pair, "remark": "学费"})
    days = {"every": "month", "starts_on": month_end(town), "remark": "房租"}
    order = act(town, "payment.create_order", {**pair, **days})
    digits = open_shop(town, mine)
    act(town, "payment.create_code", {"party_id": mine, "kind": "dynamic", "amount_minor": 800})
    scheme = open_exchange(town)
    told = {"party_id": mine, "source_currency": "CNY", "target_currency": "USD"}
    amount = {"amount_kind": "send", "amount_minor": 50_000}
    changed = act(town, "exchange.convert", {**told, **amount})
    until = town.node.clock.now_us() + 60 * MINUTE_US
    scheme.one.offer(town.node, "0.1400", expires_us=until)
    key = device_of(mine).public_key
    limits = {"allowance_limit_minor": 10_000, "wallet_key": key}
    granted = act(town, "offline.grant_allowance", {"party_id": mine, "currency": "CNY", **limits})
    window = scheme.windows["CNY"]
    act(town, "exchange.close_window", {"window_id": window})
    held = act(town, "exchange.reserve_settlement", {"currency": "CNY", "window_ids": (window,)})
    for way, step in (("pay", ""), ("ask", ""), ("split", ""), ("standing", "/when")):
        page = browser.send(browser.open(f"/{way}").form(f"/{way}"), who=other_phone)
        page = browser.send(page.form("/amount"), amount="88.50", remark="请核对")
        if step:
            browser.send(page.form(step), every="month", starts=month_end(town), ends="")
    end, hold = f"participant:{scheme.one.id}", {"amount_minor": 100}
    deal = act(
        town,
        "exchange.start_deal",
        {
            "source": {"peer": "here", "payer": f"party:{mine}", "payee": end, "currency": "CNY",
                       "expires_us": until, **hold},
            "target": {"peer": "there", "payer": end, "payee": "party:somebody", "currency": "USD",
                       "expires_us": until - MINUTE_US, **hold},
            "target_peer_id": "there",
        },
    )  # fmt: skip
    return {
        "deal_id": deal.deal_id,
        "payment_id": paid.id,
        "request_id": asked.request_id,
        "order_id": order.order_id,
        "digits": digits,
        "remittance_id": changed.id,
        "allowance_id": granted.allowance_id,
        "window_id": window,
        "settlement_id": held.settlement_id,
    }


def month_end(town: Town) -> str:
    """The last day of the month that the clock tells."""
    first = business_date(town.clock.now_us()).replace(day=1)
    return str(add_months(first, 1) - timedelta(days=1))


def _without(told: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != name}
