"""A ledger beside the store: what acts decide and what the ledger says never disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from puhui import ledger
from puhui.kernel import Act, Fault, Node, Refused, use_case
from puhui.kernel.clock import FixedClock
from puhui.kernel.replay import replay
from puhui.kernel.store import change
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.beside.held import MARK, told
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.tables import intent
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    OPERATOR,
    OTHER,
    check_books,
    create_accounts,
    create_transfers,
    end,
    expire,
    pay,
    sums_of,
)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Asked for with nothing."""


@use_case("outside.refuse", roles=("system",))
def move_and_refuse(act: Act, input: Nothing) -> Nothing:
    """Moves money, then thinks better of it."""
    ledger.create_transfers(act, [pay(act.new_number(), ALICE, BOB, 50)], strict=True)
    raise Refused("outside.no", "On second thoughts, no.")


@use_case("outside.lend", roles=("system",))
def lend_and_take_fee(act: Act, input: Nothing) -> Nothing:
    """Pays out, reads what it has done, then takes a fee of what was just paid out."""
    paid = pay(act.new_number(), FUND, ALICE, 100)
    ledger.create_transfers(act, [paid], strict=True)
    (found,) = ledger.lookup_transfers(act.tx, [paid.id])
    (alice,) = ledger.lookup_accounts(act.tx, [ALICE])
    assert found is not None and found.amount_minor == 100
    assert alice is not None and alice.debits_pending_minor == 0
    ledger.create_transfers(act, [pay(act.new_number(), ALICE, BOB, 7)], strict=True)
    return input


@pytest.fixture
def beside(store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Node]:
    """A node whose ledger is a log, with a fund and two depositors."""
    node = reopen(store_url, tmp_path, clock)
    create_accounts(
        node,
        Account(FUND, "CNY", 1),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011, DEPOSIT),
    )
    yield node
    check_books(node)
    node.close()


def reopen(url: str, home: Path, clock: FixedClock) -> Node:
    return open_node(home, store_url=url, clock=clock, keys=KEYS, ledger="log")


def test_transfers_are_there_when_they_are_answered(beside: Node) -> None:
    assert create_transfers(beside, pay(1, FUND, ALICE, 100), pay(2, ALICE, BOB, 170)) == [
        "created",
        "exceeds_credits",
    ]
    assert create_transfers(beside, pay(3, ALICE, BOB, 70)) == ["created"]
    assert create_transfers(beside, pay(3, ALICE, BOB, 70)) == ["exists"]
    assert create_transfers(beside, pay(3, ALICE, BOB, 71)) == ["exists_with_different_amount"]
    assert create_transfers(beside, pay(4, ALICE, BOB, 31)) == ["exceeds_credits"]
    assert sums_of(beside, [ALICE, BOB]) == [(0, 70, 0, 100), (0, 0, 0, 70)]
    with beside.read() as tx:
        lines = ledger.account_history(tx, ALICE)
        assert [(p.transfer_id, p.balance_minor) for p in lines] == [(1, 100), (3, 30)]
        assert ledger.account_history(tx, ALICE, after=lines[0].position)[0] == lines[1]
        assert ledger.lookup_transfers(tx, [3, 9])[1] is None
        assert ledger.trial_balance(tx).difference_minor == 0


def test_chains_happen_whole_or_not_at_all(beside: Node) -> None:
    linked = Transfer.LINKED
    create_transfers(beside, pay(1, FUND, ALICE, 100))
    assert create_transfers(
        beside, pay(2, ALICE, BOB, 60, linked), pay(3, ALICE, BOB, 60), pay(4, FUND, BOB, 1)
    ) == ["linked_event_failed", "exceeds_credits", "created"]
    assert create_transfers(beside, pay(5, FUND, BOB, 1, linked)) == ["linked_event_chain_open"]
    assert create_transfers(beside, pay(6, ALICE, BOB, 60, linked), pay(7, BOB, ALICE, 5)) == [
        "created",
        "created",
    ]
    assert sums_of(beside, [ALICE, BOB]) == [(0, 60, 0, 105), (0, 5, 0, 61)]


