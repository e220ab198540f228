"""A ledger beside the store: what acts decide and what the ledger says never disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from puhui import ledger
from puhui.kernel import Act, Fault, Node, Refused, use_case
from puhui.kernel.clock import FixedClock
from puhui.kernel.store import change
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.outside import OutsideLedger, _told
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
        create_transfers(beside, pay(2, FUND, ALICE, 1, Transfer.IMPORTED, time_us=5))
    assert refused.value.code == "ledger.not_outside"
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
    create_transfers(beside, pay(1, FUND, ALICE, 100))

    def fail(*_: object) -> None:
        raise Fault("ledger.log_failed", "cut off")

    with monkeypatch.context() as cut:
        cut.setattr(OutsideLedger, "finish", fail)
        with pytest.raises(Fault, match="cut off"):
            create_transfers(beside, pay(2, ALICE, BOB, 40))
        cut.setattr(OutsideLedger, "let_go", lambda *_: None)
        with pytest.raises(Refused):
            beside.act("outside.refuse", Nothing(), key="refuse", actor=OPERATOR)
        assert sums_of(beside, [ALICE])[0][0] == 90
        cut.undo()
        with pytest.raises(Refused):
            beside.act("outside.refuse", Nothing(), key="again", actor=OPERATOR)
    assert sums_of(beside, [ALICE])[0][0] == 90
    beside.close()
    again = reopen(store_url, tmp_path, clock)
    assert sums_of(again, [ALICE, BOB]) == [(0, 40, 0, 100), (0, 0, 0, 40)]
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
            (act.outside[-1].token, act.outside[-1].records.tobytes(), _told(act.outside[-1].held))
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


def test_an_unknown_ledger_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    with pytest.raises(Refused) as refused:
        open_node(tmp_path, clock=clock, keys=KEYS, ledger="mongodb:")
    assert refused.value.code == "kernel.bad_ledger"
