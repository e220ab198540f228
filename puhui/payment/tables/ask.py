"""The tables of requests and standing orders, and every statement on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    func,
    or_,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata

REQUEST = Table(
    "payment_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payer_id", Text, nullable=False),
    Column("payee_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("bill_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("payment", Text, nullable=False),
    CheckConstraint("status IN ('open', 'paid', 'declined', 'cancelled', 'expired')"),
    CheckConstraint("amount_minor > 0"),
    Index("payment_request_payer", "payer_id", "status"),
    Index("payment_request_payee", "payee_id", "status"),
    Index("payment_request_due", "status", "expires_us"),
)

ORDER = Table(
    "payment_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payer_id", Text, nullable=False),
    Column("payee_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("every", Text, nullable=False),
    Column("anchor_day", Integer, nullable=False),
    Column("next_on", Text, nullable=False),
    Column("try_on", Text, nullable=False),
    Column("ends_on", Text),
    Column("attempts", Integer, nullable=False),
    Column("status", Text, nullable=False),
    CheckConstraint("status IN ('active', 'ended', 'cancelled')"),
    CheckConstraint("every IN ('week', 'month')"),
    CheckConstraint("amount_minor > 0"),
    Index("payment_order_payer", "payer_id"),
    Index("payment_order_due", "status", "try_on"),
)

_request, _order = REQUEST.c, ORDER.c

INSERT_REQUEST = insert_all(REQUEST)
LOCK_REQUEST = select(*_request).where(_request.id == bindparam("id")).with_for_update()
MOVE_REQUEST = (
    update(REQUEST)
    .where(_request.id == bindparam("id_"))
    .values(status=bindparam("status_"), payment=bindparam("payment_"))
)
COUNT_OPEN = select(func.count().label("open")).where(
    _request.payer_id == bindparam("payer_id"),
    _request.status == "open",
    _request.payee_id == bindparam("payee_id"),
)
READ_REQUESTS_OF = (
    select(*_request)
    .where(
        or_(_request.payer_id == bindparam("party_id"), _request.payee_id == bindparam("party_id"))
    )
    .order_by(_request.asked_us.desc(), _request.id)
    .limit(bindparam("count"))
)
READ_EXPIRED = (
    select(_request.id)
    .where(_request.status == "open", _request.expires_us <= bindparam("until_us"))
    .order_by(_request.id)
)
EXPIRE = (
    update(REQUEST)
    .where(
        _request.id.in_(bindparam("ids_", expanding=True)),
        _request.status == "open",
        _request.expires_us <= bindparam("until_us_"),
    )
    .values(status="expired")
)
BLANK_REQUESTS = (
    update(REQUEST)
    .where(
        or_(
            _request.payer_id == bindparam("party_id_"), _request.payee_id == bindparam("party_id_")
        )
    )
    .values(remark="")
)

INSERT_ORDER = insert_all(ORDER)
LOCK_ORDER = select(*_order).where(_order.id == bindparam("id")).with_for_update()
LOCK_ORDERS = (
    select(*_order)
    .where(_order.id.in_(bindparam("ids", expanding=True)))
    .order_by(_order.id)
    .with_for_update()
)
READ_ORDERS_OF = select(*_order).where(_order.payer_id == bindparam("party_id")).order_by(_order.id)
READ_ORDERS_DUE = (
    select(_order.id)
    .where(_order.status == "active", _order.try_on <= bindparam("day"))
    .order_by(_order.id)
)
MOVE_ORDER = (
    update(ORDER)
    .where(_order.id == bindparam("id_"))
    .values(
        next_on=bindparam("next_on_"),
        try_on=bindparam("try_on_"),
        attempts=bindparam("attempts_"),
        status=bindparam("status_"),
    )
)
CANCEL_ORDERS_OF = (
    update(ORDER)
    .where(
        or_(_order.payer_id == bindparam("party_id_"), _order.payee_id == bindparam("party_id_"))
    )
    .values(remark="", status="cancelled")
)
