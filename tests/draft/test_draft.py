"""Drafts: sealed in the store and in the journal, the person's own, gone with the person."""

from __future__ import annotations

import json

import pytest

from puhui.data import open_text
from puhui.data.window import own_permit
from puhui.draft import draft_field, sealed_draft
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.event import Event
from puhui.kernel.store.journal import read_journal
from puhui.party import find_parties
from tests.party.people import register_person


def self_of(party_id: str) -> Actor:
    return Actor(party_id, frozenset({"customer"}))


def kept(node: Node, party_id: str, values: dict[str, str], key: str) -> None:
    told = {"party_id": party_id, "kind": "apply", "values": values}
    node.act("draft.keep", told, key=key, actor=self_of(party_id))


def opened(node: Node, party_id: str) -> dict[str, str]:
    with node.read() as tx:
        (party,) = find_parties(node, tx, party_ids=[party_id])
        sealed = sealed_draft(tx, party_id, "apply")
        assert sealed is not None
        made = own_permit(tx, party, actor=party_id, fields=["name"], now_us=node.clock.now_us())
        text = open_text(node, tx, made, field=draft_field("apply"), sealed=sealed)
    assert text is not None
    found: dict[str, str] = json.loads(text)
    return found


def test_the_last_draft_stands_and_lies_sealed(node: Node) -> None:
    party_id = register_person(node)
    kept(node, party_id, {"amount": "12345"}, "one")
    kept(node, party_id, {"amount": "54321", "months": "6"}, "two")
    assert opened(node, party_id) == {"amount": "54321", "months": "6"}
    with node.read() as tx:
        assert "54321" not in (sealed_draft(tx, party_id, "apply") or "")
    node.store.settle_positions()
    journal = [row for row in read_journal(node.store) if row.name == "draft.keep"]
    assert len(journal) == 2
    assert not any("54321" in row.input for row in journal), "nor does the journal tell it"
    drop = {"party_id": party_id, "kind": "apply"}
    node.act("draft.drop", drop, key="drop", actor=self_of(party_id))
    with node.read() as tx:
        assert sealed_draft(tx, party_id, "apply") is None


def test_drafts_belong_to_one_person(node: Node) -> None:
    mine, other = register_person(node, 1), register_person(node, 2)
    told = {"party_id": mine, "kind": "apply", "values": {"a": "b"}}
    with pytest.raises(Refused, match="not_yours"):
        node.act("draft.keep", told, key="k1", actor=self_of(other))
    for changed, code in (({"kind": ""}, "bad_kind"), ({"values": {"a": "b" * 9000}}, "too_long")):
        with pytest.raises(Refused, match=code):
            node.act("draft.keep", {**told, **changed}, key=code, actor=self_of(mine))


def test_an_erased_person_leaves_no_draft(node: Node, operator: Actor) -> None:
    party_id = register_person(node)
    kept(node, party_id, {"amount": "1"}, "one")
    event = Event("erase", 1, "party.erased", party_id, "{}")
    told = {"event": event, "position": 1, "time_us": 1}
    system = Actor("system", frozenset({"system"}))
    found = node.act("draft.forget_party", told, key="forget", actor=system)
    assert found.drafts == 1
