"""Tables and statements of data: consents, shared records, and the log of accesses."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, upsert

CONSENT = Table(
    "data_consent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("party_id", Text, ForeignKey("party.id")),
    Column("source", Text),
    Column("purpose", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("granted_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
    Column("receipt", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("recipient", Text, nullable=False, server_default=""),
    Index("data_consent_holder", "holder", "purpose"),
    CheckConstraint("until_us > granted_us"),
    CheckConstraint("(party_id IS NULL) <> (source IS NULL)"),
)
"""``holder`` is the party's id, or "source:" and the source that the consent is for. ``recipient``
is the party that something is shown to, "" where the lender alone uses it."""

RECORD = Table(
    "data_record",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("party_id", Text, ForeignKey("party.id"), nullable=False),
    Column("day", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("is_sealed", BigInteger, CheckConstraint("is_sealed IN (0, 1)"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("shared_us", BigInteger, nullable=False),
    UniqueConstraint("source", "kind", "reference"),
    Index("data_record_party", "party_id", "kind", "day"),
)

ACCESS = Table(
    "data_access",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, ForeignKey("party.id"), nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("consent_id", Text),
    Column("at_us", BigInteger, nullable=False),
)

_TERMS = (
    CONSENT.c.id,
    CONSENT.c.fields,
    CONSENT.c.sources,
    CONSENT.c.granted_us,
    CONSENT.c.until_us,
    CONSENT.c.revoked_us,
    CONSENT.c.recipient,
)

INSERT_CONSENT = insert_all(CONSENT)
READ_TERMS = (
    select(*_TERMS)
    .where(
        CONSENT.c.holder.in_(bindparam("holders", expanding=True)),
        CONSENT.c.purpose == bindparam("purpose"),
        CONSENT.c.recipient == bindparam("recipient"),
    )
    .order_by(CONSENT.c.granted_us.desc(), CONSENT.c.id)
    .limit(bindparam("count"))
)
SHARE_TERMS = READ_TERMS.with_for_update(read=True)
READ_TERMS_OF_ONE = select(*_TERMS).where(CONSENT.c.id == bindparam("consent_id"))
LOCK_CONSENT = (
    select(CONSENT.c.id, CONSENT.c.party_id, CONSENT.c.revoked_us)
    .where(CONSENT.c.id == bindparam("consent_id"))
    .with_for_update()
)
READ_CONSENTS = (
    select(*CONSENT.c)
    .where(CONSENT.c.holder == bindparam("holder"))
    .order_by(CONSENT.c.granted_us.desc(), CONSENT.c.id)
    .limit(bindparam("count"))
)
REVOKE = (
    update(CONSENT)
    .where(CONSENT.c.id == bindparam("consent_id"))
    .values(revoked_us=bindparam("now_us"))
)
REVOKE_ALL = (
    update(CONSENT)
    .where(CONSENT.c.holder == bindparam("holder_"), CONSENT.c.revoked_us.is_(None))
    .values(revoked_us=bindparam("now_us"))
)

INSERT_RECORD_IF_NEW = upsert(RECORD, ["source", "kind", "reference"], {})
READ_REFERENCES = select(RECORD.c.id, RECORD.c.kind, RECORD.c.reference, RECORD.c.digest).where(
    RECORD.c.source == bindparam("source"),
    RECORD.c.kind.in_(bindparam("kinds", expanding=True)),
    RECORD.c.reference.in_(bindparam("references", expanding=True)),
)
READ_RECORDS = (
    select(
        RECORD.c.kind,
        RECORD.c.source,
        RECORD.c.reference,
        RECORD.c.day,
        RECORD.c.content,
        RECORD.c.is_sealed,
    )
    .where(
        RECORD.c.party_id == bindparam("party_id"),
        RECORD.c.kind.in_(bindparam("kinds", expanding=True)),
        RECORD.c.day >= bindparam("since"),
        RECORD.c.day <= bindparam("until"),
    )
    .order_by(RECORD.c.kind, RECORD.c.day, RECORD.c.source, RECORD.c.reference)
    .limit(bindparam("count"))
)
DELETE_RECORDS = delete(RECORD).where(RECORD.c.party_id == bindparam("party_id"))

INSERT_ACCESS = insert_all(ACCESS)
READ_ACCESS = select(*ACCESS.c).where(ACCESS.c.id == bindparam("access_id"))
READ_ACCESSES = (
    select(*ACCESS.c)
    .where(ACCESS.c.party_id == bindparam("party_id"))
    .order_by(ACCESS.c.at_us.desc(), ACCESS.c.id)
    .limit(bindparam("count"))
)
