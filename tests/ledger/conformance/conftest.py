"""Every engine in turn, empty."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.ledger.desk import transfer as desk
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger.books import check_books
from tests.ledger.conformance.cluster import Cluster, ClusteredLedger
from tests.ledger.conformance.memory import MemoryLedger
from tests.ledger.conformance.store import StoreLedger

LIVE = "PUHUI_TIGERBEETLE"
STORES = ("sqlite", "postgres")
WAYS = {"nouns": 1 << 30, "records": 0}
WORLDS = itertools.count(1)
KINDS = (
    "memory",
    "log",
    "tigerbeetle bytes",
    *(f"{store} {way}" for store in STORES for way in WAYS),
    "tigerbeetle live",
)


@dataclass
class Played:
    """An engine, and what the suite must know of it.

    ``offset`` is added to ids, so that a ledger that others have used will do; ``has_clock``
    whether it goes by the time that is handed in; ``reopened`` is the same ledger, opened again.
    """

    engine: LedgerEngine
    kind: str
    offset: int = 0
    has_clock: bool = True
    reopened: Callable[[], LedgerEngine] | None = None

    def reopen(self) -> None:
        """Close the ledger and open it again, where that can be done."""
        if self.reopened is not None:
            self.engine.close()
            self.engine = self.reopened()

    @property
    def is_store(self) -> bool:
        """Whether it is the ledger ``sql``."""
        return self.kind.split()[0] in STORES


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
            node = open_node(folder, store_url=url, clock=clock, keys=KEYS)
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
    elif kind == "log":

        def opened() -> LedgerEngine:
            return LogEngine(tmp_path / "log", segment_bytes=4 << 20, ids=16)

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
        yield Played(StoreLedger(node, clock), kind, offset=next(WORLDS) << 64)
        check_books(node)
