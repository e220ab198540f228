"""The real engine ``log`` on a disk that fails, killed and flipped; and ``sql`` on a failed sync.

Goal: acknowledged is there with its balances, unacknowledged whole or not at all, the same id says
``exists``, and a failed sync ends the process. Method: ``engines`` works under a preloaded library
that fails on purpose, or is killed; another process opens, sums up and asks again.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from puhui.kernel import Fault
from puhui.ledger.arrays.record import pack_accounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.engines.log.file import segment_path
from puhui.ledger.engines.log.recovery import numbers_in
from tests.faults import batching, engines
from tests.faults.bad_disk import BadDisk
from tests.faults.conftest import Child
from tests.faults.engines import ACCOUNTS, SIZE, START_NS, batch_of, check, opened
from tests.faults.load import operator
from tests.faults.outside import open_beside
from tests.ledger.books import sums_of
from tests.ledger.chain import flip

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280), pytest.mark.xdist_group("bad_disk")]
KILLS = 100
STOPPED = 70
"""What a process ends with whose log can no longer be written."""
ENDED = 86
"""What the shim ends a process with."""

Run = Callable[..., tuple[int, int, str]]


def on_disk(
    bad_disk: BadDisk, function: str, *arguments: object, **disk: object
) -> tuple[int, int, str]:
    """A process on a failing disk: its exit code, the last number that it told, its error."""
    done = bad_disk.run(function, *arguments, **disk)
    told = [int(line) for line in done.out.split()]
    assert told == sorted(told), done.out
    return done.code, max(told, default=0), done.error


@pytest.fixture
def run(bad_disk: BadDisk) -> Run:
    """Run ``engines`` on a failing disk."""

    def started(
        way: str, folder: Path, first: int, count: int, **disk: object
    ) -> tuple[int, int, str]:
        return on_disk(bad_disk, f"engines:{way}", folder, first, count, **disk)

    return started


@pytest.mark.parametrize("sync", (14, 25))
def test_a_sync_that_fails_stops_a_node(run: Run, tmp_path: Path, sync: int) -> None:
    """The process ends with 70; what was answered is there, and its ids say ``exists``."""
    code, told, error = run("acts", tmp_path, 1, 200, file="/ledger/segment-", sync=sync)
    assert code == STOPPED, error
    assert "Input/output error" in error
    assert "The process stops" in error
    node = open_beside(f"sqlite:///{tmp_path / 'puhui.sqlite'}", str(tmp_path))
    moved = sums_of(node, [engines.PAID])
    batches = told + 1 if moved and moved[0][3] > _into(told) else told
    assert (moved[0][3] if moved else 0) == _into(batches)
    for number in range(1, batches + 1):
        again = CreateTransfers(batch_of(number)[:SIZE])
        done = node.act("ledger.create_transfers", again, key=f"x {number}", actor=operator())
        assert set(done.statuses) == {"exists"}, number
    node.close()
    if batches:
        more = run("acts", tmp_path, batches + 1, 3)
        assert more[:2] == (0, batches + 3), more


def _into(batches: int) -> int:
    return sum(SIZE * (2 + number % 7) for number in range(1, batches + 1))


@pytest.mark.parametrize("sync", (4, 20, 41))
def test_a_sync_that_fails_stops_the_engine(run: Run, tmp_path: Path, sync: int) -> None:
    code, told, error = run("batches", tmp_path, 1, 200, file=".log", sync=sync)
    assert (code, "Input/output error" in error) == (STOPPED, True), error
    last = check(tmp_path, told)
    assert run("batches", tmp_path, last + 1, 3)[:2] == (0, last + 3)
    assert check(tmp_path, last + 3) == last + 3


@pytest.mark.parametrize("write", (2, 9, 33))
def test_a_write_that_is_torn(run: Run, tmp_path: Path, write: int) -> None:
    """The process ends within a write: that batch is gone, whatever half of it is there."""
    assert run("batches", tmp_path, 1, 3)[0] == 0
    code, told, error = run("batches", tmp_path, 4, 60, file=".log", torn=write)
    assert code == ENDED, error
    last = check(tmp_path, max(told, 3))
    assert run("batches", tmp_path, last + 1, 3)[:2] == (0, last + 3)
    check(tmp_path, last + 3)


@pytest.mark.parametrize("call", (1, 4))
def test_a_disk_that_is_full(run: Run, tmp_path: Path, call: int) -> None:
    """No room for the next segment: the engine stops when it needs it, and goes on with room."""
    assert run("batches", tmp_path, 1, 1)[0] == 0
    code, told, error = run("batches", tmp_path, 2, 300, file=".log.new", full=call)
    assert (code, "No space left" in error) == (STOPPED, True), error
    last = check(tmp_path, told)
    assert run("batches", tmp_path, last + 1, 40)[:2] == (0, last + 40)
    check(tmp_path, last + 40)


@pytest.mark.timeout(580)
def test_the_engine_is_killed_a_hundred_times(tmp_path: Path, start: Callable[..., Child]) -> None:
    dice = random.Random(53)
    with opened(tmp_path) as engine:
        engine.create_accounts(pack_accounts(ACCOUNTS), START_NS)
    told = ahead = 0
    for kill in range(KILLS):
        child = start(engines.create_until_killed, args=(str(tmp_path), told + 1))
        heard = []
        if kill % 10 != 9:  # each tenth is killed while it opens
            assert child.hear() == "open"
            heard = child.hear_until(dice.randrange(1, 9))
        heard += [word for word in child.kill() if word != "open"]
        told = max([told, *map(int, heard)])
        if kill % 33 == 32:
            last = check(tmp_path, told)
            ahead += last > told
            told = last
    assert check(tmp_path, told) >= told > 2 * KILLS


def test_flipped_bits_are_cut_at_the_end_and_refused_before_it(tmp_path: Path) -> None:
    """Of the last frame the tail is cut, with its money; an older frame is named, never skipped."""
    folder = tmp_path / "log"
    with opened(folder) as engine:
        engine.create_accounts(pack_accounts(ACCOUNTS), START_NS)
        for number in range(1, 31):
            engines.create(engine, number)
        place = engine._log.position_of(engine._log.last_sequence)
        engine._log._workshop.submit(int).result()
        shutil.copytree(folder, tmp_path / "crashed")  # open still, as a power cut leaves it
    numbers = numbers_in(tmp_path / "crashed").logs
    for offset in (1, 9, 20, 60, 100, 128 + 5, 128 + 700):
        cut = tmp_path / f"cut-{offset}"
        shutil.copytree(tmp_path / "crashed", cut)
        flip(segment_path(cut, place[0]), place[1] + offset)
        assert check(cut, 29) == 29, offset
    for number in numbers[: numbers.index(place[0])]:
        for offset in (3, 128 + 30, 128 + 128 + 40):
            bad = tmp_path / f"bad-{number}-{offset}"
            shutil.copytree(tmp_path / "crashed", bad)
            flip(segment_path(bad, number), offset)
            with pytest.raises(Fault) as caught:
                opened(bad).close()
            assert caught.value.code == "ledger.log_damaged"
            assert f"segment {number}" in caught.value.reason.lower()


@pytest.mark.parametrize("sync", (12, 19, 40))
def test_a_sync_that_fails_under_batches_in_the_store(
    bad_disk: BadDisk, tmp_path: Path, sync: int
) -> None:
    """``sql`` on SQLite: the act is told as not durable, and what was answered is there whole."""
    assert bad_disk.run("batching:main", tmp_path, 0, 0).code == 0
    code, told, error = on_disk(
        bad_disk, "batching:work", tmp_path, 0, file="puhui.sqlite", sync=sync
    )
    assert code == 1, (told, error)
    assert "kernel." in error, error
    there = batching.check(str(tmp_path), told + 1 if told else 0)
    assert there <= told + 2
    node = batching.opened(str(tmp_path))
    for number in range(there, there + 2):
        batching.move(node, number)
    node.close()
    assert batching.check(str(tmp_path), there + 2) == there + 2
