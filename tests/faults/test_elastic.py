"""Nodes come and go under load: none of the payments is lost, none is made twice.

Goal: a node keeps nothing that another does not find, so any number of them may serve one store,
be told to end, or be killed. Method: processes that pay from and to the same wallets; they are
added, ended by SIGTERM and killed by SIGKILL, and what one did not answer is given to another.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.store.journal import read_journal
from puhui.ledger import Account, Transfer, chart, lookup_accounts
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.payment import own_account, wallet_account
from puhui.payment.nouns.pay import PayBatch
from tests.faults.conftest import Child
from tests.faults.load import open_at
from tests.faults.server import OwnServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.xdist_group("elastic")]

TELLER = Actor("teller", frozenset({"operator"}))
WALLETS = 40
FUNDS_MINOR = 10**9
SIZE = 20
AT_ONCE = 3
BATCHES = 160


def batch_of(number: int) -> PayBatch:
    """A batch of payments among the same few wallets, for ever the same."""
    dice = random.Random(number)
    pairs = [dice.sample(range(WALLETS), 2) for _ in range(SIZE)]
    return PayBatch(
        payment_ids=tuple(f"{number}-{place}" for place in range(SIZE)),
        payers=tuple(f"party-{payer}" for payer, _ in pairs),
        payees=tuple(f"party-{payee}" for _, payee in pairs),
        amounts_minor=tuple(dice.randrange(1, 1000) for _ in range(SIZE)),
        currency="CNY",
    )


def found_wallets(node: Node) -> None:
    """Wallets with money in them."""
    books = chart()
    flags = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
    code = books.account("customer_deposit")
    funding = Account(own_account("funding", "CNY"), "CNY", books.account("funding"))
    numbers = [wallet_account(f"party-{n}", "CNY") for n in range(WALLETS)]
    made = (funding, *(Account(number, "CNY", code, flags=flags) for number in numbers))
    node.act("ledger.create_accounts", CreateAccounts(made), key="accounts", actor=TELLER)
    funds = tuple(
        Transfer(Account.id_of(f"fund {number}"), funding.id, number, FUNDS_MINOR, "CNY", 1)
        for number in numbers
    )
    node.act("ledger.create_transfers", CreateTransfers(funds), key="funds", actor=TELLER)


def serve_batches(url: str, home: str, told: Connection) -> None:
    """A node: make the batches it is given, a few at once; SIGTERM lets those under way end."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda got, frame: ending.set())
    node = open_at(url, home)
    lock = threading.Lock()
    told.send_bytes(b"open")

    def work() -> None:
        while not ending.is_set():
            with lock:
                if not told.poll(0.02):
                    continue
                number = int(told.recv_bytes())
            made = node.act("payment.pay_batch", batch_of(number), key=f"b{number}", actor=TELLER)
            assert made.posted == SIZE
            with lock:
                told.send_bytes(b"%d" % number)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    node.close()
    told.send_bytes(b"done")
    told.close()


class Office:
    """Gives batches to nodes and hears their answers."""

    def __init__(self, start: Callable[..., Child], url: str, home: str) -> None:
        self._start = start
        self._where = (url, home)
        self.left = deque(range(BATCHES))
        self.answered: list[int] = []
        self.nodes: dict[Connection, tuple[Child, set[int]]] = {}

    def add(self) -> None:
        """One node more."""
        child = self._start(serve_batches, *self._where, args=())
        assert child.hear() == "open"
        self.nodes[child.told] = (child, set())

    def take(self, number: signal.Signals) -> None:
        """One node less: the oldest gets the signal, and its answers are heard to the end."""
        told, (child, under_way) = next(iter(self.nodes.items()))
        os.kill(child.process.pid or 0, number)
        for word in child.hear_all():
            self._hear(word, under_way)
        if number == signal.SIGTERM:
            assert child.process.exitcode == 0
        self.left.extendleft(sorted(under_way))
        del self.nodes[told]

    def _hear(self, word: str, under_way: set[int]) -> None:
        if word != "done":
            under_way.discard(int(word))
            self.answered.append(int(word))

    def work_until(self, count: int) -> None:
        """Go on until so many batches were answered."""
        until = time.monotonic() + 120
        while len(self.answered) < count:
            assert time.monotonic() < until, f"only {len(self.answered)} were answered"
            for told, (_, under_way) in self.nodes.items():
                while self.left and len(under_way) < AT_ONCE + 1:
                    number = self.left.popleft()
                    under_way.add(number)
                    told.send_bytes(b"%d" % number)
            for ready in wait(list(self.nodes), 0.1):
                assert isinstance(ready, Connection)
                self._hear(ready.recv_bytes().decode(), self.nodes[ready][1])


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server of this test's own."""
    own = OwnServer(Path(tempfile.mkdtemp(prefix="puhui-elastic-")))
    yield own
    own.remove()


def test_nodes_come_and_go_and_every_payment_is_made_once(
    server: OwnServer,
    start: Callable[..., Child],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = open_at(server.url, str(tmp_path))
    found_wallets(node)
    office = Office(start, server.url, str(tmp_path))
    office.add()
    steps = itertools.count(BATCHES // 8, BATCHES // 8)
    begun = time.monotonic()
    office.work_until(next(steps))
    office.add()
    office.work_until(next(steps))
    office.add()
    office.work_until(next(steps))
    office.take(signal.SIGTERM)
    office.work_until(next(steps))
    office.take(signal.SIGKILL)
    office.work_until(next(steps))
    office.add()
    office.work_until(next(steps))
    office.take(signal.SIGKILL)
    office.work_until(BATCHES)
    seconds = time.monotonic() - begun
    with capsys.disabled():
        print(f" {BATCHES * SIZE / seconds:,.0f} payments/s", end="")
    assert not office.left
    assert set(office.answered) == set(range(BATCHES))
    node.store.settle_positions()
    keys = [row.key for row in read_journal(node.store) if row.name == "payment.pay_batch"]
    assert sorted(keys) == sorted(f"b{n}" for n in range(BATCHES)), "each batch once"
    assert server.execute("SELECT count(*) FROM payment") == [(BATCHES * SIZE,)]
    expected = [FUNDS_MINOR] * WALLETS
    for number in range(BATCHES):
        batch = batch_of(number)
        columns = (batch.payers, batch.payees, batch.amounts_minor)
        for payer, payee, amount in zip(*columns, strict=True):
            expected[int(payer.partition("-")[2])] -= amount
            expected[int(payee.partition("-")[2])] += amount
    with node.read() as tx:
        found = lookup_accounts(tx, [wallet_account(f"party-{n}", "CNY") for n in range(WALLETS)])
    assert [one.credit_balance_minor for one in found if one] == expected
    node.close()
