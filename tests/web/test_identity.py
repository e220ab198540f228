"""Who a new customer is: asked of a register over HTTP, synthetic on one's own machine, or open."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from puhui.channel import Gate
from puhui.kernel.errors import Fault
from puhui.party import find_parties
from puhui.web import build_pages
from puhui.web.identity import ask_register
from tests.web.browser import Browser
from tests.web.town import Town

NAME, NUMBER, PHONE = "林小满", "11010119900307061X", "13900000079"


class Register(HTTPServer):
    """A register of one person, on loopback, that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[dict[str, str]] = []
        self.answer = b""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/check"


class Answering(BaseHTTPRequestHandler):
    """Says whether name and number belong together."""

    server: Register

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(told)
        is_match = told == {"name": NAME, "number": NUMBER}
        body = self.server.answer or json.dumps({"match": is_match}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def register() -> Iterator[Register]:
    """A register that runs until the test is over."""
    server = Register()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


class Silent:
    """A gateway as production has one: no code is shown on a page."""

    shows_code = False

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, phone: str, text: str) -> None:
        """Keep the message."""
        self.sent.append(text)


def test_a_register_says_yes_or_no(register: Register) -> None:
    is_match, evidence = ask_register(register.url, name=NAME, number=NUMBER)
    assert is_match
    assert len(evidence) == 64
    assert ask_register(register.url, name="别人", number=NUMBER)[0] is False
    for odd in (b'{"match": "yes"}', b"[]"):
        register.answer = odd
        assert ask_register(register.url, name=NAME, number=NUMBER)[0] is False


@pytest.mark.parametrize("answer", [b"not json", b""])
def test_a_register_that_cannot_be_asked_is_a_fault(register: Register, answer: bytes) -> None:
    if answer:
        register.answer = answer
        url = register.url
    else:
        url = "http://127.0.0.1:9/check"
    with pytest.raises(Fault, match="no_register"):
        ask_register(url, name=NAME, number=NUMBER)


def state_of(town: Town) -> str:
    with town.node.read() as tx:
        return find_parties(town.node, tx, phone=PHONE)[0].identity.value


@pytest.mark.parametrize("name, state", [(NAME, "passed"), ("别人", "failed")])
def test_registering_asks_the_register(
    town: Town, register: Register, monkeypatch: pytest.MonkeyPatch, name: str, state: str
) -> None:
    monkeypatch.setenv("PUHUI_IDENTITY_URL", register.url)
    browser = town.browser()
    browser.register(PHONE, name, NUMBER)
    assert state_of(town) == state
    assert register.asked == [{"name": name, "number": NUMBER}]


def test_without_a_register_a_stranger_stays_unchecked(town: Town) -> None:
    gateway = Silent()
    browser = Browser(build_pages(town.node, Gate(town.node, gateway)))
    page = browser.send(browser.open("/login").form("/login"), phone=PHONE)
    assert 'class="code"' not in page.text, "in production no page shows a code"
    digits = "".join(one for one in gateway.sent[0].split("，")[0] if one.isdigit())
    page = browser.send(page.form("/login/code"), digits=digits)
    page = browser.send(page.form("/register/name"), name=NAME)
    page = browser.send(page.form("/register/number"), number=NUMBER, agree="yes")
    assert state_of(town) == "unchecked"
    assert "还没有核验" in page.text
    page = browser.apply(amount="5000")
    page = browser.send(page.form("/apply/check"))
    assert "身份未核实" in page.text


def test_a_wrong_number_is_told_at_its_field(town: Town) -> None:
    browser = town.browser()
    page = browser.log_in(PHONE)
    page = browser.send(page.form("/register/name"), name=NAME)
    page = browser.send(page.form("/register/number"), number="110101199003070611", agree="yes")
    assert page.status == 422
    assert 'href="#number"' in page.text
    page = browser.send(page.form("/register/number"), number=NUMBER)
    assert 'href="#agree"' in page.text


def test_a_wrong_code_is_told_and_tries_run_out(town: Town) -> None:
    browser = town.browser()
    page = browser.send(browser.open("/login").form("/login"), phone=PHONE)
    for _ in range(6):
        page = browser.send(page.form("/login/code"), digits="000000")
        assert page.status == 422
    assert "summary" in page.text
    assert browser.send(browser.open("/login").form("/login"), phone="12").status == 422
    assert browser.send(browser.open("/login").form("/login"), phone="").status == 422