def test_pendings_are_posted_voided_and_run_out_of_time(beside: Node, clock: FixedClock) -> None:
    pending, post, void = Transfer.PENDING, Transfer.POST, Transfer.VOID
    create_transfers(beside, pay(1, FUND, ALICE, 100))
    assert (
        create_transfers(
            beside,
            pay(2, ALICE, BOB, 10, pending),
            pay(3, ALICE, BOB, 20, pending, timeout_s=60),
            pay(4, ALICE, BOB, 30, pending, timeout_s=60),
        )
        == ["created"] * 3
    )
    assert sums_of(beside, [ALICE]) == [(60, 0, 0, 100)]
    assert create_transfers(beside, end(5, 2, post, Transfer.ALL), end(6, 3, post, 15)) == [
        "created",
        "created",
    ]
    assert create_transfers(beside, end(7, 2, void)) == ["pending_transfer_already_posted"]
    assert create_transfers(beside, end(8, 99, void)) == ["pending_transfer_not_found"]
    clock.set_us(clock.now_us() + 60_000_000)
    assert create_transfers(beside, end(9, 4, post, Transfer.ALL)) == ["pending_transfer_expired"]
    assert expire(beside) == 1
    assert expire(beside) == 0
    assert sums_of(beside, [ALICE, BOB]) == [(0, 25, 0, 100), (0, 0, 0, 25)]


def test_a_refused_act_leaves_nothing(beside: Node) -> None:
    create_transfers(beside, pay(1, FUND, ALICE, 100))
    with pytest.raises(Refused) as refused:
        beside.act("outside.refuse", Nothing(), key="refuse", actor=OPERATOR)
    assert refused.value.code == "outside.no"
    beside.act(
        "ledger.create_transfers",
        CreateTransfers((pay(3, ALICE, BOB, 40),)),
        key="dry",
        actor=OPERATOR,
        dry_run=True,
    )
    assert sums_of(beside, [ALICE, BOB]) == [(0, 0, 0, 100), (0, 0, 0, 0)]


def test_money_that_comes_and_goes_in_one_act(beside: Node) -> None:
    assert create_transfers(
        beside,
        pay(1, FUND, ALICE, 100),
        pay(2, ALICE, BOB, 80),
        pay(3, BOB, ALICE, 30),
        pay(4, ALICE, FUND, 51),
        pay(4, ALICE, FUND, 50),
        pay(5, ALICE, FUND, 50),
        pay(5, ALICE, FUND, 50),
    ) == ["created"] * 3 + ["exceeds_credits", "id_already_failed", "created", "exists"]
    assert sums_of(beside, [ALICE, BOB]) == [(0, 130, 0, 130), (0, 30, 0, 80)]


