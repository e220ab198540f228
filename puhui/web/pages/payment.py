"""What was paid and what is asked for: receipts, refunds, requests and standing orders."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.payment import numbers, wallet_account
from puhui.payment.window import (
    AskedPayment,
    Payment,
    StandingOrder,
    orders_of,
    payment_of,
    requests_of,
)
from puhui.web.ask import Ask, Missing, Waits
from puhui.web.pages.amount import amount_of
from puhui.web.pages.payee import label_of, labels_of
from puhui.web.pages.waiting import check_proof, proof_of, url_of
from puhui.web.pages.wallet import purse_of

REQUESTS_MAX = 200


def _own_payment(ask: Ask, tx: Transaction) -> Payment:
    """The payment of the address, where the customer is one of its two ends."""
    try:
        found = payment_of(tx, ask.request.path_params["payment_id"])
    except Refused:
        raise Missing from None
    own = (ask.party_id, f"{wallet_account(ask.party_id, found.currency):032x}")
    if found.payer_id not in own and found.payee_id not in own:
        raise Missing
    return found


def _is_payer(ask: Ask, found: Payment) -> bool:
    own = (ask.party_id, f"{wallet_account(ask.party_id, found.currency):032x}")
    return found.payer_id in own


def receipt(ask: Ask) -> Response:
    """The receipt of a payment, for whoever paid and whoever was paid."""
    return _receipt(ask)


def _receipt(ask: Ask) -> Response:
    with ask.node.read() as tx:
        found = _own_payment(ask, tx)
        is_payer = _is_payer(ask, found)
        other = label_of(ask, tx, found.payee_id if is_payer else found.payer_id)
        purse = purse_of(tx, ask.party_id, found.currency)
    left = found.amount_minor - found.refunded_minor
    return ask.page(
        "payment.html",
        payment=found,
        number=numbers.grouped_digits(found.receipt),
        is_payer=is_payer,
        other=other,
        purse=purse,
        left=left,
        may_refund=not is_payer and found.kind == "payment" and left > 0,
        amount=ask.text("amount"),
        done=ask.query.get("done", ""),
        back="/money",
    )


def refund(ask: Ask) -> Response:
    """Give a payment back, all that is left of it or a part; the payee asks for it."""
    with ask.node.read() as tx:
        found = _own_payment(ask, tx)
    if _is_payer(ask, found):
        raise Missing
    amount_minor = amount_of(ask, found.currency)
    if amount_minor is None:
        return _receipt(ask)
    try:
        ask.act("payment.refund", {"id": found.id, "amount_minor": amount_minor})
    except Refused as refused:
        ask.wrong("amount", said(refused.code, ask.view.language))
        return _receipt(ask)
    return ask.go(f"/payment/{found.id}?done=refunded")


def requests(ask: Ask) -> Response:
    """What one is asked for, what one asks for, and what came of it."""
    with ask.node.read() as tx:
        found = requests_of(tx, ask.party_id, count=REQUESTS_MAX)
        labels = labels_of(ask, tx, {_other(ask, one) for one in found})
    return ask.page(
        "requests.html",
        asked=[one for one in found if one.payer_id == ask.party_id and _is_open(ask, one)],
        own=[one for one in found if one.payee_id == ask.party_id and _is_open(ask, one)],
        over=[one for one in found if not _is_open(ask, one)],
        labels=labels,
        done=ask.query.get("done", ""),
        back="/wallet",
    )


def _other(ask: Ask, one: AskedPayment) -> str:
    return one.payee_id if one.payer_id == ask.party_id else one.payer_id


def _is_open(ask: Ask, one: AskedPayment) -> bool:
    return one.status == "open" and one.expires_us > ask.node.clock.now_us()


def _own_request(ask: Ask, tx: Transaction) -> AskedPayment:
    wanted = ask.request.path_params["request_id"]
    for one in requests_of(tx, ask.party_id, count=10_000):
        if one.id == wanted:
            return one
    raise Missing


def request(ask: Ask) -> Response:
    """One request: pay it, decline it, or take it back."""
    return _request(ask)


def _request(ask: Ask) -> Response:
    with ask.node.read() as tx:
        found = _own_request(ask, tx)
        other = label_of(ask, tx, _other(ask, found))
        purse = purse_of(tx, ask.party_id, found.currency)
    return ask.page(
        "request.html",
        request=found,
        is_payer=found.payer_id == ask.party_id,
        is_open=_is_open(ask, found),
        other=other,
        purse=purse,
        shown=proof_of(ask, "request", found.id, found.amount_minor, found.payee_id),
        done=ask.query.get("done", ""),
        back="/requests",
    )


def answer_request(ask: Ask) -> Response:
    """Pay, decline or take back, as the address says; each only by whom it is for.

    Paying what the page showed is accepted while the store is away.
    """
    verb = ask.path.rpartition("/")[2]
    if ask.is_apart and verb == "pay":
        return _pay_apart(ask)
    with ask.node.read() as tx:
        found = _own_request(ask, tx)
    if (verb == "cancel") != (found.payee_id == ask.party_id):
        raise Missing
    try:
        moved = ask.act(f"payment.{verb}_request", {"request_id": found.id})
    except Waits as waits:
        url = url_of(
            ask,
            waits.answer,
            way="request",
            amount_minor=found.amount_minor,
            to=found.payee_id,
        )
        return ask.go(url)
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _request(ask)
    if moved.payment:
        return ask.go(f"/payment/{moved.payment}?done=paid")
    return ask.go(f"/request/{found.id}?done={moved.status}")


def _pay_apart(ask: Ask) -> Response:
    """Accept what was asked for, as its page showed it; judged when it is posted."""
    request_id, minor, to = ask.request.path_params["request_id"], ask.text("minor"), ask.text("to")
    check_proof(ask, "request", request_id, minor, to)
    try:
        moved = ask.act("payment.pay_request", {"request_id": request_id})
    except Waits as waits:
        url = url_of(ask, waits.answer, way="request", amount_minor=int(minor), to=to)
        return ask.go(url)
    return ask.go(f"/payment/{moved.payment}?done=paid")


def orders(ask: Ask) -> Response:
    """Standing orders: those that pay, and those that have ended."""
    with ask.node.read() as tx:
        found = orders_of(tx, ask.party_id)
        labels = labels_of(ask, tx, {one.payee_id for one in found})
    running: list[Any] = [one for one in found if one.status == "active"]
    return ask.page(
        "orders.html",
        running=running,
        over=[one for one in reversed(found) if one.status != "active"],
        labels=labels,
        back="/wallet",
    )


def _own_order(ask: Ask, tx: Transaction) -> StandingOrder:
    for one in orders_of(tx, ask.party_id):
        if one.id == ask.request.path_params["order_id"]:
            return one
    raise Missing


def order(ask: Ask) -> Response:
    """One standing order, and how to end it."""
    return _order(ask)


def _order(ask: Ask) -> Response:
    with ask.node.read() as tx:
        found = _own_order(ask, tx)
        other = label_of(ask, tx, found.payee_id)
    done = ask.query.get("done", "")
    return ask.page("order.html", order=found, other=other, done=done, back="/orders")


def cancel_order(ask: Ask) -> Response:
    """End a standing order; what it paid stays paid."""
    with ask.node.read() as tx:
        found = _own_order(ask, tx)
    try:
        ask.act("payment.cancel_order", {"order_id": found.id})
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _order(ask)
    return ask.go(f"/order/{found.id}?done=cancelled")
