"""Table and statements of payees asked about: how often each customer asked, day by day."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, bindparam, delete, select

from puhui.kernel.store import excluded, metadata, upsert

PAYEE_ASK = Table(
    "exchange_payee_ask",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("asks", BigInteger, nullable=False),
    CheckConstraint("asks >= 0"),
)

_ask = PAYEE_ASK.c

ADD_ASKS = upsert(PAYEE_ASK, ["party_id", "day"], {"asks": _ask.asks + excluded(PAYEE_ASK, "asks")})
"""Adds to the count of a day, also nought; the row stays locked until the act ends."""
READ_ASKS = select(_ask.asks).where(
    _ask.party_id == bindparam("party_id"), _ask.day == bindparam("day")
)
FORGET_ASKS = delete(PAYEE_ASK).where(_ask.day < bindparam("before"))
