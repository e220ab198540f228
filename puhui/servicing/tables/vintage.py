"""The table of vintages: how loans of one month of opening stand at the end of later months."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, func, select

from puhui.kernel.store import insert_all, metadata, sum_int
from puhui.kernel.store.listing import matches
from puhui.servicing.tables.live import EVENT, LOAN

VINTAGE = Table(
    "servicing_vintage",
    metadata,
    Column("period", Text, primary_key=True),
    Column("act_key", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("opened", Text, primary_key=True),
    Column("bucket", BigInteger, primary_key=True),
    Column("loans", BigInteger, nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
)
"""Live loans at the end of a month by month of opening and bucket, by chunk."""

INSERT_VINTAGE = insert_all(VINTAGE)


SUM_VINTAGES = (
    select(VINTAGE.c.period, VINTAGE.c.opened, VINTAGE.c.bucket,
           sum_int(VINTAGE.c.loans).label("loans"),
           sum_int(VINTAGE.c.outstanding_minor).label("outstanding_minor"))
    .where(matches("product", VINTAGE.c.product))
    .group_by(VINTAGE.c.period, VINTAGE.c.opened, VINTAGE.c.bucket)
    .order_by(VINTAGE.c.period, VINTAGE.c.opened, VINTAGE.c.bucket)
)  # fmt: skip
SUM_OPENED = (
    select(LOAN.c.opened_on, func.count().label("loans"),
           sum_int(LOAN.c.principal_minor).label("principal_minor"))
    .where(matches("product", LOAN.c.product))
    .group_by(LOAN.c.opened_on)
    .order_by(LOAN.c.opened_on)
)  # fmt: skip
READ_WRITTEN_OFF = (
    select(LOAN.c.opened_on, EVENT.c.day, func.count().label("loans"))
    .join(EVENT, EVENT.c.loan_id == LOAN.c.id)
    .where(EVENT.c.kind == "written_off", LOAN.c.status == "written_off",
           matches("product", LOAN.c.product))
    .group_by(LOAN.c.opened_on, EVENT.c.day)
    .order_by(LOAN.c.opened_on, EVENT.c.day)
)  # fmt: skip
