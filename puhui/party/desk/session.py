"""Sessions: opened on the proof that an act recorded, kept while used, rotated and closed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from puhui.kernel.act import Act, Actor, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import rules
from puhui.party.desk.lists import session_rules
from puhui.party.desk.user import actor_of, read_user
from puhui.party.nouns.session import (
    CloseSession,
    CloseSessions,
    ForgetSessions,
    Grade,
    KeepSession,
    OpenSession,
    RotateSession,
    SessionKept,
    SessionOpened,
    SessionsClosed,
    SessionsForgotten,
    StoredSession,
)
from puhui.party.rules import session as judge
from puhui.party.tables import session as session_tables

CUSTOMER, VISITOR = frozenset({"customer"}), frozenset({"visitor"})
PROOFS = frozenset(("party.authenticate", "party.check_code"))


@dataclass(frozen=True, slots=True)
class Session:
    """An open session: who asks, and in which roles ``actor`` may act by it.

    A customer's login is a customer once a person stands behind it, before that a visitor; staff
    are visitors until the second factor.
    """

    id: str
    user_id: str
    party_id: str | None
    grade: Grade
    actor: Actor
    opened_us: int
    seen_us: int
    expires_us: int


def digest_of_token(token: str) -> str:
    """How a token of 256 bits is known: its SHA-256 in hex."""
    return sha256(token.encode()).hexdigest()


def stored_session(row: Row | None) -> StoredSession | None:
    """The noun of a session's row; a closed login closes its sessions."""
    if row is None:
        return None
    return StoredSession(
        id=row.id,
        user_id=row.user_id,
        party_id=row.party_id,
        grade=Grade(row.grade),
        opened_us=row.opened_us,
        seen_us=row.seen_us,
        expires_us=row.expires_us,
        is_closed=row.closed_us is not None or row.disabled_us is not None,
    )


def _shown(tx: Transaction, stored: StoredSession) -> Session:
    if stored.grade is Grade.STAFF:
        actor = actor_of(tx, stored.user_id)
    else:
        is_customer = stored.grade is Grade.OWN and stored.party_id is not None
        actor = Actor(stored.user_id, CUSTOMER if is_customer else VISITOR)
    return Session(
        id=stored.id,
        user_id=stored.user_id,
        party_id=stored.party_id,
        grade=stored.grade,
        actor=actor,
        opened_us=stored.opened_us,
        seen_us=stored.seen_us,
        expires_us=stored.expires_us,
    )


def session_of(node: Node, tx: Transaction, token: str) -> Session | None:
    """The open session that ``token`` belongs to, with who it lets act; None where none is."""
    row = tx.one(session_tables.READ_SESSION_BY_TOKEN, token_digest=digest_of_token(token))
    stored = stored_session(row)
    if stored is None or not judge.is_open(stored, node.clock.now_us(), session_rules()):
        return None
    return _shown(tx, stored)


def user_of_ended(node: Node, tx: Transaction, token: str) -> str | None:
    """Whose session ran out by itself that ``token`` belonged to; None where it is open, was
    closed by a log-out, or is no longer known.
    """
    row = tx.one(session_tables.READ_SESSION_BY_TOKEN, token_digest=digest_of_token(token))
    stored = stored_session(row)
    if stored is None or stored.is_closed:
        return None
    is_over = not judge.is_open(stored, node.clock.now_us(), session_rules())
    return stored.user_id if is_over else None


def sessions_of(node: Node, tx: Transaction, user_id: str) -> tuple[Session, ...]:
    """The open sessions of a user, oldest first."""
    found = [
        stored_session(row) for row in tx.all(session_tables.READ_SESSIONS_OF, user_id=user_id)
    ]
    now_us = node.clock.now_us()
    return tuple(
        _shown(tx, one) for one in found if one and judge.is_open(one, now_us, session_rules())
    )


def take_session(act: Act, session_id: str) -> StoredSession:
    """The open session, locked until the act ends. Refused: ``party.session_over``."""
    row = act.tx.one(session_tables.LOCK_SESSION, session_id=session_id)
    return judge.check_open(stored_session(row), act.now_us, session_rules())


