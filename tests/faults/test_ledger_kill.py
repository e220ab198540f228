"""A node that moves money is killed a hundred times on each store: answered is there, once.

Goal: kill -9 at any moment costs only what nobody was told of, for a ledger in the store on SQLite
and on PostgreSQL. Method: a process asks for batches under keys of their own and tells each answer;
it is killed at random moments, also while it opens; the next one asks again for the last that was
begun, and the sums say what is there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.node import open_node
from tests.faults.conftest import Child
from tests.faults.load import KEYS, MONDAY_US
from tests.ledger.books import DEPOSIT, OPERATOR, check_books, create_transfers, sums_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(580)]
KILLS = 100
LOOKED_AT = 10
"""After so many kills all books are checked, not only the sums."""
FUND, PAID = 901, 902
SIZES = (1, 7, 40, 2)
"""Transfers of a batch, in turn."""


def opened(url: str, home: str) -> Node:
    """The node that all processes of the test share."""
    clock = FixedClock(MONDAY_US)
    return open_node(Path(home), store_url=url, keys=KEYS, clock=clock, ledger="sql")


def batch_of(number: int) -> tuple[Transfer, ...]:
    """The transfers of a batch, 1 fen each."""
    first = 10_000 + number * 1_000
    return tuple(
        Transfer(first + place, FUND, PAID, 1, "CNY", 4)
        for place in range(SIZES[number % len(SIZES)])
    )


def fen_of(batches: int) -> int:
    """What so many batches moved."""
    return sum(SIZES[number % len(SIZES)] for number in range(batches))


def move(node: Node, number: int) -> None:
    """Ask for a batch, maybe again."""
    done = node.act(
        "ledger.create_transfers",
        CreateTransfers(batch_of(number)),
        key=f"batch {number}",
        actor=OPERATOR,
    )
    assert set(done.statuses) == {"created"}, done.statuses


def move_until_killed(told: Connection, url: str, home: str, first: int) -> None:
    """Ask for batches without end, each told once it is answered."""
    node = opened(url, home)
    told.send_bytes(b"open")
    for number in range(first, first + 100_000):
        move(node, number)
        told.send_bytes(b"%d" % number)


def check(node: Node, told: int) -> int:
    """All that were told are there, and of what was not told one batch whole or nothing."""
    moved = sums_of(node, [PAID])[0][3]
    there = told if moved == fen_of(told) else told + 1
    assert moved == fen_of(there), (told, moved)
    if there:
        last = batch_of(there - 1)
        assert create_transfers(node, *last) == ["exists"] * len(last)
        move(node, there - 1)
    assert sums_of(node, [FUND, PAID]) == [(0, moved, 0, 0), (0, 0, 0, moved)]
    return there


def test_answered_batches_outlive_a_hundred_kills(
    store_url: str, tmp_path: Path, start: Callable[..., Child]
) -> None:
    where = (store_url, str(tmp_path))
    node = opened(*where)
    accounts = (Account(FUND, "CNY", 1003), Account(PAID, "CNY", 2011, DEPOSIT))
    node.act("ledger.create_accounts", CreateAccounts(accounts), key="open", actor=OPERATOR)
    node.close()
    dice = random.Random(71)
    told = ahead = 0
    for kill in range(KILLS):
        child = start(move_until_killed, args=(*where, max(0, told - 1)))
        heard = []
        if kill % 10 != 9:  # each tenth is killed while it opens
            assert child.hear() == "open"
            heard = child.hear_until(dice.randrange(1, 9))
        heard += [word for word in child.kill() if word != "open"]
        told = max([told, *(int(word) + 1 for word in heard)])
        if kill % LOOKED_AT == LOOKED_AT - 1 or kill == KILLS - 1:
            node = opened(*where)
            there = check(node, told)
            check_books(node)
            node.close()
            ahead += there > told
            told = there
    assert told > 2 * KILLS
