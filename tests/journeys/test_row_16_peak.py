"""Row 16, the peak: batches of payments into a ledger of its own, durable, nothing twice.

Goal: thousands of payments go through the use case behind ``puhui pay`` on a node whose ledger is
a log; the node is opened again, the batches come again, and every fen is where it was.
"""

from __future__ import annotations

from pathlib import Path

from puhui import ledger
from puhui.kernel.clock import FixedClock
from puhui.node import open_node
from tests.conftest import KEYS
from tests.payment.purse import batch, held_by, open_books, pay_batch, person

PAYMENTS = 2_000


def test_batches_are_there_when_the_node_is_opened_again(tmp_path: Path, clock: FixedClock) -> None:
    node = open_node(tmp_path, clock=clock, keys=KEYS, ledger="log")
    open_books(node)
    people = [person(node, order, money=1_000_000) for order in range(1, 6)]
    lines = [(f"p{n}", people[n % 5], people[(n + 1) % 5], 1 + n % 9) for n in range(PAYMENTS)]
    batches = [batch(*lines[: PAYMENTS // 2]), batch(*lines[PAYMENTS // 2 :])]
    assert sum(pay_batch(node, one).posted for one in batches) == PAYMENTS
    before = [held_by(node, party_id) for party_id in people]
    node.close()
    node = open_node(tmp_path, clock=clock, keys=KEYS, ledger="log")
    assert [held_by(node, party_id) for party_id in people] == before
    assert sum(before) == 5_000_000
    again = [pay_batch(node, one) for one in batches]
    assert [one.posted for one in again] == [0, 0]
    assert [held_by(node, party_id) for party_id in people] == before
    with node.read() as tx:
        assert ledger.verify(tx).is_sound
    node.close()
