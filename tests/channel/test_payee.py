"""A payee's name in part: as payers see it, and never without a look on record."""

from __future__ import annotations

from puhui.channel.payee import hide_name
from puhui.channel.window import shown_name
from puhui.data.window import accesses_of
from puhui.kernel import Node
from puhui.party import find_parties
from tests.party.people import STAFF, person, register_person


def test_a_name_is_shown_in_part_and_each_look_once(node: Node) -> None:
    """Without a wallet on record no name is shown; one key is one look."""
    party_id = register_person(node)
    with node.read() as tx:
        (party,) = find_parties(node, tx, party_ids=[party_id])
    assert shown_name(node, party, key="before") == ""
    told = {"party_id": party_id, "currency": "CNY"}
    node.act("payment.open_wallet", told, key="open", actor=STAFF)
    for _ in range(2):
        assert shown_name(node, party, key="one", reader="elsewhere") == hide_name(person().name)
    with node.read() as tx:
        assert [one.actor for one in accesses_of(tx, party_id)] == ["elsewhere"]
