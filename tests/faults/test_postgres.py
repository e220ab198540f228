"""PostgreSQL under faults: a server that is stopped at once, races, slow transactions.

Goal: what was answered survives the server, the node finds back to it by itself, and the order
of the journal is a serial order without gap. Method: a server of this test's own is sent an
immediate shutdown while acts run, and started again.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from puhui.kernel import Act, Fault, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.event import next_events
from puhui.kernel.store.journal import read_journal
from puhui.worker import deliver
from tests.faults.load import open_at
from tests.faults.sample import CLERK, Sample, SampleMade, numbers_of, taken_of
from tests.faults.server import OwnServer

pytestmark = [
    pytest.mark.faults,
    pytest.mark.usefixtures("samples"),
    pytest.mark.xdist_group("postgres"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """One server for these tests; its databases are not shared with any other."""
    own = OwnServer(Path(tempfile.mkdtemp(prefix="puhui-own-postgres-")))
    yield own
    own.remove()


@pytest.fixture
def open_node_there(
    server: OwnServer, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Node]]:
    """Opens nodes on a fresh database of the own server."""
    name = f"own_{abs(hash(request.node.name)) % 10**9}"
    server.execute(f"CREATE DATABASE {name}")
    url = server.url.replace("/postgres?", f"/{name}?")
    assert url != server.url
    opened: list[Node] = []

    def open_one() -> Node:
        opened.append(open_at(url, str(tmp_path)))
        return opened[-1]

    yield open_one
    for node in opened:
        node.close()


def positions(node: Node) -> list[str]:
    """Settle; the keys in the order of the journal, whose positions have no gap."""
    node.store.settle_positions()
    rows = list(read_journal(node.store))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    return [row.key for row in rows]


def run_threads(work: Callable[[int], None], count: int) -> list[threading.Thread]:
    """Start ``count`` threads."""
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_a_server_that_stops_at_once_loses_nothing_answered(
    server: OwnServer, open_node_there: Callable[..., Node]
) -> None:
    node = open_node_there()
    dice = random.Random(7)
    answered: set[str] = set()
    unanswered: set[str] = set()
    codes: set[str] = set()
    for crash in range(3):
        stop = threading.Event()

        def work(thread: int, crash: int = crash, stop: threading.Event = stop) -> None:
            for number in range(100_000):
                if stop.is_set():
                    return
                key = f"{crash}-{thread}-{number}"
                try:
                    node.act("fault.add", Sample(1), key=key, actor=CLERK)
                    answered.add(key)
                except Fault as fault:
                    unanswered.add(key)
                    codes.add(fault.code)
                    stop.wait(0.02)

        before = len(answered)
        threads = run_threads(work, 6)
        time.sleep(dice.uniform(0.2, 0.6))
        server.crash()
        time.sleep(0.2)
        server.start()
        until = time.monotonic() + 30
        reached = len(answered)
        while len(answered) < reached + 20 and time.monotonic() < until:
            time.sleep(0.02)
        stop.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a caller was left without an answer"
        assert len(answered) >= reached + 20 > before, "the node did not find back"
        found = set(positions(node))
        assert answered <= found
        assert found <= answered | unanswered
    assert codes <= {"kernel.store_unavailable", "kernel.not_durable"}, codes
    for key in sorted(unanswered)[:50]:
        node.act("fault.add", Sample(1), key=key, actor=CLERK)
    keys = positions(node)
    assert len(keys) == len(set(keys))
    with node.read() as tx:
        assert len(numbers_of(tx)) == len(keys), "each act took effect once"


def test_readers_find_back_and_see_snapshots_again(
    server: OwnServer, open_node_there: Callable[..., Node]
) -> None:
    node = open_node_there()
    node.act("fault.add", Sample(1), key="a", actor=CLERK)
    with node.read() as tx:
        assert numbers_of(tx) == [1]
    server.crash()
    for _ in range(2):
        with pytest.raises(Fault) as caught, node.read() as tx:
            numbers_of(tx)
        assert caught.value.code == "kernel.store_unavailable"
    with pytest.raises(Fault) as caught:
        node.store.settle_positions()
    assert caught.value.code == "kernel.store_unavailable"
    server.start()
    with node.read() as tx:
        assert numbers_of(tx) == [1]
        node.act("fault.add", Sample(2), key="b", actor=CLERK)
        assert numbers_of(tx) == [1], "still the snapshot it began with"
    with node.read() as tx:
        assert numbers_of(tx) == [1, 2]


def test_an_idle_node_does_not_tell_of_a_restart_it_slept_through(
    server: OwnServer, open_node_there: Callable[..., Node]
) -> None:
    """The connection was lost before anything was begun: the act is run on a new one."""
    node = open_node_there()
    for number in range(8):
        node.act("fault.add", Sample(number), key=f"a{number}", actor=CLERK)
    server.crash()
    server.start()
    for number in range(8):
        node.act("fault.add", Sample(number), key=f"b{number}", actor=CLERK)
    assert len(positions(node)) == 16


def test_one_lost_backend_is_replaced(
    server: OwnServer, open_node_there: Callable[..., Node]
) -> None:
    node = open_node_there()
    stop = threading.Event()
    answered: set[str] = set()
    heard: list[str] = []

    def work(thread: int) -> None:
        for number in range(100_000):
            if stop.is_set():
                return
            try:
                node.act("fault.add", Sample(1), key=f"{thread}-{number}", actor=CLERK)
                answered.add(f"{thread}-{number}")
            except Fault as fault:
                heard.append(fault.code)

    threads = run_threads(work, 4)
    for _ in range(10):
        time.sleep(0.05)
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert answered <= set(positions(node))
    assert set(heard) <= {"kernel.store_unavailable", "kernel.not_durable"}, heard


def test_a_database_that_takes_no_writes_is_told(
    server: OwnServer, open_node_there: Callable[..., Node]
) -> None:
    node = open_node_there()
    node.act("fault.add", Sample(1), key="a", actor=CLERK)
    name = node.store.url.partition("?")[0].rpartition("/")[2]
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    other = open_node_there()
    with pytest.raises(Fault) as caught:
        other.act("fault.add", Sample(2), key="b", actor=CLERK)
    assert caught.value.code == "kernel.read_only"
    server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    open_node_there().act("fault.add", Sample(2), key="b", actor=CLERK)
    assert positions(node) == ["a", "b"]


def test_positions_follow_conflicts_while_they_are_settled(node: Node) -> None:
    """Writers raise a few shared counters while another thread settles without pause."""
    stop = threading.Event()

    def settle() -> None:
        while not stop.is_set():
            node.store.settle_positions()

    def work(thread: int) -> None:
        dice = random.Random(thread)
        for number in range(60):
            counter = f"counter-{dice.randrange(3)}"
            sample = Sample(1, subject=counter)
            node.act("fault.count", sample, key=f"{thread}-{number}", actor=CLERK)

    settler = threading.Thread(target=settle, daemon=True)
    settler.start()
    for thread in run_threads(work, 8):
        thread.join(120)
    stop.set()
    settler.join(30)
    node.store.settle_positions()
    rows = list(read_journal(node.store))
    assert [row.position for row in rows] == list(range(1, 481))
    seen: dict[str, int] = {}
    for row in rows:
        made = USE_CASES["fault.count"].outcome_of(row.outcome)
        seen[made.id] = seen.get(made.id, 0) + 1
        assert made.number == seen[made.id], "the journal's order is a serial order"


def test_rivals_for_one_key_have_one_effect(node: Node) -> None:
    """Eight threads, each key asked for by all of them at once, and a place only one can have."""
    barrier = threading.Barrier(8)
    outcomes: dict[str, set[str]] = {}

    def work(thread: int) -> None:
        for number in range(25):
            barrier.wait(30)
            for key, ask in ((f"same-{number}", "same"), (f"mine-{thread}-{number}", "mine")):
                place = f"{ask}-{number}"
                try:
                    node.act("fault.once", Sample(1, subject=place), key=key, actor=CLERK)
                    heard = "taken by this key"
                except Refused as refused:
                    heard = refused.code
                outcomes.setdefault(place, set()).add(f"{key} {heard}")

    for thread in run_threads(work, 8):
        thread.join(120)
        assert not thread.is_alive()
    for number in range(25):
        assert outcomes[f"same-{number}"] == {f"same-{number} taken by this key"}
        won = [one for one in outcomes[f"mine-{number}"] if one.endswith("by this key")]
        assert len(won) == 1
        assert len(outcomes[f"mine-{number}"]) == 8


def test_the_cursor_does_not_pass_an_event_of_a_slow_transaction(node: Node) -> None:
    """An act that began first and ends last: its event is delivered all the same, and once."""
    if node.store.writers == 1:
        pytest.skip("one writer runs acts one after another: none can be overtaken")
    entered, go = threading.Event(), threading.Event()

    @use_case("fault.slow", roles=("clerk",))
    def slow(act: Act, input: Sample) -> SampleMade:
        """Emit an event, then dawdle before the end of the transaction."""
        act.emit("fault.added", "slow", {"number": input.number})
        numbers_of(act.tx)  # the transaction is under way, with its snapshot
        entered.set()
        assert go.wait(30)
        return SampleMade("slow", input.number)

    try:
        pending = node.submit("fault.slow", Sample(1000), key="slow", actor=CLERK)
        assert entered.wait(30)
        for number in range(20):
            node.act("fault.add", Sample(number), key=f"k{number}", actor=CLERK)
        deliver(node)
        assert [number for number, _, _ in taken_of(node)] == list(range(20))
        go.set()
        pending.result()
        deliver(node)
        deliver(node)
        taken = taken_of(node)
        assert [number for number, _, _ in taken] == [*range(20), 1000]
        assert {times for _, _, times in taken} == {1}
        with node.read() as tx:
            assert next_events(tx, "fault.take") == []
    finally:
        go.set()
        del USE_CASES["fault.slow"]


def test_a_transaction_held_open_by_its_number_holds_settling_up(postgres: Any) -> None:
    """Between taking its number and its commit an act is waited for, never overtaken."""
    from puhui.kernel.store.postgres import JOURNAL_LOCK, PostgresStore

    with postgres.database() as url:
        store = PostgresStore(url)
        with psycopg.connect(url) as holder:
            holder.execute(f"SELECT pg_advisory_xact_lock_shared({JOURNAL_LOCK})")
            settled = threading.Event()

            def settle() -> None:
                store.settle_positions()
                settled.set()

            thread = threading.Thread(target=settle, daemon=True)
            thread.start()
            assert not settled.wait(0.3)
            holder.rollback()
            assert settled.wait(20)
            thread.join(20)
        store.close()
