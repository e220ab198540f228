"""Table and statements of deals: what the coordinator has decided, in its own store."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    bindparam,
    func,
    or_,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata

DEAL = Table(
    "exchange_deal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source_peer", Text, nullable=False),
    Column("source_payer", Text, nullable=False),
    Column("source_payee", Text, nullable=False),
    Column("source_currency", Text, nullable=False),
    Column("source_minor", BigInteger, nullable=False),
    Column("source_expires_us", BigInteger, nullable=False),
    Column("target_peer", Text, nullable=False),
    Column("target_payer", Text, nullable=False),
    Column("target_payee", Text, nullable=False),
    Column("target_currency", Text, nullable=False),
    Column("target_minor", BigInteger, nullable=False),
    Column("target_expires_us", BigInteger, nullable=False),
    Column("target_peer_id", Text, nullable=False),
    Column("condition", Text, nullable=False, unique=True),
    Column("sealed_preimage", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_us", BigInteger),
    Column("quote_id", Text, nullable=False, server_default=""),
    Column("target_state", Text, nullable=False, server_default=""),
    Column("target_signature", Text, nullable=False, server_default=""),
    Column("fee_minor", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("source_expires_us > target_expires_us"),
    CheckConstraint(
        "state IN ('started', 'released', 'committed', 'aborted', 'closed_committed',"
        " 'closed_aborted')"
    ),
    Index("exchange_deal_state", "state"),
    Index("exchange_deal_payer", "source_payer", "id"),
)

_deal = DEAL.c

INSERT_DEAL = insert_all(DEAL)
READ_DEAL = select(*_deal).where(_deal.id == bindparam("id"))
LOCK_DEAL = READ_DEAL.with_for_update()
DECIDE = (
    update(DEAL)
    .where(_deal.id == bindparam("id_"))
    .values(state=bindparam("state_"), decided_us=bindparam("now_us_"))
)
KEEP_WORD = (
    update(DEAL)
    .where(_deal.id == bindparam("id_"))
    .values(target_state=bindparam("state_"), target_signature=bindparam("signature_"))
)
READ_DEALS = select(*_deal).order_by(_deal.id.desc()).limit(bindparam("count"))
READ_DEALS_OF = (
    select(*_deal)
    .where(_deal.source_payer == bindparam("payer"))
    .order_by(_deal.id.desc())
    .limit(bindparam("count"))
)
READ_OPEN_DEALS = (
    select(*_deal)
    .where(_deal.state.in_(bindparam("states", expanding=True)))
    .order_by(_deal.id)
    .limit(bindparam("count"))
)
COUNT_DEALS_OF = (
    select(_deal.state, func.count().label("deals"))
    .where(
        _deal.source_payer == bindparam("payer"),
        or_(
            _deal.state.in_(bindparam("open_states", expanding=True)),
            _deal.source_expires_us > bindparam("since_us"),
        ),
    )
    .group_by(_deal.state)
)
"""How many deals of a payer are open or were to end after a time, by their state."""
