"""One-time codes to a phone: sent at a slowing pace, held for minutes, tried a few times."""

from __future__ import annotations

import hmac

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.party import rules, tables
from puhui.party.desk.lists import code_rules, identity_rules, login_rules
from puhui.party.desk.user import tries_of
from puhui.party.nouns import LoginAnswer, LoginRules, LoginTries
from puhui.party.nouns.session import CheckCode, CodeAnswer, CodeRules, SealedCode, SendCode
from puhui.party.rules import session as session_rules
from puhui.party.tables import session as session_tables

SENDS, TRIES = "code sends", "code tries"


def seal_code(node: Node, input: SendCode | CheckCode | SealedCode) -> SealedCode:
    """Turn phone, address and code into keyed digests, before the act.

    Refused: ``party.bad_phone``, ``party.bad_code``, ``party.sealed_input``.
    """
    if isinstance(input, SealedCode):
        raise Refused("party.sealed_input", "A code is given in plain digits only.")
    phone = rules.check_mobile(input.phone, identity_rules())
    code = "".join(input.code.split())
    if not session_rules.is_code(code, code_rules().digits):
        raise Refused("party.bad_code", f"A code has {code_rules().digits} digits.")
    login_digest = node.keys.index("login", phone)
    return SealedCode(
        login_digest=login_digest,
        address_digest=node.keys.index("address", input.address),
        code_digest=node.keys.index("code", f"{login_digest} {code}"),
    )


@use_case("party.send_code", roles=("visitor", "system"), prepare=seal_code)
def send_code(act: Act, input: SendCode | SealedCode) -> CodeAnswer:
    """Keep a new code for a phone, or say when the next may be asked for.

    The code replaces the one before. Waiting is an outcome, not a refusal: see ``CodeAnswer``.
    Refused: ``party.bad_phone``, ``party.bad_code``, ``party.sealed_input``.
    """
    assert isinstance(input, SealedCode), input
    pace = code_rules()
    free = {
        act.node.keys.index(SENDS, input.login_digest): pace.phone_free,
        act.node.keys.index(SENDS, input.address_digest): pace.address_free,
    }
    until_us = wait_of(act, tuple(free))
    if until_us:
        return CodeAnswer(None, "party.code_throttled", until_us)
    count_tries(act, free, pace)
    expires_us = act.now_us + pace.valid_s * session_rules.SECOND_US
    act.tx.put(
        session_tables.PUT_CODE,
        login_digest=input.login_digest,
        code_digest=input.code_digest,
        expires_us=expires_us,
        tries_left=pace.tries,
    )
    return CodeAnswer(expires_us, None, None)


def wait_of(act: Act, digests: tuple[str, ...]) -> int:
    """Until when tries under any of the digests must wait; 0 where none must. Locks them."""
    rows = [tries_of(row) for row in act.tx.all(tables.LOCK_TRIES, digests=digests)]
    waits = [row.locked_until_us for row in rows if row and rules.is_locked(row, act.now_us)]
    return max(waits, default=0)


def count_tries(act: Act, free: dict[str, int], pace: LoginRules | CodeRules) -> int:
    """Count one more try under each digest; until when the next must wait, 0 for not at all."""
    until_us = 0
    rows = act.tx.all(tables.LOCK_TRIES, digests=tuple(free))
    before = {row.digest: tries_of(row) for row in rows}
    for digest, free_count in sorted(free.items()):
        counted: LoginTries = rules.count_failure(before.get(digest), act.now_us, free_count, pace)
        until_us = max(until_us, counted.locked_until_us)
        act.tx.put(
            tables.PUT_TRIES,
            digest=digest,
            failures=counted.failures,
            last_us=counted.last_us,
            locked_until_us=counted.locked_until_us,
        )
    return until_us


@use_case("party.check_code", roles=("visitor", "system"), prepare=seal_code)
def check_code(act: Act, input: CheckCode | SealedCode) -> LoginAnswer:
    """Let in who holds the phone, making the login at the first time; a code works once.

    A no is an outcome, as the failed try must be stored: party.code_wrong, party.code_over,
    party.code_throttled; party.password_needed for staff, who log in with two factors.
    Refused: ``party.bad_phone``, ``party.bad_code``, ``party.sealed_input``.
    """
    assert isinstance(input, SealedCode), input
    slowing = login_rules()
    address = act.node.keys.index(TRIES, input.address_digest)
    until_us = wait_of(act, (address,))
    if until_us:
        return LoginAnswer(None, "party.code_throttled", until_us)
    row = act.tx.one(session_tables.LOCK_CODE, digest=input.login_digest)
    if row is None or act.now_us >= row.expires_us or row.tries_left == 0:
        return LoginAnswer(None, "party.code_over", None)
    if not hmac.compare_digest(row.code_digest, input.code_digest):
        act.tx.put(
            session_tables.PUT_CODE,
            login_digest=row.login_digest,
            code_digest=row.code_digest,
            expires_us=row.expires_us,
            tries_left=row.tries_left - 1,
        )
        count_tries(act, {address: slowing.address_failures_free}, slowing)
        return LoginAnswer(None, "party.code_wrong", None)
    act.tx.put(session_tables.DELETE_CODE, digest=input.login_digest)
    act.tx.put(tables.DELETE_TRIES, digest=act.node.keys.index(SENDS, input.login_digest))
    user = act.tx.one(tables.READ_USER_BY_LOGIN, digest=input.login_digest)
    if user is None:
        return LoginAnswer(_new_user(act, input.login_digest), None, None)
    if act.tx.all(tables.READ_ROLES, user_id=user.id):
        return LoginAnswer(None, "party.password_needed", None)
    return LoginAnswer(user.id, None, None)


def _new_user(act: Act, login_digest: str) -> str:
    """A login without a password, for a phone that was just shown to be held."""
    user_id = act.new_id("user")
    act.tx.put(
        tables.INSERT_USER_IF_NEW,
        id=user_id,
        login_digest=login_digest,
        password_hash=None,
        party_id=None,
        registered_us=act.now_us,
        disabled_us=None,
    )
    return user_id
