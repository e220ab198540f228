"""A clock that jumps an hour, forwards and back: money and keys do not mind, days stay closed.

Goal: at the level of acts, on both stores and on a log beside either, what was answered stays so,
what is over stays over, and books balance. Method: the node's clock is set forwards and backwards
between acts, also across midnight with the day closed in between; then the journal is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.kernel.replay import replay
from puhui.kernel.store.journal import read_journal
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.window import check_general, closed_span
from puhui.node import open_node
from puhui.worker import close_day
from tests.conftest import KEYS
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    OPERATOR,
    advance,
    check_books,
    create_accounts,
    create_transfers,
    end,
    expire,
    pay,
    sums_of,
)

pytestmark = pytest.mark.faults
HOUR_US = 3_600_000_000
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


class Jumping:
    """A node, the clock it goes by, and where another one may be opened."""

    def __init__(self, folder: Path, url: str, ledger: str, at_us: int) -> None:
        self.clock = FixedClock(at_us)
        self.ledger = ledger
        self.folder = folder
        self.node = self.open("home", url)

    def open(self, home: str, url: str) -> Node:
        """A node of the same kind."""
        return open_node(
            self.folder / home, store_url=url, clock=self.clock, keys=KEYS, ledger=self.ledger
        )

    def jump(self, hours: int) -> None:
        """Forwards, or backwards."""
        self.clock.set_us(self.clock.now_us() + hours * HOUR_US)


@pytest.fixture(params=["sql", "log"])
def jumping(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> Iterator[Jumping]:
    """Half an hour past midnight, with money on two accounts."""
    made = Jumping(tmp_path, store_url, request.param, start_of_day_us(TUESDAY) + HOUR_US // 2)
    create_accounts(
        made.node,
        Account(FUND, "CNY", 1003),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011, DEPOSIT),
    )
    assert create_transfers(made.node, pay(1, FUND, ALICE, 1_000)) == ["created"]
    yield made
    made.node.close()


def sound(jumping: Jumping) -> None:
    """Books balance, days agree with the transfers, and the journal has no gap."""
    node = jumping.node
    check_books(node)
    with node.read() as tx:
        assert check_general(tx) == ()
    node.store.settle_positions()
    rows = list(read_journal(node.store))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))


def replayed(jumping: Jumping) -> None:
    """An empty node that runs the journal again comes to the same."""
    url = f"sqlite:///{jumping.folder / 'again.sqlite'}"
    target = jumping.open("again", url)
    assert replay(jumping.node, target).differences == ()
    assert sums_of(target, [FUND, ALICE, BOB]) == sums_of(jumping.node, [FUND, ALICE, BOB])
    target.close()


def test_money_moves_once_whatever_the_clock_says(jumping: Jumping) -> None:
    node = jumping.node
    batch = CreateTransfers((pay(10, ALICE, BOB, 30), pay(11, ALICE, BOB, 5_000)))
    answers = [node.act("ledger.create_transfers", batch, key="one", actor=OPERATOR)]
    for number, hours in enumerate((1, -2, 1, -1, 2)):
        jumping.jump(hours)
        answers.append(node.act("ledger.create_transfers", batch, key="one", actor=OPERATOR))
        assert create_transfers(node, pay(10, ALICE, BOB, 30)) == ["exists"]
        assert create_transfers(node, pay(20 + number, ALICE, BOB, 10)) == ["created"]
    assert len(set(answers)) == 1
    assert answers[0].statuses == ("created", "exceeds_credits")
    assert sums_of(node, [ALICE, BOB]) == [(0, 80, 0, 1_000), (0, 0, 0, 80)]
    advance(node)
    sound(jumping)
    replayed(jumping)


def test_what_is_over_stays_over(jumping: Jumping) -> None:
    """A hold that was released is not there again when the clock goes back; one that runs is."""
    node = jumping.node
    held = pay(30, ALICE, BOB, 600, Transfer.PENDING, timeout_s=1_800)
    kept = pay(31, ALICE, BOB, 100, Transfer.PENDING, timeout_s=7_200)
    assert create_transfers(node, held, kept) == ["created"] * 2
    assert create_transfers(node, pay(32, ALICE, BOB, 500)) == ["exceeds_credits"]
    jumping.jump(1)
    assert expire(node) == 1
    assert sums_of(node, [ALICE])[0][0] == 100
    jumping.jump(-1)
    assert expire(node) == 0
    assert create_transfers(node, end(33, 30, Transfer.POST)) == ["pending_transfer_expired"]
    assert sums_of(node, [ALICE]) == [(100, 0, 0, 1_000)]
    assert create_transfers(node, pay(34, ALICE, BOB, 500)) == ["created"]
    jumping.jump(-1)
    assert create_transfers(node, end(35, 31, Transfer.POST, 60)) == ["created"]
    jumping.jump(4)
    assert expire(node) == 0
    assert create_transfers(node, end(36, 31, Transfer.POST)) == ["pending_transfer_already_posted"]
    assert sums_of(node, [ALICE, BOB]) == [(0, 560, 0, 1_000), (0, 0, 0, 560)]
    sound(jumping)
    replayed(jumping)


def test_a_day_that_is_closed_stays_closed(jumping: Jumping) -> None:
    """Back before midnight with the day closed: the payment is taken, and booked the day after."""
    node = jumping.node
    close_day(node, MONDAY)
    jumping.jump(-1)
    assert create_transfers(node, pay(40, ALICE, BOB, 7)) == ["created"]
    close_day(node, MONDAY)
    with node.read() as tx:
        assert closed_span(tx) == (MONDAY, MONDAY)
    jumping.jump(1)
    assert create_transfers(node, pay(41, ALICE, BOB, 8)) == ["created"]
    close_day(node, TUESDAY)
    jumping.jump(-1)
    assert create_transfers(node, pay(42, ALICE, BOB, 9)) == ["created"]
    with node.read() as tx:
        assert closed_span(tx) == (MONDAY, TUESDAY)
    assert sums_of(node, [ALICE, BOB]) == [(0, 24, 0, 1_000), (0, 0, 0, 24)]
    sound(jumping)
    if jumping.ledger == "sql":
        # A log's own time never goes back; acts that are committed together are summed by theirs,
        # so a replay, which commits many together, may book such a payment on another day.
        replayed(jumping)
