"""Large batches decided by what is remembered, while other nodes change it.

On PostgreSQL several nodes write. What one of them remembers is held against the rows when it
writes; where a row is another than was remembered the batch is judged again. On SQLite another
connection's commit is noticed before anything is judged. Either way nobody may tell.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.store import Transaction, pipeline
from puhui.ledger import Account, Transfer
from puhui.ledger.desk import fetch
from puhui.ledger.desk import transfer as desk
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    OTHER,
    check_books,
    create_accounts,
    create_transfers,
    end,
    expire,
    pay,
    sums_of,
)

PENDING, POST, VOID = Transfer.PENDING, Transfer.POST, Transfer.VOID


@pytest.fixture
def node(store_url: str, open_at: Callable[..., Node]) -> Node:
    """A node with one writer: each new connection forgets what is remembered."""
    return open_at(store_url, writers=1)


@pytest.fixture
def other(node: Node, open_at: Callable[..., Node]) -> Node:
    """Another node on the same store."""
    create_accounts(node, Account(FUND, "CNY", 1003), Account(ALICE, "CNY", 2011, DEPOSIT),
                    Account(BOB, "CNY", 2011, DEPOSIT),
                    Account(OTHER, "CNY", 2011, DEPOSIT))  # fmt: skip
    return open_at(node.store.url)


@pytest.fixture
def stale(node: Node, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows whenever a row was not as remembered."""
    met: list[str] = []

    class Counted(pipeline.Stale):
        def __init__(self, *words: str) -> None:
            super().__init__(*words)
            met.append(str(self))

    monkeypatch.setattr(pipeline, "Stale", Counted)
    return met


def is_met(node: Node, stale: list[str]) -> bool:
    """Whether a row was not as remembered, where that can be: not where one writes alone."""
    return len(stale) == (node.store.dialect == "postgresql")


def many(first: int, debit: int, credit: int, amount: int = 1, flags: int = 0) -> list[Transfer]:
    return [pay(first + n, debit, credit, amount, flags) for n in range(300)]


def test_a_balance_that_another_node_raised_counts(
    node: Node, other: Node, stale: list[str]
) -> None:
    create_transfers(node, *many(1000, FUND, BOB))
    assert set(create_transfers(node, *many(2000, ALICE, BOB))) == {"exceeds_credits"}
    create_transfers(other, pay(1, FUND, ALICE, 200))
    told = create_transfers(node, *many(3000, ALICE, OTHER))
    assert told == ["created"] * 200 + ["exceeds_credits"] * 100
    assert is_met(node, stale)
    assert sums_of(node, [ALICE]) == [(0, 200, 0, 200)]
    check_books(node)


def test_a_balance_that_another_node_lowered_counts(
    node: Node, other: Node, stale: list[str]
) -> None:
    create_transfers(node, *many(1000, FUND, ALICE))
    create_transfers(other, *many(2000, ALICE, BOB)[:280])
    told = create_transfers(node, *many(3000, ALICE, OTHER))
    assert told == ["created"] * 20 + ["exceeds_credits"] * 280
    assert is_met(node, stale)
    check_books(node)


def test_where_nothing_changes_a_row_is_held_all_the_same(
    node: Node, other: Node, stale: list[str]
) -> None:
    """All of them would be refused by what is remembered, so no row would be written."""
    create_transfers(node, *many(1000, FUND, ALICE), pay(9, ALICE, BOB, 300))
    create_transfers(other, pay(1, FUND, ALICE, 7))
    told = create_transfers(node, *many(3000, ALICE, BOB))
    assert told == ["created"] * 7 + ["exceeds_credits"] * 293
    assert is_met(node, stale)


@pytest.mark.parametrize(
    ("ends", "said"),
    [(VOID, "pending_transfer_already_voided"), (POST, "pending_transfer_already_posted")],
)
def test_a_pending_that_another_node_ended_is_not_ended_again(
    node: Node, other: Node, stale: list[str], ends: int, said: str
) -> None:
    create_transfers(node, *many(1000, FUND, ALICE))
    create_transfers(node, *many(2000, ALICE, BOB, flags=PENDING))
    create_transfers(other, *[end(3000 + n, 2000 + n, ends) for n in range(10)])
    told = create_transfers(node, *[end(4000 + n, 2000 + n, POST) for n in range(300)])
    assert told == [said] * 10 + ["created"] * 290
    assert is_met(node, stale)
    check_books(node)


