"""The tables of promises and of the readings they wait for, and every statement on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    or_,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata

PROMISE = Table(
    "payment_promise",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payer_id", Text, nullable=False),
    Column("payee_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("pending_id", LargeBinary, nullable=False),
    Column("remark", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("lapses_on", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("payment", Text, nullable=False),
    CheckConstraint("status IN ('held', 'kept', 'lapsed')"),
    CheckConstraint("amount_minor > 0"),
    Index("payment_promise_due", "status", "lapses_on"),
    Index("payment_promise_payer", "payer_id"),
    Index("payment_promise_payee", "payee_id"),
)

READING = Table(
    "payment_reading",
    metadata,
    Column("source", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("observed_on", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("value", Text, nullable=False),
    Column("recorded_us", BigInteger, nullable=False),
    Column("recorded_by", Text, nullable=False),
)

_promise, _reading = PROMISE.c, READING.c

INSERT_PROMISE = insert_all(PROMISE)
READ_PROMISE = select(*_promise).where(_promise.id == bindparam("id"))
LOCK_PROMISE = READ_PROMISE.with_for_update()
LOCK_PROMISES = (
    select(*_promise)
    .where(_promise.id.in_(bindparam("ids", expanding=True)))
    .order_by(_promise.id)
    .with_for_update()
)
READ_PROMISES_OF = (
    select(*_promise)
    .where(
        or_(_promise.payer_id == bindparam("party_id"), _promise.payee_id == bindparam("party_id"))
    )
    .order_by(_promise.made_us.desc(), _promise.id)
    .limit(bindparam("count"))
)
READ_DUE = (
    select(_promise.id)
    .where(_promise.status == "held", _promise.lapses_on < bindparam("day"))
    .order_by(_promise.id)
)
MOVE_PROMISE = (
    update(PROMISE)
    .where(_promise.id == bindparam("id_"))
    .values(
        status=bindparam("status_"), payee_id=bindparam("payee_id_"), payment=bindparam("payment_")
    )
)
FORGET_PROMISES = (
    update(PROMISE)
    .where(
        or_(
            _promise.payer_id == bindparam("party_id_"), _promise.payee_id == bindparam("party_id_")
        )
    )
    .values(remark="")
)

INSERT_READING = insert_all(READING)
READ_READING = select(_reading.value).where(
    _reading.source == bindparam("source"),
    _reading.name == bindparam("name"),
    _reading.observed_on == bindparam("observed_on"),
    _reading.revision == bindparam("revision"),
)
READ_LATEST = (
    select(_reading.value, _reading.recorded_by)
    .where(
        _reading.source == bindparam("source"),
        _reading.name == bindparam("name"),
        _reading.observed_on >= bindparam("from_day"),
        _reading.observed_on <= bindparam("to_day"),
    )
    .order_by(_reading.observed_on.desc(), _reading.revision.desc())
    .limit(1)
)