def test_opening_finishes_intents_and_lets_the_rest_go(
    beside: Node, store_url: str, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_transfers(beside, pay(1, FUND, ALICE, 200))

    with monkeypatch.context() as cut:
        cut.setattr(OutsideLedger, "_void", lambda *_: None)
        with pytest.raises(Refused):
            beside.act("outside.refuse", Nothing(), key="refuse", actor=OPERATOR)
        assert sums_of(beside, [ALICE])[0][0] >= 50  # held by an act that was refused
        cut.undo()
        cut.setattr(OutsideLedger, "finish", fail)
        with pytest.raises(Fault, match="cut off"):
            create_transfers(beside, pay(2, ALICE, BOB, 40))
    beside.close()
    again = reopen(store_url, tmp_path, clock)
    assert sums_of(again, [ALICE, BOB]) == [(0, 40, 0, 200), (0, 0, 0, 40)]
    assert create_transfers(again, pay(2, ALICE, BOB, 40)) == ["exists"]
    with again.read() as tx:
        assert tx.all(intent.ALL_INTENTS) == []
    check_books(again)
    again.close()
    beside.__dict__.update(reopen(store_url, tmp_path, clock).__dict__)


def test_an_intent_is_finished_once_however_often_it_is_found(
    beside: Node, store_url: str, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_transfers(beside, pay(1, FUND, ALICE, 100), pay(2, ALICE, BOB, 1))
    kept: list[tuple[bytes, bytes, str]] = []
    real = OutsideLedger.create

    def keep(self: OutsideLedger, act, batch, *, strict):  # type: ignore[no-untyped-def]
        statuses = real(self, act, batch, strict=strict)
        kept.append(
            (act.outside[-1].token, act.outside[-1].records.tobytes(), told(act.outside[-1].held))
        )
        return statuses

    monkeypatch.setattr(OutsideLedger, "create", keep)
    create_transfers(beside, pay(3, ALICE, BOB, 40), pay(4, BOB, FUND, 9))
    beside.close()
    again = reopen(store_url, tmp_path, clock)
    for _ in range(2):
        with change(again.store) as tx:
            tx.put(intent.ADD_INTENT, token=kept[-1][0], records=kept[-1][1], holds=kept[-1][2])
        again.close()
        again = reopen(store_url, tmp_path, clock)
        assert sums_of(again, [ALICE, BOB]) == [(0, 41, 0, 100), (0, 9, 0, 41)]
    beside.__dict__.update(again.__dict__)


def fail(*_: object, **__: object) -> None:
    raise Fault("ledger.log_failed", "cut off")


def swap(node: Node, url: str, home: Path, clock: FixedClock) -> None:
    """The node, closed and opened again."""
    node.close()
    node.__dict__.update(reopen(url, home, clock).__dict__)


def test_a_fee_from_what_was_just_paid_outlives_a_cut(
    beside: Node, store_url: str, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 7):  # intents that were in a random order would fail sooner or later
        with monkeypatch.context() as cut:
            cut.setattr(OutsideLedger, "finish", fail)
            with pytest.raises(Fault, match="cut off"):
                beside.act("outside.lend", Nothing(), key=f"lend {number}", actor=OPERATOR)
        swap(beside, store_url, tmp_path, clock)
        beside.act("outside.lend", Nothing(), key=f"lend {number}", actor=OPERATOR)
        assert sums_of(beside, [ALICE]) == [(0, 7 * number, 0, 100 * number)]


def test_what_fails_after_the_commit_is_there_when_asked_again(
    beside: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(OutsideLedger, "finish", fail)
        with pytest.raises(Fault, match="cut off"):
            beside.act("outside.lend", Nothing(), key="lend", actor=OPERATOR)
        with pytest.raises(Fault, match="cut off"):
            beside.act("outside.lend", Nothing(), key="lend", actor=OPERATOR)
    beside.act("outside.lend", Nothing(), key="lend", actor=OPERATOR)
    assert sums_of(beside, [ALICE, BOB]) == [(0, 7, 0, 100), (0, 0, 0, 7)]


def test_a_finished_chain_is_found_again(
    beside: Node, store_url: str, tmp_path: Path, clock: FixedClock
) -> None:
    linked = Transfer.LINKED
    create_transfers(
        beside, pay(1, FUND, ALICE, 9, linked), pay(2, ALICE, BOB, 5), pay(3, BOB, 1, 1)
    )
    swap(beside, store_url, tmp_path, clock)
    assert sums_of(beside, [ALICE, BOB]) == [(0, 5, 0, 9), (0, 1, 0, 5)]


def test_pendings_hold_both_sides_apart(beside: Node) -> None:
    """Two pendings into an account with room for both, and a post whose money goes on at once."""
    create_accounts(beside, Account(OTHER, "CNY", 1, Account.CREDITS_MUST_NOT_EXCEED_DEBITS))
    create_transfers(beside, pay(1, OTHER, ALICE, 100))
    pending = Transfer.PENDING
    assert create_transfers(
        beside,
        pay(2, FUND, OTHER, 50, pending),
        pay(3, FUND, OTHER, 50, pending),
        pay(4, FUND, OTHER, 1, pending),
    ) == ["created", "created", "exceeds_debits"]
    assert create_transfers(beside, pay(5, ALICE, BOB, 100, pending)) == ["created"]
    assert (
        create_transfers(
            beside, end(6, 5, Transfer.POST, 60), pay(7, BOB, FUND, 60), pay(8, ALICE, FUND, 40)
        )
        == ["created"] * 3
    )


def test_transfers_bear_the_time_of_their_act(beside: Node, clock: FixedClock) -> None:
    create_transfers(beside, pay(1, FUND, ALICE, 10))
    before_us = clock.now_us()
    clock.set_us(before_us + 86_400_000_000)
    create_transfers(beside, pay(2, FUND, ALICE, 5))
    assert sums_of(beside, [ALICE], before_us + 3_600_000_000) == [(0, 0, 0, 10)]
    with beside.read() as tx:
        found = ledger.lookup_transfers(tx, [1, 2])
    assert [t.time_us for t in found if t is not None] == [before_us, clock.now_us()]


def test_acts_of_a_group_see_one_another_and_undone_ones_leave_nothing(beside: Node) -> None:
    wanted = [
        pay(n, FUND if n % 3 == 0 else ALICE, ALICE if n % 3 == 0 else BOB, 10)
        for n in range(3, 63)
    ]
    names = count()
    sent = []
    for transfer in wanted:
        key = f"group {next(names)}"
        batch = CreateTransfers((transfer,))
        sent.append(beside.submit("ledger.create_transfers", batch, key=key, actor=OPERATOR))
        if transfer.id % 7 == 0:
            sent.append(beside.submit("outside.refuse", Nothing(), key=key + "no", actor=OPERATOR))
    said = []
    for one in sent:
        try:
            said += one.result().statuses
        except Refused:
            said.append("refused")
    created = said.count("created")
    assert "refused" in said
    assert created >= 40 or beside.store.writers > 1
    assert len(said) == len(sent)
    assert [sums[0::2] for sums in sums_of(beside, [ALICE, BOB])] == [(0, 0), (0, 0)]


def test_a_journal_is_replayed_into_a_ledger_beside_the_store(
    tmp_path: Path, clock: FixedClock
) -> None:
    first = reopen(f"sqlite:///{tmp_path / 'one.sqlite'}", tmp_path / "one", clock)
    create_accounts(
        first, Account(FUND, "CNY", 1), *(Account(n, "CNY", 2011, DEPOSIT) for n in (ALICE, BOB))
    )
    for number in range(10, 40, 3):
        create_transfers(first, pay(number, FUND, ALICE, 10))
        create_transfers(first, pay(number + 1, ALICE, BOB, 10, Transfer.PENDING))
        create_transfers(
            first, end(number + 2, number + 1, Transfer.POST, 9), pay(2, ALICE, BOB, 5)
        )
        with pytest.raises(Refused):
            first.act("outside.refuse", Nothing(), key=f"no {number}", actor=OPERATOR)
    again = open_node(
        tmp_path / "two",
        store_url=f"sqlite:///{tmp_path / 'two.sqlite'}",
        clock=clock,
        keys=KEYS,
        writers=1,
        ledger="log",
    )
    assert replay(first, again).differences == ()
    assert sums_of(again, [FUND, ALICE, BOB]) == sums_of(first, [FUND, ALICE, BOB])
    check_books(again)
    first.close()
    again.close()


def test_a_failed_commit_is_looked_up(beside: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    create_transfers(beside, pay(1, FUND, ALICE, 100))
    writer = type(beside.store.writer())
    real = writer.commit

    def commit_then_fail(self) -> None:  # type: ignore[no-untyped-def]
        real(self)
        raise self.errors[0]("the answer was lost")

    def fail_to_commit(self) -> None:  # type: ignore[no-untyped-def]
        raise self.errors[0]("no")

    for number, commit in ((2, commit_then_fail), (3, fail_to_commit)):
        batch = CreateTransfers((pay(number, ALICE, BOB, 40),))
        with monkeypatch.context() as cut:
            cut.setattr(writer, "commit", commit)
            with pytest.raises(Fault):
                beside.act("ledger.create_transfers", batch, key=f"{number}", actor=OPERATOR)
        done = beside.act("ledger.create_transfers", batch, key=f"{number}", actor=OPERATOR)
        assert done.statuses == ("created",)
        assert sums_of(beside, [ALICE])[0][:2] == (0, 40 * (number - 1))


def test_a_refused_act_forgets_no_finished_intent(beside: Node) -> None:
    create_transfers(beside, pay(1, FUND, ALICE, 100))
    with pytest.raises(Refused):
        beside.act("outside.refuse", Nothing(), key="no", actor=OPERATOR)
    create_transfers(beside, pay(2, FUND, ALICE, 1))
    create_transfers(beside, pay(3, FUND, ALICE, 1))
    with beside.read() as tx:
        assert len(tx.all(intent.ALL_INTENTS)) == 1


def test_the_mark_of_holds_is_refused(beside: Node) -> None:
    with pytest.raises(Refused) as refused:
        create_transfers(beside, pay(1, FUND, ALICE, 1, user_data_32=MARK))
    assert refused.value.code == "ledger.not_outside"


def test_an_unknown_ledger_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    with pytest.raises(Refused) as refused:
        open_node(tmp_path, clock=clock, keys=KEYS, ledger="mongodb:")
    assert refused.value.code == "kernel.bad_ledger"
