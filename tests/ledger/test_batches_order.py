"""The lines of an account stand in the order in which they were decided, whoever wrote them.

Goal: no running balance on a statement is below nought where the account never was. Method: on
PostgreSQL numbers are drawn before acts commit; another node books just when a large batch has
asked for its numbers and has read nothing yet, or holds the rows that it wants to read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from puhui.kernel import Node
from puhui.kernel.act import Act
from puhui.kernel.store import memory
from puhui.ledger import Account, Transfer, account_history
from puhui.ledger import create_transfers as book
from puhui.ledger.arrays.record import Records
from puhui.ledger.desk import batch as batch_desk
from puhui.ledger.desk import fetch
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
    pay,
    sums_of,
)
from tests.ledger.test_batches_stale import many

PENDING, POST = Transfer.PENDING, Transfer.POST


@pytest.fixture
def node(store_url: str, open_at: Callable[..., Node]) -> Node:
    return open_at(store_url, writers=1)


@pytest.fixture
def other(node: Node, open_at: Callable[..., Node]) -> Node:
    """Another node on the same store."""
    create_accounts(node, Account(FUND, "CNY", 1003),
                    *[Account(n, "CNY", 2011, DEPOSIT) for n in (ALICE, BOB, OTHER)])  # fmt: skip
    return open_at(node.store.url)


def lines_of(node: Node, account: int) -> list[int]:
    """The running balances of an account, line by line."""
    with node.read() as tx:
        lines = account_history(tx, account, count=10_000)
    assert [line.position for line in lines] == sorted(line.position for line in lines)
    return [line.balance_minor for line in lines]


@pytest.mark.parametrize("way", ("not remembered", "remembered", "distrusted"))
def test_what_another_node_books_meanwhile_stands_before(
    node: Node, other: Node, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Alice has nothing, gets 300 from the other node, and spends them here."""
    is_several = node.store.dialect == "postgresql"
    create_transfers(node, *many(1000, FUND, BOB))
    if way != "not remembered":
        create_transfers(node, *many(2000, ALICE, BOB))  # refused: she has nothing
    if way == "distrusted" and is_several:
        monkeypatch.setattr(memory.Memory, "lend", lambda self: None)
    once, first = [1], fetch.fetch

    def slowly(act: Act, batch: Records) -> fetch.Work:
        if once and once.pop() and is_several:
            create_transfers(other, pay(1, FUND, ALICE, 300), *many(20_000, FUND, OTHER))
        return first(act, batch)

    if not is_several:
        create_transfers(other, pay(1, FUND, ALICE, 300))
    monkeypatch.setattr(batch_desk, "fetch", slowly)
    assert set(create_transfers(node, *many(3000, ALICE, BOB))) == {"created"}
    assert lines_of(node, ALICE) == [*range(300, -1, -1)]
    assert sums_of(node, [ALICE]) == [(0, 300, 0, 300)]
    check_books(node)


def test_a_pending_that_another_node_makes_meanwhile_stands_before_its_end(
    node: Node, other: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_several = node.store.dialect == "postgresql"
    create_transfers(node, *many(1000, FUND, ALICE))
    create_transfers(node, *many(2000, ALICE, BOB, flags=PENDING))
    once, first = [1], fetch.fetch
    held = [pay(3000 + n, ALICE, BOB, 0, PENDING) for n in range(300)]

    def slowly(act: Act, batch: Records) -> fetch.Work:
        if once and once.pop() and is_several:
            create_transfers(other, *held)
        return first(act, batch)

    if not is_several:
        create_transfers(other, *held)
    monkeypatch.setattr(batch_desk, "fetch", slowly)
    ends = [end(4000 + n, 2000 + n, POST, 1) for n in range(300)]
    ends += [end(5000 + n, 3000 + n, POST) for n in range(300)]
    assert set(create_transfers(node, *ends)) == {"created"}
    with node.read() as tx:
        place = {
            line.transfer_id: line.position for line in account_history(tx, ALICE, count=10_000)
        }
    assert all(place[5000 + n] > place[3000 + n] for n in range(300))
    check_books(node)


def test_a_batch_that_waits_for_another_stands_behind_it(
    node: Node, other: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one holds Alice's row, and gives her more after this one has asked for numbers."""
    if node.store.dialect != "postgresql":
        pytest.skip("one writes at a time there")
    create_transfers(node, *many(1000, FUND, BOB))
    monkeypatch.setattr(memory.Memory, "lend", lambda self: None)
    asked, first = threading.Event(), fetch.fetch
    told: list[str] = []

    def heard(act: Act, batch: Records) -> fetch.Work:
        asked.set()
        return first(act, batch)

    monkeypatch.setattr(batch_desk, "fetch", heard)
    waiting = threading.Thread(
        target=lambda: told.extend(create_transfers(node, *many(3000, ALICE, BOB)))
    )
    writer = other.store.writer()
    try:
        writer.begin()
        act = Act(node=other, tx=writer.tx, name="test", key="two", actor="test",
                  now_us=other.clock.now_us(), find=writer.find)  # fmt: skip
        assert set(book(act, [pay(1, FUND, ALICE, 1)])) == {"created"}
        waiting.start()
        assert asked.wait(30)
        assert set(book(act, [pay(2, FUND, ALICE, 299)])) == {"created"}
        writer.commit()
    finally:
        writer.close()
    waiting.join(30)
    assert set(told) == {"created"}
    assert lines_of(node, ALICE) == [1, 300, *range(299, -1, -1)]
    check_books(node)
