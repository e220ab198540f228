"""Other nodes that ask over HTTP: who is let in, what they may ask, and what their answers bear.

The signatures are held against the example of RFC 9421; requests go through the API itself.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from puhui.api import build_api, caller
from puhui.api.rate import Rates
from puhui.channel import Gate
from puhui.channel.engines.shown import ShownGateway
from puhui.channel.payee import hide_name
from puhui.data import accesses_of
from puhui.exchange import KnownPeers, open_peers
from puhui.exchange.formats.http_signature import (
    Message,
    is_answer_signed,
    is_request_signed,
    sign_answer,
    sign_request,
    signature_text,
    signed_of,
)
from puhui.exchange.formats.peers_file import read_peers
from puhui.exchange.window import (
    between,
    http_signature,
    open_legs,
    payees,
    peer_by_key,
    reach_peers,
    read_deal,
    receipt_for,
    standing_of,
)
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.crypto import Keys, verify_signature
from puhui.payment import wallet_account
from puhui.payment.desk.lists import tiers
from puhui.payment.rules import number as numbers
from tests.exchange.scheme import MINUTE_US, PATIENT, Scheme, act, balance
from tests.party.people import person, register_person

THEIRS, STRANGERS = Keys(b"2" * 32), Keys(b"3" * 32)
PREIMAGE = b"a secret of thirty-two bytes here"[:32].hex()
CONDITION = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
NUMBERS = itertools.count(1)
WALLETS = Actor("wallets", frozenset({"operator", "system"}))


def test_the_base_is_that_of_the_standard() -> None:
    """RFC 9421, appendix B.2.6: the example that is signed with Ed25519 (key of B.1.4)."""
    params = (
        '("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )
    parts = (
        ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"),
        ('"@method"', "POST"),
        ('"@path"', "/foo"),
        ('"@authority"', "example.com"),
        ('"content-type"', "application/json"),
        ('"content-length"', "18"),
    )
    key = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
    signature = (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    assert verify_signature(key, signature_text(parts, params), signature)
    assert not verify_signature(key, signature_text(parts[1:], params), signature)


@PATIENT
@given(st.binary(max_size=200), st.sampled_from(["body", "path", "method", "to", "once"]))
def test_nothing_that_is_signed_can_be_changed(body: bytes, changed: str) -> None:
    keys = Keys(b"1" * 32)
    message = Message("POST", "/api/exchange/prepare_leg", body, THEIRS.public_key, "leg prepare")
    headers, signature = sign_request(keys, message, created_s=1_700_000_000, nonce="n" * 16)
    assert is_request_signed(message, headers)
    other: Any = body + b"x" if changed == "body" else "other"
    assert not is_request_signed(replace(message, **{changed: other}), headers)
    for name in headers:
        assert not is_request_signed(message, {**headers, name: headers[name] + "x"})
        assert not is_request_signed(message, {k: v for k, v in headers.items() if k != name})
    later = headers["signature-input"].replace("1700000000", "1700000001")
    assert not is_request_signed(message, {**headers, "signature-input": later})
    asked = signed_of(headers)
    assert asked is not None
    assert asked.signature == signature
    told = sign_answer(THEIRS, status=200, body=body, asked=asked, created_s=1_700_000_000)
    right: dict[str, Any] = {
        "status": 200,
        "body": body,
        "key": THEIRS.public_key,
        "asked_signature": signature,
    }
    assert is_answer_signed(told, **right)
    wrong: tuple[dict[str, Any], ...] = (
        {"status": 422},
        {"body": body + b"x"},
        {"key": keys.public_key},
        {"asked_signature": signature.swapcase()},
    )
    for one in wrong:
        assert not is_answer_signed(told, **{**right, **one})
    assert not is_answer_signed({}, **right)


GOOD = f"""
name = "kunming"
[peer.bangkok]
address = "https://exchange.example.com:8443/"
public_key = "{THEIRS.public_key}"
trust = "bangkok.pem"
"""


def test_the_file_of_peers() -> None:
    found = read_peers(GOOD)
    assert (found.name, len(found.peers)) == ("kunming", 1)
    assert found.peers[0].address == "https://exchange.example.com:8443"
    assert found.peers[0].trust == "bangkok.pem"
    key = THEIRS.public_key
    for wrong in (
        "name =",
        GOOD.replace('name = "kunming"', ""),
        GOOD.replace("kunming", "bangkok"),
        GOOD.replace("https://", "http://"),
        GOOD.replace("https://", "ftp://"),
        GOOD.replace("8443/", "8443/api"),
        GOOD.replace("exchange.example.com:8443", "me@example.com"),
        GOOD.replace(":8443", ":84430"),
        GOOD.replace(key, key[1:]),
        GOOD.replace("trust", "thrust"),
        GOOD.replace('"bangkok.pem"', "7"),
        GOOD + "other = 1\n",
        GOOD + f'[peer.twin]\naddress = "https://two.example.com"\npublic_key = "{key}"\n',
        GOOD + '[peer."a b"]\naddress = "https://two.example.com"\n',
    ):
        with pytest.raises(Refused, match="bad_peers"):
            read_peers(wrong)
    near = GOOD.replace("https://exchange.example.com:8443/", "http://127.0.0.1:8000")
    assert read_peers(near).peers[0].address == "http://127.0.0.1:8000"


def test_a_node_knows_its_peers(
    sqlite_node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting names the file; who does not answer is told of, not waited for."""
    monkeypatch.delenv("PUHUI_PEERS", raising=False)
    open_peers(sqlite_node)
    assert KnownPeers not in sqlite_node.ports
    assert reach_peers(sqlite_node) == ()
    monkeypatch.setenv("PUHUI_PEERS", "peers.toml")
    with pytest.raises(Refused, match="bad_peers"):
        open_peers(sqlite_node)
    near = GOOD.replace("https://exchange.example.com:8443/", "http://127.0.0.1:9")
    (sqlite_node.home / "peers.toml").write_text(near, "utf-8")
    open_peers(sqlite_node)
    known = sqlite_node.ports[KnownPeers]
    assert isinstance(known, KnownPeers)
    assert (known.own_name, set(known)) == ("kunming", {"kunming", "bangkok"})
    (reach,) = reach_peers(sqlite_node)
    assert (reach.name, reach.peer_id) == ("bangkok", "")
    assert "does not answer" in reach.answer


