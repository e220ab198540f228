"""Every engine in turn, empty."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

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
    whether it goes by the time that is handed in.
    """

    engine: LedgerEngine
    kind: str
    offset: int = 0
    has_clock: bool = True

    @property
    def is_store(self) -> bool:
        """Whether it is the ledger ``sql``."""
        return self.kind.split()[0] in STORES


@pytest.fixture(params=KINDS)
def played(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Played]:
    """Each engine, empty, or with other people's accounts in it where it is live."""
    kind: str = request.param
    if kind == "memory":
        yield Played(MemoryLedger(), kind)
    elif kind == "log":
        with LogEngine(tmp_path / "log", segment_bytes=1 << 20, ids=16) as engine:
            yield Played(engine, kind)
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
        is_file = store == "sqlite"
        url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
        server = None if is_file else request.getfixturevalue("postgres")
        with contextlib.nullcontext(url) if server is None else server.database() as url:
            node = open_node(tmp_path, store_url=url, clock=clock, keys=KEYS)
            try:
                yield Played(StoreLedger(node, clock), kind)
                check_books(node)
            finally:
                node.close()
