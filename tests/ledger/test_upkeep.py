"""Upkeep that nobody asks for: the worker releases what is due and indexes large batches."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from puhui import worker
from puhui.kernel import Fault, Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.event import UPKEEP
from puhui.kernel.store.journal import read_journal
from puhui.ledger import Account, Transfer
from tests.ledger.books import (
    ALICE,
    DEPOSIT,
    FUND,
    check_books,
    create_accounts,
    create_transfers,
    sums_of,
)


def pay(number: int, amount: int, flags: int = 0, timeout_s: int = 0) -> Transfer:
    """A transfer from the fund to Alice."""
    return Transfer(number, FUND, ALICE, amount, "CNY", 1, flags, timeout_s=timeout_s)


@pytest.fixture
def books(node: Node, clock: FixedClock) -> Node:
    """Two accounts, a pending that ends after ten seconds, and a large batch."""
    create_accounts(node, Account(FUND, "CNY", 1), Account(ALICE, "CNY", 1, DEPOSIT))
    assert create_transfers(node, pay(1, 50, Transfer.PENDING, 10)) == ["created"]
    assert set(create_transfers(node, *[pay(10 + n, 1) for n in range(400)])) == {"created"}
    return node


def names(node: Node) -> list[str]:
    """What the journal has, in order."""
    node.store.settle_positions()
    return [entry.name for entry in read_journal(node.store)]


def ran(node: Node) -> list[str]:
    """The upkeep of the ledger that was done, in order."""
    return [n for n in names(node) if n in ("ledger.expire_pendings", "ledger.index_transfers")]


def test_upkeep_does_what_is_due_and_nothing_else(books: Node, clock: FixedClock) -> None:
    assert worker.keep_up(books) == ()
    assert ran(books) == ["ledger.index_transfers"]
    clock.set_us(clock.now_us() + 10_000_000)
    assert worker.keep_up(books) == ()
    assert ran(books) == ["ledger.index_transfers", "ledger.expire_pendings"]
    assert sums_of(books, [ALICE])[0][2] == 0
    count = len(names(books))
    assert worker.keep_up(books) == ()
    assert len(names(books)) == count
    check_books(books)


def test_closing_a_day_does_upkeep_first(books: Node, clock: FixedClock) -> None:
    clock.set_us(clock.now_us() + 10_000_000)
    worker.close_day(books, date(2026, 3, 1))
    assert ran(books) == ["ledger.expire_pendings", "ledger.index_transfers"]
    worker.close_day(books, date(2026, 3, 1))
    assert len(ran(books)) == 2


def test_many_batches_are_taken_in_by_several_acts(books: Node) -> None:
    for batch in range(4):
        create_transfers(books, *[pay(1000 + 400 * batch + n, 1) for n in range(400)])
    worker.keep_up(books)
    assert ran(books) == ["ledger.index_transfers"] * 3


def test_a_worker_that_runs_does_upkeep(books: Node, clock: FixedClock) -> None:
    clock.set_us(clock.now_us() + 10_000_000)
    stop, passed = threading.Event(), threading.Event()

    def told(node: Node) -> bool:
        passed.set()
        return False

    UPKEEP["zz.last"] = told
    try:
        thread = threading.Thread(target=worker.run_worker, args=(books, stop))
        thread.start()
        assert passed.wait(20)
    finally:
        stop.set()
        thread.join()
        del UPKEEP["zz.last"]
    assert ran(books) == ["ledger.expire_pendings", "ledger.index_transfers"]


def test_what_fails_holds_up_nothing_and_faults_are_told(books: Node) -> None:
    def fails(node: Node) -> bool:
        raise KeyError("broken")

    def is_gone(node: Node) -> bool:
        raise Fault("kernel.store_unavailable", "The store is gone.")

    UPKEEP["a.fails"] = fails
    try:
        assert worker.keep_up(books) == ("a.fails",)
        assert ran(books) == ["ledger.index_transfers"]
        UPKEEP["a.fails"] = is_gone
        with pytest.raises(Fault):
            worker.keep_up(books)
    finally:
        del UPKEEP["a.fails"]
