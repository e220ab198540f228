"""Standing orders: the same payment every week or month, tried again where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.party import check_actor, take_parties
from puhui.payment.desk.lists import figures
from puhui.payment.desk.pay import PAYING, check_remark
from puhui.payment.desk.post import Columns, account_key, post_payments, transfer_keys
from puhui.payment.nouns.ask import CreateOrder, OrderKey, OrderMoved, OrdersRun, RunOrders
from puhui.payment.rules.ask import check_every, day_after
from puhui.payment.rules.batch import POSTED, REPEATED
from puhui.payment.rules.wallet import check_amount, check_currency
from puhui.payment.tables import ask as tables

PURPOSE = "STDY"
"""Standing order, ExternalPurpose1Code of ISO 20022."""


@use_case("payment.create_order", roles=PAYING, api=True)
def create_order(act: Act, input: CreateOrder) -> OrderMoved:
    """Set a standing order up: it pays for the first time when the day ``starts_on`` is closed.

    Refused: ``payment.bad_amount``, ``payment.no_currency``, ``payment.bad_text``,
    ``payment.bad_order``, ``payment.no_party``, ``payment.same_wallet``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payer_id)
    check_amount(input.amount_minor)
    check_currency(input.currency)
    remark = check_remark(input.remark)
    check_every(input.every, input.starts_on, input.ends_on, act.today)
    if input.payer_id == input.payee_id:
        raise Refused("payment.same_wallet", "Nobody pays themselves.")
    named = sorted((input.payer_id, input.payee_id))
    found = take_parties(act, named)
    if any(one not in found or found[one].is_erased for one in named):
        raise Refused("payment.no_party", "There is no such party to pay or to be paid.")
    order_id = act.new_id("order")
    act.tx.put(
        tables.INSERT_ORDER,
        id=order_id,
        payer_id=input.payer_id,
        payee_id=input.payee_id,
        amount_minor=input.amount_minor,
        currency=input.currency,
        remark=remark,
        every=input.every,
        anchor_day=input.starts_on.day,
        next_on=input.starts_on.isoformat(),
        try_on=input.starts_on.isoformat(),
        ends_on=None if input.ends_on is None else input.ends_on.isoformat(),
        attempts=0,
        status="active",
    )
    act.emit("payment.order_created", input.payer_id, {"order": order_id})
    return OrderMoved(order_id, "active", input.starts_on)


@use_case("payment.cancel_order", roles=PAYING, api=True)
def cancel_order(act: Act, input: OrderKey) -> OrderMoved:
    """End a standing order; what it paid stays paid. Refused: ``payment.no_order``,
    ``payment.order_ended``, ``party.not_yours``.
    """
    row = act.tx.one(tables.LOCK_ORDER, id=input.order_id)
    if row is None:
        raise Refused("payment.no_order", f"There is no standing order {input.order_id[:60]}.")
    check_actor(act.tx, act.actor, acts_for=row.payer_id)
    if row.status != "active":
        raise Refused("payment.order_ended", f"This standing order is {row.status} already.")
    _move(act, row, row.next_on, row.try_on, row.attempts, "cancelled")
    act.emit("payment.order_cancelled", row.payer_id, {"order": row.id})
    return OrderMoved(row.id, "cancelled", None)


def _move(act: Act, row: Row, next_on: str, try_on: str, attempts: int, status: str) -> None:
    act.tx.put(
        tables.MOVE_ORDER,
        id_=row.id,
        next_on_=next_on,
        try_on_=try_on,
        attempts_=attempts,
        status_=status,
    )


@use_case("payment.run_orders", roles=("system",), batch="order_ids")
def run_orders(act: Act, input: RunOrders) -> OrdersRun:
    """Pay a chunk of standing orders that are due on a day; one that cannot pay harms no other.

    One that fails is tried again on the next days; when the last try fails, that payment is given
    up, ``payment.order_failed`` tells of it, and the order goes on with its next due day.
    """
    day = input.day.isoformat()
    rows = [
        row
        for row in act.tx.all(tables.LOCK_ORDERS, ids=list(input.order_ids))
        if row.status == "active" and row.try_on <= day
    ]
    outcomes = dict.fromkeys(("paid", "postponed", "failed"), 0)
    for currency in sorted({row.currency for row in rows}):
        some = [row for row in rows if row.currency == currency]
        for row, code in zip(some, post_payments(act, _columns(some, currency)), strict=True):
            outcomes[_follow(act, row, code, input.day)] += 1
    return OrdersRun(**outcomes)


def _columns(rows: Sequence[Row], currency: str) -> Columns:
    """Payments of orders; each try has an id of its own, as a failed one is used up."""
    payers = [account_key(row.payer_id, currency) for row in rows]
    names = [f"{row.id[-32:]}:{row.next_on}:{row.attempts}" for row in rows]
    return Columns(
        ids=transfer_keys(payers, names),
        payment_ids=names,
        payers=[row.payer_id for row in rows],
        payees=[row.payee_id for row in rows],
        payer_accounts=payers,
        payee_accounts=[account_key(row.payee_id, currency) for row in rows],
        amounts=[row.amount_minor for row in rows],
        currency=currency,
        purposes=[PURPOSE] * len(rows),
        remarks=[row.remark for row in rows],
    )


def _follow(act: Act, row: Row, code: str, day: date) -> str:
    """Move an order on after a try: to its next due day, or to another try tomorrow."""
    is_paid = code in (POSTED, REPEATED)
    if not is_paid and row.attempts < figures("order").retries_max:
        tomorrow = (day + timedelta(days=1)).isoformat()
        _move(act, row, row.next_on, tomorrow, row.attempts + 1, "active")
        return "postponed"
    due = day_after(row.every, date.fromisoformat(row.next_on), row.anchor_day).isoformat()
    is_over = row.ends_on is not None and due > row.ends_on
    _move(act, row, due, due, 0, "ended" if is_over else "active")
    payload = {"order": row.id, "due_on": row.next_on, "amount_minor": row.amount_minor}
    if is_paid:
        act.emit("payment.order_paid", row.payer_id, payload)
        return "paid"
    act.emit("payment.order_failed", row.payer_id, payload | {"code": code})
    return "failed"


def _due_chunks(node: Node, day: date) -> list[RunOrders]:
    """Standing orders to be tried on a day, in chunks."""
    size = figures("order").chunk
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_ORDERS_DUE, day=day.isoformat())]
    return [RunOrders(day, tuple(ids[at : at + size])) for at in range(0, len(ids), size)]


day_step(80, "payment.run_orders", _due_chunks)
