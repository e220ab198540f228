"""Large batches in the store: decided as the rules do, and kept so that all can be found again."""

from __future__ import annotations

from random import Random

import pytest

from puhui import ledger
from puhui.kernel import Act, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.ledger.desk import transfer as desk
from puhui.ledger.desk.upkeep import IndexTransfers
from puhui.ledger.window import open_beside
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    act,
    advance,
    check_books,
    create_accounts,
    create_transfers,
    expire,
    pay,
    sums_of,
)
from tests.ledger.test_compiled import START_US, Oracle, make_batch

# As there, but that an account which may be closed has a balance row.
ACCOUNTS = (
    Account(1, "CNY", 1, Account.HISTORY),
    Account(2, "CNY", 1, Account.DEBITS_MUST_NOT_EXCEED_CREDITS),
    Account(3, "CNY", 1, Account.CREDITS_MUST_NOT_EXCEED_DEBITS),
    Account(4, "CNY", 1, Account.HISTORY),
    Account(5, "USD", 1, Account.HISTORY),
    Account(6, "CNY", 1, Account.CLOSED | Account.HISTORY),
)


@pytest.mark.parametrize("seed", range(12))
def test_records_in_the_store_are_decided_as_the_rules_do(
    seed: int, node: Node, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "RECORDS_FROM", 0)
    chance = Random(seed)
    oracle = Oracle()
    clock.set_us(START_US)
    create_accounts(node, *ACCOUNTS)
    now_us, next_id, used = START_US, [10], []
    for _ in range(8):
        now_us += chance.choice([0, 0, 1, 3]) * 1_000_000 + 1_000
        clock.set_us(now_us)
        batch = make_batch(chance, used, next_id)
        used += batch
        assert create_transfers(node, *batch) == [s.value for s in oracle.batch(batch, now_us)]
        if chance.random() < 0.5:
            expire(node)
        with node.read() as tx:
            ids = sorted({t.id for t in used})
            found = dict(zip(ids, ledger.lookup_transfers(tx, ids), strict=True))
        assert {i: t for i, t in found.items() if t is not None} == oracle.transfers
        now = sums_of(node, [a.id for a in ACCOUNTS], now_us)
        assert now == [tuple(oracle.sums[a.id]) for a in ACCOUNTS]
    check_books(node)


def test_a_large_batch_is_found_before_and_after_it_is_taken_in(
    node: Node, clock: FixedClock
) -> None:
    create_accounts(
        node,
        Account(FUND, "CNY", 1),
        Account(ALICE, "CNY", 1, DEPOSIT),
        Account(BOB, "CNY", 1, Account.HISTORY),
    )
    create_transfers(node, pay(1, FUND, ALICE, 1_000_000))
    batch = [pay(10 + n, ALICE, BOB, 1 + n % 7) for n in range(500)]
    assert set(create_transfers(node, *batch)) == {"created"}
    create_transfers(node, pay(9000, BOB, FUND, 5))

    def told() -> list[object]:
        with node.read() as tx:
            whole = ledger.account_history(tx, BOB, count=1000)
            page = ledger.account_history(tx, BOB, after=whole[400].position, count=50)
            funds = ledger.account_history(tx, FUND, count=10)
            dated = ledger.account_history(tx, BOB, count=9, from_us=0, until_us=2**60)
        return [whole, page, funds, dated, sums_of(node, [FUND, ALICE, BOB])]

    before = told()
    assert len(before[0]) == 501
    assert before[0][-1].balance_minor == sum(t.amount_minor for t in batch) - 5
    assert before[0][401:451] == before[1]
    assert act(node, "ledger.index_transfers", IndexTransfers()).batches == 1
    assert act(node, "ledger.index_transfers", IndexTransfers()).batches == 0
    assert told() == before
    advance(node)
    assert told() == before
    check_books(node)


