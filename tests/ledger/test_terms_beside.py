"""History and closings on a ledger beside the store: in groups, by several writers, late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from puhui import ledger
from puhui.kernel import Act, Fault, Node, use_case
from puhui.kernel.clock import FixedClock
from puhui.kernel.store import Transaction
from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import pack_accounts, unpack_accounts
from puhui.ledger.desk.beside.held import OnHold
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.desk.beside.read import debits_at
from puhui.ledger.desk.beside.shipping import open_again
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.engines.log.engine import LogEngine
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    OPERATOR,
    check_books,
    create_accounts,
    create_transfers,
    end,
    expire,
    pay,
    sums_of,
)

CLOSE_DEBIT = Transfer.PENDING | Transfer.CLOSING_DEBIT
CLOSE_CREDIT = Transfer.PENDING | Transfer.CLOSING_CREDIT
VOID = Transfer.VOID


@dataclass(frozen=True, slots=True)
class Nothing:
    """Asked for with nothing."""


@use_case("terms.close_and_look", roles=("system",))
def close_and_look(act: Act, input: Nothing) -> tuple[str, ...]:
    """Closes an account, sees it closed, opens it and takes all from it: one act, many batches."""
    said = []

    def book(*transfers: Transfer) -> None:
        said.extend(status.value for status in ledger.create_transfers(act, transfers))

    book(pay(act.new_number(), FUND, ALICE, 50))
    closing = pay(act.new_number(), ALICE, FUND, 0, CLOSE_DEBIT)
    book(closing)
    (alice,) = ledger.lookup_accounts(act.tx, [ALICE])
    said.append(f"closed: {bool(alice and alice.flags & Account.CLOSED)}")
    book(pay(act.new_number(), ALICE, BOB, 50))
    book(end(act.new_number(), closing.id, VOID), pay(act.new_number(), ALICE, BOB, 50))
    (alice,) = ledger.lookup_accounts(act.tx, [ALICE])
    said.append(f"closed: {bool(alice and alice.flags & Account.CLOSED)}")
    return tuple(said)


@pytest.fixture
def beside(store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Node]:
    """A node whose ledger is a log, with a fund and two depositors."""
    node = open_node(tmp_path, store_url=store_url, clock=clock, keys=KEYS, ledger="log")
    create_accounts(
        node,
        Account(FUND, "CNY", 1),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011, DEPOSIT),
    )
    yield node
    check_books(node)
    node.close()


def is_closed(node: Node, account_id: int) -> bool:
    with node.read() as tx:
        (found,) = ledger.lookup_accounts(tx, [account_id])
    return bool(found and found.flags & Account.CLOSED)


def test_an_act_closes_opens_and_takes(beside: Node) -> None:
    said = beside.act("terms.close_and_look", Nothing(), key="once", actor=OPERATOR)
    assert said == (
        "created", "created", "closed: True", "debit_account_already_closed",
        "created", "created", "closed: False",
    )  # fmt: skip
    assert not is_closed(beside, ALICE)
    assert sums_of(beside, [ALICE, BOB]) == [(0, 50, 0, 50), (0, 0, 0, 50)]


def test_a_closed_account_opens_when_its_time_is_over(beside: Node, clock: FixedClock) -> None:
    closing = pay(1, FUND, BOB, 0, CLOSE_CREDIT, timeout_s=60)
    assert create_transfers(beside, closing) == ["created"]
    assert create_transfers(beside, closing) == ["exists"]
    assert is_closed(beside, BOB)
    assert create_transfers(beside, pay(2, FUND, BOB, 1)) == ["credit_account_already_closed"]
    clock.set_us(clock.now_us() + 60_000_000)
    assert expire(beside) == 1
    assert not is_closed(beside, BOB)
    assert create_transfers(beside, end(3, 1, VOID), pay(4, FUND, BOB, 1)) == [
        "pending_transfer_expired",
        "created",
    ]


def test_what_a_limited_account_has_goes_as_it_opens(beside: Node) -> None:
    """Nothing can be held on an account that the engine has closed, and nobody else can take."""
    create_transfers(beside, pay(1, FUND, ALICE, 100), pay(2, ALICE, FUND, 0, CLOSE_DEBIT))
    assert create_transfers(beside, end(3, 2, VOID), pay(4, ALICE, BOB, 101)) == [
        "created",
        "exceeds_credits",
    ]
    create_transfers(beside, pay(5, ALICE, FUND, 0, CLOSE_DEBIT))
    assert create_transfers(beside, end(6, 5, VOID), pay(7, ALICE, BOB, 100)) == ["created"] * 2
    assert sums_of(beside, [ALICE]) == [(0, 100, 0, 100)]


def test_history_counts_by_its_own_times(beside: Node, clock: FixedClock) -> None:
    now_us = clock.now_us()
    past = Account(77, "CNY", 2011, Account.IMPORTED, time_us=now_us - 1_000_000)
    create_accounts(beside, past, Account(78, "CNY", 1, Account.IMPORTED, time_us=now_us - 999_999))
    create_transfers(beside, pay(1, 78, 77, 5))
    old = [
        pay(10 + n, 78, 77, 7, Transfer.IMPORTED, time_us=now_us - 500_000 + n) for n in range(3)
    ]
    assert create_transfers(beside, *old) == ["created"] * 3
    assert create_transfers(beside, *old) == ["exists"] * 3
    late = pay(20, 78, 77, 7, Transfer.IMPORTED, time_us=now_us)
    assert create_transfers(beside, late) == ["imported_event_timestamp_must_not_advance"]
    assert create_transfers(beside, old[0], pay(21, 78, 77, 1)) == [
        "exists",
        "imported_event_expected",
    ]
    assert sums_of(beside, [77], now_us - 400_000) == [(0, 0, 0, 21)]
    with beside.read() as tx:
        found = ledger.lookup_transfers(tx, [10, 12])
        assert [t.time_us for t in found if t] == [now_us - 500_000, now_us - 499_998]
        assert debits_at(tx, 78, now_us - 499_999) == 14
        assert debits_at(tx, 77, now_us + 1_000_000) == -26


def test_nobody_moves_what_another_closes(beside: Node) -> None:
    """Several writers pay into an account and out of it while it is closed and opened."""
    create_transfers(beside, pay(1, FUND, ALICE, 10_000))
    answers: list[str] = []
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 24, 2):
                answers.extend(create_transfers(beside, pay(number, ALICE, BOB, 1)))
                answers.extend(create_transfers(beside, pay(number + 1, FUND, ALICE, 1)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1_000 * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for number in range(10, 40, 2):
        assert create_transfers(beside, pay(number, ALICE, FUND, 0, CLOSE_DEBIT)) == ["created"]
        assert is_closed(beside, ALICE)
        assert create_transfers(beside, end(number + 1, number, VOID)) == ["created"]
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(answers) <= {
        "created", "debit_account_already_closed", "credit_account_already_closed"
    }  # fmt: skip
    assert len(answers) == 96
    assert [sums[0::2] for sums in sums_of(beside, [ALICE, BOB])] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_group_that_fails_half_way_is_finished_later(
    is_lost: bool, beside: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acts of a group wait for the log once: those before the one that failed must last as well."""
    create_transfers(beside, pay(1, FUND, ALICE, 1_000))
    outside = beside.ports[OutsideLedger]
    assert isinstance(outside, OutsideLedger)
    finish, lookup, failed = OutsideLedger.finish, type(outside.engine).lookup_transfers, []

    def fail_at_20(ledger: OutsideLedger, *holds: OnHold, is_durable: bool = True) -> None:
        ids = [i for hold in holds for i in hold.ids()]
        if 20 in ids or failed:
            if len(holds) == 1:  # of several it is not known which has failed
                failed.extend(ids)
            raise Fault("ledger.log_failed", "cut off")
        finish(ledger, *holds, is_durable=is_durable)

    def fail_after(engine: object, ids: object, *, is_durable: bool = True) -> object:
        if failed and is_lost:
            raise Fault("ledger.log_failed", "cut off")
        return lookup(engine, ids, is_durable=is_durable)

    said: list[str] = []
    batches = {n: CreateTransfers((pay(n, ALICE, BOB, 1),)) for n in range(10, 30)}
    with monkeypatch.context() as cut:
        cut.setattr(OutsideLedger, "finish", fail_at_20)
        cut.setattr(type(outside.engine), "lookup_transfers", fail_after)
        sent = [
            beside.submit("ledger.create_transfers", batch, key=f"half {n}", actor=OPERATOR)
            for n, batch in batches.items()
        ]
        for one in sent:
            try:
                said += one.result().statuses
            except Fault as fault:
                said.append(fault.code)
    assert "ledger.log_failed" in said
    for n, batch in batches.items():
        done = beside.act("ledger.create_transfers", batch, key=f"half {n}", actor=OPERATOR)
        assert done.statuses == ("created",)
    assert sums_of(beside, [ALICE, BOB]) == [(0, 20, 0, 1_000), (0, 0, 0, 20)]


