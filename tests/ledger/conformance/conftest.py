"""Every engine in turn, empty."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account
from puhui.ledger.desk import transfer as desk
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger.books import check_books
from tests.ledger.conformance.acts import InActs
from tests.ledger.conformance.cluster import Cluster, ClusteredLedger
from tests.ledger.conformance.hand import ALICE, BOB, FUND, LIMITED, SHOP, Hand
from tests.ledger.conformance.memory import MemoryLedger
from tests.ledger.conformance.played import STORES, Played

LIVE = "PUHUI_TIGERBEETLE"
WAYS = {"nouns": 1 << 30, "records": 0}
WORLDS = itertools.count(1)
KINDS = (
    "memory",
    "log",
    "log runs",
    "tigerbeetle bytes",
    *(f"{store} {way}" for store in STORES for way in WAYS),
    *(f"beside {way}" for way in WAYS),
    "tigerbeetle live",
)


@pytest.fixture(scope="module")
def stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Node, FixedClock]]]:
    """A node of each kind of store for a module, opened when it is first asked for.

    Opening one takes longer than a case; each test has ids of its own instead.
    """
    with contextlib.ExitStack() as stack:

        @functools.cache
        def store(kind: str) -> tuple[Node, FixedClock]:
            folder = tmp_path_factory.mktemp(kind)
            url = f"sqlite:///{folder / 'puhui.sqlite'}"
            if kind == "postgres":
                url = stack.enter_context(request.getfixturevalue("postgres").database())
            clock = FixedClock(1)
            ledger = "log" if kind == "beside" else "sql"
            node = open_node(folder, store_url=url, clock=clock, keys=KEYS, ledger=ledger)
            stack.callback(node.close)
            return node, clock

        yield store


@pytest.fixture(params=KINDS)
def played(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    stores: Callable[[str], tuple[Node, FixedClock]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Played]:
    """Each engine, empty, or with other people's accounts in it."""
    kind: str = request.param
    if kind == "memory":
        yield Played(MemoryLedger(), kind)
    elif kind in ("log", "log runs"):
        # So little memory that nearly all ids are in runs on disk.
        ids_bytes = None if kind == "log" else 1

        def opened() -> LedgerEngine:
            folder = tmp_path / "log"
            return LogEngine(folder, segment_bytes=4 << 20, ids=16, ids_bytes=ids_bytes)

        log = Played(opened(), kind, reopened=opened)
        yield log
        log.engine.close()
    elif kind == "tigerbeetle bytes":
        yield Played(ClusteredLedger(Cluster()), kind)
    elif kind == "tigerbeetle live":
        setting = os.environ.get(LIVE)
        if not setting:
            pytest.skip(f"{LIVE} names no cluster (<cluster>@<addresses>)")
        pytest.importorskip("tigerbeetle")
        with TigerBeetleEngine.connected(setting) as live:
            yield Played(live, kind, offset=secrets.randbits(63) << 64, has_clock=False)
    else:
        store, way = kind.split()
        monkeypatch.setattr(desk, "RECORDS_FROM", WAYS[way])
        node, clock = stores(store)
        yield Played(InActs(node, clock), kind, offset=next(WORLDS) << 64)
        check_books(node)


@pytest.fixture
def hand(played: Played) -> Hand:
    """A funding account without limits, a deposit that cannot be overdrawn, two with history."""
    hand = Hand(played)
    assert (
        hand.open(
            Account(FUND, "CNY", 1),
            Account(ALICE, "CNY", 1, LIMITED),
            Account(BOB, "CNY", 1, Account.HISTORY),
            Account(SHOP, "CNY", 1, Account.CREDITS_MUST_NOT_EXCEED_DEBITS | Account.HISTORY),
        )
        == ["created"] * 4
    )
    return hand
