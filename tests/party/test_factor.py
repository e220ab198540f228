"""Second factors of staff: neither guessed, nor used twice, nor skipped."""

from __future__ import annotations

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock
from puhui.party.desk.lists import factor_rules
from puhui.party.nouns import ChangeRole
from puhui.party.nouns.session import EnrolFactor, Grade, ResetFactor
from puhui.party.rules.session import matching_step, totp
from puhui.party.window import pending_factor, read_users
from tests.party.logging_in import Entrance, officer, refused
from tests.party.people import STAFF, register_user

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


def test_staff_need_a_second_factor(node: Node, clock: FixedClock) -> None:
    """A password alone opens the page of the second factor; a time step counts once."""
    user_id = officer(node)
    door = Entrance(node)
    half = door.by_password("officer", "half")
    assert half.grade is Grade.HALF
    assert half.actor.roles == {"visitor"}
    with refused("party.no_factor"):
        door.confirm(half, "000000", "x")
    secret = door.enrol(half)
    with refused("party.not_yours"):
        stranger = Actor(register_user(node, "stranger"), frozenset({"visitor"}))
        door.confirm(half, door.digits(secret), "full", stranger)
    assert door.confirm(half, "000000", "full").code == "party.factor_wrong"
    digits = door.digits(secret)
    assert door.confirm(half, digits, "full").session_id == half.id
    assert door.find("half") is None, "the token changed with the rights"
    full = door.find("full")
    assert full is not None
    assert full.grade is Grade.STAFF
    assert full.actor == Actor(user_id, frozenset({"loan_officer"}))
    with refused("party.factor_not_due"):
        door.confirm(full, digits, "again", half.actor)
    second = door.by_password("officer", "second half")
    assert door.confirm(second, digits, "stolen").code == "party.factor_wrong", "used before"
    with node.read() as tx:
        assert pending_factor(node, tx, second.id) == (True, None)
    with refused("party.factor_taken"):
        node.act("party.enrol_factor", EnrolFactor(second.id), key="anew", actor=second.actor)
    clock.set_us(clock.now_us() + 30 * SECOND_US)
    assert door.confirm(second, door.digits(secret), "second").session_id == second.id
    node.act("party.reset_factor", ResetFactor(user_id), key="lost", actor=STAFF)
    assert door.find("second") is None
    third = door.by_password("officer", "third half")
    with node.read() as tx:
        assert pending_factor(node, tx, third.id) == (False, None)
    assert door.enrol(third) != secret


def test_second_factors_are_not_guessed(node: Node, clock: FixedClock) -> None:
    """Past five wrong ones even the right one waits."""
    officer(node)
    door = Entrance(node)
    half = door.by_password("officer", "half")
    secret = door.enrol(half)
    for _ in range(6):
        assert door.confirm(half, "000000", "x").code == "party.factor_wrong"
    throttled = door.confirm(half, door.digits(secret), "x")
    assert throttled.code == "party.factor_throttled"
    assert throttled.wait_until_us is not None
    clock.set_us(throttled.wait_until_us)
    assert door.confirm(half, door.digits(secret), "y").session_id


def test_rights_change_with_a_new_login(node: Node) -> None:
    """A role granted or revoked ends the sessions; staff never log in by phone alone."""
    door = Entrance(node)
    session = door.by_code("as customer")
    node.act("party.grant_role", ChangeRole(session.user_id, "auditor"), key="grant", actor=STAFF)
    assert door.find("as customer") is None
    node.clock.set_us(node.clock.now_us() + 10 * MINUTE_US)  # type: ignore[attr-defined]
    door.send()
    assert door.check().code == "party.password_needed"
    with node.read() as tx:
        assert {user.id: user.roles for user in read_users(tx)} == {session.user_id: ("auditor",)}


@pytest.mark.parametrize(
    ("time_s", "password"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_passwords_of_time_are_those_of_the_standard(time_s: int, password: str) -> None:
    """RFC 6238 appendix B, SHA-1, eight digits; and a neighbouring step is found, no further."""
    secret = b"12345678901234567890"
    assert totp(secret, time_s // 30, 8) == password
    six = password[-6:]
    for seconds, is_found in ((0, True), (30, True), (-30, True), (90, False)):
        now_us = (time_s + seconds) * SECOND_US
        step = matching_step(secret, six, now_us, factor_rules()) if now_us >= 30e6 else None
        assert (step == time_s // 30) is is_found or now_us < 30e6