def test_a_group_waits_for_the_log_once(beside: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """What acts hold and read is not waited for, and of what a group moves the last alone; all that
    a group holds goes at once, and so does all that it moves.
    """
    create_transfers(beside, pay(1, FUND, ALICE, 1_000))
    outside = beside.ports[OutsideLedger]
    assert isinstance(outside, OutsideLedger)
    awaited, groups = [], []
    create, confirm = type(outside.engine).create_transfers, OutsideLedger.finish_group

    def note(engine: object, batch: object, now_ns: int, *, is_durable: bool = True) -> object:
        awaited.append(is_durable)
        return create(engine, batch, now_ns, is_durable=is_durable)

    def count(ledger: OutsideLedger, tx: Transaction) -> None:
        groups.append(len(ledger.own(tx)))
        confirm(ledger, tx)

    monkeypatch.setattr(type(outside.engine), "create_transfers", note)
    monkeypatch.setattr(OutsideLedger, "finish_group", count)
    sent = [
        beside.submit(
            "ledger.create_transfers",
            CreateTransfers((pay(n, ALICE, BOB, 1),)),
            key=f"once {n}",
            actor=OPERATOR,
        )
        for n in range(10, 50)
    ]
    assert {one.result().statuses for one in sent} == {("created",)}
    assert sum(groups) == 40
    assert sum(awaited) == sum(1 for size in groups if size)
    assert len(awaited) == 40 + 2 * sum(awaited)


def test_several_writers_end_a_pending_once(beside: Node) -> None:
    """Whoever comes second finds that it is over, however close behind."""
    create_transfers(beside, pay(1, FUND, ALICE, 1_000))
    create_transfers(beside, *(pay(n, ALICE, BOB, 1, Transfer.PENDING) for n in range(10, 20)))
    sent = [
        beside.submit(
            "ledger.create_transfers",
            CreateTransfers((end(n * 100 + k, n, Transfer.POST if k % 2 else VOID, k % 2),)),
            key=f"end {n} {k}",
            actor=OPERATOR,
        )
        for n in range(10, 20)
        for k in range(6)
    ]
    said = [one.result().statuses[0] for one in sent]
    for first in range(0, 60, 6):
        own = said[first : first + 6]
        won = "posted" if own.index("created") % 2 else "voided"
        assert sorted(own) == ["created", *[f"pending_transfer_already_{won}"] * 5], own


def test_accounts_of_history_are_opened_again_with_their_times(tmp_path: Path) -> None:
    """As they stood in an intent that a copy of the log did not hold yet."""
    old = Account(5, "CNY", 1, Account.IMPORTED, time_us=1_000_000)
    records = pack_accounts([old, replace(old, id=6, time_us=1_000_001)])
    with LogEngine(tmp_path) as engine:
        for _ in range(2):
            open_again(engine, records.tobytes())
        found = unpack_accounts(engine.accounts(after=0, count=9, now_ns=0))
    assert [(a.id, a.time_us) for a in found] == [(5, 1_000_000), (6, 1_000_001)]


def test_who_was_overtaken_has_the_ledger_alone_in_the_end(beside: Node) -> None:
    """One that has moved something holds up one that waits: that one holds everybody up after."""
    outside = beside.ports[OutsideLedger]
    assert isinstance(outside, OutsideLedger)
    mover, waiter = (cast(Act, SimpleNamespace(tx=object(), outside=[])) for _ in range(2))
    outside.under_way.append(cast(OnHold, SimpleNamespace(tx=mover.tx, key="")))
    behind = threading.Thread(target=outside.hold_up, args=(waiter,))
    behind.start()
    with outside.lock:
        while outside.holder is not waiter.tx:
            outside.lock.wait(0.01)
    outside.hold_up(mover)
    assert outside.holder is mover.tx
    with outside.lock:
        outside.under_way.clear()
        for one in mover.outside:
            one.undo()
    behind.join()
    assert outside.holder is waiter.tx
    mover.outside[0].undo()
    assert outside.holder is waiter.tx, "nobody lets go what another holds"
    waiter.outside[0].undo()
    assert outside.holder is None
