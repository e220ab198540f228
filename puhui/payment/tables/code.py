"""The tables of codes to scan, shown codes and what was paid by them, and their statements."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from puhui.kernel.store import excluded, insert_all, metadata, upsert

CODE = Table(
    "payment_code",
    metadata,
    Column("digits", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_local", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("city_local", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("reference", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("payment", Text, nullable=False),
    CheckConstraint("kind IN ('static', 'dynamic')"),
    CheckConstraint("status IN ('open', 'used', 'closed')"),
    CheckConstraint("amount_minor > 0"),
    Index("payment_code_party", "party_id", "status"),
)
"""Codes of merchants; ``expires_us`` is nought for one that does not end by itself."""

SHOWN = Table(
    "payment_shown_code",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("payment", Text, nullable=False),
    CheckConstraint("status IN ('open', 'used', 'replaced')"),
    Index("payment_shown_code_party", "party_id", "status"),
)
"""Codes that payers show, by the SHA-256 of their digits alone."""

CODE_USAGE = Table(
    "payment_code_usage",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("level", Text, primary_key=True),
    Column("spent_minor", BigInteger, nullable=False),
    CheckConstraint("spent_minor >= 0"),
)
"""What a payer paid on a day by codes of one level of risk."""

_code, _shown, _usage = CODE.c, SHOWN.c, CODE_USAGE.c

INSERT_CODE = insert_all(CODE)
READ_CODE = select(*_code).where(_code.digits == bindparam("digits"))
LOCK_CODE = READ_CODE.with_for_update()
READ_CODES_OF = (
    select(*_code)
    .where(_code.party_id == bindparam("party_id"), _code.status == "open")
    .order_by(_code.made_us.desc(), _code.digits)
    .limit(bindparam("count"))
)
READ_CATEGORIES = (
    select(_code.category)
    .where(_code.party_id == bindparam("party_id"), _code.kind == "static", _code.status == "open")
    .distinct()
)
END_CODE = (
    update(CODE)
    .where(_code.digits == bindparam("digits_"))
    .values(status=bindparam("status_"), payment=bindparam("payment_"))
)
FORGET_CODES = (
    update(CODE)
    .where(_code.party_id == bindparam("party_id_"))
    .values(status="closed", name="", name_local="", reference="")
)
"""A printed code of an erased person takes nothing any more, and no longer says whose it was."""

INSERT_SHOWN = insert_all(SHOWN)
LOCK_SHOWN = select(*_shown).where(_shown.digest == bindparam("digest")).with_for_update()
REPLACE_SHOWN = (
    update(SHOWN)
    .where(
        _shown.party_id == bindparam("party_id_"),
        _shown.currency == bindparam("currency_"),
        _shown.status == "open",
    )
    .values(status="replaced")
)
USE_SHOWN = (
    update(SHOWN)
    .where(_shown.digest == bindparam("digest_"))
    .values(status="used", payment=bindparam("payment_"))
)

ADD_CODE_USAGE = upsert(
    CODE_USAGE,
    ["party_id", "currency", "day", "level"],
    {"spent_minor": _usage.spent_minor + excluded(CODE_USAGE, "spent_minor")},
)
LOCK_CODE_USAGE = (
    select(_usage.spent_minor)
    .where(
        _usage.party_id == bindparam("party_id"),
        _usage.currency == bindparam("currency"),
        _usage.day == bindparam("day"),
        _usage.level == bindparam("level"),
    )
    .with_for_update()
)
