"""PostgreSQL as the store on a disk that fails, and stopped between a write and its commit.

Goal: whatever the server's disk does, an answered act is there, an unanswered one whole or not at
all, the same key has one answer and the same id says ``exists``, for a ledger in the store and one
beside it. Method: a server of this test's own runs with the failing disk preloaded, or gets an
immediate shutdown while an act is about to commit; it is started again, looked at, and asked again.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Fault, Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.node import open_node
from tests.conftest import KEYS
from tests.faults.load import MONDAY_US
from tests.faults.server import OwnServer
from tests.ledger.books import (
    ALICE,
    DEPOSIT,
    FUND,
    OPERATOR,
    check_books,
    create_accounts,
    create_transfers,
    pay,
    sums_of,
)

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(280),
    pytest.mark.xdist_group("postgres_disk"),
]
PASSING = {
    "kernel.disk_full",
    "kernel.not_durable",
    "kernel.store_failed",
    "kernel.store_unavailable",
}
ACTS = 12
SIZE = 60
"""Transfers of an act, 1 fen each: enough for a page of the table now and then."""

Open = Callable[[], Node]


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """One server for these tests, each with a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="puhui-own-postgres-"))
    own = OwnServer(folder)
    own.execute("CREATE DATABASE disk_template")
    url = own.url_of("disk_template")
    open_node(folder / "template", store_url=url, keys=KEYS, ledger="sql").close()
    yield own
    own.remove()


_NUMBERS = itertools.count(1)


@pytest.fixture(params=["sql", "log"])
def open_it(request: pytest.FixtureRequest, server: OwnServer, tmp_path: Path) -> Iterator[Open]:
    """Opens a node on a database of this test's own, its ledger in the store or beside it."""
    name = f"disk_{next(_NUMBERS)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE disk_template")
    url = server.url_of(name)
    opened: list[Node] = []

    def open_one() -> Node:
        for node in opened:
            node.close()
        opened.append(
            open_node(
                tmp_path, store_url=url, clock=FixedClock(MONDAY_US), keys=KEYS, writers=1,
                ledger=request.param,
            )
        )  # fmt: skip
        return opened[-1]

    node = open_one()
    create_accounts(node, Account(FUND, "CNY", 1003), Account(ALICE, "CNY", 2011, DEPOSIT))
    yield open_one
    for node in opened:
        node.close()


def batch(number: int) -> CreateTransfers:
    """The transfers of an act."""
    first = 1_000 + number * 100
    return CreateTransfers(tuple(pay(first + n, FUND, ALICE, 1) for n in range(SIZE)))


def move(node: Node, number: int) -> str:
    """Ask for an act by its key: "" where it is answered, else the code of the fault."""
    try:
        done = node.act(
            "ledger.create_transfers", batch(number), key=f"act {number}", actor=OPERATOR
        )
    except Fault as fault:
        return fault.code
    assert done.statuses == ("created",) * SIZE
    return ""


def check(node: Node, answered: set[int], unanswered: set[int]) -> None:
    """What was answered is there; the rest is there whole or not at all, and is asked for again."""
    check_books(node)
    moved = sums_of(node, [ALICE])[0][3]
    assert moved % SIZE == 0, "an act is there in part"
    assert SIZE * len(answered) <= moved <= SIZE * len(answered | unanswered)
    for number in sorted(answered):
        assert create_transfers(node, *batch(number).transfers) == ["exists"] * SIZE
    for number in sorted(answered | unanswered):
        assert move(node, number) == "", number
    assert sums_of(node, [ALICE])[0][2:] == (0, SIZE * len(answered | unanswered))
    check_books(node)


@pytest.mark.parametrize(
    "file, fault",
    [
        ("/pg_wal/0", {"sync": 3}),
        ("/pg_wal/0", {"torn": 4}),
        ("/pg_wal/0", {"full": 5}),
        ("/base/", {"full": 2}),
    ],
    ids=["a sync fails", "a write is torn", "the log's disk is full", "the tables' disk is full"],
)
def test_a_disk_that_fails_under_the_server(
    server: OwnServer, open_it: Open, shim: Path, file: str, fault: dict[str, int]
) -> None:
    """The server stops itself or refuses; nothing that was answered is lost."""
    shared = server.folder / "shim.so"  # the server's user may not enter the folder of the test
    shutil.copy(shim, shared)
    shared.chmod(0o755)
    node = open_it()
    assert move(node, 0) == ""
    node.store.settle_positions()
    server.end()
    words = {f"PUHUI_DISK_{name.upper()}": str(value) for name, value in fault.items()}
    server.start_with(LD_PRELOAD=str(shared), PUHUI_DISK_FILE=file, **words)
    answered, unanswered, codes = {0}, set(), set()
    for number in range(1, ACTS):
        code = move(node, number)
        (unanswered if code else answered).add(number)
        codes.add(code)
        if code == "kernel.store_unavailable":
            server.wait()
    assert codes <= {"", *PASSING}, codes
    assert ("kernel.disk_full" in codes) == (file == "/base/"), codes
    assert unanswered, "no act met the fault"
    server.crash()
    server.start()
    check(open_it(), answered, unanswered)


class Stopping:
    """A writer whose server is stopped at once when the next act is about to commit, or has."""

    def __init__(self, inner: Any, server: OwnServer, at: list[str]) -> None:
        self._inner = inner
        self._server = server
        self._at = at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def keep(self) -> None:
        """End an act, or stop the server on the way."""
        where = self._at.pop(0) if self._at else ""
        if where == "before":
            self._server.crash()
        self._inner.keep()
        if where == "after":
            self._server.crash()
            self._inner.tx.connection.close()
            raise self._inner.errors[0]("the connection was lost")


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_server_that_stops_between_a_write_and_its_commit(
    server: OwnServer, open_it: Open, where: str
) -> None:
    """Told as not known; there once or not at all, as the journal says, and asked for again."""
    node = open_it()
    at: list[str] = []
    made = node.store.writer
    node.store.writer = lambda: Stopping(made(), server, at)  # type: ignore[method-assign]
    assert move(node, 0) == ""
    at.append(where)
    code = move(node, 1)
    assert code in PASSING, code
    server.start()
    node.store.writer = made  # type: ignore[method-assign]
    check(open_it(), {0}, {1})
