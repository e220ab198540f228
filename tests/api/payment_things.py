"""For each operation of payments something that is really there, for one call that succeeds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from puhui.kernel.clock import business_date
from puhui.payment.window import draw_shown_code
from tests.api.town import Town

CNY = {"currency": "CNY"}
SHOP = {"kind": "static", "category": "5411", "name": "SHOP", "city": "NANJING"}


class Payments:
    """A payer with money, a payee with a shop, and what passes between them."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.payer, self.payee = town.fresh(), town.fresh()
        self.a, self.b = town.parties[self.payer], town.parties[self.payee]
        self.pair = {"payer_id": self.a, "payee_id": self.b, "amount_minor": 1_000, **CNY}
        for party_id in (self.a, self.b):
            self.do("open_wallet", {"party_id": party_id, **CNY})
        self.do("top_up", {"party_id": self.a, "amount_minor": 1_000_000, **CNY})
        self.shop = self.do("create_code", {"party_id": self.b, **SHOP})["digits"]

    def do(self, verb: str, given: dict[str, Any]) -> Any:
        """What staff make beforehand."""
        answer = self.town.post("operator", f"/api/payment/{verb}", given)
        assert answer.status_code == 200, (verb, answer.text)
        return answer.json()

    def paid(self) -> str:
        """The id of a payment."""
        given = {"payer_id": self.a, "payee": self.b, "amount_minor": 1_000, **CNY}
        return str(self.do("pay", given)["id"])

    def held(self) -> str:
        """The id of money that is kept back."""
        given = {"payer_id": self.a, "payee": self.b, "amount_minor": 1_000, **CNY}
        return str(self.do("hold", {**given, "timeout_s": 3_600})["id"])

    def request(self) -> dict[str, str]:
        """A request that the payer may answer."""
        return {"request_id": self.do("request", self.pair)["request_id"]}

    def order(self) -> dict[str, Any]:
        """The terms of a standing order."""
        return {**self.pair, "every": "month", "starts_on": "2026-12-31"}

    def promise(self) -> dict[str, Any]:
        """The terms of a promise that can be kept at once."""

        day = business_date(self.town.node.clock.now_us())
        condition = {"kind": "from", "on": day.isoformat()}
        last = (day + timedelta(days=30)).isoformat()
        return {**self.pair, "condition": condition, "lapses_on": last}


def payment_things(town: Town) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each operation of payments that customers may call: whose it is, and what is given."""
    here = Payments(town)
    a, b = here.payer, here.payee
    mine, theirs = {"party_id": here.a, **CNY}, {"party_id": here.b, **CNY}
    other, closing = town.fresh(), town.fresh()
    others = {"party_id": town.parties[other], **CNY}
    empty = {"party_id": town.parties[closing], **CNY}
    here.do("open_wallet", empty)
    order_id = here.do("create_order", here.order())["order_id"]
    promise_id = here.do("promise", here.promise())["promise_id"]
    digits, digest = draw_shown_code()
    here.do("present_code", {"party_id": here.a, "digest": digest})
    other_digest = draw_shown_code()[1]
    pay = {"payer_id": here.a, "payee": here.b, "amount_minor": 500, **CNY}
    printed = here.do("create_code", {"party_id": here.b, **SHOP})["digits"]
    paid, month = here.paid(), {"party_id": here.a, "month": "2026-11"}
    receipt = town.get(a, f"/api/payment/payments/{paid}").json()["receipt"]
    people = [here.a, here.b]
    things = {
        "open_wallet": (other, others),
        "set_tier": (b, {**theirs, "tier": 1}),
        "close_wallet": (closing, empty),
        "withdraw": (a, {**mine, "amount_minor": 100}),
        "pay": (a, pay),
        "refund": (b, {"id": here.paid(), "amount_minor": 100}),
        "hold": (a, {**pay, "timeout_s": 60}),
        "capture": (b, {"id": here.held()}),
        "release": (b, {"id": here.held()}),
        "request": (b, here.pair),
        "pay_request": (a, here.request()),
        "decline_request": (a, here.request()),
        "cancel_request": (b, here.request()),
        "split_bill": (b, {"payee_id": here.b, "total_minor": 99, "party_ids": people, **CNY}),
        "create_order": (a, here.order()),
        "cancel_order": (a, {"order_id": order_id}),
        "collect_code": (b, {"payee_id": here.b, "amount_minor": 100, "digits": digits}),
        "present_code": (a, {"party_id": here.a, "digest": other_digest}),
        "create_code": (b, {"party_id": here.b, "kind": "dynamic", "amount_minor": 800}),
        "pay_by_code": (a, {"payer_id": here.a, "code": here.shop, "amount_minor": 100}),
        "close_code": (b, {"digits": printed}),
        "promise": (a, here.promise()),
        "fulfil": (b, {"promise_id": promise_id, "payee_id": here.b}),
        "read_terms": (a, mine),
        "list_promises": (a, {"party_id": here.a}),
        "list_holds": (b, {"party_id": here.b}),
        "read_month": (a, month),
        "read_payment": (a, {"payment_id": paid}),
        "find_receipt": (a, {"receipt": receipt}),
        "list_requests": (a, {"party_id": here.a}),
        "list_orders": (a, {"party_id": here.a}),
        "list_codes": (b, {"party_id": here.b}),
    }
    return {f"payment.{verb}": thing for verb, thing in things.items()}


def staff_payment_things(town: Town) -> dict[str, tuple[str, dict[str, Any]]]:
    """The same for operations of staff alone."""
    reading = {"source": "weather", "name": "rain_mm", "observed_on": "2026-01-31", "value": "3"}
    wallet = {"party_id": town.parties["ann"], **CNY}
    assert town.post("operator", "/api/payment/open_wallet", wallet).status_code == 200
    told = {**wallet, "amount_minor": 1_000}
    return {
        "payment.top_up": ("operator", told),
        "payment.record_reading": ("operator", reading),
    }
