"""A primary is lost and its standby takes over: nothing answered is lost, and the old one is mute.

Goal: recovery point nought for what was answered, recovery within ten seconds, and no word taken
from a server that was superseded. Method: two real servers with synchronous replication; kill -9 of
all processes of the primary under load, promotion by ``promote``, and the old one started again.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from puhui.kernel import Fault, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.store.fence import Epoch
from puhui.kernel.store.promotion import promote
from puhui.migrations import HEAD, migrate
from puhui.node import open_node
from tests.faults.load import KEYS, MONDAY_US
from tests.faults.pair import Pair
from tests.faults.sample import CLERK, Sample, numbers_of
from tests.faults.test_postgres import positions, run_threads

pytestmark = [
    pytest.mark.faults,
    pytest.mark.usefixtures("samples"),
    pytest.mark.xdist_group("failover"),
]

RTO_S_MAX = 10.0
PASSING = {"kernel.store_unavailable", "kernel.not_durable", "kernel.store_busy"}


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A primary with an empty database ``bank``, and its standby."""
    servers = Pair()
    try:
        servers.primary.execute("CREATE DATABASE bank")
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def open_there(pair: Pair, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Opens nodes on the pair, or on the server named."""
    opened: list[Node] = []

    def open_one(url: str = "", home: str = "home", writers: int = 4) -> Node:
        node = open_node(
            tmp_path / home,
            store_url=url or pair.url_of("bank"),
            keys=KEYS,
            clock=FixedClock(MONDAY_US),
            writers=writers,
        )
        opened.append(node)
        return node

    yield open_one
    for node in opened:
        node.close()


class Load:
    """Threads that act without pause, and what each was answered."""

    def __init__(self, node: Node, name: str, threads: int = 6) -> None:
        self.node = node
        self.name = name
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()
        self.codes: set[str] = set()
        self.last_s = 0.0
        self._stop = threading.Event()
        self._threads = run_threads(self._work, threads)

    def _work(self, thread: int) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            key = f"{self.name}-{thread}-{number}"
            try:
                self.node.act("fault.add", Sample(1), key=key, actor=CLERK)
                self.answered.add(key)
                self.last_s = time.monotonic()
            except Fault as fault:
                self.unanswered.add(key)
                self.codes.add(fault.code)
                self._stop.wait(0.02)

    def wait_for(self, more: int, seconds: float = 60.0) -> None:
        """Wait until ``more`` further acts were answered."""
        goal, until = len(self.answered) + more, time.monotonic() + seconds
        while len(self.answered) < goal:
            assert time.monotonic() < until, (len(self.answered), self.codes)
            time.sleep(0.005)

    def stop(self) -> None:
        """Let every thread end; none is left without an answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller was left without an answer"


def test_a_killed_primary_loses_nothing_and_is_followed_within_seconds(
    pair: Pair, open_there: Callable[..., Node], record_property: Callable[[str, object], None]
) -> None:
    node = open_there()
    load = Load(node, "a")
    load.wait_for(200)
    killed_s = time.monotonic()
    pair.primary.kill()
    assert promote(pair.url_of("bank"), is_alone=True) == Epoch(2, 2)
    load.wait_for(1)
    rto_s = load.last_s - killed_s
    record_property("rto_s", round(rto_s, 2))
    load.wait_for(100)
    load.stop()
    assert rto_s < RTO_S_MAX
    assert load.codes <= PASSING, load.codes
    found = positions(node)
    assert load.answered <= set(found), "an answered act was lost"
    assert set(found) <= load.answered | load.unanswered
    for key in sorted(load.unanswered):
        node.act("fault.add", Sample(1), key=key, actor=CLERK)
    found = positions(node)
    assert set(found) == load.answered | load.unanswered
    with node.read() as tx:
        assert len(numbers_of(tx)) == len(found), "each act took effect once"


def test_the_old_primary_comes_back_and_nothing_it_says_is_taken(
    pair: Pair, open_there: Callable[..., Node]
) -> None:
    old, new = pair.one, pair.two
    node = open_there()
    late = open_there(old.url_of("bank"), "late", 1)  # knows the first server only
    node.act("fault.add", Sample(1), key="a", actor=CLERK)
    late.act("fault.add", Sample(1), key="b", actor=CLERK)
    old.kill()
    promote(new.url_of("bank"), is_alone=True)
    node.act("fault.add", Sample(2), key="c", actor=CLERK)
    old.start()

    with pytest.raises(Fault) as caught:  # met the new server before: told at the first look
        open_there(old.url_of("bank"))
    assert caught.value.code == "kernel.fenced"
    both = open_there()  # the old one is asked first, and passed over
    both.act("fault.add", Sample(3), key="d", actor=CLERK)
    with node.read() as tx:
        assert numbers_of(tx) == [1, 1, 2, 3]

    with pytest.raises(Fault) as caught:  # never met it: its commit waits for a standby for ever
        late.store._line.address.wait_s_max = 1  # type: ignore[attr-defined]
        late.act("fault.add", Sample(9), key="x", actor=CLERK)
    assert caught.value.code == "kernel.not_durable"
    with pytest.raises(Fault):  # nor is it found there and answered as if it were safe
        late.act("fault.add", Sample(9), key="x", actor=CLERK)
    old.kill()
    old.start()
    assert old.execute("SELECT count(*) FROM journal WHERE key = 'x'", database="bank") == [(1,)]
    with pytest.raises(Fault) as caught:
        late.act("fault.add", Sample(9), key="x", actor=CLERK)
    assert caught.value.code == "kernel.not_durable"
    assert set(positions(node)) == {"a", "b", "c", "d"}


def test_a_wait_for_the_standby_that_is_cut_short_is_no_answer(
    pair: Pair, open_there: Callable[..., Node]
) -> None:
    """An operator who cancels the wait makes the server commit with a warning: not ours."""
    node = open_there(pair.one.url_of("bank"), writers=1)
    node.act("fault.add", Sample(1), key="a", actor=CLERK)
    pair.standby.kill()
    heard: list[str] = []

    def ask() -> None:
        try:
            node.act("fault.add", Sample(2), key="b", actor=CLERK)
            heard.append("answered")
        except Fault as fault:
            heard.append(fault.code)

    thread = run_threads(lambda _: ask(), 1)[0]
    sql = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    for _ in range(3):  # the act itself, then its repetitions, each held by the standby
        until = time.monotonic() + 20
        while pair.one.execute(sql) == [(0,)]:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert not heard
    pair.standby.start()
    thread.join(60)
    assert heard == ["answered"]
    row = pair.standby.execute("SELECT count(*) FROM journal WHERE key = 'b'", database="bank")
    assert row == [(1,)], "answered once the standby had it"


def test_a_primary_that_hangs_is_given_up(pair: Pair, open_there: Callable[..., Node]) -> None:
    """No process of it dies and no connection breaks; a bounded wait ends every act."""
    node = open_there()
    load = Load(node, "a")
    load.wait_for(50)
    stopped = pair.primary.freeze()
    try:
        frozen_s = time.monotonic()
        with psycopg.connect(pair.two.url_of("bank"), autocommit=True) as connection:
            assert connection.execute("SELECT pg_promote(true, 30)").fetchone() == (True,)
        load.wait_for(20)
        waited_s = load.last_s - frozen_s
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    load.wait_for(20)
    load.stop()
    assert waited_s < 30
    assert load.codes <= PASSING, load.codes
    rows = pair.two.execute("SELECT key FROM journal", database="bank")
    assert load.answered <= {key for (key,) in rows}
    assert pair.two.execute("SELECT number, timeline FROM store_epoch", database="bank") == [(2, 2)]


def test_an_epoch_raised_on_the_spot_stops_the_nodes_opened_before(
    pair: Pair, open_there: Callable[..., Node]
) -> None:
    before = open_there()
    before.act("fault.add", Sample(1), key="a", actor=CLERK)
    assert promote(pair.one.url_of("bank")) == Epoch(1, 2)
    for key in ("b", "a"):
        with pytest.raises(Fault) as caught:
            before.act("fault.add", Sample(2), key=key, actor=CLERK)
        assert caught.value.code == "kernel.fenced"
    after = open_there()
    after.act("fault.add", Sample(3), key="c", actor=CLERK)
    assert positions(after) == ["a", "c"]


def test_a_promotion_by_other_means_raises_the_epoch_once(
    pair: Pair, open_there: Callable[..., Node], tmp_path: Path
) -> None:
    """Whatever promotes the standby, the nodes that come over see that it happened."""
    nodes = [open_there(home=name) for name in ("one", "two")]
    for number, node in enumerate(nodes):
        node.act("fault.add", Sample(number), key=f"a{number}", actor=CLERK)
    pair.primary.kill()
    pair.standby.run("pg_ctl", "-w", "-D", str(pair.standby.folder / "data"), "promote")
    loads = [Load(node, name) for node, name in zip(nodes, "xy", strict=True)]
    for load in loads:
        load.wait_for(20)
    for load in loads:
        load.stop()
    sql = "SELECT number, timeline FROM store_epoch"
    assert pair.standby.execute(sql, database="bank") == [(2, 2)]
    known = json.loads((tmp_path / "one" / "store-epoch.json").read_text())
    assert list(known.values()) == [[2, 2]]


def test_a_rewound_server_is_a_standby_again_and_may_take_over_back(
    pair: Pair, open_there: Callable[..., Node]
) -> None:
    node = open_there()
    load = Load(node, "a")
    load.wait_for(50)
    pair.primary.kill()
    promote(pair.url_of("bank"), is_alone=True)
    pair.promoted()
    load.wait_for(50)
    pair.copy(pair.primary, pair.standby)
    pair.hold_to_standby()
    load.wait_for(50)
    pair.primary.kill()
    assert promote(pair.url_of("bank"), is_alone=True) == Epoch(3, 3)
    load.wait_for(50)
    load.stop()
    assert load.answered <= set(positions(node))


def test_refusals_of_promotion(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^kernel\.has_primary"):
        promote(pair.url_of("bank"))
    with pytest.raises(Refused, match=r"^kernel\.not_replicated"):
        promote(f"sqlite:///{tmp_path}/puhui.sqlite")
    pair.one.kill()
    pair.two.kill()
    with pytest.raises(Fault) as caught:
        promote(pair.url_of("bank"))
    assert caught.value.code == "kernel.store_unavailable"


def test_a_store_of_several_servers_is_migrated_by_its_address(pair: Pair) -> None:
    assert migrate(pair.url_of("bank")) == ""
    assert migrate(pair.url_of("bank")) == HEAD


def test_a_damaged_memory_of_epochs_is_told(pair: Pair, open_there: Callable[..., Node]) -> None:
    node = open_there()
    path = node.home / "store-epoch.json"
    assert json.loads(path.read_text()) != {}
    path.write_text("{", "ascii")
    with pytest.raises(Fault) as caught:
        open_there()
    assert caught.value.code == "kernel.epoch_damaged"
