"""The server as a process of its own, started on a free port and always ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_S_MAX = 60.0
END_S_MAX = 40.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


class Served:
    """A running server."""

    def __init__(
        self, process: subprocess.Popen[str], port: int, trusted: ssl.SSLContext | None = None
    ) -> None:
        self.process = process
        self.port = port
        self.trusted = trusted

    def ask(
        self, method: str, path: str, given: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers and content."""
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            if self.trusted is None
            else http.client.HTTPSConnection(
                "localhost", self.port, timeout=20, context=self.trusted
            )
        )
        try:
            body = None if given is None else json.dumps(given)
            shown = {"content-type": "application/json"} if body else {}
            connection.request(method, path, body, {**shown, **(headers or {})})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, str]:
        """GET: status and text."""
        status, _, content = self.ask("GET", path)
        return status, content.decode()

    def is_ready(self) -> bool:
        """Whether the server answers that it may be asked."""
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Signal the process and wait: exit code, stdout, stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=END_S_MAX)
        return self.process.returncode, out, err


def begin(home: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Start ``puhui`` with arguments on a home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PUHUI_")}
    return subprocess.Popen(
        [sys.executable, "-m", "puhui", *arguments],
        env={**kept, "PUHUI_HOME": str(home), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(
    home: Path, *arguments: str, trusted: ssl.SSLContext | None = None, **settings: str
) -> Iterator[Served]:
    """A server on a home, ready to be asked."""
    port = free_port()
    process = begin(home, "serve", "--port", str(port), *arguments, **settings)
    running = Served(process, port, trusted)
    try:
        deadline = time.monotonic() + START_S_MAX
        while not running.is_ready():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.05)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
