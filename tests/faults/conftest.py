"""Processes and servers that a test starts, and that are gone when it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from tests.faults.bad_disk import BadDisk
from tests.faults.load import KEYS, open_at
from tests.faults.sample import sample_use_cases
from tests.lending.bank import Bank, open_bank

START_S_MAX = 60.0


class Child:
    """A process of this test and the pipe it tells its answers by."""

    def __init__(self, process: BaseProcess, told: Connection) -> None:
        self.process = process
        self.told = told

    def hear(self, wait_s: float = START_S_MAX) -> str:
        """The next thing it tells, within a bounded wait."""
        assert self.told.poll(wait_s), "the child told nothing"
        return self.told.recv_bytes().decode()

    def hear_for(self, seconds: float) -> list[str]:
        """All it tells in this time, or until it ends."""
        heard, until = [], time.monotonic() + seconds
        with contextlib.suppress(EOFError, ConnectionResetError):
            while (left := until - time.monotonic()) > 0:
                if self.told.poll(left):
                    heard.append(self.told.recv_bytes().decode())
        return heard

    def hear_until(self, count: int, wait_s: float = START_S_MAX) -> list[str]:
        """The next ``count`` things it tells, or fewer when it ends or the wait is over."""
        heard, until = [], time.monotonic() + wait_s
        with contextlib.suppress(EOFError, ConnectionResetError):
            while len(heard) < count and self.told.poll(max(0.0, until - time.monotonic())):
                heard.append(self.told.recv_bytes().decode())
        return heard

    def hear_all(self, wait_s: float = START_S_MAX) -> list[str]:
        """All it tells until it ends, within a bounded wait."""
        heard = self.hear_for(wait_s)
        self.process.join(5)
        assert self.process.exitcode is not None, "the child did not end"
        return heard

    def kill(self) -> list[str]:
        """End it at once, as a power cut would; what it had told by then."""
        self.process.kill()
        return self.hear_all()


@pytest.fixture
def start() -> Iterator[Callable[..., Child]]:
    """Starts processes by fork from one that has loaded all rooms; all are gone at the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.load"])
    children: list[Child] = []

    def start_one(target: Callable[..., None], *before: object, args: tuple[object, ...]) -> Child:
        ours, theirs = context.Pipe(duplex=True)
        process = context.Process(target=target, args=(*before, theirs, *args), daemon=True)
        process.start()
        theirs.close()
        children.append(Child(process, ours))
        return children[-1]

    yield start_one
    for child in children:
        if child.process.is_alive():
            child.process.kill()
        child.process.join(10)
        child.told.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes a disk fail on purpose, compiled; skips where no compiler is."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a failing disk needs a C compiler (cc)")
    source = Path(__file__).with_name("shim.c")
    built = tmp_path_factory.mktemp("shim") / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", str(built), str(source)]
    subprocess.run([*command, "-ldl"], check=True, timeout=120)
    return built


@pytest.fixture(scope="session")
def bad_disk(shim: Path) -> Iterator[BadDisk]:
    """Runs functions of the tests on a disk that fails, each in a process of its own."""
    made = BadDisk(shim)
    yield made
    made.close()


@pytest.fixture
def samples() -> Iterator[None]:
    """The use cases of ``sample`` are there during the test."""
    with sample_use_cases():
        yield


class Site:
    """A bank whose node is opened anew after each fault."""

    def __init__(self, url: str, home: Path, operator: Actor) -> None:
        self.url = url
        self.home = home
        node = self.open()
        bank = open_bank(node, operator, home)
        self.facts = (url, str(home), bank.model_digest, bank.mapping_digest)
        node.close()

    def open(self) -> Node:
        """The node as it is found now."""
        return open_at(self.url, str(self.home))


@pytest.fixture
def site(store_url: str, tmp_path: Path, operator: Actor) -> Site:
    """A bank on each kind of store in turn, its node not open."""
    return Site(store_url, tmp_path, operator)


@pytest.fixture
def sqlite_site(tmp_path: Path, operator: Actor) -> Site:
    """A bank on SQLite, its node not open."""
    return Site(f"sqlite:///{tmp_path / 'puhui.sqlite'}", tmp_path, operator)


__all__ = ["KEYS", "Bank"]
