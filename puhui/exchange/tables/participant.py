"""Tables and statements of currencies, participants, their positions, and funds in and out."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata

CURRENCY = Table(
    "exchange_currency",
    metadata,
    Column("currency", Text, primary_key=True),
    Column("settlement_kind", Text, nullable=False),
    CheckConstraint("settlement_kind IN ('net_deferred', 'gross_continuous')"),
    UniqueConstraint("currency", "settlement_kind"),
)

PARTICIPANT = Table(
    "exchange_participant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("status", Text, nullable=False),
    CheckConstraint("kind IN ('bank', 'provider', 'peer')"),
    CheckConstraint("status IN ('active', 'suspended')"),
)

POSITION = Table(
    "exchange_position",
    metadata,
    Column("id", Text, primary_key=True),
    Column("participant_id", Text, ForeignKey("exchange_participant.id"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("settlement_kind", Text, nullable=False),
    Column("cap_minor", BigInteger, nullable=False),
    Column("cover_minor", BigInteger, nullable=False),
    CheckConstraint("cap_minor >= 0"),
    UniqueConstraint("participant_id", "currency"),
    ForeignKeyConstraint(
        ["currency", "settlement_kind"],
        ["exchange_currency.currency", "exchange_currency.settlement_kind"],
    ),
)
"""The reference to currency and kind together keeps two kinds of settlement from mixing."""

FUNDS = Table(
    "exchange_funds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position_id", Text, ForeignKey("exchange_position.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    CheckConstraint("amount_minor > 0"),
    CheckConstraint("state IN ('in', 'reserved', 'committed', 'aborted')"),
    UniqueConstraint("position_id", "reference"),
    Index("exchange_funds_made", "made_us"),
)

_currency, _participant, _position, _funds = CURRENCY.c, PARTICIPANT.c, POSITION.c, FUNDS.c

INSERT_CURRENCY = insert_all(CURRENCY)
READ_CURRENCY = select(*_currency).where(_currency.currency == bindparam("currency"))
READ_CURRENCIES = select(*_currency).order_by(_currency.currency)

INSERT_PARTICIPANT = insert_all(PARTICIPANT)
READ_PARTICIPANT = select(*_participant).where(_participant.id == bindparam("id"))
LOCK_PARTICIPANT = READ_PARTICIPANT.with_for_update()
READ_NAMED = select(_participant.id).where(_participant.name == bindparam("name"))
READ_PARTICIPANTS = select(*_participant).order_by(_participant.name).limit(bindparam("count"))
SET_STATUS = (
    update(PARTICIPANT)
    .where(_participant.id == bindparam("id_"))
    .values(status=bindparam("status_"))
)

INSERT_POSITION = insert_all(POSITION)
_JOINED = select(*_position, _participant.status, _participant.name).join(
    PARTICIPANT, _participant.id == _position.participant_id
)
SHARE_POSITIONS = (
    _JOINED.where(_position.id.in_(bindparam("ids", expanding=True)))
    .order_by(_position.id)
    .with_for_update(read=True, of=PARTICIPANT)
)
"""Positions with the status of their participants, which stays as it is until the act ends."""
LOCK_POSITION = select(*_position).where(_position.id == bindparam("id")).with_for_update()
LOCK_POSITIONS = (
    select(*_position)
    .where(_position.id.in_(bindparam("ids", expanding=True)))
    .order_by(_position.id)
    .with_for_update()
)
READ_POSITIONS = _JOINED.order_by(_position.currency, _participant.name).limit(bindparam("count"))
READ_POSITION = select(*_position).where(_position.id == bindparam("id"))
SET_COVER = (
    update(POSITION)
    .where(_position.id == bindparam("id_"))
    .values(cap_minor=bindparam("cap_minor_"), cover_minor=bindparam("cover_minor_"))
)

INSERT_FUNDS = insert_all(FUNDS)
READ_REFERENCE = select(*_funds).where(
    _funds.position_id == bindparam("position_id"), _funds.reference == bindparam("reference")
)
LOCK_FUNDS = select(*_funds).where(_funds.id == bindparam("id")).with_for_update()
END_FUNDS = update(FUNDS).where(_funds.id == bindparam("id_")).values(state=bindparam("state_"))
READ_FUNDS = select(*_funds).order_by(_funds.made_us.desc(), _funds.id).limit(bindparam("count"))