def test_accounts_that_were_undone_are_forgotten(node: Node) -> None:
    """An account that a batch has seen may come out otherwise once its creation is undone."""
    writer = node.store.writer()
    batch = [pay(10 + n, ALICE, BOB, 1) for n in range(300)]
    try:
        for number, (alice, expected) in enumerate(((0, "created"), (DEPOSIT, "exceeds_credits"))):
            writer.begin()
            own = Act(node=node, tx=writer.tx, name="test", key=f"test {number}", actor="test",
                      now_us=START_US, find=writer.find)  # fmt: skip
            made = [Account(ALICE, "CNY", 1, alice | Account.HISTORY), Account(BOB, "CNY", 1)]
            assert ledger.create_accounts(own, made, strict=True)
            assert {s.value for s in ledger.create_transfers(own, batch)} == {expected}
            writer.roll_back()
    finally:
        writer.close()


def test_pendings_of_a_large_batch_are_found_loose_and_taken_in(
    node: Node, clock: FixedClock
) -> None:
    create_accounts(
        node, Account(1, "CNY", 1, Account.HISTORY), Account(2, "CNY", 1), Account(3, "CNY", 1)
    )
    hold = Transfer.PENDING
    batch = [Transfer(100 + n, 2, 1 + 2 * (n % 2), 1, "CNY", 1, hold, timeout_s=10 * (n % 3))
             for n in range(600)]  # fmt: skip
    assert set(create_transfers(node, *batch)) == {"created"}
    voids = [Transfer(1000 + n, flags=Transfer.VOID, pending_id=100 + n) for n in range(300)]
    assert set(create_transfers(node, *voids)) == {"created"}
    begun_us = clock.now_us()

    def told() -> list[object]:
        return [sums_of(node, [1, 2, 3]), sums_of(node, [1, 2, 3], begun_us),
                sums_of(node, [1, 2, 3], begun_us - 1)]  # fmt: skip

    before = told()
    assert before[0] == [(0, 0, 150, 0), (300, 0, 0, 0), (0, 0, 150, 0)]
    assert act(node, "ledger.index_transfers", IndexTransfers(1)).batches == 1
    assert told() == before
    clock.set_us(begun_us + 10_000_000)
    assert expire(node) == 100
    loose = told()[0]
    assert loose == [(0, 0, 100, 0), (200, 0, 0, 0), (0, 0, 100, 0)]
    assert act(node, "ledger.index_transfers", IndexTransfers()).batches == 1
    assert told()[0] == loose
    clock.set_us(begun_us + 20_000_000)
    assert expire(node) == 100
    assert told()[0] == [(0, 0, 50, 0), (100, 0, 0, 0), (0, 0, 50, 0)]
    check_books(node)


def test_closing_asks_for_a_balance_row(node: Node) -> None:
    create_accounts(node, Account(1, "CNY", 1), Account(2, "CNY", 1))
    closing = Transfer(1, 1, 2, 5, "CNY", 1, Transfer.PENDING | Transfer.CLOSING_DEBIT)
    with pytest.raises(Refused, match="history") as refused:
        create_transfers(node, closing)
    assert refused.value.code == "ledger.closing_needs_balance"
    with pytest.raises(Refused, match="history"):
        create_transfers(node, closing, *[pay(10 + n, 1, 2, 1) for n in range(300)])


def test_a_closed_account_opens_when_its_pending_is_past_its_time(
    node: Node, clock: FixedClock
) -> None:
    create_accounts(node, Account(1, "CNY", 1, Account.HISTORY), Account(2, "CNY", 1))
    flags = Transfer.PENDING | Transfer.CLOSING_DEBIT
    closing = Transfer(1, 1, 2, 5, "CNY", 1, flags, timeout_s=10)
    assert create_transfers(node, closing) == ["created"]
    assert create_transfers(node, pay(2, 1, 2, 1)) == ["debit_account_already_closed"]
    clock.set_us(clock.now_us() + 10_000_000)
    assert expire(node) == 1
    assert create_transfers(node, pay(3, 1, 2, 1)) == ["created"]


def test_indexing_refuses_too_much(node: Node) -> None:
    with pytest.raises(Refused) as refused:
        act(node, "ledger.index_transfers", IndexTransfers(0))
    assert refused.value.code == "ledger.batch_too_large"


def test_the_ledger_in_the_store_needs_no_opening(node: Node) -> None:
    open_beside(node, "sql")
    assert node.ports == {}
