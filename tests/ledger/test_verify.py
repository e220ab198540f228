"""Books that somebody changed behind the ledger's back: ``verify`` finds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from puhui import ledger
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from puhui.ledger import Account, Transfer
from puhui.node import open_node
from tests.ledger.books import advance, create_accounts, create_transfers

FUND, ALICE, OTHER = 1, 2, 3


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The store of ``kept``."""
    return tmp_path / "kept.sqlite"


@pytest.fixture
def kept(file: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Node]:
    """A node with a little of everything in its books, whose books are not checked afterwards."""
    node = open_node(tmp_path, store_url=f"sqlite:///{file}", clock=clock, keys=Keys(b"k" * 32))
    create_accounts(
        node,
        Account(FUND, "CNY", 1003),
        Account(ALICE, "CNY", 2011, Account.DEBITS_MUST_NOT_EXCEED_CREDITS),
        Account(OTHER, "CNY", 2011),
    )
    create_transfers(
        node,
        Transfer(1, FUND, ALICE, 100, "CNY", 2),
        Transfer(2, FUND, OTHER, 50, "CNY", 2, Transfer.LINKED),
        Transfer(3, FUND, OTHER, 7, "CNY", 2),
        Transfer(4, ALICE, OTHER, 30, "CNY", 4, Transfer.PENDING),
        Transfer(5, ALICE, OTHER, 20, "CNY", 4, Transfer.PENDING),
        Transfer(6, amount_minor=10, flags=Transfer.POST, pending_id=5),
        Transfer(7, ALICE, FUND, 1_000, "CNY", 4),
    )
    advance(node)
    create_transfers(node, Transfer(8, FUND, OTHER, 1, "CNY", 2))
    yield node
    node.close()


def key(number: int) -> str:
    """A 128-bit number as SQL writes sixteen bytes."""
    return f"x'{number:032x}'"


def test_sound_books_have_no_findings(kept: Node) -> None:
    with kept.read() as tx:
        report = ledger.verify(tx)
    assert report.is_sound
    assert (report.accounts, report.transfers, report.pendings_open) == (3, 7, 1)


@pytest.mark.parametrize(
    "change, checks",
    [
        (f"UPDATE ledger_transfer SET amount_minor = 101 WHERE id = {key(1)}", "balance watermark"),
        (f"UPDATE ledger_transfer SET amount_minor = 51 WHERE id = {key(2)}", "watermark"),
        (f"DELETE FROM ledger_transfer WHERE id = {key(1)}", "balance watermark"),
        (f"DELETE FROM ledger_transfer WHERE id = {key(3)}", "chain watermark"),
        (f"DELETE FROM ledger_transfer WHERE id = {key(6)}", "balance pending watermark"),
        (
            f"UPDATE ledger_transfer SET debit_account_id = {key(OTHER)},"
            f" credit_account_id = {key(FUND)} WHERE id = {key(2)}",
            "watermark",
        ),
        (f"UPDATE ledger_transfer SET ledger = 'USD' WHERE id = {key(8)}", "ledger"),
        (f"UPDATE ledger_transfer SET debit_account_id = {key(9)} WHERE id = {key(8)}", "ledger"),
        (f"UPDATE ledger_account SET ledger = 'USD' WHERE id = {key(ALICE)}", "ledger"),
        ("UPDATE ledger_balance SET credits_posted = 1000", "balance"),
        ("UPDATE ledger_balance SET debits_posted = 1000", "balance balance_limit"),
        ("DELETE FROM ledger_balance", "balance_row"),
        (f"UPDATE ledger_balance SET account_id = {key(OTHER)}", "balance balance_row"),
        ("UPDATE ledger_watermark SET debits_low = debits_low + 1", "watermark"),
        (f"UPDATE ledger_pending SET state = 2 WHERE id = {key(4)}", "balance pending"),
        (f"UPDATE ledger_pending SET state = 0 WHERE id = {key(5)}", "balance pending"),
        (f"UPDATE ledger_pending SET amount_minor = 31 WHERE id = {key(4)}", "balance pending"),
        (f"DELETE FROM ledger_pending WHERE id = {key(4)}", "balance pending"),
        (f"UPDATE ledger_failed SET id = {key(8)}", "failed_id"),
    ],
)
def test_a_change_behind_its_back_is_found(
    kept: Node, file: Path, change: str, checks: str
) -> None:
    with sqlite3.connect(file) as connection:
        assert connection.execute(change).rowcount > 0
    connection.close()
    with kept.read() as tx:
        report = ledger.verify(tx)
    assert not report.is_sound
    found = {finding.check for finding in report.findings}
    assert set(checks.split()) <= found, report.findings


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE ledger_balance SET is_closed = 0 WHERE account_id = {key(ALICE)}",
        f"UPDATE ledger_pending SET is_loose = 1 WHERE id = {key(9)}",
    ],
)
def test_an_account_that_was_opened_by_hand_is_found(kept: Node, file: Path, change: str) -> None:
    """No sum tells it, and money would come and go."""
    closing = Transfer.PENDING | Transfer.CLOSING_CREDIT
    assert create_transfers(kept, Transfer(9, FUND, ALICE, 0, "CNY", 4, closing)) == ["created"]
    told = create_transfers(kept, Transfer(10, FUND, ALICE, 1, "CNY", 4))
    assert told == ["credit_account_already_closed"]
    with kept.read() as tx:
        assert ledger.verify(tx).is_sound
    with sqlite3.connect(file) as connection:
        assert connection.execute(change).rowcount == 1
    connection.close()
    with kept.read() as tx:
        assert [one.check for one in ledger.verify(tx).findings] == ["closed"]
    assert create_transfers(kept, Transfer(11, FUND, ALICE, 1, "CNY", 4)) == ["created"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_transfer SET amount_minor = -1",
        "UPDATE ledger_transfer SET amount_minor = 4611686018427387904",
        "UPDATE ledger_transfer SET credit_account_id = debit_account_id",
        "UPDATE ledger_balance SET debits_posted = -1",
        "INSERT INTO ledger_failed SELECT id, status, time_us FROM ledger_failed",
    ],
)
def test_what_can_never_be_is_refused_by_the_store(kept: Node, file: Path, change: str) -> None:
    connection = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)
    connection.close()


def test_the_trial_balance_tells_ledgers_that_do_not_balance(kept: Node, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE ledger_balance SET credits_posted = credits_posted + 5")
    connection.close()
    with kept.read() as tx:
        assert ledger.trial_balance(tx).difference_minor == 5
        findings = ledger.verify(tx).findings
    assert {finding.check for finding in findings} == {"balance", "trial_balance"}
