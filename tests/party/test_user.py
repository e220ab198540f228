"""Logins: passwords, throttled tries, roles granted by others, and four eyes."""

from __future__ import annotations

import pytest

from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.party import actor_of, check_actor
from puhui.party.desk import user as desk_user
from puhui.party.desk.user import read_user, read_users
from puhui.party.nouns import (
    Authenticate,
    ChangeRole,
    DisableUser,
    LoginAnswer,
    RegisterUser,
)
from tests.party.people import (
    STAFF,
    VISITOR,
    password_of,
    register_person,
    register_user,
)

SECOND_US = 1_000_000


class Door:
    """Tries to log in, each with a key of its own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.count = 0

    def knock(self, login: str, password: str, address: str = "192.0.2.1") -> LoginAnswer:
        """One try."""
        self.count += 1
        given = Authenticate(login, password, address)
        answer = self.node.act("party.authenticate", given, key=f"try {self.count}", actor=VISITOR)
        assert isinstance(answer, LoginAnswer)
        return answer


def test_the_right_password_lets_in(node: Node) -> None:
    """In any spelling of the login; a wrong one or an unknown login looks the same."""
    user_id = register_user(node, "Officer.Li")
    door = Door(node)
    assert door.knock(" officer.li ", password_of("Officer.Li")).user_id == user_id
    wrong = door.knock("officer.li", "wrong horse battery")
    unknown = door.knock("nobody.here", "wrong horse battery")
    assert wrong == unknown == LoginAnswer(None, "party.login_failed", None)


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain comparison instead of Argon2, where a test counts many tries."""
    monkeypatch.setattr(desk_user, "hash_password", lambda password: f"quick {password}")
    monkeypatch.setattr(
        desk_user, "verify_password", lambda hashed, password: hashed == f"quick {password}"
    )


@pytest.mark.usefixtures("quick_passwords")
def test_tries_slow_down_and_the_right_password_must_wait_too(
    sqlite_node: Node, clock: FixedClock
) -> None:
    """Six wrong tries lock for 30 seconds, others log in meanwhile; afterwards all is well."""
    user_id = register_user(sqlite_node, "officer.li")
    other_id = register_user(sqlite_node, "officer.wu")
    door = Door(sqlite_node)
    answers = [door.knock("officer.li", "wrong horse battery") for _ in range(6)]
    until_us = clock.now_us() + 30 * SECOND_US
    assert [answer.wait_until_us for answer in answers] == [None] * 5 + [until_us]
    locked = door.knock("officer.li", password_of("officer.li"))
    assert locked == LoginAnswer(None, "party.login_throttled", until_us)
    assert door.knock("officer.wu", password_of("officer.wu"), "192.0.2.9").user_id == other_id
    clock.set_us(until_us)
    assert door.knock("officer.li", password_of("officer.li")).user_id == user_id
    after = door.knock("officer.li", "wrong horse battery")
    assert after == LoginAnswer(None, "party.login_failed", None)


@pytest.mark.usefixtures("quick_passwords")
def test_one_address_cannot_try_all_logins(sqlite_node: Node) -> None:
    """Fifty different logins from one address lock the address, not the fifty-first user."""
    user_id = register_user(sqlite_node, "officer.li")
    door = Door(sqlite_node)
    for number in range(51):
        answer = door.knock(f"nobody.{number}", "wrong horse battery")
    assert answer.wait_until_us is not None
    assert door.knock("officer.li", password_of("officer.li")).code == "party.login_throttled"
    assert door.knock("officer.li", password_of("officer.li"), "192.0.2.2").user_id == user_id


@pytest.mark.parametrize(
    ("login", "password", "code"),
    [
        ("x", "correct horse", "party.bad_login"),
        ("12345", "correct horse", "party.bad_phone"),
        ("officer", "short", "party.weak_password"),
    ],
)
def test_bad_logins_are_refused(sqlite_node: Node, login: str, password: str, code: str) -> None:
    """Names and passwords that will not do."""
    given = RegisterUser(login, password)
    with pytest.raises(Refused) as refused:
        sqlite_node.act("party.register_user", given, key="k", actor=STAFF)
    with pytest.raises(Refused, match=r"^kernel\.role_missing"):
        sqlite_node.act("party.register_user", given, key="k", actor=VISITOR)
    assert refused.value.code == code


