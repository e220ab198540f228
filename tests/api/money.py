"""For each operation of payments something that is really there, so that a call succeeds once."""

from __future__ import annotations

from typing import Any

from puhui.payment.window import draw_shown_code
from tests.api.town import Town

SHOP = {"category": "5411", "name": "SHOP", "city": "LANKAO"}
LAST = "2026-12-31"


def payment_things(town: Town) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each operation of payment that customers may call: whose thing it is, what is given."""
    payer, payee, closing = town.fresh(), town.fresh(), town.fresh()
    ids = {name: town.parties[name] for name in (payer, payee, closing)}
    cny: dict[str, Any] = {"currency": "CNY"}
    for name in (payer, payee, closing):
        done(town, name, "open_wallet", {"party_id": ids[name], **cny, "tier": 4})
    done(town, "operator", "top_up", {"party_id": ids[payer], "amount_minor": 90_000, **cny})
    to_payee = {"payer_id": ids[payer], "payee": ids[payee], "amount_minor": 500, **cny}
    ask = {"payee_id": ids[payee], "payer_id": ids[payer], "amount_minor": 500, **cny}
    asked = [done(town, payee, "request", ask)["request_id"] for _ in range(3)]
    holding = {**to_payee, "timeout_s": 600}
    held = [done(town, payer, "hold", holding)["id"] for _ in range(2)]
    paid = done(town, payer, "pay", to_payee)["id"]
    order = {
        "payer_id": ids[payer], "payee_id": ids[payee], "amount_minor": 500, **cny,
        "every": "month", "starts_on": "2026-06-30",
    }  # fmt: skip
    ordered = done(town, payer, "create_order", order)["order_id"]
    shop = {"party_id": ids[payee], "kind": "static", **SHOP}
    codes = [done(town, "operator", "create_code", shop)["digits"] for _ in range(2)]
    digits, digest = draw_shown_code()
    done(town, payer, "present_code", {"party_id": ids[payer], "digest": digest})
    _, other = draw_shown_code()
    bound = {
        "payer_id": ids[payer], "amount_minor": 500, **cny, "payee_id": ids[payee],
        "condition": {"kind": "until", "on": LAST}, "lapses_on": LAST,
    }  # fmt: skip
    promised = done(town, payer, "promise", bound)["promise_id"]
    dynamic = {"party_id": ids[payee], "kind": "dynamic", "amount_minor": 700}
    bill = {"payee_id": ids[payee], "total_minor": 900, **cny, "party_ids": [ids[payer]]}
    return {
        "payment.open_wallet": (payer, {"party_id": ids[payer], "currency": "USD"}),
        "payment.pay": (payer, to_payee),
        "payment.request": (payee, ask),
        "payment.pay_request": (payer, {"request_id": asked[0]}),
        "payment.decline_request": (payer, {"request_id": asked[1]}),
        "payment.cancel_request": (payee, {"request_id": asked[2]}),
        "payment.split_bill": (payee, bill),
        "payment.hold": (payer, holding),
        "payment.capture": (payee, {"id": held[0]}),
        "payment.release": (payee, {"id": held[1]}),
        "payment.refund": (payee, {"id": paid, "amount_minor": 100}),
        "payment.create_order": (payer, order),
        "payment.cancel_order": (payer, {"order_id": ordered}),
        "payment.create_code": (payee, dynamic),
        "payment.close_code": (payee, {"digits": codes[1]}),
        "payment.pay_by_code": (
            payer, {"payer_id": ids[payer], "code": codes[0], "amount_minor": 300},
        ),
        "payment.collect_code": (
            payee, {"payee_id": ids[payee], "amount_minor": 300, "digits": digits},
        ),
        "payment.present_code": (payer, {"party_id": ids[payer], "digest": other}),
        "payment.promise": (payer, bound),
        "payment.fulfil": (payee, {"promise_id": promised, "payee_id": ids[payee]}),
        "payment.withdraw": (payer, {"party_id": ids[payer], "amount_minor": 100, **cny}),
        "payment.set_tier": (closing, {"party_id": ids[closing], **cny, "tier": 3}),
        "payment.close_wallet": (closing, {"party_id": ids[closing], **cny}),
    }  # fmt: skip


def done(town: Town, who: str, verb: str, given: dict[str, Any]) -> dict[str, Any]:
    """Call an operation of payment; its answer."""
    answer = town.post(who, f"/api/payment/{verb}", given)
    assert answer.status_code == 200, (verb, answer.text)
    told: dict[str, Any] = answer.json()
    return told
