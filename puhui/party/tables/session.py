"""Tables and statements of codes, sessions, second factors and keys; every secret by digest."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, upsert
from puhui.party.tables import PHONE, USER

CODE = Table(
    "party_code",
    metadata,
    Column("login_digest", Text, primary_key=True),
    Column("code_digest", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("tries_left", BigInteger, CheckConstraint("tries_left >= 0"), nullable=False),
)
"""The one open code of a phone."""

SESSION = Table(
    "party_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_digest", Text, nullable=False, unique=True),
    Column("user_id", Text, ForeignKey("party_user.id"), nullable=False, index=True),
    Column("grade", Text, CheckConstraint("grade IN ('own', 'half', 'staff')"), nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger),
)

FACTOR = Table(
    "party_factor",
    metadata,
    Column("user_id", Text, ForeignKey("party_user.id"), primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("confirmed_us", BigInteger),
    Column("step_last", BigInteger, nullable=False),
)

API_KEY = Table(
    "party_api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("rate_per_minute", BigInteger, CheckConstraint("rate_per_minute > 0"), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("valid_until", Text, nullable=False),
    Column("revoked_us", BigInteger),
)

PUT_CODE = upsert(CODE, ["login_digest"])
LOCK_CODE = select(*CODE.c).where(CODE.c.login_digest == bindparam("digest")).with_for_update()
DELETE_CODE = delete(CODE).where(CODE.c.login_digest == bindparam("digest"))

_SESSION_COLUMNS = (*SESSION.c, USER.c.party_id, USER.c.disabled_us)
_OPEN = (SESSION.c.closed_us.is_(None),)
INSERT_SESSION = insert_all(SESSION)
READ_SESSION_BY_TOKEN = (
    select(*_SESSION_COLUMNS)
    .join(USER, USER.c.id == SESSION.c.user_id)
    .where(SESSION.c.token_digest == bindparam("token_digest"))
)
READ_SESSION = (
    select(*_SESSION_COLUMNS)
    .join(USER, USER.c.id == SESSION.c.user_id)
    .where(SESSION.c.id == bindparam("session_id"))
)
LOCK_SESSION = READ_SESSION.with_for_update(of=SESSION)
READ_SESSIONS_OF = (
    select(*_SESSION_COLUMNS)
    .join(USER, USER.c.id == SESSION.c.user_id)
    .where(SESSION.c.user_id == bindparam("user_id"), *_OPEN)
    .order_by(SESSION.c.opened_us, SESSION.c.id)
)
SEE_SESSION = (
    update(SESSION)
    .where(SESSION.c.id == bindparam("session_id"))
    .values(seen_us=bindparam("now_us"))
)
SET_TOKEN = (
    update(SESSION)
    .where(SESSION.c.id == bindparam("session_id"))
    .values(
        token_digest=bindparam("new_token_digest"),
        grade=bindparam("new_grade"),
        seen_us=bindparam("now_us"),
        expires_us=bindparam("new_expires_us"),
    )
)
CLOSE_SESSION = (
    update(SESSION)
    .where(SESSION.c.id == bindparam("session_id"), *_OPEN)
    .values(closed_us=bindparam("now_us"))
)
CLOSE_SESSIONS = (
    update(SESSION)
    .where(SESSION.c.user_id == bindparam("of_user_id"), *_OPEN)
    .values(closed_us=bindparam("now_us"))
)
CLOSE_OTHER_SESSIONS = (
    update(SESSION)
    .where(
        SESSION.c.user_id == bindparam("of_user_id"),
        SESSION.c.id != bindparam("except_id"),
        *_OPEN,
    )
    .values(closed_us=bindparam("now_us"))
)

DELETE_SESSIONS = delete(SESSION).where(SESSION.c.expires_us < bindparam("before_us"))
DELETE_CODES = delete(CODE).where(CODE.c.expires_us < bindparam("before_us"))

READ_FACTOR = select(*FACTOR.c).where(FACTOR.c.user_id == bindparam("user_id"))
LOCK_FACTOR = READ_FACTOR.with_for_update()
PUT_FACTOR = upsert(FACTOR, ["user_id"])
DELETE_FACTOR = delete(FACTOR).where(FACTOR.c.user_id == bindparam("user_id"))

INSERT_API_KEY = insert_all(API_KEY)
READ_API_KEY_BY_TOKEN = select(*API_KEY.c).where(
    API_KEY.c.token_digest == bindparam("token_digest")
)
READ_API_KEYS = select(*API_KEY.c).order_by(API_KEY.c.id).limit(bindparam("count"))
REVOKE_API_KEY = (
    update(API_KEY)
    .where(API_KEY.c.id == bindparam("key_id"), API_KEY.c.revoked_us.is_(None))
    .values(revoked_us=bindparam("now_us"))
)
READ_API_KEY = select(*API_KEY.c).where(API_KEY.c.id == bindparam("key_id"))

SET_PASSWORD = (
    update(USER)
    .where(USER.c.id == bindparam("of_user_id"))
    .values(password_hash=bindparam("new_password_hash"))
)
SET_USER_PARTY = (
    update(USER)
    .where(USER.c.id == bindparam("of_user_id"), USER.c.party_id.is_(None))
    .values(party_id=bindparam("new_party_id"))
)
READ_PHONE = select(PHONE.c.digest).where(PHONE.c.party_id == bindparam("party_id"))