@use_case("party.open_session", roles=("system",))
def open_session(act: Act, input: OpenSession) -> SessionOpened:
    """Open a session for whom a login act let in, at most a minute ago.

    The proof is read from the journal, so no channel can open a session without one. Staff get
    a half session until the second factor. Refused: ``party.no_proof``, ``party.bad_token``,
    ``party.user_disabled``, ``party.password_needed``.
    """
    judge.check_token_digest(input.token_digest)
    proof = act.find(input.proof_key)
    allowed = session_rules()
    is_proof = proof is not None and proof.name in PROOFS and proof.refusal is None
    user_id = json.loads(proof.outcome)["user_id"] if proof is not None and is_proof else None
    if proof is None or user_id is None:
        raise Refused("party.no_proof", "Nobody was let in under this key.")
    if act.now_us - proof.time_us > allowed.proof_s * judge.SECOND_US:
        raise Refused("party.no_proof", "The login lies too far back; please log in again.")
    user = read_user(act.tx, user_id)
    if user.is_disabled:
        raise Refused("party.user_disabled", "This login was closed.")
    if user.roles and proof.name != "party.authenticate":
        raise Refused("party.password_needed", "Staff log in with a password and a second factor.")
    grade = Grade.HALF if user.roles else Grade.OWN
    expires_us = judge.session_end_us(grade, act.now_us, allowed)
    session_id = act.new_id("session")
    act.tx.put(
        session_tables.INSERT_SESSION,
        id=session_id,
        token_digest=input.token_digest,
        user_id=user.id,
        grade=grade.value,
        opened_us=act.now_us,
        seen_us=act.now_us,
        expires_us=expires_us,
        closed_us=None,
    )
    return SessionOpened(session_id, user.id, grade, expires_us)


@use_case("party.keep_session", roles=("system",))
def keep_session(act: Act, input: KeepSession) -> SessionKept:
    """Note that a session is in use. Refused: ``party.session_over``."""
    session = take_session(act, input.session_id)
    act.tx.put(session_tables.SEE_SESSION, session_id=session.id, now_us=act.now_us)
    return SessionKept(session.id, session.expires_us)


@use_case("party.rotate_session", roles=("system",))
def rotate_session(act: Act, input: RotateSession) -> SessionKept:
    """Give an open session another token; the one before opens nothing any more.

    Refused: ``party.session_over``, ``party.bad_token``.
    """
    judge.check_token_digest(input.token_digest)
    session = take_session(act, input.session_id)
    set_token(act, session, input.token_digest, session.grade, session.expires_us)
    return SessionKept(session.id, session.expires_us)


def set_token(
    act: Act, session: StoredSession, token_digest: str, grade: Grade, expires_us: int
) -> None:
    """Store a session's new token and what it allows from now on."""
    act.tx.put(
        session_tables.SET_TOKEN,
        session_id=session.id,
        new_token_digest=token_digest,
        new_grade=grade.value,
        now_us=act.now_us,
        new_expires_us=expires_us,
    )


@use_case("party.close_session", roles=("system",))
def close_session(act: Act, input: CloseSession) -> SessionsClosed:
    """End a session; one that has ended stays so."""
    closed = act.tx.run(
        session_tables.CLOSE_SESSION, session_id=input.session_id, now_us=act.now_us
    )
    return SessionsClosed(closed)


@use_case("party.close_sessions", roles=("customer", "visitor", "administrator", "system"))
def close_sessions(act: Act, input: CloseSessions) -> SessionsClosed:
    """End every session of a user: of an own login, or of any by an administrator.

    Refused: ``party.not_yours``, ``party.unknown_user``.
    """
    user = read_user(act.tx, input.user_id)
    rules.check_closes_for(act.actor, _roles_of(act), user)
    if input.except_session_id is not None:
        closed = act.tx.run(
            session_tables.CLOSE_OTHER_SESSIONS,
            of_user_id=user.id,
            except_id=input.except_session_id,
            now_us=act.now_us,
        )
    else:
        closed = act.tx.run(session_tables.CLOSE_SESSIONS, of_user_id=user.id, now_us=act.now_us)
    return SessionsClosed(closed)


def _roles_of(act: Act) -> tuple[str, ...]:
    if not act.actor.startswith("user-"):
        return ("system",)
    return read_user(act.tx, act.actor).roles


@use_case("party.forget_sessions", roles=("system",))
def forget_sessions(act: Act, input: ForgetSessions) -> SessionsForgotten:
    """Delete sessions and codes that ended long ago; the journal keeps that they were."""
    return SessionsForgotten(
        act.tx.run(session_tables.DELETE_SESSIONS, before_us=input.before_us),
        act.tx.run(session_tables.DELETE_CODES, before_us=input.before_us),
    )


def _old_sessions(node: Node, day: date) -> list[ForgetSessions]:
    last = day - timedelta(days=session_rules().forget_days)
    return [ForgetSessions(start_of_day_us(last))]


day_step(90, "party.forget_sessions", _old_sessions)
