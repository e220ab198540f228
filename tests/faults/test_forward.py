"""Accepted while the store is off: queued on disk, done once afterwards, in order.

Goal: what was answered "queued" is done exactly once when the store is back, whatever happened to
the process or the end of the file; nothing is accepted that the disk has not. Method: a server that
is stopped, a process that is killed while it queues, and files that are cut and changed.
"""

from __future__ import annotations

import itertools
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from puhui.kernel import Actor, Fault, Node, Refused
from puhui.kernel.forward import Answer, Forwarder, State
from puhui.kernel.forward.log import MAGIC, QueueLog
from puhui.kernel.store.journal import read_journal
from tests.faults.conftest import Child
from tests.faults.load import open_at
from tests.faults.sample import CLERK, Sample, numbers_of, sample_use_cases
from tests.faults.server import OwnServer

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("forward")]
NAMES = ("fault.add", "fault.once")


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A server that these tests stop and start."""
    own = OwnServer(Path(tempfile.mkdtemp(prefix="puhui-forward-")))
    yield own
    own.remove()


@pytest.fixture
def url(server: OwnServer, request: pytest.FixtureRequest) -> str:
    """A fresh database on it."""
    name = f"own_{abs(hash(request.node.name)) % 10**9}"
    server.execute(f"CREATE DATABASE {name}")
    return server.url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def node(url: str, tmp_path: Path, samples: None) -> Iterator[Node]:
    """A node there."""
    opened = open_at(url, str(tmp_path))
    yield opened
    opened.close()


def keys_of(node: Node) -> list[str]:
    """The keys of the journal in order."""
    node.store.settle_positions()
    return [row.key for row in read_journal(node.store)]


def ask(forwarder: Forwarder, key: str, number: int = 1, **more: str) -> Answer:
    """One act."""
    return forwarder.act("fault.add", Sample(number, **more), key=key, actor=CLERK)


def test_an_outage_is_queued_through_and_drained_in_order(
    server: OwnServer, node: Node, tmp_path: Path
) -> None:
    forwarder = Forwarder(node, tmp_path / "queue", use_cases=NAMES)
    first = ask(forwarder, "a")
    assert (first.state, first.outcome.number) == (State.POSTED, 1)
    server.crash()
    for number in range(20):
        answer = ask(forwarder, f"b{number:02d}", number)
        assert (answer.state, answer.outcome) == (State.QUEUED, None)
    assert ask(forwarder, "b03", 3).state == State.QUEUED, "the same again is the same"
    assert ask(forwarder, "b03", 4).code == "kernel.key_reused"
    assert ask(forwarder, "c", mode="refuse").state == State.QUEUED, "judged when it is done"
    assert ask(forwarder, "a").state == State.QUEUED, "done already, which nobody can tell now"
    assert forwarder.waiting == 22
    assert forwarder.state_of("b07") == State.QUEUED
    assert forwarder.drain().left == 22
    server.start()
    assert ask(forwarder, "d").state == State.QUEUED, "behind those that wait"
    told: list[Answer] = []
    drained = forwarder.drain(tell=told.append)
    assert (drained.posted, drained.left) == (22, 0)
    assert [(one.key, one.code) for one in drained.refused] == [("c", "fault.no")]
    assert [one.key for one in told] == [*(f"b{n:02d}" for n in range(20)), "c", "a", "d"]
    assert keys_of(node) == ["a", *(f"b{n:02d}" for n in range(20)), "c", "d"]
    with node.read() as tx:
        assert numbers_of(tx) == sorted([1, 1, *range(20)])
    assert (forwarder.state_of("c"), forwarder.state_of("x")) == (State.REFUSED, None)
    assert (tmp_path / "queue" / "queue").read_bytes() == MAGIC, "its room is given back"
    assert ask(forwarder, "e").state == State.POSTED
    assert ask(forwarder, "f", mode="refuse").code == "fault.no"
    forwarder.close()


def test_a_node_opened_anew_goes_on_where_the_last_one_ended(
    server: OwnServer, node: Node, tmp_path: Path
) -> None:
    forwarder = Forwarder(node, tmp_path / "queue", use_cases=NAMES)
    server.crash()
    for number in range(6):
        ask(forwarder, f"a{number}", number)
    server.start()
    assert forwarder.drain(count_max=2).left == 4
    forwarder.close()
    (tmp_path / "queue" / "done").unlink()  # then what was done is asked for again, and answered
    again = Forwarder(node, tmp_path / "queue", use_cases=NAMES)
    assert again.waiting == 6
    with pytest.raises(Refused, match=r"^kernel\.queue_in_use"):
        Forwarder(node, tmp_path / "queue", use_cases=NAMES)
    assert (again.drain().posted, again.waiting) == (6, 0)
    assert keys_of(node) == [f"a{number}" for number in range(6)]
    again.close()


def test_what_may_not_be_queued_is_refused(server: OwnServer, node: Node, tmp_path: Path) -> None:
    forwarder = Forwarder(node, tmp_path / "queue", use_cases=NAMES, bytes_max=3000)
    with pytest.raises(Refused, match=r"^kernel\.not_queueable"):
        forwarder.act("fault.count", Sample(1), key="a", actor=CLERK)
    server.crash()
    nobody = Actor("nobody", frozenset())
    assert forwarder.act("fault.add", Sample(1), key="a", actor=nobody).code == (
        "kernel.role_missing"
    )
    assert forwarder.act("fault.add", {"number": "x"}, key="a", actor=CLERK).code == (
        "kernel.bad_input"
    )
    with pytest.raises(Refused, match=r"^kernel\.queue_full"):
        for number in range(50):
            ask(forwarder, f"a{number}")
    count = forwarder.waiting
    assert 2 < count < 20
    server.start()
    assert forwarder.drain().posted == count
    forwarder.close()


def queue_until_killed(url: str, home: str, told: Connection, folder: str) -> None:
    """Eight threads queue without end; each answer is told before the next act."""
    node = open_at(url, home)
    lock = threading.Lock()
    with sample_use_cases():
        forwarder = Forwarder(node, Path(folder), use_cases=NAMES)
        told.send_bytes(b"open")
        told.recv_bytes()

        def work(thread: int) -> None:
            for number in itertools.count():
                answer = ask(forwarder, f"{thread}-{number}")
                with lock:
                    told.send_bytes(f"{answer.state} {answer.key}".encode())

        for n in range(8):
            threading.Thread(target=work, args=(n,), daemon=True).start()
        time.sleep(60)


def test_a_process_killed_while_it_queues_loses_nothing_it_answered(
    server: OwnServer, node: Node, url: str, tmp_path: Path, start: Callable[..., Child]
) -> None:
    folder = tmp_path / "queue"
    child = start(queue_until_killed, url, str(tmp_path), args=(str(folder),))
    assert child.hear() == "open"
    server.crash()
    child.told.send_bytes(b"go")
    told = child.hear_until(300) + child.kill()
    queued = {line.split(" ")[1] for line in told}
    assert {line.split(" ")[0] for line in told} == {"queued"}
    server.start()
    forwarder = Forwarder(node, folder, use_cases=NAMES)
    assert queued and forwarder.waiting >= len(queued)
    drained = forwarder.drain()
    keys = keys_of(node)
    assert queued <= set(keys), "an accepted act was lost"
    assert len(keys) == len(set(keys)) == drained.posted
    with node.read() as tx:
        assert len(numbers_of(tx)) == len(keys)
    for thread in range(8):
        mine = [int(key.split("-")[1]) for key in keys if key.startswith(f"{thread}-")]
        assert mine == list(range(len(mine))), "in the order of their acceptance"
    forwarder.close()


def filled(folder: Path, count: int = 5) -> list[int]:
    """A queue of some frames; where each ends."""
    log = QueueLog(folder, bytes_max=10**6)
    ends = []
    for number in range(1, count + 1):
        log.add(b"x" * (10 * number), log.next_number())
        log.sync()
        ends.append(log.size_bytes)
    log.close()
    return ends


def read(folder: Path) -> list[int]:
    """The numbers of the frames that wait."""
    log = QueueLog(folder, bytes_max=10**6)
    try:
        return [number for number, _ in log.frames()]
    finally:
        log.close()


def test_an_unfinished_tail_is_cut_off_and_damage_before_it_is_told(tmp_path: Path) -> None:
    """Every cut of the last frame, and a flipped bit in every byte of an earlier one."""
    ends = filled(tmp_path)
    file = tmp_path / "queue"
    whole = file.read_bytes()
    for cut in range(ends[3], ends[4]):
        file.write_bytes(whole[:cut])
        assert read(tmp_path) == [1, 2, 3, 4]
        assert file.stat().st_size == ends[3]
    for place in range(ends[3], ends[4]):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read(tmp_path) == [1, 2, 3, 4]
    for place in range(ends[1] + 4, ends[2]):  # the length itself is tried below
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Fault) as caught:
            read(tmp_path)
        assert caught.value.code == "kernel.queue_damaged"
    file.write_bytes(b"something else" * 20)
    with pytest.raises(Fault) as caught:
        read(tmp_path)
    assert caught.value.code == "kernel.queue_damaged"


def test_a_damaged_length_loses_no_frame_silently(tmp_path: Path) -> None:
    ends = filled(tmp_path)
    file = tmp_path / "queue"
    whole = bytearray(file.read_bytes())
    whole[ends[1]] ^= 1
    file.write_bytes(bytes(whole))
    with pytest.raises(Fault) as caught:
        read(tmp_path)
    assert caught.value.code == "kernel.queue_damaged"


def test_a_full_disk_accepts_nothing_and_harms_nothing(tmp_path: Path) -> None:
    """A process may write files of at most 4 kB: the frame that does not fit leaves no trace."""
    log = QueueLog(tmp_path, bytes_max=10**9)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(Fault) as caught:
            for _ in range(100):
                log.add(b"x" * 100, log.next_number())
                log.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "kernel.disk_full"
    count = len(log)
    assert 30 < count < 40
    log.add(b"y", log.next_number())
    log.sync()
    log.close()
    assert len(read(tmp_path)) == count + 1


def test_after_a_failed_sync_the_queue_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a failed fsync left on the disk nobody knows: it is never tried again."""
    log = QueueLog(tmp_path, bytes_max=10**6)

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fdatasync", fail)
    log.add(b"x", 1)
    with pytest.raises(Fault) as caught:
        log.sync()
    monkeypatch.undo()
    for attempt in (log.sync, lambda: log.add(b"y", 2)):
        with pytest.raises(Fault) as again:
            attempt()
        assert again.value.code == caught.value.code == "kernel.queue_failed"
    log.close()