class Asking:
    """A node with two peers registered, and requests that they sign."""

    def __init__(self, node: Node, clock: FixedClock) -> None:
        self.node, self.clock = node, clock
        self.scheme = Scheme(node)
        self.payee = register_person(node, 1)
        self.peer = self.scheme.register("There", "peer", THEIRS.public_key)
        self.other = self.scheme.register("Elsewhere", "peer", STRANGERS.public_key)
        for peer_id in (self.peer, self.other):
            told = {"peer_id": peer_id, "participant_id": self.scheme.one.id}
            act(node, "allow_draw", told)
        self.client = TestClient(build_api(node, Gate(node, ShownGateway())))

    def leg(self, leg_id: str = "deal-1-target", **changes: Any) -> dict[str, Any]:
        """The terms of a target leg from the provider to the payee."""
        return {
            "leg_id": leg_id,
            "deal_id": leg_id.removesuffix("-target"),
            "payer": f"participant:{self.scheme.one.id}",
            "payee": f"party:{self.payee}",
            "currency": "USD",
            "amount_minor": 1_400,
            "condition": CONDITION,
            "expires_us": self.clock.now_us() + MINUTE_US,
            **changes,
        }

    def signed(
        self, message: Message, *, keys: Keys = THEIRS, ago_s: int = 0
    ) -> tuple[dict[str, str], str]:
        """The headers of a request, and its signature."""
        created_s = self.clock.now_us() // 1_000_000 - ago_s
        return sign_request(keys, message, created_s=created_s, nonce=f"nonce{next(NUMBERS):020d}")

    def ask(self, verb: str, told: Any, **how: Any) -> tuple[int, dict[str, Any]]:
        """POST as a peer, and hold the answer's signature; status and content."""
        body = json.dumps(told).encode()
        once = f"key {next(NUMBERS)}"
        path = f"/api/exchange/{verb}"
        message = Message("POST", path, body, self.node.keys.public_key, once)
        headers, signature = self.signed(message, **how)
        return self.sent("POST", path, body, headers, signature)

    def read(self, path: str, **how: Any) -> tuple[int, dict[str, Any]]:
        """GET as a peer."""
        message = Message("GET", path, b"", self.node.keys.public_key)
        headers, signature = self.signed(message, **how)
        return self.sent("GET", path, b"", headers, signature)

    def sent(
        self, method: str, path: str, body: bytes, headers: dict[str, str], signature: str
    ) -> tuple[int, dict[str, Any]]:
        """One request as it is; answers past 401 must be signed, and 401 must not."""
        shown = {**headers, "content-type": "application/json"}
        answer = self.client.request(method, path, content=body, headers=shown)
        is_signed = is_answer_signed(
            answer.headers,
            status=answer.status_code,
            body=answer.content,
            key=self.node.keys.public_key,
            asked_signature=signature,
        )
        assert is_signed is (answer.status_code != 401), answer.text
        return answer.status_code, answer.json()


