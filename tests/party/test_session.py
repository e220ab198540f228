"""Codes, sessions, second factors and machines' keys: what opens, what does not, and for how long.

Goal: nobody gets in without a proof, nothing secret is kept in clear, and a replay is equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.dump import dump_store
from puhui.kernel.replay import replay
from puhui.kernel.store.journal import read_journal
from puhui.party import find_parties
from puhui.party.nouns import Authenticate, DisableUser, ErasePerson, LoginAnswer
from puhui.party.nouns.session import (
    ApiKey,
    BecomeCustomer,
    ChangePassword,
    CloseSession,
    CloseSessions,
    CreateApiKey,
    Grade,
    KeepSession,
    OpenSession,
    RevokeApiKey,
    RotateSession,
)
from puhui.party.tables import session as tables
from puhui.party.window import (
    Session,
    api_key_of,
    api_keys_of,
    digest_of_token,
    sessions_of,
    staff_roles,
    user_of_ended,
)
from puhui.worker import close_day
from tests.party.logging_in import CODE, PHONE, Entrance, officer, refused
from tests.party.people import (
    STAFF,
    VISITOR,
    id_number,
    password_of,
    register_person,
    register_user,
)

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


def customer_of(order: int = 1, phone: str = PHONE) -> BecomeCustomer:
    """Who the ``order``-th person says they are."""
    return BecomeCustomer(f"赵测试{order}", id_number(order), phone)


def test_a_phone_logs_in_and_becomes_a_customer(node: Node) -> None:
    """The first code makes the login, the person makes the customer, the next code finds both."""
    door = Entrance(node)
    session = door.by_code("token one")
    assert (session.grade, session.party_id) == (Grade.OWN, None)
    assert session.actor == Actor(session.user_id, frozenset({"visitor"}))
    with refused("party.phone_differs"):
        node.act(
            "party.become_customer",
            customer_of(phone="13800000002"),
            key="other phone",
            actor=session.actor,
        )
    made = node.act("party.become_customer", customer_of(), key="me", actor=session.actor)
    again = door.by_code("token two")
    assert again.party_id == made.party_id
    assert again.actor == Actor(session.user_id, frozenset({"customer"}))
    with refused("party.has_person"):
        node.act("party.become_customer", customer_of(2), key="twice", actor=session.actor)
    with refused("party.not_yours"):
        node.act("party.become_customer", customer_of(3), key="nobody", actor=VISITOR)
    with node.read() as tx:
        assert {one.id for one in sessions_of(node, tx, session.user_id)} == {session.id, again.id}
        assert find_parties(node, tx, id_number=id_number(1))[0].id == made.party_id


def test_a_known_person_is_found_by_number_and_phone(node: Node) -> None:
    """Whom staff registered is taken over with the same phone, once, and never with another."""
    known = register_person(node)
    door = Entrance(node)
    stranger = door.by_code("stranger", "13800000009")
    with refused("party.identity_taken"):
        node.act(
            "party.become_customer",
            customer_of(phone="13800000009"),
            key="not me",
            actor=stranger.actor,
        )
    session = door.by_code("me")
    made = node.act("party.become_customer", customer_of(), key="me", actor=session.actor)
    assert made.party_id == known


def test_a_code_holds_five_minutes_five_tries_and_once(node: Node, clock: FixedClock) -> None:
    """Wrong ones are counted, late ones are over, a used one is gone."""
    door = Entrance(node)
    assert door.check().code == "party.code_over"
    assert door.send().expires_us == clock.now_us() + 5 * MINUTE_US
    assert [door.check("000000").code for _ in range(5)] == ["party.code_wrong"] * 5
    assert door.check().code == "party.code_over", "the right one comes too late"
    clock.set_us(clock.now_us() + 2 * MINUTE_US)
    door.send()
    clock.set_us(clock.now_us() + 5 * MINUTE_US)
    assert door.check().code == "party.code_over"
    clock.set_us(clock.now_us() + 10 * MINUTE_US)
    door.send()
    first = door.check(key="typed")
    assert first.user_id
    assert door.check(key="typed") == first, "two clicks are one"
    assert door.check().code == "party.code_over"
    with refused("party.bad_code"):
        door.check("12345")
    with refused("party.bad_phone"):
        door.send("12345")


def test_codes_are_sent_at_a_slowing_pace(node: Node, clock: FixedClock) -> None:
    """One phone waits 60, 120, 240 seconds; one address sends twenty and then waits."""
    door = Entrance(node)
    for wait_s in (60, 120, 240):
        assert door.send().code is None
        until_us = clock.now_us() + wait_s * SECOND_US
        assert door.send(address="192.0.2.8").wait_until_us == until_us
        clock.set_us(until_us)
    clock.set_us(clock.now_us() + 7 * 60 * MINUTE_US)
    answers = [door.send(f"1390000{number:04d}", address="192.0.2.9") for number in range(22)]
    assert [answer.code for answer in answers] == [None] * 21 + ["party.code_throttled"]


def test_a_session_rests_on_a_fresh_proof(node: Node, clock: FixedClock) -> None:
    """No act, a failed act, another act, or an old one opens nothing."""
    door = Entrance(node)
    door.send()
    assert door.check("000000", key="wrong").user_id is None
    register_user(node, "officer")
    for key in ("nothing", "wrong", "user officer"):
        with refused("party.no_proof"):
            door.open(key, f"token {key}")
    assert door.check(key="right").user_id
    with refused("party.bad_token"):
        node.act("party.open_session", OpenSession("right", "x"), key="bad", actor=SYSTEM)
    with refused("kernel.role_missing"):
        given = OpenSession("right", digest_of_token("t"))
        node.act("party.open_session", given, key="self", actor=VISITOR)
    clock.set_us(clock.now_us() + MINUTE_US + 1)
    with refused("party.no_proof"):
        door.open("right", "late")


def test_sessions_end(node: Node, clock: FixedClock) -> None:
    """Unused after half an hour, used after twelve hours, and at once when closed."""
    door = Entrance(node)
    first = door.by_code("first")
    clock.set_us(clock.now_us() + 31 * MINUTE_US)
    assert door.find("first") is None
    with refused("party.session_over"):
        node.act("party.keep_session", KeepSession(first.id), key="keep", actor=SYSTEM)
    second = door.by_code("second")
    for number in range(25):
        clock.set_us(clock.now_us() + 29 * MINUTE_US)
        kept = door.find("second")
        if kept is None:
            break
        node.act("party.keep_session", KeepSession(kept.id), key=f"k{number}", actor=SYSTEM)
    assert number == 24, "24 times 29 minutes are just under twelve hours"
    assert clock.now_us() >= second.expires_us
    third = door.by_code("third")
    node.act(
        "party.rotate_session",
        RotateSession(third.id, digest_of_token("fourth")),
        key="rotate",
        actor=SYSTEM,
    )
    assert door.find("third") is None
    assert door.find("fourth") is not None
    closed = node.act("party.close_session", CloseSession(third.id), key="close", actor=SYSTEM)
    assert closed.closed_count == 1
    assert door.find("fourth") is None
    assert door.find("nobody's") is None


def test_whose_session_ran_out_is_known_unless_it_was_closed(node: Node, clock: FixedClock) -> None:
    door = Entrance(node)
    user_id = door.by_code("idle").user_id
    closed = door.by_code("closed")
    with node.read() as tx:
        assert user_of_ended(node, tx, "idle") is None, "it is open still"
    node.act("party.close_session", CloseSession(closed.id), key="close", actor=SYSTEM)
    clock.set_us(clock.now_us() + 31 * MINUTE_US)
    with node.read() as tx:
        assert user_of_ended(node, tx, "idle") == user_id
        assert user_of_ended(node, tx, "closed") is None
        assert user_of_ended(node, tx, "nobody's") is None


def test_users_end_their_own_sessions(node: Node, clock: FixedClock) -> None:
    """All but the one in use; never another's, save by an administrator."""
    door = Entrance(node)
    one, two = door.by_code("one"), door.by_code("two")
    other = door.by_code("other", "13800000002")

    def close(user_id: str, key: str, actor: Actor, but: str | None = None) -> int:
        given = CloseSessions(user_id, but)
        return int(node.act("party.close_sessions", given, key=key, actor=actor).closed_count)

    with refused("party.not_yours"):
        close(other.user_id, "foreign", one.actor)
    assert close(one.user_id, "others", two.actor, two.id) == 1
    assert door.find("one") is None
    assert door.find("two") is not None
    assert close(one.user_id, "all", STAFF) == 1
    assert door.find("two") is None
    assert door.find("other") is not None
    node.act("party.disable_user", DisableUser(other.user_id), key="disable", actor=STAFF)
    assert door.find("other") is None


