"""Other nodes that ask over HTTP: who is let in, what they may ask, and what their answers bear.

The signatures are held against the example of RFC 9421; requests go through the API itself.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    peer_by_key,
    reach_peers,
    read_deal,
    receipt_for,
    standing_of,
)
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys, verify_signature
from tests.exchange.asking import CONDITION, PREIMAGE, STRANGERS, THEIRS, Asking
from tests.exchange.scheme import PATIENT, act, balance
from tests.party.people import register_person


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
