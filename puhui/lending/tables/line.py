"""Notices that the bank has given of the end of a credit line."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from puhui.kernel.store import metadata, upsert

NOTICE = Table(
    "lending_line_notice",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("given_us", BigInteger, nullable=False),
    Column("closes_on", Text, nullable=False),
    Column("status", Text, nullable=False),
    CheckConstraint("status IN ('open', 'withdrawn', 'ended')"),
    Index("lending_line_notice_day", "status", "closes_on"),
)
"""One row a line: the newest notice, and what became of it."""

_notice = NOTICE.c
PUT_NOTICE = upsert(NOTICE, ["contract_id"])
READ_NOTICE = select(*_notice).where(
    _notice.contract_id == bindparam("contract_id"), _notice.status == "open"
)
READ_PASSED = (
    select(_notice.contract_id)
    .where(_notice.status == "open", _notice.closes_on <= bindparam("day"))
    .order_by(_notice.contract_id)
)
_OPEN = update(NOTICE).where(
    _notice.contract_id == bindparam("contract_id_"), _notice.status == "open"
)
WITHDRAW_NOTICE = _OPEN.values(status="withdrawn")
END_NOTICE = _OPEN.values(status="ended")