@pytest.fixture
def asking(node: Node, clock: FixedClock) -> Asking:
    """A node that peers ask, on each kind of store."""
    return Asking(node, clock)


def test_a_peer_has_a_leg_held_and_paid(asking: Asking) -> None:
    status, told = asking.ask("prepare_leg", asking.leg())
    assert (status, told["state"]) == (200, "prepared")
    assert asking.ask("prepare_leg", asking.leg())[1]["state"] == "prepared"
    status, told = asking.ask("fulfil_leg", {"leg_id": "deal-1-target", "preimage": PREIMAGE})
    assert (status, told["state"]) == (200, "posted")
    assert balance(asking.node, asking.payee, "USD") == 1_400
    status, told = asking.ask("abort_leg", {"leg_id": "deal-1-target"})
    assert (status, told["code"]) == (422, "exchange.leg_posted")
    status, told = asking.read("/api/exchange/receipts/deal-1-target")
    assert (status, told["state"]) == (200, "posted")
    status, told = asking.read("/api/exchange/standing")
    assert told["peer_id"] == asking.peer
    assert told["draws"] == [asking.scheme.one.id]


def test_only_peers_are_let_in(asking: Asking) -> None:
    """Unknown and suspended ones, old and future ones, the same request twice, another's."""
    refused = {}
    refused["peer_unknown"] = asking.ask("prepare_leg", asking.leg(), keys=Keys(b"9" * 32))
    for ago_s in (31, 3_600, -31):
        refused[f"peer_late {ago_s}"] = asking.ask("prepare_leg", asking.leg(), ago_s=ago_s)
    act(asking.node, "suspend_participant", {"participant_id": asking.peer})
    refused["peer_unknown 2"] = asking.ask("prepare_leg", asking.leg())
    act(asking.node, "resume_participant", {"participant_id": asking.peer})
    body = json.dumps(asking.leg()).encode()
    path = "/api/exchange/prepare_leg"
    elsewhere = Message("POST", path, body, STRANGERS.public_key, "once")
    headers, signature = asking.signed(elsewhere)
    refused["peer_signature"] = asking.sent("POST", path, body, headers, signature)
    here = replace(elsewhere, to=asking.node.keys.public_key)
    headers, signature = asking.signed(here)
    for name, sent in (
        ("a", ("POST", path, body + b" ", headers, signature)),
        ("b", ("POST", "/api/exchange/abort_leg", body, headers, signature)),
        ("c", ("POST", path + "?x=1", body, headers, signature)),
        ("d", ("POST", path, body, {**headers, "idempotency-key": "other"}, signature)),
        ("e", ("POST", path, body, {**headers, "signature": "puhui=:x:"}, signature)),
    ):
        refused[f"peer_signature {name}"] = asking.sent(*sent)
    for name, (status, told) in refused.items():
        assert status == 401, name
        assert told["code"] == f"api.{name.split()[0]}"
    with asking.node.read() as tx:
        assert open_legs(tx) == ()
    assert asking.sent("POST", path, body, headers, signature)[0] == 200
    status, told = asking.sent("POST", path, body, headers, signature)
    assert (status, told["code"]) == (401, "api.peer_replayed")


