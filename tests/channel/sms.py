"""A message gateway on loopback, which takes messages as told and keeps them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Taken:
    """What the gateway was asked, and the statuses that it answers in turn, the last for ever."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.messages: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""


@contextmanager
def gateway(*statuses: int) -> Iterator[Taken]:
    """The gateway, for the block."""
    taken = Taken(list(statuses) or [200])

    class Post(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.bodies.append(body)
            taken.messages.append(json.loads(body))
            taken.headers.append({name.lower(): value for name, value in self.headers.items()})
            place = min(len(taken.messages), len(taken.statuses)) - 1
            self.send_response(taken.statuses[place])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_port}/send"
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
