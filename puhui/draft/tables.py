"""The table of drafts and every statement on it."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, bindparam, delete, select

from puhui.kernel.store import metadata, upsert

DRAFT = Table(
    "draft",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("kind", Text, CheckConstraint("length(kind) > 0"), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("kept_us", BigInteger, nullable=False),
)

PUT_DRAFT = upsert(DRAFT, ["party_id", "kind"])
READ_DRAFT = select(DRAFT.c.sealed).where(
    DRAFT.c.party_id == bindparam("party_id"), DRAFT.c.kind == bindparam("kind")
)
DELETE_DRAFT = delete(DRAFT).where(
    DRAFT.c.party_id == bindparam("party_id"), DRAFT.c.kind == bindparam("kind")
)
DELETE_DRAFTS = delete(DRAFT).where(DRAFT.c.party_id == bindparam("party_id"))
