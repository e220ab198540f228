"""Tables and statements of webhooks."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, bindparam, select, update

from puhui.kernel.store import insert_all, metadata

ENDPOINT = Table(
    "webhook_endpoint",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("after_position", BigInteger, CheckConstraint("after_position >= 0"), nullable=False),
    Column("generation", BigInteger, CheckConstraint("generation > 0"), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("deleted_us", BigInteger),
)

INSERT_ENDPOINT = insert_all(ENDPOINT)
READ_ENDPOINTS = (
    select(*ENDPOINT.c)
    .where(ENDPOINT.c.deleted_us.is_(None))
    .order_by(ENDPOINT.c.id)
    .limit(bindparam("count"))
)
LOCK_ENDPOINT = select(*ENDPOINT.c).where(ENDPOINT.c.id == bindparam("id")).with_for_update()
DELETE_ENDPOINT = (
    update(ENDPOINT)
    .where(ENDPOINT.c.id == bindparam("endpoint_id"))
    .values(deleted_us=bindparam("now_us"))
)
TELL_AGAIN = (
    update(ENDPOINT)
    .where(ENDPOINT.c.id == bindparam("endpoint_id"))
    .values(after_position=bindparam("position"), generation=bindparam("next_generation"))
)
