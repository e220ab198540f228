"""Table and statements of legs."""

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

from puhui.kernel.store import insert_all, metadata

LEG = Table(
    "exchange_leg",
    metadata,
    Column("id", Text, primary_key=True),
    Column("deal_id", Text, nullable=False),
    Column("payer", Text, nullable=False),
    Column("payee", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("condition", Text, nullable=False),
    Column("awaits", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("preimage", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("fee_minor", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("amount_minor > 0"),
    CheckConstraint("state IN ('prepared', 'fulfilled', 'posted', 'aborted', 'expired')"),
    Index("exchange_leg_deal", "deal_id"),
    Index("exchange_leg_due", "state", "expires_us"),
)

_leg = LEG.c

INSERT_LEG = insert_all(LEG)
READ_LEG = select(*_leg).where(_leg.id == bindparam("id"))
READ_DEAL_OF_LEG = select(_leg.deal_id).where(_leg.id == bindparam("id"))
LOCK_DEAL = (
    select(*_leg).where(_leg.deal_id == bindparam("deal_id")).order_by(_leg.id).with_for_update()
)
"""All legs of one deal on this node, locked in one order."""
MOVE_LEG = (
    update(LEG)
    .where(_leg.id == bindparam("id_"))
    .values(state=bindparam("state_"), preimage=bindparam("preimage_"), reason=bindparam("reason_"))
)
READ_DUE = (
    select(_leg.id, _leg.deal_id)
    .where(_leg.state == "prepared", _leg.expires_us <= bindparam("now_us"))
    .order_by(_leg.expires_us, _leg.id)
    .limit(bindparam("count"))
)
READ_OPEN_LEGS = (
    select(*_leg)
    .where(_leg.state.in_(("prepared", "fulfilled")))
    .order_by(_leg.expires_us, _leg.id)
    .limit(bindparam("count"))
)
