"""The table of payments and every statement on it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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
    Column("id", LargeBinary, primary_key=True),
    Column("payment_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payer_id", Text, nullable=False),
    Column("payee_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("original_id", LargeBinary),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    CheckConstraint("kind IN ('pay', 'refund', 'top_up', 'withdraw', 'hold')"),
    CheckConstraint("status IN ('posted', 'held', 'released')"),
    CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor"),
)
"""What a transfer was for, by the transfer's id. No further index: a wallet's payments are found
through the ledger's own index of its account, and a batch writes each row once."""

_payment = PAYMENT.c

INSERT_PAYMENT = insert_all(PAYMENT)
PUT_PAYMENT = upsert(PAYMENT, ["id"], {})
READ_PAYMENTS = select(*_payment).where(_payment.id.in_(bindparam("ids", expanding=True)))
LOCK_PAYMENT = select(*_payment).where(_payment.id == bindparam("id")).with_for_update()
ADD_REFUND = (
    update(PAYMENT)
    .where(_payment.id == bindparam("id_"))
    .values(refunded_minor=_payment.refunded_minor + bindparam("more_"))
)
SET_PAYMENT = (
    update(PAYMENT)
    .where(_payment.id == bindparam("id_"))
    .values(status=bindparam("status_"), amount_minor=bindparam("amount_minor_"))
)
BLANK_REMARKS = (
    update(PAYMENT)
    .where(
        or_(
            _payment.payer_id == bindparam("party_id_"), _payment.payee_id == bindparam("party_id_")
        )
    )
    .values(remark="")
)
