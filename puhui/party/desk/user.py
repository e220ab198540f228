"""Users (logins): passwords, throttled tries, staff roles, and four eyes."""

from __future__ import annotations

import secrets
from functools import lru_cache
from hashlib import sha256

from puhui.kernel.act import Act, Actor, use_case
from puhui.kernel.crypto import hash_password, verify_password
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import rules, tables
from puhui.party.desk.lists import identity_rules, login_rules, staff_roles
from puhui.party.desk.look_up import take_party
from puhui.party.nouns import (
    Authenticate,
    ChangeRole,
    CheckedLogin,
    DisableUser,
    HashedUser,
    LoginAnswer,
    LoginTries,
    RegisterUser,
    RolesChanged,
    User,
    UserDisabled,
    UserRegistered,
)
from puhui.party.tables import session as session_tables

USERS_MAX = 10_000


def hash_user(node: Node, input: RegisterUser | HashedUser) -> HashedUser:
    """Check a login and hash its password, before the act.

    Refused: ``party.bad_login``, ``party.bad_phone``, ``party.weak_password``,
    ``party.sealed_input``.
    """
    if not isinstance(input, RegisterUser):
        raise Refused("party.sealed_input", "A login is registered by plain data only.")
    login = rules.check_login(input.login, identity_rules())
    if input.password is None:
        login = rules.check_mobile(login, identity_rules())
    else:
        rules.check_password(input.password, login, login_rules())
    return HashedUser(
        login_digest=node.keys.index("login", login),
        password_hash=None if input.password is None else hash_password(input.password),
        party_id=input.party_id,
    )


@use_case("party.register_user", roles=("administrator", "system"), prepare=hash_user)
def register_user(act: Act, input: RegisterUser | HashedUser) -> UserRegistered:
    """Make a login, without roles; for a customer it names the party behind it.

    Refused: ``party.login_taken``, ``party.unknown``, ``party.erased`` and what ``hash_user``
    refuses.
    """
    assert isinstance(input, HashedUser), input
    if input.party_id is not None:
        take_party(act, input.party_id)
    user_id = act.new_id("user")
    is_new = act.tx.run(
        tables.INSERT_USER_IF_NEW,
        id=user_id,
        login_digest=input.login_digest,
        password_hash=input.password_hash,
        party_id=input.party_id,
        registered_us=act.now_us,
        disabled_us=None,
    )
    if not is_new:
        raise Refused("party.login_taken", "This login exists already.")
    return UserRegistered(user_id)


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    """A hash that no password matches: an unknown login takes as long as a known one."""
    return hash_password(secrets.token_hex(32))


def tries_of(row: Row | None) -> LoginTries | None:
    """The noun of a row of counted tries."""
    if row is None:
        return None
    return LoginTries(row.failures, row.last_us, row.locked_until_us)


def compare_password(node: Node, input: Authenticate | CheckedLogin) -> CheckedLogin:
    """Compare the password with its hash, before the act; not at all while tries must wait.

    Refused: ``party.bad_login``, ``party.bad_phone``, ``party.sealed_input``.
    """
    if not isinstance(input, Authenticate):
        raise Refused("party.sealed_input", "A login is tried with a password only.")
    login = rules.check_login(input.login, identity_rules())
    digest = node.keys.index("login", login)
    address_digest = node.keys.index("address", input.address)
    with node.read() as tx:
        rows = tx.all(tables.READ_TRIES, digests=(digest, address_digest))
        user = tx.one(tables.READ_USER_BY_LOGIN, digest=digest)
    now_us = node.clock.now_us()
    if any(rules.is_locked(tries_of(row), now_us) for row in rows):
        return CheckedLogin(digest, address_digest, None, False)
    hashed = _hash_of_nobody() if user is None else user.password_hash
    is_match = user is not None and hashed is not None
    is_match = verify_password(hashed or _hash_of_nobody(), input.password) and is_match
    seen = None if not hashed or user is None else sha256(hashed.encode()).hexdigest()
    return CheckedLogin(digest, address_digest, seen, is_match)


@use_case("party.authenticate", roles=("visitor", "system"), prepare=compare_password)
def authenticate(act: Act, input: Authenticate | CheckedLogin) -> LoginAnswer:
    """Let a user in, or count the failed try; tries slow down per login and per address.

    A no is an outcome, as the failed try must be stored: see ``LoginAnswer`` for its codes.
    """
    assert isinstance(input, CheckedLogin), input
    slowing = login_rules()
    digests = (input.login_digest, input.address_digest)
    tries = {row.digest: tries_of(row) for row in act.tx.all(tables.LOCK_TRIES, digests=digests)}
    locked = [one for one in tries.values() if one and rules.is_locked(one, act.now_us)]
    if locked:
        until_us = max(one.locked_until_us for one in locked)
        return LoginAnswer(None, "party.login_throttled", until_us)
    user = act.tx.one(tables.READ_USER_BY_LOGIN, digest=input.login_digest)
    hashed = "" if user is None else user.password_hash or ""
    is_same = input.seen == sha256(hashed.encode()).hexdigest()
    if user is not None and is_same and input.is_match:
        act.tx.put(tables.DELETE_TRIES, digest=input.login_digest)
        return LoginAnswer(user.id, None, None)
    until_us = 0
    free = (slowing.failures_free, slowing.address_failures_free)
    for digest, failures_free in sorted(zip(digests, free, strict=True)):
        counted = rules.count_failure(tries.get(digest), act.now_us, failures_free, slowing)
        until_us = max(until_us, counted.locked_until_us)
        act.tx.put(
            tables.PUT_TRIES,
            digest=digest,
            failures=counted.failures,
            last_us=counted.last_us,
            locked_until_us=counted.locked_until_us,
        )
    return LoginAnswer(None, "party.login_failed", until_us or None)