def api_key(**changes: object) -> CreateApiKey:
    """A key for a partner's machine."""
    given: dict[str, object] = {
        "name": "partner",
        "role": "operator",
        "scopes": ("lending.apply",),
        "rate_per_minute": 60,
        "valid_until": date(2026, 12, 31),
        "token_digest": digest_of_token("machine"),
    }
    return CreateApiKey(**{**given, **changes})  # type: ignore[arg-type]


def test_machines_have_keys(node: Node, clock: FixedClock) -> None:
    """Found by token until the last day or until revoked."""
    key_id = node.act("party.create_api_key", api_key(), key="make", actor=STAFF).key_id
    with node.read() as tx:
        found = api_key_of(node, tx, "machine")
        assert api_keys_of(tx) == (found,)
        assert api_key_of(node, tx, "another") is None
    assert isinstance(found, ApiKey)
    assert (found.id, found.scopes, found.role) == (key_id, ("lending.apply",), "operator")
    before = clock.now_us()
    clock.set_us(before + 305 * 24 * 60 * MINUTE_US)
    with node.read() as tx:
        assert api_key_of(node, tx, "machine") is None, "past its last day"
    clock.set_us(before)
    node.act("party.revoke_api_key", RevokeApiKey(key_id), key="end", actor=STAFF)
    with node.read() as tx:
        assert api_key_of(node, tx, "machine") is None
    with refused("party.unknown_api_key"):
        node.act("party.revoke_api_key", RevokeApiKey("key-x"), key="x", actor=STAFF)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"role": "administrator"}, "party.unknown_role"),
        ({"role": "customer"}, "party.unknown_role"),
        ({"name": ""}, "party.bad_api_key"),
        ({"scopes": ()}, "party.bad_api_key"),
        ({"scopes": ("everything",)}, "party.bad_api_key"),
        ({"scopes": ("a.bc", "a.bc")}, "party.bad_api_key"),
        ({"rate_per_minute": 0}, "party.bad_api_key"),
        ({"valid_until": date(2028, 1, 1)}, "party.bad_api_key"),
        ({"valid_until": date(2026, 3, 1)}, "party.bad_api_key"),
        ({"token_digest": "secret"}, "party.bad_token"),
    ],
)
def test_keys_have_bounds(sqlite_node: Node, changes: dict[str, object], code: str) -> None:
    """A machine's key is bounded in role, scopes, rate and time."""
    with refused(code):
        sqlite_node.act("party.create_api_key", api_key(**changes), key="k", actor=STAFF)
    assert "administrator" in staff_roles()


