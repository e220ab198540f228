"""Large batches of two nodes on one PostgreSQL: whatever they change and leave, in one order.

Goal: no two nodes ever wait for each other. Method: what a batch locks is noted, which is to be
each table's rows once, in their order; then each of two nodes changes the accounts that the other
only names, over and over at once, and the server's word for a deadlock is looked for, not a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from puhui.kernel import Node
from puhui.kernel.store.postgres import PostgresWriter
from puhui.kernel.store.wire import PostgresTransaction
from puhui.ledger import Account, Transfer
from puhui.ledger.tables import write
from tests.ledger.books import (
    DEPOSIT,
    FUND,
    check_books,
    create_accounts,
    create_transfers,
    end,
    pay,
)

ROUNDS = 8
PEOPLE = range(100, 180)


def batch(first: int, paid: int) -> list[Transfer]:
    """Half the accounts get money, from the last to the first; the others are asked for too much.

    ``paid`` is 0 or 1: which half.
    """
    made = []
    for n in range(300):
        account = PEOPLE[-1] - n % len(PEOPLE)
        if account % 2 == paid:
            made.append(pay(first + n, FUND, account, 1))
        else:
            made.append(pay(first + n, account, FUND, 10**9))
    return made


def test_what_a_batch_locks_it_locks_once_and_in_order(
    store_url: str, open_at: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of remembered and of new accounts and pendings, whether they change or not."""
    node = open_at(store_url, writers=1)
    create_accounts(node, Account(FUND, "CNY", 1003),
                    *[Account(n, "CNY", 2011, DEPOSIT) for n in PEOPLE])  # fmt: skip
    known = [pay(n, FUND, PEOPLE[n % 40], 5, Transfer.PENDING) for n in range(1000, 1300)]
    assert set(create_transfers(node, *known)) == {"created"}
    node.close()
    node = open_at(store_url, writers=1)
    more = [pay(n, FUND, PEOPLE[n % 40], 5, Transfer.PENDING) for n in range(2000, 2300)]
    assert set(create_transfers(node, *more)) == {"created"}
    locked: list[tuple[str, list[int]]] = []
    change, hold, arrays = (
        getattr(PostgresTransaction, name) for name in ("set_many", "hold", "arrays")
    )

    def note_replace(tx: Any, table: Any, key: str, columns: Any, **named: Any) -> None:
        locked.append((table.name, columns[key].tolist()))
        change(tx, table, key, columns, **named)

    def note_hold(tx: Any, table: Any, key: str, was: Any) -> None:
        locked.append((table.name, was[key].tolist()))
        hold(tx, table, key, was)

    def note_read(tx: Any, statement: Any, **values: Any) -> Any:
        assert statement not in (write.LOCK_GIVEN_BALANCES, write.LOCK_GIVEN_PENDINGS), "locked"
        return arrays(tx, statement, **values)

    if node.store.dialect == "postgresql":
        monkeypatch.setattr(PostgresTransaction, "set_many", note_replace)
        monkeypatch.setattr(PostgresTransaction, "hold", note_hold)
        monkeypatch.setattr(PostgresTransaction, "arrays", note_read)
    ends = [
        end(1, first + n, Transfer.POST, 5 if n % 3 else 9)
        for n in reversed(range(150))
        for first in (1000, 2000)
    ]
    told = create_transfers(
        node, *[replace(t, id=5000 + n) for n, t in enumerate(ends)], *batch(9000, 0)
    )
    assert set(told) == {"created", "exceeds_pending_transfer_amount", "exceeds_credits"}
    if node.store.dialect == "postgresql":
        assert sorted(table for table, _ in locked) == ["ledger_balance", "ledger_pending"]
    assert all(keys == sorted(keys) for _, keys in locked)
    assert all(len(keys) >= 80 for _, keys in locked)
    check_books(node)


def test_two_nodes_never_wait_crosswise(
    store_url: str, open_at: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [open_at(store_url, writers=1)]
    create_accounts(nodes[0], Account(FUND, "CNY", 1003),
                    *[Account(n, "CNY", 2011, DEPOSIT) for n in PEOPLE])  # fmt: skip
    nodes.append(open_at(store_url, writers=1))
    met: list[str] = []
    is_retryable = PostgresWriter.is_retryable

    def note(writer: PostgresWriter, error: Exception) -> bool:
        met.append(type(error).__name__)
        return is_retryable(writer, error)

    monkeypatch.setattr(PostgresWriter, "is_retryable", note)
    statuses: list[str] = []

    def send(paid: int) -> None:
        for number in range(ROUNDS):
            first = 10**6 * (1 + paid) + 1000 * number
            statuses.extend(create_transfers(nodes[paid], *batch(first, paid)))

    callers = [threading.Thread(target=send, args=(paid,)) for paid in (0, 1)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert "DeadlockDetected" not in met, met
    assert statuses.count("created") == statuses.count("exceeds_credits") == 300 * ROUNDS
    check_books(nodes[0])
