"""Asking somebody to pay: requests, and bills that are split into them."""

from __future__ import annotations

from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.party import check_actor, take_parties
from puhui.payment.desk.lists import figures
from puhui.payment.desk.pay import PAYING, check_remark, pay_and_tell
from puhui.payment.nouns.ask import (
    BillSplit,
    ExpireRequests,
    Request,
    RequestKey,
    RequestMoved,
    RequestsExpired,
    SplitBill,
)
from puhui.payment.rules.ask import shares_of
from puhui.payment.rules.wallet import check_amount, check_currency
from puhui.payment.tables import ask as tables

DAY_US = 86_400_000_000
CHUNK = 500


def _check_parties(act: Act, *party_ids: str) -> None:
    """That all of them live here. Refused: ``payment.no_party``."""
    found = take_parties(act, sorted(set(party_ids)))
    if any(one not in found or found[one].is_erased for one in party_ids):
        raise Refused("payment.no_party", "There is no such party to pay or to be paid.")


def _insert(
    act: Act, *, payer_id: str, payee_id: str, amount_minor: int, currency: str, remark: str,
    bill_id: str = "",
) -> str:  # fmt: skip
    """Record one request and tell of it; its id. Refused: ``payment.too_many_requests``."""
    rules = figures("request")
    open_now = act.tx.one(tables.COUNT_OPEN, payer_id=payer_id, payee_id=payee_id)
    assert open_now is not None
    if open_now.open >= rules.open_per_payer_max:
        raise Refused("payment.too_many_requests", "Too many requests wait for this party.")
    request_id = act.new_id("request")
    act.tx.put(
        tables.INSERT_REQUEST,
        id=request_id,
        payer_id=payer_id,
        payee_id=payee_id,
        amount_minor=amount_minor,
        currency=currency,
        remark=remark,
        bill_id=bill_id,
        status="open",
        asked_us=act.now_us,
        expires_us=act.now_us + rules.open_days * DAY_US,
        payment="",
    )
    payload = {"request": request_id, "amount_minor": amount_minor, "currency": currency}
    act.emit("payment.requested", payer_id, payload)
    return request_id


@use_case("payment.request", roles=PAYING, api=True)
def request(act: Act, input: Request) -> RequestMoved:
    """Ask a party to pay; the request stays open for seven days.

    Refused: ``payment.bad_amount``, ``payment.no_currency``, ``payment.bad_text``,
    ``payment.no_party``, ``payment.same_wallet``, ``payment.too_many_requests``,
    ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payee_id)
    check_amount(input.amount_minor)
    check_currency(input.currency)
    remark = check_remark(input.remark)
    if input.payer_id == input.payee_id:
        raise Refused("payment.same_wallet", "Nobody asks themselves for money.")
    _check_parties(act, input.payer_id, input.payee_id)
    request_id = _insert(
        act,
        payer_id=input.payer_id,
        payee_id=input.payee_id,
        amount_minor=input.amount_minor,
        currency=input.currency,
        remark=remark,
    )
    return RequestMoved(request_id, "open")


@use_case("payment.split_bill", roles=PAYING, api=True)
def split_bill(act: Act, input: SplitBill) -> BillSplit:
    """Share a bill out: each party but the one who paid is asked for a share.

    The shares sum to the bill, to the last fen. Refused: ``payment.bad_split``,
    ``payment.no_currency``, ``payment.bad_amount``, ``payment.bad_text``, ``payment.no_party``,
    ``payment.too_many_requests``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payee_id)
    check_amount(input.total_minor)
    check_currency(input.currency)
    remark = check_remark(input.remark)
    shares = shares_of(
        input.total_minor,
        input.party_ids,
        input.shares_minor,
        parties_max=figures("bill").parties_max,
    )
    _check_parties(act, input.payee_id, *input.party_ids)
    bill_id = act.new_id("bill")
    request_ids = tuple(
        ""
        if party_id == input.payee_id
        else _insert(
            act,
            payer_id=party_id,
            payee_id=input.payee_id,
            amount_minor=share,
            currency=input.currency,
            remark=remark,
            bill_id=bill_id,
        )
        for party_id, share in zip(input.party_ids, shares, strict=True)
    )
    return BillSplit(bill_id, shares, request_ids)


def _take_open(act: Act, request_id: str) -> Row:
    """An open request, locked. Refused: ``payment.no_request``, ``payment.request_ended``."""
    row = act.tx.one(tables.LOCK_REQUEST, id=request_id)
    if row is None:
        raise Refused("payment.no_request", f"There is no request {request_id[:60]}.")
    if row.status != "open" or row.expires_us <= act.now_us:
        raise Refused("payment.request_ended", "This request does not wait any more.")
    return row


def _end(act: Act, row: Row, status: str, payment: str = "") -> RequestMoved:
    act.tx.put(tables.MOVE_REQUEST, id_=row.id, status_=status, payment_=payment)
    act.emit(f"payment.request_{status}", row.payee_id, {"request": row.id})
    return RequestMoved(row.id, status, payment)


@use_case("payment.pay_request", roles=PAYING, api=True)
def pay_request(act: Act, input: RequestKey) -> RequestMoved:
    """Pay what one was asked for, within the payer's limits.

    Refused: ``payment.no_request``, ``payment.request_ended``, ``party.not_yours`` and what
    ``payment.pay`` refuses.
    """
    row = _take_open(act, input.request_id)
    check_actor(act.tx, act.actor, acts_for=row.payer_id)
    paid = pay_and_tell(
        act,
        payer_id=row.payer_id,
        payee=row.payee_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        remark=row.remark,
    )
    return _end(act, row, "paid", paid.id)


@use_case("payment.decline_request", roles=PAYING, api=True)
def decline_request(act: Act, input: RequestKey) -> RequestMoved:
    """Say no to a request. Refused: ``payment.no_request``, ``payment.request_ended``,
    ``party.not_yours``.
    """
    row = _take_open(act, input.request_id)
    check_actor(act.tx, act.actor, acts_for=row.payer_id)
    return _end(act, row, "declined")


@use_case("payment.cancel_request", roles=PAYING, api=True)
def cancel_request(act: Act, input: RequestKey) -> RequestMoved:
    """Take one's own request back. Refused: ``payment.no_request``, ``payment.request_ended``,
    ``party.not_yours``.
    """
    row = _take_open(act, input.request_id)
    check_actor(act.tx, act.actor, acts_for=row.payee_id)
    return _end(act, row, "cancelled")


@use_case("payment.expire_requests", roles=("system",), batch="request_ids")
def expire_requests(act: Act, input: ExpireRequests) -> RequestsExpired:
    """End a chunk of requests that nobody answered in time; paying them was refused already."""
    until_us = start_of_day_us(input.day)
    ids = list(input.request_ids)
    return RequestsExpired(act.tx.run(tables.EXPIRE, ids_=ids, until_us_=until_us))


def _expired_chunks(node: Node, day: date) -> list[ExpireRequests]:
    """Open requests whose time ended before a day, in chunks."""
    with node.read() as tx:
        rows = tx.all(tables.READ_EXPIRED, until_us=start_of_day_us(day))
    ids = [row.id for row in rows]
    return [ExpireRequests(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


day_step(60, "payment.expire_requests", _expired_chunks)