def _user_of(row: Row, roles: tuple[str, ...]) -> User:
    return User(row.id, row.party_id, row.disabled_us is not None, roles)


def read_user(tx: Transaction, user_id: str) -> User:
    """A user with its roles. Refused: ``party.unknown_user``."""
    row = tx.one(tables.READ_USER, user_id=user_id)
    if row is None:
        raise Refused("party.unknown_user", f"There is no user {user_id[:40]}.")
    return _user_of(row, tuple(one.role for one in tx.all(tables.READ_ROLES, user_id=user_id)))


def read_users(tx: Transaction, party_id: str | None = None) -> tuple[User, ...]:
    """All users with their roles, up to 10,000, or those of one party. Two statements."""
    if party_id is None:
        rows = tx.all(tables.READ_USERS, count=USERS_MAX)
    else:
        rows = tx.all(tables.READ_USERS_OF, party_id=party_id)
    roles: dict[str, list[str]] = {}
    for row in tx.all(tables.READ_ALL_ROLES) if rows else ():
        roles.setdefault(row.user_id, []).append(row.role)
    return tuple(_user_of(row, tuple(roles.get(row.id, ()))) for row in rows)


def actor_of(tx: Transaction, user_id: str) -> Actor:
    """Who a logged-in user is to the kernel: granted roles, and customer where a party stands
    behind the login. Refused: ``party.unknown_user``, ``party.user_disabled``.
    """
    user = read_user(tx, user_id)
    if user.is_disabled:
        raise Refused("party.user_disabled", "This login was closed.")
    own = {"customer"} if user.party_id is not None else set()
    return Actor(user.id, frozenset(own | set(user.roles)))


def check_actor(
    tx: Transaction, actor: str, *, acts_for: str | None = None, second_to: str | None = None
) -> bool:
    """Whether the actor is the party ``acts_for`` itself, whichever login is used; refused where
    they may not do what they ask, beyond the roles that the kernel has checked.

    ``acts_for`` is a party: a customer's login acts for the party behind it alone; staff and
    machines pass. ``second_to`` is the actor who made what is now approved: it takes another
    person, whichever login either used (four eyes); machines count by their name alone.
    Refused: ``party.not_yours``, ``party.four_eyes``, ``party.unknown_user``,
    ``party.user_disabled``.
    """
    user = _person_behind(tx, actor)
    if user.is_disabled:
        raise Refused("party.user_disabled", "This login was closed.")
    if acts_for is not None:
        rules.check_acts_for(user, acts_for)
    if second_to is not None:
        rules.check_four_eyes(_person_behind(tx, second_to), user)
    return acts_for is not None and user.party_id == acts_for


def _person_behind(tx: Transaction, actor: str) -> User:
    """The user behind an actor's name; a party may act under its own id, a machine is nobody."""
    if actor.startswith("user-"):
        return read_user(tx, actor)
    return User(actor, actor if actor.startswith("party-") else None, False, ())


def _lock_user(act: Act, user_id: str) -> User:
    """The user whose roles are to change, locked; somebody else than the actor."""
    row = act.tx.one(tables.LOCK_USER, user_id=user_id)
    if row is None:
        raise Refused("party.unknown_user", f"There is no user {user_id[:40]}.")
    held = tuple(one.role for one in act.tx.all(tables.READ_ROLES, user_id=user_id))
    user = _user_of(row, held)
    rules.check_not_self(act.actor, _person_behind(act.tx, act.actor).party_id, user)
    return user


def _end_sessions(act: Act, user_id: str) -> None:
    """Whose rights change logs in again."""
    act.tx.put(session_tables.CLOSE_SESSIONS, of_user_id=user_id, now_us=act.now_us)


@use_case("party.grant_role", roles=("administrator", "system"))
def grant_role(act: Act, input: ChangeRole) -> RolesChanged:
    """Give a user a staff role from the closed list.

    Refused: ``party.unknown_user``, ``party.unknown_role``, ``party.own_role``,
    ``party.roles_conflict``, ``party.user_disabled``.
    """
    user = _lock_user(act, input.user_id)
    roles = rules.grant(user, input.role, staff_roles())
    act.tx.put(
        tables.INSERT_ROLE_IF_NEW,
        user_id=user.id,
        role=input.role,
        granted_us=act.now_us,
        granted_by=act.actor,
    )
    _end_sessions(act, user.id)
    act.emit("party.role_granted", user.id, {"role": input.role})
    return RolesChanged(user.id, roles)


@use_case("party.revoke_role", roles=("administrator", "system"))
def revoke_role(act: Act, input: ChangeRole) -> RolesChanged:
    """Take a staff role from a user; one that is not held changes nothing.

    Refused: ``party.unknown_user``, ``party.own_role``.
    """
    user = _lock_user(act, input.user_id)
    act.tx.put(tables.DELETE_ROLE, user_id=user.id, role=input.role)
    _end_sessions(act, user.id)
    act.emit("party.role_revoked", user.id, {"role": input.role})
    return RolesChanged(user.id, tuple(role for role in user.roles if role != input.role))


@use_case("party.disable_user", roles=("administrator", "system"))
def disable_user(act: Act, input: DisableUser) -> UserDisabled:
    """Close a login for good; its name may be used again.

    Refused: ``party.unknown_user``, ``party.own_role``.
    """
    user = _lock_user(act, input.user_id)
    act.tx.put(tables.CLOSE_USER, user_id=user.id, now_us=act.now_us)
    _end_sessions(act, user.id)
    return UserDisabled(user.id)
