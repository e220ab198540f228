"""Tables and statements of party. No column holds a name, a number or a phone in the clear."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    exists,
    null,
    or_,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, upsert

PARTY = Table(
    "party",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('person', 'firm')"), nullable=False),
    Column("source", Text),
    Column("reference", Text),
    Column("subject", Text, unique=True),
    Column(
        "identity",
        Text,
        CheckConstraint("identity IN ('unchecked', 'passed', 'failed')"),
        nullable=False,
    ),
    Column("registered_us", BigInteger, nullable=False),
    Column("erased_us", BigInteger),
    UniqueConstraint("source", "reference"),
    CheckConstraint("(source IS NULL) = (reference IS NULL)"),
)

FIELD = Table(
    "party_field",
    metadata,
    Column("party_id", Text, ForeignKey("party.id"), primary_key=True),
    Column("field", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
)

IDENTITY = Table(
    "party_identity",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("party_id", Text, ForeignKey("party.id"), nullable=False, unique=True),
)
"""Keyed digests of identity numbers and credit codes: one party each."""

PHONE = Table(
    "party_phone",
    metadata,
    Column("party_id", Text, ForeignKey("party.id"), primary_key=True),
    Column("digest", Text, nullable=False, index=True),
)
"""Keyed digests of phones; a family may share one."""

RELATION = Table(
    "party_relation",
    metadata,
    Column("firm_id", Text, ForeignKey("party.id"), primary_key=True),
    Column("party_id", Text, ForeignKey("party.id"), primary_key=True, index=True),
    Column("kind", Text, primary_key=True),
    Column("grounds", Text, primary_key=True),
    Column("share", Text),
)

CHECK = Table(
    "party_identity_check",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, ForeignKey("party.id"), nullable=False, index=True),
    Column("method", Text, nullable=False),
    Column("is_passed", BigInteger, CheckConstraint("is_passed IN (0, 1)"), nullable=False),
    Column("evidence_digest", Text, nullable=False),
    Column("checked_us", BigInteger, nullable=False),
    Column("checked_by", Text, nullable=False),
    Column("valid_until", Text),
)

HOLD = Table(
    "party_hold",
    metadata,
    Column("party_id", Text, ForeignKey("party.id"), primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("until", Text),
)

USER = Table(
    "party_user",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login_digest", Text, unique=True),
    Column("password_hash", Text),
    Column("party_id", Text, ForeignKey("party.id"), index=True),
    Column("registered_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger),
    CheckConstraint("disabled_us IS NOT NULL OR login_digest IS NOT NULL"),
)

ROLE = Table(
    "party_role",
    metadata,
    Column("user_id", Text, ForeignKey("party_user.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("granted_us", BigInteger, nullable=False),
    Column("granted_by", Text, nullable=False),
)

TRIES = Table(
    "party_login_tries",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("failures", BigInteger, CheckConstraint("failures > 0"), nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("locked_until_us", BigInteger, nullable=False),
)

_PARTY_COLUMNS = (
    PARTY.c.id,
    PARTY.c.kind,
    PARTY.c.source,
    PARTY.c.reference,
    PARTY.c.subject,
    PARTY.c.identity,
    PARTY.c.erased_us,
)
_USER_COLUMNS = (
    USER.c.id,
    USER.c.login_digest,
    USER.c.password_hash,
    USER.c.party_id,
    USER.c.disabled_us,
)

INSERT_PARTY = insert_all(PARTY)
INSERT_PARTY_IF_NEW = upsert(PARTY, ["source", "reference"], {})
READ_PARTY = select(*_PARTY_COLUMNS).where(PARTY.c.id == bindparam("party_id"))
SHARE_PARTY = READ_PARTY.with_for_update(read=True)
LOCK_PARTY = READ_PARTY.with_for_update()
READ_PARTIES = select(*_PARTY_COLUMNS).where(PARTY.c.id.in_(bindparam("party_ids", expanding=True)))
SHARE_PARTIES = READ_PARTIES.order_by(PARTY.c.id).with_for_update(read=True)
READ_BY_REFERENCES = select(*_PARTY_COLUMNS).where(
    PARTY.c.source == bindparam("source"),
    PARTY.c.reference.in_(bindparam("references", expanding=True)),
)
READ_BY_IDENTITY = (
    select(*_PARTY_COLUMNS)
    .join(IDENTITY, IDENTITY.c.party_id == PARTY.c.id)
    .where(IDENTITY.c.digest == bindparam("digest"))
)
READ_BY_PHONE = (
    select(*_PARTY_COLUMNS)
    .join(PHONE, PHONE.c.party_id == PARTY.c.id)
    .where(PHONE.c.digest == bindparam("digest"))
    .order_by(PARTY.c.id)
    .limit(bindparam("count"))
)
SET_IDENTITY = (
    update(PARTY)
    .where(PARTY.c.id == bindparam("party_id"))
    .values(identity=bindparam("new_identity"))
)
SET_ERASED = (
    update(PARTY)
    .where(PARTY.c.id == bindparam("party_id"))
    .values(erased_us=bindparam("now_us"), identity="unchecked")
)

PUT_FIELD = upsert(FIELD, ["party_id", "field"])
READ_FIELDS = (
    select(FIELD.c.field, FIELD.c.sealed)
    .where(
        FIELD.c.party_id == bindparam("party_id"),
        FIELD.c.field.in_(bindparam("fields", expanding=True)),
    )
    .order_by(FIELD.c.field)
)
DELETE_FIELDS = delete(FIELD).where(FIELD.c.party_id == bindparam("party_id"))

INSERT_IDENTITY_IF_NEW = upsert(IDENTITY, ["digest"], {})
DELETE_IDENTITY = delete(IDENTITY).where(IDENTITY.c.party_id == bindparam("party_id"))
PUT_PHONE = upsert(PHONE, ["party_id"])
DELETE_PHONE = delete(PHONE).where(PHONE.c.party_id == bindparam("party_id"))

INSERT_RELATION = insert_all(RELATION)
READ_RELATIONS = (
    select(*RELATION.c)
    .where(
        or_(
            RELATION.c.firm_id == bindparam("party_id"),
            RELATION.c.party_id == bindparam("party_id"),
        )
    )
    .order_by(RELATION.c.firm_id, RELATION.c.kind, RELATION.c.party_id, RELATION.c.grounds)
)

INSERT_CHECK = insert_all(CHECK)
READ_CHECKS = (
    select(*CHECK.c)
    .where(CHECK.c.party_id == bindparam("party_id"))
    .order_by(CHECK.c.checked_us, CHECK.c.id)
)
BLANK_CHECKS = (
    update(CHECK).where(CHECK.c.party_id == bindparam("party_id_")).values(evidence_digest="")
)

_SAME_HOLD = (
    HOLD.c.party_id == bindparam("party_id"),
    HOLD.c.reason == bindparam("reason"),
    HOLD.c.reference == bindparam("reference"),
)
PUT_HOLD = upsert(HOLD, ["party_id", "reason", "reference"])
_there = HOLD.alias()
PASS_HOLD = (
    update(HOLD)
    .where(
        HOLD.c.party_id == bindparam("party_id"),
        HOLD.c.reason == bindparam("old_reason"),
        HOLD.c.reference == bindparam("old_reference"),
        ~exists().where(
            _there.c.party_id == bindparam("party_id"),
            _there.c.reason == bindparam("reason_"),
            _there.c.reference == bindparam("reference_"),
        ),
    )
    .values(
        reason=bindparam("reason_"),
        reference=bindparam("reference_"),
        until=bindparam("until_"),
    )
)
READ_HOLDS = (
    select(*HOLD.c)
    .where(HOLD.c.party_id == bindparam("party_id"))
    .order_by(HOLD.c.reason, HOLD.c.reference)
)
DELETE_HOLD = delete(HOLD).where(*_SAME_HOLD)

INSERT_USER_IF_NEW = upsert(USER, ["login_digest"], {})
READ_USER = select(*_USER_COLUMNS).where(USER.c.id == bindparam("user_id"))
LOCK_USER = READ_USER.with_for_update()
READ_USER_BY_LOGIN = select(*_USER_COLUMNS).where(USER.c.login_digest == bindparam("digest"))
READ_USERS_OF = (
    select(*_USER_COLUMNS).where(USER.c.party_id == bindparam("party_id")).order_by(USER.c.id)
)
READ_USERS = select(*_USER_COLUMNS).order_by(USER.c.id).limit(bindparam("count"))
CLOSE_USER = (
    update(USER)
    .where(USER.c.id == bindparam("user_id"), USER.c.disabled_us.is_(None))
    .values(disabled_us=bindparam("now_us"), login_digest=null(), password_hash=null())
)

READ_ROLES = select(ROLE.c.role).where(ROLE.c.user_id == bindparam("user_id")).order_by(ROLE.c.role)
READ_ALL_ROLES = select(ROLE.c.user_id, ROLE.c.role).order_by(ROLE.c.user_id, ROLE.c.role)
INSERT_ROLE_IF_NEW = upsert(ROLE, ["user_id", "role"], {})
DELETE_ROLE = delete(ROLE).where(
    ROLE.c.user_id == bindparam("user_id"), ROLE.c.role == bindparam("role")
)
DELETE_ROLES = delete(ROLE).where(ROLE.c.user_id == bindparam("user_id"))

READ_TRIES = select(*TRIES.c).where(TRIES.c.digest.in_(bindparam("digests", expanding=True)))
LOCK_TRIES = READ_TRIES.order_by(TRIES.c.digest).with_for_update()
PUT_TRIES = upsert(TRIES, ["digest"])
DELETE_TRIES = delete(TRIES).where(TRIES.c.digest == bindparam("digest"))
