"""A node with its ledger beside the store is killed: acts and ledger agree, nothing moves twice.

Goal: kill -9 between the store and the ledger costs nothing that was answered and leaves no money
held. Method: a process dies at each named step of an act, then at random moments under load; the
node is opened again, held against its journal and its contracts, and asked again by the same keys.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puhui import ledger, lending
from puhui.kernel import Actor, Node
from puhui.kernel.store import Row
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.tables import intent
from puhui.lending.desk.lend.contract import loan_account
from tests.faults.conftest import Child
from tests.faults.load import MONDAY_US
from tests.faults.outside import (
    FIRST,
    FUND,
    OLD,
    OLD_FUND,
    SECOND,
    SHUT,
    STEPS,
    die_at_step,
    many,
    move_until_killed,
    open_beside,
    prepare,
)
from tests.faults.test_kill import check_answers
from tests.ledger.books import sums_of
from tests.lending.bank import open_bank

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
KILLS = 15
Start = Callable[..., Child]


class Place:
    """A bank whose ledger is a log beside its store, and a contract that is not paid out yet."""

    def __init__(self, url: str, home: Path, operator: Actor, start: Start) -> None:
        self.operator = operator
        node = open_beside(url, str(home))
        bank = open_bank(node, operator, home)
        node.close()
        self.facts = (url, str(home), bank.model_digest, bank.mapping_digest)
        child = start(prepare, self.facts, args=())
        self.contract_id = child.hear()
        child.hear_all()

    def open(self) -> Node:
        """The node as it is found now."""
        return open_beside(*self.facts[:2])


def check(place: Place, node: Node, answered: dict[str, str]) -> list[Row]:
    """The answers are on the journal, and the ledger has what the journal and contracts say."""
    rows = check_answers(node, answered)
    with node.read() as tx:
        report = ledger.verify(tx)
        assert report.findings == ()
        assert report.trial_balance.difference_minor == 0
        assert tx.all(intent.ALL_INTENTS) == []
        (loan,) = lending.list_loans(tx, count=10)
        numbers = [FUND, FIRST, SECOND, loan_account(loan.contract_id)]
        found = ledger.lookup_accounts(tx, numbers)
    sums = {
        number: (account.debits_posted_minor, account.credits_posted_minor)
        for number, account in zip(numbers, found, strict=True)
        if account is not None
    }
    every = sums_of(node, numbers)
    assert [(one[0], one[2]) for one in every] == [(0, 0)] * len(every), "money is left on hold"
    moved = Counter(row.key.rpartition(":")[2] for row in rows if row.key.startswith("move:"))
    into, out, many_times = moved["in"], moved["out"], moved["many"]
    assert sums[FUND] == (100 * (into + moved["close"]) + 300 * many_times, 70 * out)
    gone = 60 * into + 70 * out + 200 * many_times
    assert sums[FIRST] == (gone, 100 * into + 50 * out + 300 * many_times)
    assert sums[SECOND] == (50 * out, 60 * into + 200 * many_times)
    debit, credit = sums.get(numbers[3], (0, 0))
    is_paid_out = any(row.name == "lending.disburse" for row in rows)
    assert (loan.status != "signed") == is_paid_out
    assert debit == (loan.principal_minor if is_paid_out else 0)
    if is_paid_out:
        assert debit - credit == loan.outstanding_minor
    return rows


def ask_again(place: Place, node: Node, use_case: str, input: Any, key: str) -> None:
    """The same key has one answer, and moves money once."""
    first = node.act(use_case, input, key=key, actor=place.operator)
    before = [check(place, node_again(place, node), {})]
    assert node.act(use_case, input, key=key, actor=place.operator) == first
    assert [row.key for row in before[0]].count(key) == 1


def node_again(place: Place, node: Node) -> Node:
    """The node, closed and opened."""
    node.close()
    node.__dict__.update(place.open().__dict__)
    return node


def acts(place: Place) -> list[tuple[str, Any, str]]:
    """What is cut short, in this order."""
    linked = Transfer.LINKED
    batch = CreateTransfers(
        (
            Transfer(1_001, FUND, FIRST, 100, "CNY", 4, linked),
            Transfer(1_002, FIRST, SECOND, 60, "CNY", 4),
        )
    )
    back = CreateTransfers(
        (
            Transfer(1_003, SECOND, FIRST, 50, "CNY", 4, linked),
            Transfer(1_004, FIRST, FUND, 70, "CNY", 4),
        )
    )
    repay = {"contract_id": place.contract_id, "amount_minor": 12_345}
    return [
        ("lending.disburse", {"contract_id": place.contract_id}, "move:0:disburse"),
        ("lending.repay", repay, "move:0:repay"),
        ("ledger.create_transfers", batch, "move:0:in"),
        ("ledger.create_transfers", back, "move:0:out"),
        ("ledger.create_transfers", many(2_000), "move:0:many"),
    ]


def terms(place: Place) -> list[tuple[str, Any, str]]:
    """Acts that import history, close an account, and open it again and take from it at once."""
    imported = tuple(
        Transfer(1_010 + n, OLD_FUND, OLD, 5, "CNY", 4, Transfer.IMPORTED, time_us=at_us)
        for n, at_us in enumerate((MONDAY_US - 9_000, MONDAY_US - 8_000))
    )
    closing = Transfer.PENDING | Transfer.CLOSING_DEBIT
    money = Transfer(1_020, FUND, SHUT, 100, "CNY", 4)
    close = Transfer(1_021, SHUT, FIRST, 0, "CNY", 4, closing)
    back = (
        Transfer(1_022, amount_minor=0, flags=Transfer.VOID, pending_id=1_021),
        Transfer(1_023, SHUT, OLD, 60, "CNY", 4),
    )
    return [
        ("ledger.create_transfers", CreateTransfers(imported), "move:0:history"),
        ("ledger.create_transfers", CreateTransfers((money, close)), "move:0:close"),
        ("ledger.create_transfers", CreateTransfers(back), "move:0:reopen"),
    ]


def check_terms(node: Node, keys: set[str]) -> None:
    """History has its own times, and the account is closed or open as its acts say."""
    with node.read() as tx:
        found = ledger.lookup_accounts(tx, [OLD, SHUT])
        history = ledger.lookup_transfers(tx, [1_010, 1_011])
    old, shut = (one for one in found if one is not None)
    has_history, is_closed, is_open = (
        f"move:0:{name}" in keys for name in ("history", "close", "reopen")
    )
    assert [t.time_us for t in history if t is not None] == [
        MONDAY_US - 9_000, MONDAY_US - 8_000,
    ][: 2 * has_history]  # fmt: skip
    assert old.credits_posted_minor == 10 * has_history + 60 * is_open
    assert (shut.credits_posted_minor, shut.debits_posted_minor) == (100 * is_closed, 60 * is_open)
    assert bool(shut.flags & Account.CLOSED) == (is_closed and not is_open)


def die_at_each_act(
    place: Place, start: Start, step: str, asked: list[tuple[str, Any, str]]
) -> None:
    """Each act is cut short at the step; the node is opened and asked for it again."""
    for use_case, input, key in asked:
        first = "after the commit" if step == "while settling" else step
        child = start(die_at_step, place.facts, args=(first, use_case, key, input))
        heard = child.hear_all()
        assert heard == ["open"], (step, heard)
        if step == "while settling":
            child = start(die_at_step, place.facts, args=(step, use_case, key, input))
            assert child.hear_all() == []
        node = place.open()
        rows = check(place, node, {})
        is_before = step in ("before the hold", "after the holds", "before the commit")
        assert (key in {row.key for row in rows}) == (not is_before)
        check_terms(node, {row.key for row in rows})
        ask_again(place, node, use_case, input, key)
        rows = check(place, node_again(place, node), {})
        check_terms(node, {row.key for row in rows})
        node.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_a_step(step: str, tmp_path: Path, operator: Actor, start: Start) -> None:
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    place = Place(url, tmp_path, operator, start)
    die_at_each_act(place, start, step, acts(place))


@pytest.mark.parametrize("step", [step for step in STEPS if step != "before the hold"])
def test_a_kill_while_history_is_imported_or_an_account_closed(
    step: str, tmp_path: Path, operator: Actor, start: Start
) -> None:
    place = Place(f"sqlite:///{tmp_path / 'puhui.sqlite'}", tmp_path, operator, start)
    die_at_each_act(place, start, step, terms(place))


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_a_step_on_postgres(
    step: str, tmp_path: Path, operator: Actor, start: Start, postgres: Any
) -> None:
    with postgres.database() as url:
        place = Place(url, tmp_path, operator, start)
        die_at_each_act(place, start, step, acts(place))


def test_kills_under_load(tmp_path: Path, operator: Actor, start: Start) -> None:
    place = Place(f"sqlite:///{tmp_path / 'puhui.sqlite'}", tmp_path, operator, start)
    node = place.open()
    node.act("lending.disburse", {"contract_id": place.contract_id}, key="pay out", actor=operator)
    node.close()
    dice = random.Random(41)
    answered: dict[str, str] = {}
    begun = again = 0
    for _ in range(KILLS):
        child = start(move_until_killed, place.facts, args=(place.contract_id, begun, again))
        assert child.hear() == "open"
        heard = child.hear_until(dice.randrange(1, 40)) + child.kill()
        told = [line.split(" ") for line in heard]
        assert [line for line in told if line[0] == "failed"] == []
        for key, digest in told:
            assert answered.setdefault(key, digest) == digest, "asked again, answered otherwise"
        node = place.open()
        rows = check(place, node, answered)
        node.close()
        numbers = [int(row.key.split(":")[1]) for row in rows if row.key.startswith("move:")]
        begun = max(numbers, default=-1) + 1
        again = max(0, begun - 6)
    assert len(answered) > 5 * KILLS
