"""A PostgreSQL server of one test's own, that may be stopped hard and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.pair import Server

STOP_S_MAX = 20.0
START_S_MAX = 60.0
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
fsync = on
synchronous_commit = on
max_connections = 60
recovery_init_sync_method = syncfs
"""
"""Syncing a thousand files one by one before each recovery would take longer than the tests."""


class OwnServer(Server):
    """Starts from the wheel in ``folder``; ``crash`` is an immediate shutdown, as by power cut."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 5432)
        self.data = folder / "data"
        if folder.exists():
            folder.rmdir()
        self.prepare_folder()
        self.run(
            "initdb", "-A", "trust", "-E", "utf8", "-U", "postgres", "--no-sync",
            "-D", str(self.data),
        )  # fmt: skip
        self.configure(SETTINGS, f"unix_socket_directories = '{folder}'")
        self.start()

    @property
    def url(self) -> str:
        """The address of its first database."""
        return self.url_of("postgres")

    def crash(self) -> None:
        """Stop at once, without a checkpoint; wait until the process is gone."""
        self._stop_by(signal.SIGQUIT)

    def end(self) -> None:
        """Stop in good order, all of it on disk; wait until the process is gone."""
        self._stop_by(signal.SIGINT)

    def _stop_by(self, told: signal.Signals) -> None:
        pid = self.pid
        os.kill(pid, told)
        until = time.monotonic() + STOP_S_MAX
        while time.monotonic() < until:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.01)
        raise AssertionError("the server did not stop")

    def start_with(self, **environment: str) -> None:
        """Start again in an environment with these words too."""
        with _environment(environment):
            self.start()

    def wait(self) -> None:
        """Wait until it answers, while it recovers by itself."""
        until = time.monotonic() + START_S_MAX
        while time.monotonic() < until:
            try:
                return psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def remove(self) -> None:
        """Stop for good, and leave nothing behind."""
        with contextlib.suppress(FileNotFoundError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def _environment(words: dict[str, Any]) -> Iterator[None]:
    """The words stand in this process's environment while the block runs."""
    kept = {name: os.environ.get(name) for name in words}
    os.environ.update(words)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
