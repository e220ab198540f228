"""A node that ships its log: what the copy lacks the store makes again, and the way back.

Goal: losing the folder of the log costs nothing while the store is there; losing both costs what
was booked since the last shipping, as the status said. Method: book, lose folders, restore, open.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from puhui import ledger, worker
from puhui.kernel import Fault, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account
from puhui.ledger.desk.beside import shipping
from puhui.ledger.engines.log import engine as log_engine
from puhui.ledger.engines.log.recovery import numbers_in
from puhui.ledger.tables import intent
from puhui.ledger.window import CopyState, prune_log, restore_log, ship_log, shipped_state
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger.books import ALICE, BOB, DEPOSIT, FUND, OPERATOR, check_books, create_accounts

from tests.ledger.books import create_transfers, pay, sums_of  # isort: skip

CARLA = 7_001
Open = Callable[[], Node]


@pytest.fixture
def shipped(
    store_url: str, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Opens the node of this home, whose log is shipped to another folder."""
    (tmp_path / "second").mkdir()
    monkeypatch.setenv("PUHUI_LEDGER_SHIP", str(tmp_path / "second"))
    opened: list[Node] = []

    def open_it() -> Node:
        node = open_node(
            tmp_path / "home", store_url=store_url, clock=clock, keys=KEYS, ledger="log"
        )
        opened.append(node)
        return node

    yield open_it
    for node in opened:
        node.close()


def begun(node: Node) -> None:
    """A fund, two depositors, and money of one of them."""
    create_accounts(
        node,
        Account(FUND, "CNY", 1),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011, DEPOSIT),
    )
    assert create_transfers(node, pay(1, FUND, ALICE, 100)) == ["created"]