def test_a_peer_draws_on_whom_it_may_and_no_wallet(asking: Asking) -> None:
    wallet = register_person(asking.node, 2)
    two = f"participant:{asking.scheme.two.id}"
    too_long = asking.clock.now_us() + 3_601_000_000
    for changes, code in (
        ({"payer": f"party:{wallet}"}, "not_drawn"),
        ({"payer": two}, "not_drawn"),
        ({"awaits": "here"}, "bad_leg"),
        ({"awaits": asking.peer}, "bad_leg"),
        ({"expires_us": too_long}, "bad_leg"),
        ({"amount_minor": 10**12}, "payer_short"),
    ):
        status, told = asking.ask("prepare_leg", asking.leg(**changes))
        assert (status, told["code"]) == (422, f"exchange.{code}")
    pair = {"peer_id": asking.peer, "participant_id": asking.scheme.one.id}
    assert asking.ask("prepare_leg", asking.leg())[0] == 200
    assert act(asking.node, "forbid_draw", pair).may_draw is False
    status, told = asking.ask("prepare_leg", asking.leg("deal-2-target"))
    assert told["code"] == "exchange.not_drawn"
    assert asking.ask("abort_leg", {"leg_id": "deal-1-target"})[1]["state"] == "aborted"
    for wrong, code in (
        ({"peer_id": asking.scheme.one.id}, "unknown_peer"),
        ({"peer_id": "none"}, "unknown_peer"),
        ({"participant_id": asking.peer}, "unknown_participant"),
        ({"participant_id": "none"}, "unknown_participant"),
    ):
        for verb in ("allow_draw", "forbid_draw"):
            with pytest.raises(Refused, match=code):
                act(asking.node, verb, {**pair, **wrong})


def test_a_peer_asks_about_a_payee_before_money_moves(asking: Asking) -> None:
    """Whether they are there and may take it in, a name in part, and a line in their log."""
    node = asking.node
    wallet = {"party_id": asking.payee, "currency": "USD"}

    def told(payee: str, currency: str = "USD", amount: int | str = 1_400) -> tuple[int, str]:
        status, answer = asking.read(f"/api/exchange/payees/{payee}/{currency}/{amount}")
        return status, answer["code"] if status != 200 else answer["name"]

    payee = f"party:{asking.payee}"
    assert told(payee) == (200, ""), "a wallet that nobody put on record shows no name"
    node.act("payment.open_wallet", {**wallet, "tier": 4}, key="open", actor=WALLETS)
    hidden = hide_name(person(1).name)
    number = numbers.number_of(wallet_account(asking.payee, "USD"))
    for one in (payee, f"party:{number}"):
        assert told(one) == told(one, "XXX", 0) == (200, hidden)
    assert person(1).name not in hidden
    with node.read() as tx:
        looks = accesses_of(tx, asking.payee)
    assert {(one.actor, one.purpose) for one in looks} == {(asking.peer, "payee_check")}
    most = tiers().by_number[4].balance_minor_max
    assert most is not None
    unused = numbers.number_of(4711)
    for wrong, code in (
        ((payee, "USD", most + 1), "exchange.payee_not_admitted"),
        ((f"party:{unused}", "XXX", 0), "exchange.no_such_payee"),
        (("party:party-nobody", "USD", 1), "exchange.no_such_payee"),
        ((f"party:{number[:-1]}{(int(number[-1]) + 1) % 10}", "USD", 1), "exchange.no_such_payee"),
        ((f"participant:{asking.scheme.two.id}", "USD", 1), "exchange.bad_end"),
        ((payee, "ABC", 1), "exchange.unknown_currency"),
        ((payee, "USD", 2**53 - 1), "exchange.payee_not_admitted"),
        ((payee, "USD", -1), "exchange.bad_amount"),
    ):
        assert told(*wrong) == (422, code), wrong
    node.act("payment.close_wallet", wallet, key="close", actor=WALLETS)
    assert told(payee) == (422, "exchange.payee_not_admitted")
    assert told(payee, "XXX", 0)[0] == 200
    pair = {"peer_id": asking.peer, "participant_id": asking.scheme.one.id}
    act(node, "forbid_draw", pair)
    assert told(payee) == (422, "exchange.not_drawn"), "who may pay nobody asks about nobody"