def test_a_login_is_taken_once(node: Node) -> None:
    """A closed login may be used again by a new user, who is another one."""
    first_id = register_user(node, "officer.li")
    given = RegisterUser("OFFICER.LI", "another horse")
    with pytest.raises(Refused, match=r"^party\.login_taken"):
        node.act("party.register_user", given, key="again", actor=STAFF)
    node.act("party.disable_user", DisableUser(first_id), key="close", actor=STAFF)
    given = RegisterUser("officer.li", "another horse")
    second_id = node.act("party.register_user", given, key="anew", actor=STAFF).user_id
    assert second_id != first_id
    door = Door(node)
    assert door.knock("officer.li", "another horse").user_id == second_id
    assert door.knock("officer.li", password_of("officer.li")).user_id is None
    with node.read() as tx:
        with pytest.raises(Refused, match=r"^party\.user_disabled"):
            actor_of(tx, first_id)
        with pytest.raises(Refused, match=r"^party\.user_disabled"):
            check_actor(tx, first_id, acts_for="party-x")
    with pytest.raises(Refused, match=r"^party\.user_disabled"):
        grant(node, first_id, "auditor", STAFF)


def grant(
    node: Node, user_id: str, role: str, actor: Actor, verb: str = "grant"
) -> tuple[str, ...]:
    """Grant or revoke a role."""
    key = f"{verb} {user_id} {role} {actor.name}"
    made = node.act(f"party.{verb}_role", ChangeRole(user_id, role), key=key, actor=actor)
    return tuple(made.roles)


def test_roles_are_granted_by_others(node: Node) -> None:
    """An administrator grants and revokes, never to the own login or a second one of their own."""
    party_id = register_person(node)
    boss_id = register_user(node, "boss", party_id)
    second_id = register_user(node, "boss.second", party_id)
    officer_id = register_user(node, "officer")
    assert grant(node, boss_id, "administrator", STAFF) == ("administrator",)
    with node.read() as tx:
        boss = actor_of(tx, boss_id)
    assert boss.roles == {"administrator", "customer"}
    assert grant(node, officer_id, "loan_officer", boss) == ("loan_officer",)
    assert grant(node, officer_id, "operator", boss) == ("loan_officer", "operator")
    for own_id in (boss_id, second_id):
        with pytest.raises(Refused, match=r"^party\.own_role"):
            grant(node, own_id, "operator", boss)
    with pytest.raises(Refused, match=r"^party\.roles_conflict"):
        grant(node, officer_id, "auditor", boss)
    with pytest.raises(Refused, match=r"^party\.unknown_role"):
        grant(node, officer_id, "customer", boss)
    with pytest.raises(Refused, match=r"^party\.unknown_user"):
        grant(node, "user-nobody", "auditor", boss)
    with node.read() as tx:
        officer = actor_of(tx, officer_id)
    with pytest.raises(Refused, match=r"^kernel\.role_missing"):
        grant(node, second_id, "operator", officer)
    assert grant(node, officer_id, "loan_officer", boss, "revoke") == ("operator",)
    with node.read() as tx:
        assert {user.id: user.roles for user in read_users(tx)} == {
            boss_id: ("administrator",),
            second_id: (),
            officer_id: ("operator",),
        }
        assert [user.id for user in read_users(tx, party_id)] == sorted([boss_id, second_id])


def test_four_eyes_are_two_persons(node: Node) -> None:
    """Neither the same login nor another login of the same person approves."""
    party_id = register_person(node)
    maker = register_user(node, "maker", party_id)
    same_person = register_user(node, "maker.two", party_id)
    checker = register_user(node, "checker")
    with node.read() as tx:
        check_actor(tx, checker, second_to=maker)
        check_actor(tx, "machine", second_to=maker)
        for name in (maker, same_person):
            with pytest.raises(Refused, match=r"^party\.four_eyes"):
                check_actor(tx, name, second_to=maker)
        with pytest.raises(Refused, match=r"^party\.four_eyes"):
            check_actor(tx, party_id, second_to=maker)
        with pytest.raises(Refused, match=r"^party\.unknown_user"):
            check_actor(tx, "user-nobody", second_to=maker)
        with pytest.raises(Refused, match=r"^party\.unknown_user"):
            read_user(tx, "user-nobody")


def test_customers_act_for_themselves_alone(node: Node) -> None:
    """A login without a party and without a role acts for nobody; staff and machines for all."""
    own_id, other_id = register_person(node), register_person(node, 2)
    user_id = register_user(node, "13800000001", own_id)
    nobody_id = register_user(node, "nobody")
    officer_id = register_user(node, "officer", register_person(node, 3))
    grant(node, officer_id, "loan_officer", STAFF)
    with node.read() as tx:
        check_actor(tx, user_id, acts_for=own_id)
        check_actor(tx, own_id, acts_for=own_id)
        check_actor(tx, officer_id, acts_for=own_id)
        check_actor(tx, "machine", acts_for=own_id)
        for name in (user_id, nobody_id, own_id):
            with pytest.raises(Refused, match=r"^party\.not_yours"):
                check_actor(tx, name, acts_for=other_id)
