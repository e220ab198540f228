"""Large batches on what a writer remembers: as if it read everything anew each time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from puhui import ledger
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from puhui.ledger import Account, Transfer
from puhui.ledger.desk import transfer as desk
from puhui.ledger.desk.upkeep import IndexTransfers
from puhui.node import open_node
from tests.ledger.books import (
    ALICE,
    BOB,
    FUND,
    act,
    check_books,
    create_accounts,
    create_transfers,
    expire,
    pay,
    sums_of,
)
from tests.ledger.test_batches import ACCOUNTS
from tests.ledger.test_compiled import START_US, Oracle, make_batch

LARGE, SMALL = 0, 10_000
HISTORY = Account.HISTORY


@pytest.mark.parametrize("seed", range(8))
def test_large_and_small_batches_of_two_nodes_agree_with_the_rules(
    seed: int,
    node: Node,
    clock: FixedClock,
    open_at: Callable[..., Node],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a writer remembers, another process and other ways of writing may have changed."""
    chance = Random(1000 + seed)
    nodes = (node, open_at(node.store.url))
    oracle = Oracle()
    clock.set_us(START_US)
    create_accounts(node, *ACCOUNTS)
    now_us, next_id, used = START_US, [10], []
    for _ in range(12):
        now_us += chance.choice([0, 0, 1, 3]) * 1_000_000 + 1_000
        clock.set_us(now_us)
        monkeypatch.setattr(desk, "RECORDS_FROM", chance.choice([LARGE, LARGE, SMALL]))
        chosen = chance.choice(nodes)
        batch = make_batch(chance, used, next_id)
        used += batch
        told = create_transfers(chosen, *batch)
        assert told == [s.value for s in oracle.batch(batch, now_us)]
        if chance.random() < 0.3:
            expire(chance.choice(nodes))
        if chance.random() < 0.2:
            act(chance.choice(nodes), "ledger.index_transfers", IndexTransfers(2))
    now = sums_of(node, [a.id for a in ACCOUNTS], now_us)
    assert now == [tuple(oracle.sums[a.id]) for a in ACCOUNTS]
    check_books(node)


def test_an_id_is_used_once_whichever_way_it_came(node: Node) -> None:
    create_accounts(node, Account(ALICE, "CNY", 1, HISTORY), Account(BOB, "CNY", 1))
    batch = [pay(100 + n, ALICE, BOB, 1) for n in range(400)]
    assert (
        create_transfers(node, pay(110, ALICE, BOB, 1), pay(99, ALICE, BOB, 1)) == ["created"] * 2
    )
    assert create_transfers(node, *batch).count("created") == 399
    for _ in range(2):
        assert create_transfers(node, *batch) == ["exists"] * 400
        assert create_transfers(node, batch[0], batch[10], batch[399]) == ["exists"] * 3
        other = pay(300, ALICE, BOB, 2)
        assert create_transfers(node, other) == ["exists_with_different_amount"]
        assert act(node, "ledger.index_transfers", IndexTransfers()).batches in (0, 1)
    with node.read() as tx:
        found = ledger.lookup_transfers(tx, [99, 110, 499, 500])
        assert [t and t.id for t in found] == [99, 110, 499, None]
    check_books(node)


