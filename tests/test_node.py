"""The core that a process keeps to: its own, the one asked for, or none in particular."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from puhui import node
from puhui.kernel import Refused
from puhui.node import take_core

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system knows no cores to keep to"
)


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No core is asked for; afterwards this thread may run where it might before."""
    monkeypatch.delenv("PUHUI_CORE", raising=False)
    held: list[int] = []
    monkeypatch.setattr(node, "_CORES_HELD", held)
    allowed = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, allowed)
    for lock in held:
        os.close(lock)
    assert os.sched_getaffinity(0) == allowed


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """A machine with the cores 2 and 5; what this thread may run on, the last entry now."""
    may: list[set[int]] = [{2, 5}]
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: may[-1])
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: may.append(set(cores)))
    return may


def hold(home: Path, *cores: int) -> list[int]:
    """Hold cores as other processes of this home would; the lock files."""
    home.mkdir(exist_ok=True)
    locks = []
    for core in cores:
        locks.append(os.open(home / f"core-{core}.lock", os.O_RDWR | os.O_CREAT, 0o600))
        fcntl.flock(locks[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    return locks


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, cores: list[set[int]]) -> Iterator[list[set[int]]]:
    """The machine of ``cores``, put away before ``as_before`` looks at the real one."""
    yield cores
    monkeypatch.undo()


def test_the_real_thread_stays_on_the_core_it_took(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    taken = take_core(tmp_path)
    if len(allowed) < 2:
        assert taken is None
        return
    assert taken in allowed
    assert os.sched_getaffinity(0) == {taken}
    assert take_core(tmp_path) is None, "there is no choice any more"


@pytest.mark.parametrize("core", ["2", "5"])
def test_the_core_that_is_asked_for(
    machine: list[set[int]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, core: str
) -> None:
    monkeypatch.setenv("PUHUI_CORE", core)
    locks = hold(tmp_path, int(core))
    assert take_core(tmp_path) == int(core), "whoever names it gets it"
    assert machine[-1] == {int(core)}
    os.close(locks[0])


def test_any_core_is_no_core(
    machine: list[set[int]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUHUI_CORE", "any")
    assert take_core(tmp_path / "home") is None
    assert machine == [{2, 5}]
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("bad", ["3", "-2", "2,5", " 2", "two", "\u00b2", "9" * 5000, "ANY"])
def test_what_is_no_core_is_refused(
    machine: list[set[int]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bad: str
) -> None:
    monkeypatch.setenv("PUHUI_CORE", bad)
    with pytest.raises(Refused) as caught:
        take_core(tmp_path)
    assert caught.value.code == "kernel.no_core"
    assert len(caught.value.reason) < 100
    assert machine == [{2, 5}]


def test_a_core_that_another_process_has_is_left_to_it(
    machine: list[set[int]], tmp_path: Path
) -> None:
    for core, other in ((2, 5), (5, 2)):
        (lock,) = hold(tmp_path / str(core), core)
        assert take_core(tmp_path / str(core)) == other
        assert machine.pop() == {other}
        os.close(lock)


def test_where_all_are_taken_nothing_is_done(machine: list[set[int]], tmp_path: Path) -> None:
    locks = hold(tmp_path, 2, 5)
    assert take_core(tmp_path) is None
    assert machine == [{2, 5}]
    assert node._CORES_HELD == []
    for lock in locks:
        os.close(lock)
    assert take_core(tmp_path) in {2, 5}


def test_a_machine_with_one_core_has_no_choice(machine: list[set[int]], tmp_path: Path) -> None:
    machine.append({5})
    assert take_core(tmp_path / "home") is None
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_written_to_is_told_of_by_others(
    machine: list[set[int]], tmp_path: Path
) -> None:
    """A core is a matter of speed: without one everything works as well."""
    (tmp_path / "file").write_text("no folder", "ascii")
    for home in (tmp_path / "file", tmp_path / "file" / "home", Path("/proc/none/home")):
        assert take_core(home) is None
    assert machine == [{2, 5}]
