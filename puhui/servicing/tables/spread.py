"""The table of deferred fees: what was kept back of loans at first, earned over their lives."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)

from puhui.kernel.store import metadata, sum_int, upsert
from puhui.servicing.tables.live import LOAN

DEFERRAL = Table(
    "servicing_deferral",
    metadata,
    Column("loan_id", Text, primary_key=True),
    Column("charged_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("income_minor", BigInteger, nullable=False),
    Column("lost_minor", BigInteger, nullable=False),
    Column("contract_rate", Text, nullable=False),
    Column("effective_rate", Text, nullable=False),
    Column("knots", LargeBinary, nullable=False),
    CheckConstraint("fee_minor BETWEEN 0 AND charged_minor"),
    CheckConstraint("income_minor >= 0 AND lost_minor >= 0"),
    CheckConstraint("income_minor + lost_minor <= fee_minor"),
)
"""What the borrower gave and what of it is ours; of that what the books hold as interest, and what
was set against the loss of a loan that was given up; the rates of the first day, empty where it is
earned by days alone; what is not earned yet, by day (see ``arrays.spread``)."""

_one = DEFERRAL.c.loan_id == bindparam("loan_id")
PUT_DEFERRAL = upsert(DEFERRAL, ["loan_id"])
READ_DEFERRAL = select(*DEFERRAL.c).where(_one)
LOCK_DEFERRAL = READ_DEFERRAL.with_for_update()
DROP_DEFERRAL = delete(DEFERRAL).where(_one)
SET_DEFERRAL = (
    update(DEFERRAL)
    .where(DEFERRAL.c.loan_id == bindparam("loan_id_"))
    .values(
        income_minor=bindparam("income_minor_"),
        lost_minor=bindparam("lost_minor_"),
        knots=bindparam("knots_"),
    )
)
_unearned = select(
    DEFERRAL.c.loan_id,
    DEFERRAL.c.fee_minor,
    DEFERRAL.c.income_minor,
    DEFERRAL.c.lost_minor,
    DEFERRAL.c.knots,
).where(DEFERRAL.c.income_minor < DEFERRAL.c.fee_minor)
LOCK_WITHIN = (
    _unearned.where(
        DEFERRAL.c.loan_id > bindparam("after"), DEFERRAL.c.loan_id <= bindparam("until")
    )
    .order_by(DEFERRAL.c.loan_id)
    .with_for_update()
)
LOCK_NAMED = (
    _unearned.where(DEFERRAL.c.loan_id.in_(bindparam("ids", expanding=True)))
    .order_by(DEFERRAL.c.loan_id)
    .with_for_update()
)
SUM_DEFERRED = (
    select(
        LOAN.c.product,
        LOAN.c.currency,
        sum_int(DEFERRAL.c.fee_minor).label("fee_minor"),
        sum_int(DEFERRAL.c.income_minor).label("income_minor"),
        sum_int(DEFERRAL.c.lost_minor).label("lost_minor"),
    )
    .join(LOAN, LOAN.c.id == DEFERRAL.c.loan_id)
    .group_by(LOAN.c.product, LOAN.c.currency)
    .order_by(LOAN.c.product, LOAN.c.currency)
)