def test_what_another_connection_changes_is_read_anew(tmp_path: Path, clock: FixedClock) -> None:
    """A change behind the ledger's back counts from then on, so nothing stale is written over."""
    path = tmp_path / "kept.sqlite"
    node = open_node(tmp_path, store_url=f"sqlite:///{path}", clock=clock, keys=Keys(b"k" * 32))
    limited = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
    create_accounts(node, Account(FUND, "CNY", 1), Account(ALICE, "CNY", 1, limited),
                    Account(BOB, "CNY", 1, limited))  # fmt: skip
    create_transfers(node, pay(1, FUND, ALICE, 1000))
    assert (
        create_transfers(node, *[pay(10 + n, ALICE, BOB, 1) for n in range(300)]).count("created")
        == 300
    )
    connection = sqlite3.connect(path)
    connection.execute("UPDATE ledger_balance SET credits_posted = 350 WHERE credits_posted = 1000")
    connection.commit()
    connection.close()
    made = create_transfers(node, *[pay(1000 + n, ALICE, BOB, 1) for n in range(300)])
    assert made == ["created"] * 50 + ["exceeds_credits"] * 250
    node.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_transfer SET id = (SELECT max(id) FROM ledger_batch_id) WHERE loose = 0",
        "INSERT INTO ledger_transfer SELECT position + 1000, id, debit_account_id,"
        " credit_account_id, amount_minor, ledger, code, flags, pending_id, timeout_s,"
        " user_data_128, user_data_64, user_data_32, time_us, chain_id, chain_size, loose"
        " FROM ledger_transfer WHERE loose = 0",
        "DELETE FROM ledger_batch_id WHERE position = (SELECT max(position) FROM ledger_batch_id)",
        "UPDATE ledger_batch_id SET position = 1",
    ],
)
def test_ids_that_are_there_twice_or_cannot_be_found_are_told(
    tmp_path: Path, clock: FixedClock, change: str
) -> None:
    path = tmp_path / "kept.sqlite"
    node = open_node(tmp_path, store_url=f"sqlite:///{path}", clock=clock, keys=Keys(b"k" * 32))
    create_accounts(node, Account(ALICE, "CNY", 1), Account(BOB, "CNY", 1))
    create_transfers(node, pay(1, ALICE, BOB, 1))
    create_transfers(node, *[pay(10 + n, ALICE, BOB, 1) for n in range(300)])
    with node.read() as tx:
        assert ledger.verify(tx).is_sound
    connection = sqlite3.connect(path)
    assert connection.execute(change).rowcount > 0
    connection.commit()
    connection.close()
    with node.read() as tx:
        assert "id" in {finding.check for finding in ledger.verify(tx).findings}
    node.close()


WRITING = """
import sys
from pathlib import Path
from puhui.kernel.crypto import Keys
from puhui.ledger import Account, Transfer
from puhui.node import open_node
from tests.ledger import books
from tests.ledger.books import create_accounts, create_transfers, pay
books._KEYS = iter(range(10**6, 10**7))
home, url = Path(sys.argv[1]), sys.argv[2]
node = open_node(home, store_url=url, keys=Keys(b"k" * 32))
create_accounts(node, Account(2, "CNY", 1, Account.HISTORY), Account(3, "CNY", 1))
for batch in range(1000):
    first = 10 + 1000 * batch
    made = [pay(first + n, 2, 3, 1) for n in range(900)]
    made += [Transfer(first + 900 + n, 2, 3, 1, "CNY", 1, Transfer.PENDING) for n in range(50)]
    if batch:
        made += [Transfer(first + 950 + n, flags=Transfer.POST, pending_id=first - 100 + n)
                 for n in range(25)]
    assert set(create_transfers(node, *made)) == {"created"}
    print(batch, flush=True)
"""


@pytest.mark.parametrize("stop_after", [3, 9])
def test_a_writer_that_is_killed_leaves_whole_batches(
    node: Node, stop_after: int, open_at: Callable[..., Node], tmp_path: Path
) -> None:
    """What was answered is there, found by its ids and in sound books, and more may be."""
    url = node.store.url
    node.close()
    folder = tmp_path / "other"
    folder.mkdir()
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", WRITING, str(folder), url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == stop_after:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    again = open_at(url)
    check_books(again)
    for batch in range(stop_after + 1):
        first = 10 + 1000 * batch
        asked = [pay(first + n, 2, 3, 1) for n in range(900)]
        assert create_transfers(again, *asked) == ["exists"] * 900
        assert create_transfers(again, asked[7]) == ["exists"]
    posts = [Transfer(10**9 + n, flags=Transfer.POST, pending_id=910) for n in range(300)]
    assert create_transfers(again, *posts).count("created") == 0
    check_books(again)
