"""A node whose ledger is a cluster: everything that holds beside a log holds beside it too.

The tests are those of ``test_outside``, run again on the engine for TigerBeetle and a stand-in that
reads and answers bytes, whose clock is the node's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import Transfer
from puhui.ledger.engines.tigerbeetle import wire
from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger import test_outside as outside
from tests.ledger.books import ALICE, FUND
from tests.ledger.conformance.cluster import Cluster
from tests.ledger.test_outside import *  # noqa: F403
from tests.ledger.test_outside import beside  # noqa: F401

SETTING = "0@10.0.0.1:3000,10.0.0.2:3000"


class Clocked(Cluster):
    """A stand-in that goes by a clock."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        super().__init__()

    @property
    def now_ns(self) -> int:
        return self.clock.now_us() * 1000

    @now_ns.setter
    def now_ns(self, _: int) -> None:
        pass


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """A file: the kind of store makes no difference to what is asked of a cluster."""
    return f"sqlite:///{tmp_path / 'puhui.sqlite'}"


@pytest.fixture(autouse=True)
def cluster(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Clocked:
    """A cluster that stays while nodes come and go."""
    cluster = Clocked(clock)

    def connected(setting: str) -> TigerBeetleEngine:
        assert setting == SETTING
        cluster.is_open = True
        return TigerBeetleEngine(lambda: cluster)

    def reopen(url: str, home: Path, clock: FixedClock) -> Node:
        return open_node(
            home, store_url=url, clock=clock, keys=KEYS, ledger=f"tigerbeetle:{SETTING}"
        )

    monkeypatch.setattr(TigerBeetleEngine, "connected", connected)
    monkeypatch.setattr(outside, "reopen", reopen)
    return cluster


def test_it_is_the_cluster_that_was_asked(beside: Node, cluster: Clocked) -> None:  # noqa: F811
    assert wire.CREATE_ACCOUNTS in {operation for operation, _ in cluster.requests}
    assert cluster.ledger.state.account_count >= 3


def test_imported_history_is_refused(beside: Node) -> None:  # noqa: F811
    """Holds of acts are newer than any history: the cluster could not take it after the commit."""
    with pytest.raises(Refused) as refused:
        outside.create_transfers(
            beside, outside.pay(1, FUND, ALICE, 1, Transfer.IMPORTED, time_us=5)
        )
    assert refused.value.code == "ledger.not_outside"
