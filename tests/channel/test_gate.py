"""The gate: people get in by phone or by two factors, stay in while they work, and leave.

Goal: what a channel does with logins is right on a real node and a real gateway on loopback.
"""

from __future__ import annotations

import base64
import re

import pytest

from puhui.channel import (
    Gate,
    MessageGateway,
    address_of,
    cookie_name,
    new_key,
    open_gateway,
    said,
)
from puhui.channel.engines.http import HttpGateway
from puhui.channel.engines.shown import ShownGateway
from puhui.channel.gate import Enrolment, Login, Sent
from puhui.channel.window import SECURITY_HEADERS, TLS_HEADERS, words_of_codes
from puhui.kernel import Fault, Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock
from puhui.party.nouns import ChangeRole, RegisterUser
from puhui.party.rules.session import totp
from tests.channel.sms import gateway

PHONE = "13800000001"
MINUTE_US = 60_000_000


def gate_of(node: Node, messages: MessageGateway | None = None) -> Gate:
    """A gate over a node."""
    return Gate(node, messages or ShownGateway())


def test_a_code_arrives_by_the_gateway_and_lets_in(sqlite_node: Node) -> None:
    """One message a request, with the code in it, and nothing of it on the page."""
    with gateway(500, 200) as taken:
        gate = gate_of(sqlite_node, HttpGateway(taken.url, token="t0ken"))
        sent = gate.send_code(PHONE, address="192.0.2.1", key="form")
        assert sent == Sent(None, None, None)
        assert gate.send_code(PHONE, address="192.0.2.1", key="form") == Sent(None, None, None)
        throttled = gate.send_code(PHONE, address="192.0.2.1", key="other")
        assert (throttled.code, throttled.shown) == ("party.code_throttled", None)
        assert throttled.wait_until_us is not None
    first, second = taken.messages
    assert first == second, "tried again as the same message"
    assert taken.headers[0]["authorization"] == "Bearer t0ken"
    found = re.search(r"\b(\d{6})\b", first["text"])
    assert found is not None
    login = gate.try_code(PHONE, found.group(1), address="192.0.2.1", key="code")
    assert isinstance(login, Login)
    assert login.session is not None
    assert gate.ask(login.token) == login.session
    assert gate.ask(None) is gate.ask("nonsense") is gate.ask("x" * 1000) is None


@pytest.mark.parametrize(("statuses", "count"), [((503,), 3), ((400,), 1)])
def test_a_message_that_nobody_takes_is_a_fault(
    sqlite_node: Node, statuses: tuple[int, ...], count: int
) -> None:
    """Three tries where the gateway is down, one where it refuses."""
    with gateway(*statuses) as taken:
        gate = gate_of(sqlite_node, HttpGateway(taken.url))
        with pytest.raises(Fault, match=r"^channel\.message_lost"):
            gate.send_code(PHONE, address="192.0.2.1", key="form")
    assert len(taken.messages) == count


def test_the_page_shows_codes_on_loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a gateway the server binds loopback or is refused; a gateway needs https."""
    monkeypatch.delenv("PUHUI_SMS_URL", raising=False)
    for host in ("127.0.0.1", "::1", "localhost"):
        assert open_gateway(host).shows_code
    for host in ("0.0.0.0", "192.0.2.1", "::"):
        with pytest.raises(Refused, match=r"^channel\.no_gateway"):
            open_gateway(host)
    monkeypatch.setenv("PUHUI_SMS_URL", "https://sms.example/send")
    monkeypatch.setenv("PUHUI_SMS_TOKEN", "secret")
    assert not open_gateway("0.0.0.0").shows_code
    for url in ("http://sms.example/send", "ftp://sms.example", "nonsense"):
        monkeypatch.setenv("PUHUI_SMS_URL", url)
        with pytest.raises(Refused, match=r"^channel\.bad_gateway"):
            open_gateway("127.0.0.1")


def test_staff_come_in_by_two_factors(sqlite_node: Node, clock: FixedClock) -> None:
    """Password, enrolment with a picture, digits; then the whole session, rotated and left."""
    node = sqlite_node
    made = node.act(
        "party.register_user", RegisterUser("officer", "correct horse"), key="u", actor=SYSTEM
    )
    node.act("party.grant_role", ChangeRole(made.user_id, "auditor"), key="r", actor=SYSTEM)
    gate = gate_of(node)
    wrong = gate.try_password("officer", "wrong horse", address="192.0.2.1", key="w")
    assert (wrong.session, wrong.code) == (None, "party.login_failed")
    half = gate.try_password("officer", "correct horse", address="192.0.2.1", key="p")
    assert half.session is not None
    enrolment = gate.enrol(half.session, key="e")
    assert isinstance(enrolment, Enrolment)
    assert enrolment == gate.enrol(half.session, key="again")
    assert enrolment.secret in enrolment.uri
    assert "<svg" in enrolment.qr_svg
    assert "style" not in enrolment.qr_svg
    digits = totp(base64.b32decode(enrolment.secret), clock.now_us() // 30_000_000, 6)
    wrong = gate.confirm(half.session, "000000", key="c")
    assert wrong.code == "party.factor_wrong"
    full = gate.confirm(half.session, digits, key="c")
    assert full.session is not None
    assert full.session.actor.roles == {"auditor"}
    assert gate.ask(half.token) is None
    rotated = gate.rotate(full.session)
    assert gate.ask(full.token) is None
    assert gate.ask(rotated.token) is not None
    gate.log_out(full.session)
    assert gate.ask(rotated.token) is None
    second = gate.try_password("officer", "correct horse", address="192.0.2.1", key="p2")
    assert second.session is not None
    assert gate.enrol(second.session, key="e2") is None


def test_use_keeps_a_session_open(sqlite_node: Node, clock: FixedClock) -> None:
    """A page now and then keeps it for hours; one act in five minutes notes it."""
    gate = gate_of(sqlite_node)
    shown = gate.send_code(PHONE, address="192.0.2.1", key="s").shown
    assert shown is not None
    login = gate.try_code(PHONE, shown, address="192.0.2.1", key="l")
    for _ in range(10):
        clock.set_us(clock.now_us() + 20 * MINUTE_US)
        assert gate.ask(login.token) is not None
    clock.set_us(clock.now_us() + 31 * MINUTE_US)
    assert gate.ask(login.token) is None


def test_words_and_addresses() -> None:
    """Each code has both languages; only trusted proxies say where a request comes from."""
    assert said("party.code_wrong", "en") != said("party.code_wrong", "zh")
    assert said("nothing.known", "zh")
    assert len(words_of_codes()) > 150
    assert (cookie_name(True), cookie_name(False)) == ("__Host-puhui", "puhui")
    policy = SECURITY_HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "max-age" in TLS_HEADERS["strict-transport-security"]
    assert len({new_key() for _ in range(100)}) == 100
    headers = [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.1, 10.0.0.2")]
    scope = {"client": ("10.0.0.1", 1), "headers": headers}
    assert address_of(scope) == "10.0.0.1", "nobody is trusted by default"
    assert address_of(scope, ("10.0.0.1", "10.0.0.2")) == "198.51.100.1"
    assert address_of({"client": None}) == "unknown"
    one, two = ("2001:db8:1:2::3", 1), ("2001:db8:1:2:ffff::9", 1)
    assert address_of({"client": one}) == address_of({"client": two}) == "2001:db8:1:2::/64"
    assert address_of({"client": ("::ffff:192.0.2.1", 1)}) == "192.0.2.1"