def test_a_peer_asks_about_payees_only_so_often(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many asks in a minute are a search; every other question is still answered."""
    monkeypatch.setattr(caller, "Rates", lambda: Rates(lambda: 0.0))
    monkeypatch.setattr(caller, "PEER_PAYEES_PER_MINUTE", 3)
    asking.client = TestClient(build_api(asking.node, Gate(asking.node, ShownGateway())))
    path = f"/api/exchange/payees/party:{asking.payee}/XXX/0"
    assert [asking.read(path)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert asking.read("/api/exchange/standing")[0] == 200


def test_only_their_own_customers_ask(sqlite_node: Node) -> None:
    """A customer asks for nobody else, and of counts that are old none is kept."""
    one, two = register_person(sqlite_node, 1), register_person(sqlite_node, 2)
    asked = {"party_id": two, "peer": "bangkok", "payee": "party:x"}
    customer = Actor(one, frozenset({"customer"}))
    with pytest.raises(Refused, match="not_yours"):
        sqlite_node.act("exchange.ask_payee", asked, key="a", actor=customer)
    own = {**asked, "party_id": one}
    assert sqlite_node.act("exchange.ask_payee", own, key="b", actor=customer).asks == 1
    day = business_date(sqlite_node.clock.now_us())
    for before, rows in ((day, 0), (day + timedelta(days=1), 1)):
        assert act(sqlite_node, "forget_asks", {"before": before}).rows == rows
    with pytest.raises(Refused, match="unknown_peer"):
        payees.ask_there(sqlite_node, payees.AskPayee(one, "bangkok", "party:x"))
    with pytest.raises(Refused, match="bad_end"):
        payees.ask_there(sqlite_node, payees.AskPayee(one, "bangkok", "party:a/b"))


def test_a_peer_moves_its_own_legs_alone(asking: Asking) -> None:
    """Another peer's leg is not there; nor may a leg join a deal that has one here already."""
    assert asking.ask("prepare_leg", asking.leg())[0] == 200
    for verb, told in (
        ("fulfil_leg", {"leg_id": "deal-1-target", "preimage": PREIMAGE}),
        ("abort_leg", {"leg_id": "deal-1-target"}),
        ("prepare_leg", asking.leg()),
    ):
        status, answer = asking.ask(verb, told, keys=STRANGERS)
        assert (status, answer["code"]) == (422, "exchange.unknown_leg"), verb
    status, answer = asking.read("/api/exchange/receipts/deal-1-target", keys=STRANGERS)
    assert (status, answer["code"]) == (422, "exchange.unknown_leg")
    act(asking.node, "prepare_leg", asking.scheme.leg("own", CONDITION, awaits="here"))
    act(asking.node, "fulfil_leg", {"leg_id": "own", "preimage": PREIMAGE})
    joining = asking.leg("joining", deal_id="deal-of-own")
    status, answer = asking.ask("prepare_leg", joining)
    assert (status, answer["code"]) == (422, "exchange.bad_leg")
    status, answer = asking.ask("abort_leg", {"leg_id": "own"})
    assert (status, answer["code"]) == (422, "exchange.unknown_leg")


def test_a_peer_calls_nothing_else(asking: Asking) -> None:
    path = "/api/payment/pay"
    message = Message("POST", path, b"{}", asking.node.keys.public_key, "once")
    headers, signature = asking.signed(message)
    status, told = asking.sent("POST", path, b"{}", headers, signature)
    assert (status, told["code"]) == (403, "kernel.role_missing")
    status, told = asking.read("/api/exchange/deals/none")
    assert (status, told["code"]) == (403, "kernel.role_missing")
    status, told = asking.ask("prepare_leg", {"leg_id": 7})
    assert (status, told["code"]) == (400, "kernel.bad_input")


def test_the_window_tells_where_peers_stand(asking: Asking) -> None:
    """What a channel reads of peers, their legs and deals, and the bounds between nodes."""
    node = asking.node
    assert between().skew_s_max == 30
    assert http_signature.LABEL == "puhui"
    act(node, "prepare_leg", asking.scheme.leg("own", CONDITION))
    with node.read() as tx:
        found = peer_by_key(tx, THEIRS.public_key)
        assert peer_by_key(tx, asking.scheme.one.public_key) is None, "a provider is no peer"
        with pytest.raises(Refused, match="unknown_deal"):
            read_deal(tx, "none")
    assert found is not None
    assert found.id == asking.peer
    assert standing_of(node, asking.peer).draws == (asking.scheme.one.id,)
    assert standing_of(node, "somebody").peer_id == ""
    assert receipt_for(node, "own", "somebody of staff").state == "prepared"
    with pytest.raises(Refused, match="unknown_leg"):
        receipt_for(node, "own", asking.peer)
