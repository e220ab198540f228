"""Two nodes served by processes of their own, with a wire between them that can kill either.

The first holds the payer and drives deals; it asks the second through the wire, which counts
requests. At one of them, before it is passed on or after it was answered, a node is killed.
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from puhui.api.caller import KEY_MARK
from puhui.exchange.window import open_legs
from puhui.kernel import Node
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import business_date
from puhui.node import open_node
from puhui.party.window import digest_of_token
from tests.exchange.scheme import Scheme, act, balance, top_up
from tests.party.people import register_person
from tests.serve.program import END_S_MAX, START_S_MAX, Served, begin, free_port

CNY, USD = 10_000, 1_400
SCOPES = ("exchange.start_deal", "exchange.read_deal")
TOKEN = f"{KEY_MARK}between"
WAIT_S_MAX = 90.0


class Wire:
    """Passes requests on to a port; ``before`` and ``after`` are told the number of each."""

    def __init__(self, port: int) -> None:
        self.to_port = port
        self.count = 0
        self.before: Callable[[int], None] = lambda number: None
        self.after: Callable[[int], None] = lambda number: None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(caller,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with caller:
            caller.settimeout(20)
            try:
                asked = read_message(caller)
                self.count += 1
                number = self.count
                self.before(number)
                with socket.create_connection(("127.0.0.1", self.to_port), timeout=20) as there:
                    there.sendall(asked)
                    answered = read_message(there)
                self.after(number)
                caller.sendall(answered)
            except OSError:
                return


def read_message(source: socket.socket) -> bytes:
    """One HTTP message with its body, as it came."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = source.recv(65_536)
        if not more:
            raise OSError("ended early")
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        more = source.recv(65_536)
        if not more:
            raise OSError("ended early")
        body += more
    return head + b"\r\n\r\n" + body


@dataclass
class Place:
    """One of the nodes: its home, its port, and its process while it runs."""

    home: Path
    port: int
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve, and wait until it is ready."""
        self.process = begin(
            self.home, "serve", "--port", str(self.port), PUHUI_PEERS="peers.toml", PUHUI_CORE="any"
        )
        running = Served(self.process, self.port)
        until = time.monotonic() + START_S_MAX
        while not running.is_ready():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until, "the server did not come up"
            time.sleep(0.05)

    def kill(self) -> None:
        """As by power cut."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate(timeout=END_S_MAX)
            self.process = None

    def ask(self, method: str, path: str, given: Any = None, key: str = "") -> Any:
        """What the API answers to the operator's machine."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"authorization": f"Bearer {TOKEN}", "idempotency-key": key or "none"}
            body = None if given is None else json.dumps(given)
            shown = {"content-type": "application/json"} if body else {}
            connection.request(method, path, body, {**headers, **shown})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            assert answer.status == 200, told
            return told
        finally:
            connection.close()


class Corridor:
    """Payer and provider on the first node, provider and payee on the second."""

    def __init__(self, folder: Path) -> None:
        self.first = Place(folder / "first", free_port())
        self.second = Place(folder / "second", free_port())
        self.wire = Wire(self.second.port)
        with at(self.first.home) as one, at(self.second.home) as two:
            self._fill(one, two)
        for place, own, other, port, key in (
            (self.first, "here", "there", self.wire.port, self.keys[1]),
            (self.second, "there", "here", self.first.port, self.keys[0]),
        ):
            text = (
                f'name = "{own}"\n[peer.{other}]\naddress = "http://127.0.0.1:{port}"\n'
                f'public_key = "{key}"\n'
            )
            (place.home / "peers.toml").write_text(text, "utf-8")

    def _fill(self, one: Node, two: Node) -> None:
        self.keys = one.keys.public_key, two.keys.public_key
        self.provider, self.other = Scheme(one), Scheme(two)
        self.payer, self.payee = register_person(one, 1), register_person(two, 2)
        top_up(one, self.payer, "CNY", 1_000 * CNY)
        self.peer_id = self.provider.register("There", "peer", self.keys[1])
        here = self.other.register("Here", "peer", self.keys[0])
        act(two, "allow_draw", {"peer_id": here, "participant_id": self.other.one.id})
        told = {
            "name": "operator's machine",
            "role": "operator",
            "scopes": SCOPES,
            "rate_per_minute": 6_000,
            "valid_until": business_date(one.clock.now_us()) + timedelta(days=30),
            "token_digest": digest_of_token(TOKEN),
        }
        one.act("party.create_api_key", told, key="machine", actor=SYSTEM)

    def start(self, key: str, *, first_s: int = 120, second_s: int = 60) -> str:
        """A deal whose target leg ends after ``second_s``; its id."""
        now_us = time.time_ns() // 1000
        source = {
            "peer": "here",
            "payer": f"party:{self.payer}",
            "payee": f"participant:{self.provider.one.id}",
            "currency": "CNY",
            "amount_minor": CNY,
            "expires_us": now_us + first_s * 1_000_000,
        }
        target = {
            "peer": "there",
            "payer": f"participant:{self.other.one.id}",
            "payee": f"party:{self.payee}",
            "currency": "USD",
            "amount_minor": USD,
            "expires_us": now_us + second_s * 1_000_000,
        }
        told = {"source": source, "target": target, "target_peer_id": self.peer_id}
        return str(self.first.ask("POST", "/api/exchange/start_deal", told, key)["deal_id"])

    def ended(self, deal_id: str) -> str:
        """What a deal came to, within a bounded wait."""
        return self.until(deal_id, "closed")

    def until(self, deal_id: str, begins: str) -> str:
        """The state of a deal once its name begins so, within a bounded wait."""
        until, state = time.monotonic() + WAIT_S_MAX, ""
        while time.monotonic() < until:
            state = str(self.first.ask("GET", f"/api/exchange/deals/{deal_id}")["state"])
            if state.startswith(begins):
                return state
            time.sleep(0.1)
        raise AssertionError(f"{deal_id} is still {state}")

    def money(self) -> tuple[int, int, int, int]:
        """What payer and payee have, and what the provider is owed and owes."""
        with at(self.first.home) as one, at(self.second.home) as two:
            self.provider.node, self.other.node = one, two
            with one.read() as tx:
                assert not open_legs(tx), "nothing is held once a deal has ended"
            with two.read() as tx:
                assert not open_legs(tx)
            return (
                balance(one, self.payer, "CNY"),
                balance(two, self.payee, "USD"),
                self.provider.position(self.provider.one.id, "CNY").position_minor,
                self.other.position(self.other.one.id, "USD").position_minor,
            )

    def close(self) -> None:
        """End everything that runs."""
        for place in (self.first, self.second):
            place.kill()
        self.wire.close()


@contextmanager
def at(home: Path) -> Iterator[Node]:
    """The node of a home, in this process; what it changes is durable when the block ends."""
    node = open_node(home, store_url=f"sqlite:///{home / 'puhui.sqlite'}")
    try:
        yield node
    finally:
        node.close()