def test_what_ran_out_is_released_by_either_node(
    node: Node, other: Node, clock: FixedClock
) -> None:
    """Accounts whose pendings are past their time are held as any other."""
    create_transfers(node, *many(1000, FUND, ALICE))
    waiting = [pay(2000 + n, ALICE, BOB, 1, PENDING, timeout_s=1 + n // 100) for n in range(300)]
    assert set(create_transfers(node, *waiting)) == {"created"}
    for round_number, released in enumerate((100, 100, 100), 1):
        clock.set_us(clock.now_us() + 1_000_000)
        first = 10_000 * round_number
        told = create_transfers(node, *many(first, ALICE, OTHER))
        assert told.count("created") == 100
        again = create_transfers(node, *many(first + 1000, ALICE, OTHER))
        assert set(again) == {"exceeds_credits"}
        assert expire(other) == released
    check_books(node)


def test_an_imported_pending_that_is_past_its_time_already_holds_nothing(
    node: Node, other: Node, clock: FixedClock
) -> None:
    late = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
    start_us = clock.now_us()
    clock.set_us(start_us + 60_000_000)
    create_accounts(node, Account(50, "CNY", 2011, late | Account.IMPORTED, time_us=start_us),
                    Account(51, "CNY", 1003, Account.IMPORTED, time_us=start_us + 1))  # fmt: skip
    given = [pay(5000 + n, 51, 50, 1, Transfer.IMPORTED, time_us=start_us + 10 + n)
             for n in range(300)]  # fmt: skip
    assert set(create_transfers(node, *given)) == {"created"}
    held = [
        pay(6000 + n, 50, 51, 1, PENDING | Transfer.IMPORTED, time_us=start_us + 1000 + n)
        for n in range(300)
    ]
    assert set(create_transfers(node, *held)) == {"created"}
    assert create_transfers(node, pay(1, 50, 51, 1)) == ["exceeds_credits"]
    check_books(node)


def test_several_callers_of_two_nodes_spend_what_is_there_once(
    node: Node, other: Node, open_at: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch takes from all accounts; some are large and some are small."""
    node = open_at(node.store.url)
    monkeypatch.setattr(desk, "RECORDS_FROM", 60)
    people = range(100, 130)
    create_accounts(node, *[Account(n, "CNY", 2011, DEPOSIT) for n in people])
    create_transfers(node, *[pay(n, FUND, n, 50) for n in people])
    statuses: list[str] = []

    def spend(at: Node, first: int) -> None:
        for step in range(6):
            size = 90 if step % 3 else 30
            batch = [
                pay(first + 1000 * step + n, 100 + n % 30, 100 + (n + n // 30 + 1) % 30, 20 + n % 9)
                for n in range(size)
            ]
            statuses.extend(create_transfers(at, *batch))

    with ThreadPoolExecutor(4) as callers:
        asked = [
            callers.submit(spend, at, 100_000 * (1 + number))
            for number, at in enumerate((node, other, node, other))
        ]
    for one in asked:
        one.result()
    assert set(statuses) == {"created", "exceeds_credits"}
    sums = sums_of(node, list(people))
    assert all(0 <= debits <= credits for _, debits, _, credits in sums)
    assert sum(credits - debits for _, debits, _, credits in sums) == 50 * len(people)
    check_books(node)


def test_nothing_is_remembered_of_a_server_that_was_lost(
    node: Node, other: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that answers next may have lost the last commits, and have given the versions that
    they wrote to others' rows: what is remembered would look right, and be wrong.
    """
    if node.store.dialect != "postgresql":
        pytest.skip("a file has no connection to lose")
    reads: list[int] = []
    read = fetch._read_balances

    def counted(tx: Transaction, *rest: Any) -> None:
        reads.append(1)
        read(tx, *rest)

    monkeypatch.setattr(fetch, "_read_balances", counted)
    for turn, is_read in enumerate((True, False, True, False, True), 1):
        if turn == 3:
            with psycopg.connect(node.store.url, autocommit=True) as connection:
                connection.execute(
                    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        if turn == 5:  # one of several writers, which had no connection until now
            node.store.writer().close()
        reads.clear()
        create_transfers(node, *many(1000 * turn, FUND, ALICE))
        assert bool(reads) == is_read, turn
    check_books(node)
