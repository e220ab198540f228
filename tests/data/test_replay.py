"""Replay: what party and data recorded comes out the same in an empty node, erasure included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.dump import digest_store
from puhui.kernel.event import next_events
from puhui.kernel.replay import replay
from puhui.party.nouns import ChangeDetails, ErasePerson, RegisterParties
from tests.data.sharing import consent, fact, read, share
from tests.party.people import STAFF, person, register_firm, register_person, register_user
from tests.party.test_erase import hold


def test_an_empty_node_replays_to_the_same(
    sqlite_node: Node, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    """Every table but the keys of persons is equal, also of what was refused or erased."""
    node = sqlite_node
    party_id, other_id = register_person(node), register_person(node, 2)
    register_firm(node, other_id)
    register_user(node, "13800000001", party_id)
    batch = RegisterParties("s", ("a", "b"))
    node.act("party.register_parties", batch, key="batch", actor=STAFF)
    change = ChangeDetails(party_id, address="别处")
    node.act("party.change_details", change, key="change", actor=STAFF)
    with pytest.raises(Refused, match=r"^party\.identity_taken"):
        node.act("party.register_person", person(1), key="again", actor=STAFF)
    for one in (party_id, other_id):
        share(node, f"share {one}", [fact(one, f"i {one}"), fact("party-nobody", "x")])
        consent(node, one, f"consent {one}", "name", "invoice")
        read(node, one, f"read {one}", "name", "invoice")
    hold(node, "place", other_id, "hold")
    node.act("party.erase_person", ErasePerson(party_id), key="erase", actor=STAFF)
    with node.read() as tx:
        found = next_events(tx, "data.forget_party")
    (delivery,) = [one for one in found if one.event.name == "party.erased"]
    node.act("data.forget_party", delivery, key="forget", actor=STAFF)
    target = open_at(f"sqlite:///{tmp_path / 'replayed.sqlite'}")
    report = replay(node, target)
    assert report.differences == ()
    assert digest_store(node.store) == digest_store(target.store)
