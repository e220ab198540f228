"""Other nodes, from the command line: registered, let draw, asked; and deals on their way."""

from __future__ import annotations

import pytest

from puhui.kernel.crypto import Keys
from puhui.node import open_node
from tests.cli.program import Program
from tests.exchange.scheme import Scheme, act, top_up
from tests.party.people import register_person

pytestmark = pytest.mark.xdist_group("cli")

KEY = Keys(b"2" * 32).public_key


def test_a_peer_is_registered_let_draw_and_asked(program: Program) -> None:
    none = program("exchange", "peers", "--json")
    assert (none.code, none.figures) == (0, {"peers": 0, "reached": 0, "older": 0})
    assert "(no file of peers)" in none.out
    added = program("exchange", "add-peer", "bangkok", KEY)
    assert added.code == 0, added.err
    peer_id = added.out.split()[-1].rstrip(".")
    assert program("exchange", "add-peer", "bangkok", KEY).out == added.out, "once, however often"
    assert program("exchange", "add-peer", "bad key", "x").code == 2
    node = open_node(program.home)
    provider = Scheme(node).one.id
    node.close()
    assert program("exchange", "allow-draw", peer_id, provider).code == 0
    assert program("exchange", "allow-draw", provider, peer_id).code == 2
    assert program("exchange", "forbid-draw", peer_id, provider).code == 0
    named = f'[peer.bangkok]\naddress = "http://127.0.0.1:9"\npublic_key = "{KEY}"'
    peers = f'name = "kunming"\n{named}'
    (program.home / "peers.toml").write_text(peers, "utf-8")
    program.patch.setenv("PUHUI_PEERS", "peers.toml")
    asked = program("exchange", "peers", "--json")
    assert asked.figures == {"peers": 1, "reached": 0, "older": 0}
    for words in ("kunming", peer_id, "does not answer"):
        assert words in asked.said
    program.patch.setenv("PUHUI_PEERS", "none.toml")
    wrong = program("exchange", "peers")
    assert (wrong.code, "(exchange.bad_peers)" in wrong.err) == (2, True)


def test_deals_on_their_way_are_shown(program: Program) -> None:
    node = open_node(program.home)
    scheme, payer = Scheme(node), register_person(node, 1)
    top_up(node, payer, "CNY", 100_000)
    now_us = node.clock.now_us()
    end = f"participant:{scheme.one.id}"
    source = {"peer": "here", "payer": f"party:{payer}", "payee": end, "currency": "CNY"}
    target = {"peer": "there", "payer": end, "payee": "party:x", "currency": "USD"}
    deal = {
        "source": {**source, "amount_minor": 10_000, "expires_us": now_us + 2_000_000},
        "target": {**target, "amount_minor": 1_400, "expires_us": now_us + 1_000_000},
        "target_peer_id": "none",
    }
    deal_id = act(node, "start_deal", deal).deal_id
    node.close()
    shown = program("exchange", "deals")
    for words in (deal_id, "started", "100.00", "14.00", "there", "here, there"):
        assert words in shown.said, shown.out
    told = program("exchange", "deals", "--json").figures
    assert told == {"open_deals": 1, "stranded": 1}
    path = program.home / "receipt.json"
    assert program("exchange", "end-deal", deal_id, str(path)).code == 2, "there is no such file"
    path.write_text("{}", "utf-8")
    wrong = program("exchange", "end-deal", deal_id, str(path))
    assert (wrong.code, "(exchange.bad_receipt)" in wrong.err) == (2, True), wrong.err
