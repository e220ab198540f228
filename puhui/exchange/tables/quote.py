"""Tables and statements of quotes and of the remittances made by them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    bindparam,
    func,
    or_,
    select,
    update,
)

from puhui.exchange.tables.participant import PARTICIPANT
from puhui.kernel.store import insert_all, metadata

QUOTE = Table(
    "exchange_quote",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider_id", Text, ForeignKey("exchange_participant.id"), nullable=False),
    Column("source_currency", Text, nullable=False),
    Column("target_currency", Text, nullable=False),
    Column("rate", Text, nullable=False),
    Column("minimum_minor", BigInteger, nullable=False),
    Column("maximum_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("signature", Text, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint("minimum_minor > 0"),
    CheckConstraint("maximum_minor >= minimum_minor"),
    CheckConstraint("fee_minor >= 0"),
    CheckConstraint("state IN ('open', 'taken', 'withdrawn')"),
    Index("exchange_quote_pair", "source_currency", "target_currency", "state", "expires_us"),
)

REMITTANCE = Table(
    "exchange_remittance",
    metadata,
    Column("id", Text, primary_key=True),
    Column("quote_id", Text, ForeignKey("exchange_quote.id"), nullable=False, unique=True),
    Column("provider_id", Text, nullable=False),
    Column("payer", Text, nullable=False),
    Column("payee", Text, nullable=False),
    Column("source_currency", Text, nullable=False),
    Column("changed_minor", BigInteger, nullable=False),
    Column("provider_fee_minor", BigInteger, nullable=False),
    Column("scheme_fee_minor", BigInteger, nullable=False),
    Column("target_currency", Text, nullable=False),
    Column("target_minor", BigInteger, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("remark", Text, nullable=False),
    CheckConstraint("changed_minor > 0"),
    CheckConstraint("target_minor > 0"),
    Index("exchange_remittance_made", "made_us"),
    Index("exchange_remittance_payer", "payer", "made_us"),
    Index("exchange_remittance_payee", "payee", "made_us"),
)
"""A quote pays for one remittance alone: its id is unique here as well."""

_quote, _remittance = QUOTE.c, REMITTANCE.c

INSERT_QUOTE = insert_all(QUOTE)
READ_QUOTE = select(*_quote).where(_quote.id == bindparam("id"))
LOCK_QUOTE = READ_QUOTE.with_for_update()
SET_STATE = update(QUOTE).where(_quote.id == bindparam("id_")).values(state=bindparam("state_"))
_OPEN = (
    select(*_quote)
    .join(PARTICIPANT, PARTICIPANT.c.id == _quote.provider_id)
    .where(
        _quote.source_currency == bindparam("source_currency"),
        _quote.target_currency == bindparam("target_currency"),
        _quote.state == "open",
        _quote.expires_us > bindparam("now_us"),
        PARTICIPANT.c.status == "active",
    )
)
READ_OPEN_QUOTES = _OPEN.order_by(_quote.id).limit(bindparam("count"))
COUNT_OPEN_QUOTES = (
    select(_quote.provider_id, func.count().label("quotes"))
    .where(
        _quote.source_currency == bindparam("source_currency"),
        _quote.target_currency == bindparam("target_currency"),
        _quote.state == "open",
        _quote.expires_us > bindparam("now_us"),
    )
    .group_by(_quote.provider_id)
)
READ_QUOTES = (
    select(*_quote)
    .where(_quote.state == "open", _quote.expires_us > bindparam("now_us"))
    .order_by(_quote.source_currency, _quote.target_currency, _quote.expires_us, _quote.id)
    .limit(bindparam("count"))
)

INSERT_REMITTANCE = insert_all(REMITTANCE)
READ_REMITTANCE = select(*_remittance).where(_remittance.id == bindparam("id"))
READ_REMITTANCES = (
    select(*_remittance)
    .where(
        or_(
            bindparam("any_end") == 1,
            _remittance.payer == bindparam("end"),
            _remittance.payee == bindparam("end"),
        )
    )
    .order_by(_remittance.made_us.desc(), _remittance.id)
    .limit(bindparam("count"))
)
