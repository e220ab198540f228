"""Replay of a node that lived through faults: the same dump, from either store to SQLite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from puhui.kernel import Actor, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.dump import digest_store
from puhui.kernel.replay import replay
from puhui.node import open_node
from puhui.worker import close_day, deliver
from tests.conftest import KEYS, check_books
from tests.faults.conftest import Child, Site
from tests.faults.load import MONDAY_US, lend_until_killed, play_chain
from tests.lending.bank import BAD_ROW, Bank

pytestmark = [pytest.mark.faults]
DAY_US = 86_400_000_000


def test_a_node_that_was_killed_replays_to_the_same(
    site: Site, start: Callable[..., Child], operator: Actor, tmp_path: Path
) -> None:
    for kill in range(2):
        child = start(lend_until_killed, site.facts, args=(kill * 1000, ()))
        assert child.hear() == "open"
        child.hear_for(0.4)
        child.kill()
    clock = FixedClock(MONDAY_US)
    node = open_node(site.home, store_url=site.url, keys=KEYS, clock=clock)
    bank = Bank(node, operator, site.facts[3], site.facts[2], count=5000)
    play_chain(bank, 9000, lambda key, digest: None)
    person = bank.person()
    refused = bank.decide(bank.apply(person, "bad", row=BAD_ROW))
    assert refused.outcome == "refused"
    leaving = bank.person()
    application_id = bank.apply(leaving, "leaving")
    assert bank.decide(application_id).outcome == "approved"
    bank.act("lending.withdraw", "withdraw", application_id=application_id)
    bank.act("party.erase_person", "erase", party_id=leaving)
    with pytest.raises(Refused):
        bank.act("lending.withdraw", "withdraw again", application_id=application_id)
    deliver(node)
    for _ in range(3):
        clock.set_us(clock.now_us() + 15 * DAY_US)
        close_day(node, bank_day(clock))
    deliver(node)
    check_books(node)
    target = open_node(
        site.home,
        store_url=f"sqlite:///{tmp_path / 'again' / 'puhui.sqlite'}",
        keys=KEYS,
        clock=FixedClock(MONDAY_US),
    )
    report = replay(node, target)
    assert report.differences == ()
    assert report.erased >= 1
    assert report.refused >= 1
    assert digest_store(node.store) == digest_store(target.store)
    check_books(target)
    again = Bank(target, operator, site.facts[3], site.facts[2])
    play_chain(again, 9000, lambda key, digest: None)
    assert digest_store(node.store) == digest_store(target.store), "asked again, nothing new"
    for one in (node, target):
        one.close()


def bank_day(clock: FixedClock) -> date:
    """The business day at the clock's time."""
    return business_date(clock.now_us())
