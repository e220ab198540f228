"""Payment versus payment between two served nodes, either killed at any request of a deal.

Goal: after a kill -9 of either node before or after any request, and a start, the deal ends with
both legs paid or neither, nothing is held, and the money of both nodes says so. A second node that
is gone past the time of the deal leaves payer, payee and provider as they were.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.between import CNY, USD, Corridor, Place

pytestmark = pytest.mark.faults

REQUESTS = 4
"""Of a deal that goes well: prepare, fulfil, receipt, and the receipt that ends the source leg."""


@pytest.fixture
def corridor(tmp_path: Path) -> Iterator[Corridor]:
    """Two nodes that are served, and gone when the test ends."""
    made = Corridor(tmp_path)
    try:
        made.first.start()
        made.second.start()
        yield made
    finally:
        made.close()


def moved(before: tuple[int, ...], after: tuple[int, ...], deals: int) -> bool:
    """Whether exactly ``deals`` payments moved on all four sides."""
    by = (-CNY, USD, -CNY, USD)
    return all(a - b == deals * step for a, b, step in zip(after, before, by, strict=True))


def test_a_deal_between_two_processes(corridor: Corridor) -> None:
    """Paid on both; with as many requests as the test of kills believes; and the peers are told."""
    before = corridor.money()
    assert corridor.ended(corridor.start("well")) == "closed_committed"
    assert corridor.wire.count == REQUESTS
    assert moved(before, corridor.money(), 1)
    shown = subprocess.run(
        [sys.executable, "-m", "puhui", "exchange", "peers", "--json"],
        env={"PUHUI_HOME": str(corridor.first.home), "PUHUI_PEERS": "peers.toml"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "reached" in shown
    assert '"reached": 1' in shown
    assert corridor.other.one.id in shown.replace("\n", "")


@pytest.mark.parametrize("victim", ["first", "second"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_request_ends_with_both_or_neither(
    corridor: Corridor, victim: str, moment: str
) -> None:
    killed: Place = getattr(corridor, victim)
    other = corridor.second if victim == "first" else corridor.first
    paid = 0
    for at in range(1, REQUESTS + 1):
        before = corridor.money()
        reached = threading.Event()
        begun = corridor.wire.count

        def kill(number: int, wanted: int = begun + at, done: threading.Event = reached) -> None:
            if number == wanted and not done.is_set():
                killed.kill()
                done.set()

        setattr(corridor.wire, moment, kill)
        deal_id = corridor.start(f"{victim} {moment} {at}")
        assert reached.wait(60), "the request never came"
        setattr(corridor.wire, moment, lambda number: None)
        killed.start()
        assert other.process is not None
        assert other.process.poll() is None
        state = corridor.ended(deal_id)
        after = corridor.money()
        paid += state == "closed_committed"
        assert moved(before, after, int(state == "closed_committed")), (at, state)
    assert paid == REQUESTS, "the time was not over: every deal could be paid, and was"


def test_a_node_that_is_gone_past_the_time_of_a_deal_changes_nothing(corridor: Corridor) -> None:
    """t2 passes while the second node is off; the payer has the money back before it returns."""
    before = corridor.money()
    corridor.second.kill()
    deal_id = corridor.start("gone", first_s=6, second_s=3)
    corridor.until(deal_id, "aborted")
    corridor.second.start()
    assert corridor.ended(deal_id) == "closed_aborted"
    assert moved(before, corridor.money(), 0)
    assert corridor.ended(corridor.start("again")) == "closed_committed"
    assert moved(before, corridor.money(), 1)
