"""The tables of payments and every statement on them.

What moved, how much, when and between which accounts stands in the ledger alone. Here is what a
payment says beside that, one narrow row each, under a number that the transfer carries in
``user_data_128``. Numbers grow with time, so a batch of rows is written at the end of the table.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    or_,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, upsert

PAYMENT = Table(
    "payment",
    metadata,
    Column("number", LargeBinary, primary_key=True),
    Column("payment_id", Text, nullable=False),
    Column("payer_id", Text, nullable=False),
    Column("payee_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("original_id", LargeBinary),
    sqlite_with_rowid=False,
)
"""``payment_id`` is the payer's name of it, ``original_id`` the transfer that a refund undoes."""

REFUND = Table(
    "payment_refund",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor"),
)
"""How much of a transfer was given back; only of those of which anything was."""

HOLD = Table(
    "payment_hold",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("payer_id", Text, nullable=False),
    Column("payee_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("taken_minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    CheckConstraint("status IN ('held', 'taken', 'released')"),
    CheckConstraint("taken_minor >= 0 AND taken_minor <= amount_minor"),
    Index("payment_hold_payer", "payer_id"),
    Index("payment_hold_payee", "payee_id"),
)
"""Money held, by its pending transfer."""

_payment, _refund, _hold = PAYMENT.c, REFUND.c, HOLD.c

INSERT_PAYMENT = insert_all(PAYMENT)
READ_PAYMENTS = select(*_payment).where(_payment.number.in_(bindparam("numbers", expanding=True)))
READ_NUMBERED = select(_payment.number, _payment.payer_id, _payment.payee_id).where(
    _payment.number >= bindparam("low"), _payment.number <= bindparam("high")
)
"""Payments by a span of their numbers, which begin with their times."""
BLANK_REMARKS = (
    update(PAYMENT)
    .where(
        or_(
            _payment.payer_id == bindparam("party_id_"), _payment.payee_id == bindparam("party_id_")
        )
    )
    .values(remark="")
)

PUT_REFUND = upsert(REFUND, ["id"], {})
LOCK_REFUND = select(*_refund).where(_refund.id == bindparam("id")).with_for_update()
READ_REFUNDS = select(*_refund).where(_refund.id.in_(bindparam("ids", expanding=True)))
ADD_REFUND = (
    update(REFUND)
    .where(_refund.id == bindparam("id_"))
    .values(refunded_minor=_refund.refunded_minor + bindparam("more_"))
)

INSERT_HOLD = insert_all(HOLD)
READ_HOLDS_OF = (
    select(*_hold)
    .where(or_(_hold.payer_id == bindparam("party_id"), _hold.payee_id == bindparam("party_id")))
    .order_by(_hold.made_us.desc(), _hold.id)
    .limit(bindparam("count"))
)
LOCK_HOLD = select(*_hold).where(_hold.id == bindparam("id")).with_for_update()
END_HOLD = (
    update(HOLD)
    .where(_hold.id == bindparam("id_"))
    .values(status=bindparam("status_"), taken_minor=bindparam("taken_minor_"))
)
