"""How much more a wallet may take in: what its tier leaves, nothing when closed, no limit else."""

from __future__ import annotations

from puhui.kernel import Node
from puhui.payment import owners_of, room_in, wallet_account
from tests.offline.fair import OPENED_MINOR, act, people


def test_room_by_tier_and_state(node: Node) -> None:
    limited, unrecorded, closed = people(node, "A", "B", "C")
    for device, tier in ((limited, 4), (closed, 4)):
        told = {"party_id": device.party_id, "currency": "CNY", "tier": tier}
        act(node, "payment.open_wallet", told)
    wallet = {"party_id": closed.party_id, "currency": "CNY"}
    act(node, "payment.withdraw", {**wallet, "amount_minor": OPENED_MINOR})
    act(node, "payment.close_wallet", wallet)
    accounts = [wallet_account(one.party_id, "CNY") for one in (limited, unrecorded, closed)]
    with node.read() as tx:
        rooms = room_in(tx, accounts)
        assert room_in(tx, []) == {} == owners_of(tx, [])
        owners = owners_of(tx, accounts)
    assert [rooms[one] for one in accounts] == [1_000_000 - OPENED_MINOR, None, 0]
    assert owners == {accounts[0]: limited.party_id, accounts[2]: closed.party_id}
