"""What pages may open: one's own without a line in the log, a case after a recorded look."""

from __future__ import annotations

import pytest

from puhui.data import open_text, read_person
from puhui.data.window import accesses_of, own_permit, permit_of_access
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import read_subject_key, seal
from puhui.party import find_parties
from tests.party.people import STAFF, register_person

MINUTES_US = 60_000_000


def test_people_open_their_own_and_nobody_elses(node: Node) -> None:
    mine, other = register_person(node, 1), register_person(node, 2)
    now_us = node.clock.now_us()
    with node.read() as tx:
        (party,) = find_parties(node, tx, party_ids=[mine])
        assert party.subject is not None
        key = read_subject_key(tx, node.keys, party.subject)
        assert key is not None
        sealed = seal(key, "note", "我写的")
        made = own_permit(tx, party, actor=mine, fields=["name"], now_us=now_us)
        assert open_text(node, tx, made, field="note", sealed=sealed) == "我写的"
        assert read_person(node, tx, made) == {"name": "赵测试1"}
        with pytest.raises(Refused, match="not_own"):
            own_permit(tx, party, actor=other, fields=["name"], now_us=now_us)
        assert accesses_of(tx, mine) == (), "what people see of their own is no access of others"


def test_a_recorded_look_gives_its_permit_for_some_minutes(node: Node, clock: FixedClock) -> None:
    party_id = register_person(node)
    told = {"party_id": party_id, "purpose": "complaint_answer", "fields": ("name",)}
    access = node.act("data.record_access", told, key="look", actor=STAFF)
    with node.read() as tx:
        made = permit_of_access(node, tx, access.access_id, viewer=STAFF.name)
        assert (made.party_id, made.fields) == (party_id, frozenset({"name"}))
        with pytest.raises(Refused, match="unknown_access"):
            permit_of_access(node, tx, access.access_id, viewer="somebody else")
    clock.set_us(clock.now_us() + 16 * MINUTES_US)
    with node.read() as tx, pytest.raises(Refused, match="access_over"):
        permit_of_access(node, tx, access.access_id, viewer=STAFF.name)