def lose(node: Node, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Close without shipping, and lose the folder of the log."""
    monkeypatch.setattr(shipping.Shipping, "ship", lambda self: None)
    node.close()
    monkeypatch.undo()
    shutil.rmtree(home / "ledger")


def test_the_store_makes_again_what_the_copy_lacks(
    shipped: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accounts and transfers that were answered and not shipped are there again, once."""
    home, second = tmp_path / "home", tmp_path / "second"
    node = shipped()
    begun(node)
    assert worker.keep_up(node) == ()
    assert shipped_state(home / "ledger", second).lacking_bytes == 0
    create_accounts(node, Account(CARLA, "CNY", 2011, DEPOSIT))
    assert create_transfers(node, pay(2, ALICE, BOB, 30), pay(3, BOB, CARLA, 5)) == ["created"] * 2
    state = shipped_state(home / "ledger", second)
    assert isinstance(state, CopyState)
    assert state.log_sequence > state.copy_sequence
    assert state.lacking_bytes > 0
    before = sums_of(node, [ALICE, BOB, CARLA])
    with monkeypatch.context() as cut:
        lose(node, home, cut)
    monkeypatch.setenv("PUHUI_LEDGER_SHIP", str(second))
    assert restore_log(second, home / "ledger") == state.copy_sequence
    again = shipped()
    assert sums_of(again, [ALICE, BOB, CARLA]) == before == [
        (0, 30, 0, 100), (0, 5, 0, 30), (0, 0, 0, 5)
    ]  # fmt: skip
    assert create_transfers(again, pay(3, BOB, CARLA, 5)) == ["exists"]
    check_books(again)
    with again.read() as tx:
        assert ledger.verify(tx).findings == ()
    assert shipped_state(home / "ledger", second).lacking_bytes == 0


def test_intents_go_once_they_are_in_the_copy(shipped: Open, tmp_path: Path) -> None:
    node = shipped()
    begun(node)
    with node.read() as tx:
        kept = len(tx.all(intent.ALL_INTENTS))
    assert kept >= 2, "an intent of accounts and one of a transfer"
    worker.keep_up(node)
    create_transfers(node, pay(2, ALICE, BOB, 1))
    with node.read() as tx:
        assert len(tx.all(intent.ALL_INTENTS)) == 1, "the newest alone is not in the copy"


def test_accounts_of_a_refused_act_are_not_forgotten(
    shipped: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay in the log though their act is gone; whoever uses them later notes them."""
    home, second = tmp_path / "home", tmp_path / "second"
    node = shipped()
    begun(node)
    worker.keep_up(node)
    node.act(
        "ledger.create_accounts",
        {"accounts": (Account(CARLA, "CNY", 2011, DEPOSIT),)},
        key="dry",
        actor=OPERATOR,
        dry_run=True,
    )
    create_accounts(node, Account(CARLA, "CNY", 2011, DEPOSIT))
    assert create_transfers(node, pay(2, ALICE, CARLA, 30)) == ["created"]
    with monkeypatch.context() as cut:
        lose(node, home, cut)
    monkeypatch.setenv("PUHUI_LEDGER_SHIP", str(second))
    restore_log(second, home / "ledger")
    assert sums_of(shipped(), [CARLA]) == [(0, 0, 0, 30)]


def test_a_second_place_that_is_not_there_stops_nothing(
    shipped: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once; when the place is back the copy is brought up to date."""
    second = tmp_path / "second"
    second.rmdir()
    node = shipped()
    begun(node)
    worker.keep_up(node)
    worker.keep_up(node)
    assert [r.message for r in caplog.records if "not shipped" in r.message].__len__() == 1
    assert not second.exists(), "a folder made in the place of a disk would be no copy"
    with pytest.raises(Fault, match="cannot be written"):
        ship_log(tmp_path / "home" / "ledger", second)
    second.mkdir()
    worker.keep_up(node)
    assert shipped_state(tmp_path / "home" / "ledger", second).lacking_bytes == 0


def test_what_cannot_be_shipped_or_restored_is_refused(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for code, call in (
        ("ledger.no_log", lambda: ship_log(empty, tmp_path)),
        ("ledger.no_log", lambda: shipped_state(empty, tmp_path)),
        ("ledger.no_log", lambda: prune_log(empty, tmp_path)),
        ("ledger.no_copy", lambda: restore_log(empty, tmp_path / "new")),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.code == code
    for name, to in (("sql", "x"), ("log", "ledger"), ("log", "ledger/copy"), ("log", "..")):
        monkeypatch.setenv("PUHUI_LEDGER_SHIP", to)
        with pytest.raises(Refused) as refused:
            open_node(tmp_path / "home", store_url=store_url, keys=KEYS, ledger=name)
        assert refused.value.code == "kernel.bad_ship"


def test_two_do_not_ship_to_one_place(shipped: Open, tmp_path: Path) -> None:
    node = shipped()
    begun(node)
    with shipping._alone(tmp_path / "second"), pytest.raises(Refused) as refused:
        ship_log(tmp_path / "home" / "ledger", tmp_path / "second")
    assert refused.value.code == "ledger.ship_in_use"


def test_pruned_segments_are_read_from_the_copy(
    shipped: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room is free here, and every transfer of any age is still found, checked and shipped."""
    monkeypatch.setattr(log_engine.LogEngine.__init__, "__kwdefaults__",
        {**log_engine.LogEngine.__init__.__kwdefaults__, "segment_bytes": 16 << 10})  # fmt: skip
    log, second = tmp_path / "home" / "ledger", tmp_path / "second"
    node = shipped()
    begun(node)
    for number in range(2, 100):
        create_transfers(node, pay(number, ALICE, BOB, 1))
    with pytest.raises(Refused) as refused:
        prune_log(log, second)
    assert refused.value.code == "ledger.log_in_use"
    node.close()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Refused) as refused:
        prune_log(log, other)
    assert refused.value.code == "ledger.not_shipped"
    count, freed = prune_log(log, second)
    assert count > 2
    assert freed == count * (16 << 10)
    assert prune_log(log, second) == (0, 0)
    again = shipped()
    assert create_transfers(again, pay(2, ALICE, BOB, 1), pay(3, ALICE, BOB, 1)) == ["exists"] * 2
    with again.read() as tx:
        assert len(ledger.account_history(tx, ALICE, count=500)) == 99
        assert ledger.verify(tx).findings == ()
    again.close()
    assert len(numbers_in(log).logs) > count
    shutil.rmtree(log)
    restore_log(second, log)
    assert sums_of(shipped(), [BOB]) == [(0, 0, 0, 98)]
