"""A deal with another node from the desk: chosen, priced, looked at, begun once, followed, ended.

The other node is a real one behind a real connection: its API, signed requests and answers.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from puhui.api import build_api
from puhui.channel import Gate
from puhui.channel.engines.shown import ShownGateway
from puhui.channel.payee import hide_name
from puhui.exchange import KnownPeers, NodePeer, open_peers, receipt_of
from puhui.exchange.nouns.deal import DealState
from puhui.exchange.window import deals, open_legs, participants
from puhui.kernel import Fault, Node
from puhui.kernel.crypto import Keys
from puhui.kernel.store.browse import browse_journal
from puhui.worker import keep_up
from tests.exchange.scheme import MINUTE_US, STAFF, Scheme, balance
from tests.exchange.scheme import act as exchange_act
from tests.party.people import person, register_person
from tests.web.browser import Browser, Page
from tests.web.market import open_exchange, party_of, top_up
from tests.web.town import Town


def bridge_to(client: TestClient) -> type[http.server.BaseHTTPRequestHandler]:
    """Passes requests on to an API as they come, and its answers back."""

    class Bridge(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            told = {k: v for k, v in self.headers.items() if k.lower() != "content-length"}
            answer = client.request(self.command, self.path, content=body, headers=told)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    return Bridge


@pytest.fixture
def there(
    town: Town, open_at: Callable[..., Node], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """Another node, served; each of the two is the other's peer, and we may draw there."""
    node = open_at(f"sqlite:///{tmp_path / 'there.sqlite'}", keys=Keys(b"2" * 32))
    scheme = Scheme(node)
    us = scheme.register("Kunming", "peer", town.node.keys.public_key)
    exchange_act(node, "allow_draw", {"peer_id": us, "participant_id": scheme.one.id})
    exchange_act(
        town.node,
        "register_participant",
        {"name": "Bangkok", "kind": "peer", "public_key": node.keys.public_key},
    )
    api = TestClient(build_api(node, Gate(node, ShownGateway())))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), bridge_to(api))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    peers = (
        f'name = "kunming"\n[peer.bangkok]\naddress = "http://127.0.0.1:{server.server_port}"\n'
        f'public_key = "{node.keys.public_key}"\n'
    )
    (town.node.home / "peers.toml").write_text(peers, "utf-8")
    monkeypatch.setenv("PUHUI_PEERS", "peers.toml")
    open_peers(town.node)
    payee = register_person(node, 1)
    yield SimpleNamespace(node=node, scheme=scheme, us=us, payee=payee, name=person(1).name)
    server.shutdown()
    thread.join(10)
    server.server_close()


def terms(town: Town, there: SimpleNamespace) -> dict[str, str]:
    """What an operator types for a deal of 100 yuan."""
    payer = party_of(town, town.good.phone)
    return {
        "payer": payer, "payee": there.payee, "there": there.scheme.one.id,
        "source": "CNY", "target": "USD", "kind": "send", "amount": "100",
    }  # fmt: skip


def offers(operator: Browser, told: dict[str, str]) -> Page:
    """The page of offers for what was typed."""
    page = operator.open("/desk/deal/new?peer=bangkok")
    query = "&".join(f"{name}={value}" for name, value in told.items())
    assert page.form("/desk/deal/new").fields["peer"] == "bangkok"
    return operator.ask(f"/desk/deal/new?peer=bangkok&{query}")


def newest(town: Town) -> DealState:
    """How far the newest deal has come."""
    with town.node.read() as tx:
        return deals(tx, count=1)[0].state


def test_a_deal_is_begun_on_the_page_and_paid_on_both_nodes(
    town: Town, there: SimpleNamespace
) -> None:
    town.customer(town.good)
    scheme = open_exchange(town)
    top_up(town, party_of(town, town.good.phone), 50_000)
    operator = town.staff("operator")
    told = terms(town, there)
    before_minor = balance(town.node, told["payer"], "CNY")
    for wrong, words in (
        ({"payer": "party-none"}, "没有这个客户"),
        ({"payee": "somebody"}, "party-"),
        ({"there": "participant-none"}, "请选择"),
        ({"target": "CNY"}, "同一币种"),
        ({"amount": "x"}, "金额"),
    ):
        page = offers(operator, {**told, **wrong})
        assert (page.status, words in page.text) == (422, True), page.text
    page = offers(operator, told)
    places = [page.text.index(name) for name in ("Provider One", "Provider Two")]
    assert places == sorted(places), "the best offer first"
    check = operator.open(page.link("/desk/deal/check"))
    for words in ("100.00 元", "14.00 美元", "bangkok", there.payee, "5 分钟"):
        assert words in check.text
    form = check.form("/desk/deal/check")
    forged = operator.post("/desk/deal/check", {**form.fields, "shown": "0" * 32})
    assert forged.status == 422
    more = operator.post("/desk/deal/check", {**form.fields, "amount": "10000"})
    assert more.status == 422, "not what was shown"
    done = operator.send(form)
    assert "已受理" in done.text
    town.clock.set_us(town.clock.now_us() + 1)
    again = operator.send(form)
    assert again.url.split("?")[0] == done.url.split("?")[0], "a second click begins nothing"
    with town.node.read() as tx:
        assert len(deals(tx)) == 1
    assert keep_up(town.node) == ()
    assert newest(town) is DealState.CLOSED_COMMITTED
    assert "两边都已付成" in operator.open(done.url.split("?")[0]).text
    assert balance(town.node, told["payer"], "CNY") == before_minor - 10_000
    assert balance(there.node, there.payee, "USD") == 1_400
    assert "两边都已付成" in operator.open("/desk/deals?state=closed_committed").text
    assert (
        "两边都已付成"
        not in operator.open("/desk/deals?state=started&order=started").text.split("<tbody>")[1]
    )
    second = operator.open(offers(operator, told).link("/desk/deal/check"))
    assert "Provider Two" in second.text, "a quote serves once"
    until = town.clock.now_us() + MINUTE_US
    quote = scheme.one.offer(town.node, "0.1401", expires_us=until)
    third = operator.open(offers(operator, told).link("/desk/deal/check"))
    form = third.form("/desk/deal/check")
    assert form.fields["quote"] == quote.id
    town.clock.set_us(until)
    late = operator.send(form)
    assert (late.status, "报价" in late.text) == (422, True), "it holds no longer"


