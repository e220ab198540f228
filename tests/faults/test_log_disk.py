"""A disk that fails under the log: no answer is lost, and nothing goes on as if it had not.

Goal: after a failed sync, a torn write, a full disk or a power cut, all frames that were told as
durable are found, and the log opens without help. Method: a process appends under a preloaded
library that fails on purpose; what it told is compared with what its folder then holds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.bad_disk import BadDisk
from tests.faults.framing import FAILED, check

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280), pytest.mark.xdist_group("bad_disk")]
POWER_CUTS = 60
ENDED = 86
"""What the shim ends a process with."""

Run = Callable[..., tuple[int, int, str]]


@pytest.fixture
def run(bad_disk: BadDisk) -> Run:
    """Run the appending process on a failing disk: exit code, last sequence told, its error."""

    def on_disk(folder: Path, count: int, group: int, **disk: object) -> tuple[int, int, str]:
        done = bad_disk.run("framing:append_groups", folder, count, group, **disk)
        told = [int(line) for line in done.out.split()]
        assert told == sorted(told), done.out
        return done.code, max(told, default=0), done.error

    return on_disk


@pytest.mark.parametrize("sync", (2, 30))
def test_a_sync_that_fails_ends_the_log(run: Run, tmp_path: Path, sync: int) -> None:
    """All who wait and all who come later hear of it; nobody tries again."""
    code, told, error = run(tmp_path, 600, 1, file=".log", sync=sync)
    assert (code, "Input/output error" in error) == (FAILED, True), error
    last = check(tmp_path, told)
    assert told <= last <= told + 1
    assert run(tmp_path, 5, 3)[:2] == (0, last + 15)
    check(tmp_path, last + 15)


@pytest.mark.parametrize("write", (1, 12))
def test_a_write_that_is_cut_in_half(run: Run, tmp_path: Path, write: int) -> None:
    """The process ends within a write: its group is cut, whole or behind its first half."""
    assert run(tmp_path, 3, 1)[0] == 0
    code, told, error = run(tmp_path, 40, 5, file=".log", torn=write)
    assert code == ENDED, error
    last = check(tmp_path, max(told, 3))
    assert last < max(told, 3) + 5


def test_writes_that_come_up_short(run: Run, tmp_path: Path) -> None:
    """The rest is written behind; nobody notices."""
    assert run(tmp_path, 30, 4, file=".log", short=100)[:2] == (0, 120)
    assert check(tmp_path, 120) == 120


@pytest.mark.parametrize("call", (1, 5))
def test_a_disk_that_is_full(run: Run, tmp_path: Path, call: int) -> None:
    """No room for the next segment: the log stops when it needs it, and goes on with room."""
    assert run(tmp_path, 1, 1)[0] == 0
    code, told, error = run(tmp_path, 300, 1, file=".log.new", full=call)
    assert (code, "No space left" in error) == (FAILED, True), error
    last = check(tmp_path, told)
    assert last == told
    assert not list(tmp_path.glob("*.new"))
    assert run(tmp_path, 40, 1)[:2] == (0, last + 40)
    check(tmp_path, last + 40)


def test_power_cuts(bad_disk: BadDisk, tmp_path: Path) -> None:
    """Of what was not synced, any blocks may be missing; what was told is there each time."""
    done = bad_disk.run("framing:cut_power", tmp_path, 0, POWER_CUTS)
    assert done.code == 0, done.error
    rounds = [tuple(map(int, line.split())) for line in done.out.splitlines()]
    assert len(rounds) == POWER_CUTS
    assert {code for _, code, _, _ in rounds} == {ENDED}
    assert rounds[-1][3] > 5 * POWER_CUTS
    # Not all was lost that could be: some frames were on disk that nobody was told of.
    assert any(last > told for _, _, told, last in rounds)
