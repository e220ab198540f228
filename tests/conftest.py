"""Nodes to test on: a SQLite file and a real PostgreSQL server, both thrown away afterwards."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.crypto import Keys
from puhui.node import load_rooms, open_node
from tests.database import Postgres, started

MONDAY = "2026-03-02T09:00:00+08:00"
"""When tests begin: a Monday on which banks in China are open."""

LONG = (
    "tests/web/test_axe.py", "tests/faults/test_ledger_kill.py", "tests/faults/test_between.py",
    "tests/score/test_model_export.py", "tests/api/test_schema.py",
    "tests/faults/test_engine_disk.py",
)  # fmt: skip
"""What takes minutes begins first, so that no worker is left alone with it at the end."""

ALL_FAULTS = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.faults\b", re.MULTILINE)
"""How a file says that all its tests are of faults."""

KEYS = Keys(b"k" * 32)
"""The keys of every node that a test opens, unless it says otherwise."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, else leave the order as it is."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread what a run by marker can select nothing of; None: as ever.

    To import every test takes longer than many a suite; a marker is named in the file it marks.
    """
    wanted = config.option.markexpr
    if not wanted or not collection_path.name.startswith("test_"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    if wanted in ("faults", "spark"):
        return f"mark.{wanted}" not in text or None
    is_left_out = wanted.startswith("not faults") and ALL_FAULTS.search(text)
    return bool(is_left_out) or None


def pytest_configure() -> None:
    """What tests and servers leave lying about goes to one folder, which is gone at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix="pt-")
    Path(folder).chmod(0o755)  # a server of PostgreSQL gives up the rights of root
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=-1000)  # after all others


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server named by ``PUHUI_TEST_POSTGRES``, else one started from its wheel."""
    with started(KEYS, fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied: to make them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    open_node(folder, store_url=f"sqlite:///{folder / 'puhui.sqlite'}", keys=KEYS).close()
    return folder / "puhui.sqlite"


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at ``MONDAY`` until a test moves it."""
    return FixedClock(time_us_of(datetime.fromisoformat(MONDAY)))


@pytest.fixture(scope="session")
def operator() -> Actor:
    """Somebody who holds every role that any use case asks for."""
    load_rooms()
    return Actor("tester", frozenset().union(*(case.roles for case in USE_CASES.values())))


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, empty_sqlite: Path) -> Iterator[str]:
    """The URL of an empty store, on each kind of store in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(empty_sqlite, tmp_path)}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture
def open_at(tmp_path: Path, clock: FixedClock) -> Iterator[Callable[..., Node]]:
    """Opens nodes that are closed, and their books checked, when the test ends."""
    opened: list[Node] = []

    def open_one(url: str, *, writers: int = 4, keys: Keys | None = None) -> Node:
        node = open_node(tmp_path, store_url=url, clock=clock, keys=keys or KEYS, writers=writers)
        opened.append(node)
        return node

    yield open_one
    for node in opened:
        check_books(node)
        node.close()


@pytest.fixture
def node(store_url: str, open_at: Callable[..., Node]) -> Node:
    """A node on each kind of store in turn."""
    return open_at(store_url)


@pytest.fixture
def sqlite_node(tmp_path: Path, empty_sqlite: Path, open_at: Callable[..., Node]) -> Node:
    """A node on SQLite, for tests that the store makes no difference to."""
    return open_at(f"sqlite:///{shutil.copy(empty_sqlite, tmp_path)}")


@pytest.fixture
def node_beside(tmp_path: Path, clock: FixedClock) -> Iterator[Node]:
    """A node whose ledger is a log beside an SQLite store; its books are checked at the end."""
    url = f"sqlite:///{tmp_path / 'beside.sqlite'}"
    node = open_node(tmp_path, store_url=url, clock=clock, keys=KEYS, ledger="log")
    yield node
    check_books(node)
    node.close()


def check_books(node: Node) -> None:
    """After every test: debits equal credits, and contracts equal the ledger."""
    for room in ("ledger", "lending"):
        with contextlib.suppress(ModuleNotFoundError):
            check = importlib.import_module(f"tests.{room}.books")
            check.check_books(node)


def public_data(*parts: str) -> Path:
    """A file of the reference data; the test is skipped, saying so, where there is none."""
    folder = os.environ.get("PUHUI_DATA")
    if not folder:
        pytest.skip("PUHUI_DATA is not set: no reference data here")
    path = Path(folder).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not among the reference data")
    return path


@pytest.fixture
def reference_data() -> Callable[..., Path]:
    """The finder of reference files."""
    return public_data