def test_the_desk_asks_about_a_payee_before_money_is_held(
    town: Town, there: SimpleNamespace
) -> None:
    """A name in part on the page; who is not there, or may not take it in, is told at the field."""
    town.customer(town.good)
    open_exchange(town)
    top_up(town, party_of(town, town.good.phone), 50_000)
    operator = town.staff("operator")
    told = terms(town, there)
    wallet = {"party_id": there.payee, "currency": "USD"}
    there.node.act("payment.open_wallet", wallet, key="open", actor=STAFF)
    check = operator.open(offers(operator, told).link("/desk/deal/check"))
    assert hide_name(there.name) in check.text
    nobody = offers(operator, {**told, "payee": "party-nobody-there"})
    refused = operator.ask(nobody.link("/desk/deal/check"))
    assert (refused.status, "没有这个收款人" in refused.text) == (422, True)
    there.node.act("payment.close_wallet", wallet, key="close", actor=STAFF)
    closed = operator.send(check.form("/desk/deal/check"))
    assert (closed.status, "不能收这笔钱" in closed.text) == (422, True)
    with town.node.read() as tx:
        assert (deals(tx), open_legs(tx)) == ((), ())
        asks = browse_journal(tx, name="exchange.note_payee_ask")
        looked = browse_journal(tx, name="exchange.ask_payee")
    assert len(asks) == 3, "whoever looks is on record, also where nobody is found"
    assert [len({one.actor for one in asks}), len(looked)] == [1, 0]
    assert "payee_asks" not in {one.actor for one in asks}


def test_a_node_that_does_not_answer_or_lets_nothing_draw_is_told(
    town: Town, there: SimpleNamespace
) -> None:
    operator = town.staff("operator")
    us = there.scheme
    with there.node.read() as tx:
        peer = next(one.id for one in participants(tx) if one.kind == "peer")
    exchange_act(there.node, "forbid_draw", {"peer_id": peer, "participant_id": us.one.id})
    page = operator.ask("/desk/deal/new?peer=bangkok")
    assert (page.status, "没有允许" in page.text) == (422, True)
    assert operator.ask("/desk/deal/new?peer=elsewhere").status == 422
    path = town.node.home / "peers.toml"
    path.write_text(re.sub("127.0.0.1:[0-9]+", "127.0.0.1:9", path.read_text("utf-8")), "utf-8")
    open_peers(town.node)
    page = operator.ask("/desk/deal/new?peer=bangkok")
    assert (page.status, "有效应答" in page.text) == (422, True)
    auditor = town.staff("auditor")
    assert auditor.ask("/desk/deal/new").status in (403, 404)
    assert auditor.ask("/desk/deals").status == 200
    assert operator.ask("/desk/deal/deal-none").status == 404


def test_a_deal_with_a_node_that_is_gone_is_told_and_ended_by_its_receipt(
    town: Town, there: SimpleNamespace
) -> None:
    town.customer(town.good)
    open_exchange(town)
    payer = party_of(town, town.good.phone)
    top_up(town, payer, 50_000)
    before_minor = balance(town.node, payer, "CNY")
    operator = town.staff("operator")
    check = operator.open(offers(operator, terms(town, there)).link("/desk/deal/check"))
    url = operator.send(check.form("/desk/deal/check")).url.split("?")[0]
    deal_id = url.rpartition("/")[2]

    class Mute(NodePeer):
        """Pays, and then says nothing of it."""

        def receipt(self, leg_id: str) -> object:  # type: ignore[override]
            raise Fault("exchange.peer_silent", "Nobody answers.")

    town.node.ports[KnownPeers] = KnownPeers(kunming=NodePeer(town.node), bangkok=Mute(there.node))
    keep_up(town.node)
    assert newest(town) is DealState.RELEASED
    town.node.ports[KnownPeers] = KnownPeers(kunming=NodePeer(town.node))
    town.clock.set_us(town.clock.now_us() + 11 * MINUTE_US)
    assert keep_up(town.node) == ()
    assert "没有节点 bangkok" in operator.open("/desk/deals").text
    page = operator.open(url)
    assert "只有它签名的回执" in page.text
    word = asdict(receipt_of(there.node, f"{deal_id}-target"))
    form = page.form(deal_id)
    for wrong in ("x", json.dumps({**word, "state": "aborted"})):
        assert operator.send(form, receipt=wrong).status == 422
    ended = operator.send(form, receipt=json.dumps(word))
    assert "两边都已付成" in ended.text
    assert balance(town.node, payer, "CNY") == before_minor - 10_000
    with town.node.read() as tx:
        assert open_legs(tx) == ()