def test_nothing_secret_is_kept_and_all_replays(
    node: Node, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    """No code, token, phone, secret or digits in the journal or the dump; a replay is equal."""
    door = Entrance(node)
    officer(node)
    session = door.by_code("token-of-customer")
    node.act("party.become_customer", customer_of(), key="me", actor=session.actor)
    half = door.by_password("officer", "token-of-half")
    secret = door.enrol(half)
    digits = door.digits(secret)
    assert door.confirm(half, digits, "token-of-officer").session_id
    node.act("party.create_api_key", api_key(), key="machine key", actor=STAFF)
    again = door.by_code("token-of-later")
    assert again.party_id is not None
    given = ErasePerson(again.party_id)
    node.act("party.erase_person", given, key="erase", actor=again.actor)
    assert door.find("token-of-later") is None
    node.store.settle_positions()
    journal = json.dumps([list(map(str, row)) for row in read_journal(node.store)])
    told = journal + "\n".join(line for _, line in dump_store(node.store))
    words = (CODE, PHONE, digits, secret.hex(), "token-of", password_of("officer"), id_number(1))
    assert [word for word in words if f'"{word}' in told or f'{word}"' in told] == []
    url = f"sqlite:///{tmp_path / 'again.sqlite'}"
    second = open_at(url, writers=1)
    report = replay(node, second)
    assert report.differences == ()


def test_sessions_that_ended_are_forgotten(node: Node, clock: FixedClock) -> None:
    """Thirty days after their end, with the day; one that is open stays."""
    door = Entrance(node)
    door.by_code("old")
    clock.set_us(clock.now_us() + 32 * 24 * 60 * MINUTE_US)
    door.by_code("new")
    closed = close_day(node, business_date(clock.now_us()) - timedelta(days=1))
    assert closed.chunks >= 1
    with node.read() as tx:
        rows = tx.all(tables.READ_SESSION_BY_TOKEN, token_digest=digest_of_token("old"))
    assert rows == []
    assert door.find("new") is not None


def test_staff_change_their_own_password(node: Node) -> None:
    """With the old one, for oneself alone; sessions end, and the new one lets in."""
    user_id = officer(node)
    door = Entrance(node)
    half = door.by_password("officer", "half")
    secret = door.enrol(half)
    assert door.confirm(half, door.digits(secret), "full").session_id
    full = door.find("full")
    assert full is not None

    def change(key: str, old: str, actor: Actor, new: str = "a better horse") -> LoginAnswer:
        given = ChangePassword("officer", old, new, "192.0.2.1")
        answer = node.act("party.change_password", given, key=key, actor=actor)
        assert isinstance(answer, LoginAnswer)
        return answer

    assert change("wrong", "wrong horse", full.actor).code == "party.login_failed"
    other = Actor(register_user(node, "other"), full.actor.roles)
    with refused("party.not_yours"):
        change("other", password_of("officer"), other)
    with refused("party.weak_password"):
        change("weak", password_of("officer"), full.actor, "short")
    assert change("right", password_of("officer"), full.actor).user_id == user_id
    assert door.find("full") is None
    given = Authenticate("officer", "a better horse", "192.0.2.1")
    answer = node.act("party.authenticate", given, key="new", actor=VISITOR)
    assert answer.user_id == user_id


def test_a_wrong_password_opens_nothing(node: Node) -> None:
    """A login made by a phone has no password that could match."""
    door = Entrance(node)
    door.by_code("phone")
    given = Authenticate(PHONE, "", "192.0.2.1")
    answer = node.act("party.authenticate", given, key="empty", actor=VISITOR)
    assert answer.code == "party.login_failed"
    assert isinstance(door.find("phone"), Session)
