"""Second factors of staff: time-based one-time passwords, enrolled, confirmed, reset."""

from __future__ import annotations

import base64
import secrets

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import rules, tables
from puhui.party.desk.code import count_tries, wait_of
from puhui.party.desk.lists import factor_rules, login_rules, session_rules
from puhui.party.desk.session import set_token, stored_session, take_session
from puhui.party.desk.user import read_user
from puhui.party.nouns.session import (
    ComparedFactor,
    ConfirmFactor,
    EnrolFactor,
    Factor,
    FactorAnswer,
    FactorEnrolled,
    Grade,
    ResetFactor,
    SealedFactor,
)
from puhui.party.rules import session as judge
from puhui.party.tables import session as session_tables

SECRET_BYTES = 20
"""As long as the HMAC's own output: RFC 4226 section 4, requirement 6."""


def _factor_of(row: Row | None) -> Factor | None:
    if row is None:
        return None
    return Factor(
        row.user_id, row.session_id, row.sealed, row.confirmed_us is not None, row.step_last
    )


def _secret_of(node: Node, factor: Factor) -> bytes:
    return node.keys.unwrap(f"factor {factor.user_id}", factor.sealed)


def pending_factor(node: Node, tx: Transaction, session_id: str) -> tuple[bool, str | None]:
    """Whether the session's user has a confirmed factor; else the secret of one begun in it.

    The secret is in base32, as authenticator programs take it; it is shown to nobody once the
    factor was confirmed. Refused: ``party.session_over``.
    """
    row = tx.one(session_tables.READ_SESSION, session_id=session_id)
    session = judge.check_open(stored_session(row), node.clock.now_us(), session_rules())
    factor = _factor_of(tx.one(session_tables.READ_FACTOR, user_id=session.user_id))
    if factor is None or (not factor.is_confirmed and factor.session_id != session_id):
        return False, None
    if factor.is_confirmed:
        return True, None
    return False, base64.b32encode(_secret_of(node, factor)).decode("ascii")


def seal_factor(node: Node, input: EnrolFactor | SealedFactor) -> SealedFactor:
    """Make a secret and seal it under the node's key, before the act.

    Refused: ``party.session_over``, ``party.sealed_input``.
    """
    if not isinstance(input, EnrolFactor):
        raise Refused("party.sealed_input", "The secret of a second factor is made here.")
    with node.read() as tx:
        row = tx.one(session_tables.READ_SESSION, session_id=input.session_id)
    session = judge.check_open(stored_session(row), node.clock.now_us(), session_rules())
    sealed = node.keys.wrap(f"factor {session.user_id}", secrets.token_bytes(SECRET_BYTES))
    return SealedFactor(session.id, session.user_id, sealed)


@use_case("party.enrol_factor", roles=("visitor", "system"), prepare=seal_factor)
def enrol_factor(act: Act, input: EnrolFactor | SealedFactor) -> FactorEnrolled:
    """Begin a second factor for the user of a half session; it counts once confirmed.

    Refused: ``party.factor_not_due``, ``party.factor_taken`` where one is confirmed already,
    ``party.not_yours`` and what ``seal_factor`` refuses.
    """
    assert isinstance(input, SealedFactor), input
    session = take_session(act, input.session_id)
    judge.check_half(session)
    rules.check_closes_for(act.actor, _system(act), read_user(act.tx, session.user_id))
    factor = _factor_of(act.tx.one(session_tables.LOCK_FACTOR, user_id=session.user_id))
    if factor is not None and factor.is_confirmed:
        raise Refused("party.factor_taken", "This login has a second factor already.")
    act.tx.put(
        session_tables.PUT_FACTOR,
        user_id=session.user_id,
        session_id=session.id,
        sealed=input.sealed,
        confirmed_us=None,
        step_last=0,
    )
    return FactorEnrolled(session.user_id)


def _system(act: Act) -> tuple[str, ...]:
    return () if act.actor.startswith("user-") else ("system",)


def compare_factor(node: Node, input: ConfirmFactor | ComparedFactor) -> ComparedFactor:
    """Find the time step that the digits belong to, before the act.

    Refused: ``party.session_over``, ``party.no_factor``, ``party.sealed_input``.
    """
    if not isinstance(input, ConfirmFactor):
        raise Refused("party.sealed_input", "A second factor is tried with its digits only.")
    with node.read() as tx:
        row = tx.one(session_tables.READ_SESSION, session_id=input.session_id)
        session = judge.check_open(stored_session(row), node.clock.now_us(), session_rules())
        factor = _factor_of(tx.one(session_tables.READ_FACTOR, user_id=session.user_id))
    if factor is None:
        raise Refused("party.no_factor", "This login has no second factor yet.")
    digits = "".join(input.digits.split())
    step = None
    if judge.is_code(digits, factor_rules().digits):
        secret = _secret_of(node, factor)
        step = judge.matching_step(secret, digits, node.clock.now_us(), factor_rules())
    return ComparedFactor(session.id, step, input.token_digest)


@use_case("party.confirm_factor", roles=("visitor", "system"), prepare=compare_factor)
def confirm_factor(act: Act, input: ConfirmFactor | ComparedFactor) -> FactorAnswer:
    """Make a half session a full one, with a new token; each time step counts once.

    A no is an outcome, as the failed try must be stored: party.factor_wrong,
    party.factor_throttled. Refused: ``party.factor_not_due``, ``party.not_yours``,
    ``party.bad_token`` and what ``compare_factor`` refuses.
    """
    assert isinstance(input, ComparedFactor), input
    judge.check_token_digest(input.token_digest)
    session = take_session(act, input.session_id)
    judge.check_half(session)
    rules.check_closes_for(act.actor, _system(act), read_user(act.tx, session.user_id))
    slowing = login_rules()
    tries = act.node.keys.index("factor tries", session.user_id)
    until_us = wait_of(act, (tries,))
    if until_us:
        return FactorAnswer(None, "party.factor_throttled", until_us)
    factor = _factor_of(act.tx.one(session_tables.LOCK_FACTOR, user_id=session.user_id))
    if factor is None:
        raise Refused("party.no_factor", "This login has no second factor yet.")
    if input.step is None or input.step <= factor.step_last:
        until_us = count_tries(act, {tries: slowing.failures_free}, slowing)
        return FactorAnswer(None, "party.factor_wrong", until_us or None)
    act.tx.put(tables.DELETE_TRIES, digest=tries)
    act.tx.put(
        session_tables.PUT_FACTOR,
        user_id=factor.user_id,
        session_id=factor.session_id,
        sealed=factor.sealed,
        confirmed_us=act.now_us,
        step_last=input.step,
    )
    expires_us = judge.session_end_us(Grade.STAFF, act.now_us, session_rules())
    set_token(act, session, input.token_digest, Grade.STAFF, expires_us)
    return FactorAnswer(session.id, None, None)


@use_case("party.reset_factor", roles=("administrator", "system"))
def reset_factor(act: Act, input: ResetFactor) -> FactorEnrolled:
    """Forget the second factor of a user whose device is lost; the sessions end with it.

    Refused: ``party.unknown_user``, ``party.own_role``.
    """
    user = read_user(act.tx, input.user_id)
    if act.actor == user.id:
        raise Refused("party.own_role", "A second factor is reset by somebody else.")
    act.tx.put(session_tables.DELETE_FACTOR, user_id=user.id)
    act.tx.put(session_tables.CLOSE_SESSIONS, of_user_id=user.id, now_us=act.now_us)
    return FactorEnrolled(user.id)
