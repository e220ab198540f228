"""A node of an older release: told apart from one that is silent, by its own signed word."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from puhui.exchange import KnownPeers
from puhui.exchange.engines.peer import HttpPeer
from puhui.exchange.formats.http_signature import sign_answer, signed_of
from puhui.exchange.nouns.peer import PAYEES_FROM, SPEAKS, Peer
from puhui.exchange.window import payees, reach_peers
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from tests.party.people import register_person

THEIRS = Keys(b"2" * 32)
NOT_FOUND = {"code": "api.not_found", "detail": "There is no such address."}


class Older(http.server.BaseHTTPRequestHandler):
    """Signs its standing as the first release did, and knows no question about payees."""

    standing: dict[str, object] | None = None
    """What it tells with its standing; None: it does not sign."""
    status = 404

    def do_GET(self) -> None:
        """One answer, signed only where the release knew the address."""
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path.endswith("/standing"):
            told = {"peer_id": "peer-1", "draws": [], "now_us": 1}
            self._tell(200, told | (self.standing or {}))
        else:
            self._tell(self.status, NOT_FOUND)

    def _tell(self, status: int, told: dict[str, object]) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        asked = signed_of({name.lower(): value for name, value in self.headers.items()})
        if status == 200 and self.standing is not None and asked is not None:
            headers = sign_answer(THEIRS, status=status, body=content, asked=asked, created_s=1)
            for name, value in headers.items():
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def older() -> Iterator[http.server.ThreadingHTTPServer]:
    """A node of an older release on a free port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Older)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def ask(node: Node, server: http.server.ThreadingHTTPServer) -> str:
    """The code that asking about a payee there is refused with."""
    peer = Peer("there", f"http://127.0.0.1:{server.server_port}", THEIRS.public_key)
    node.ports[KnownPeers] = KnownPeers({"there": HttpPeer(node, peer)})
    asked = payees.AskPayee(register_person(node, 1), "there", "party:somebody")
    with pytest.raises(Refused) as refused:
        payees.ask_there(node, asked)
    return refused.value.code


@pytest.mark.parametrize(
    "standing, status, code",
    [
        ({}, 404, "peer_older"),
        ({"draw_keys": [], "speaks": PAYEES_FROM - 1}, 404, "peer_older"),
        ({"speaks": PAYEES_FROM}, 404, "peer_silent"),
        (None, 404, "peer_silent"),
        ({}, 503, "peer_silent"),
        ({}, 405, "peer_silent"),
    ],
)
def test_an_older_node_is_told_apart_by_its_own_word(
    sqlite_node: Node,
    clock: FixedClock,
    older: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    standing: dict[str, object] | None,
    status: int,
    code: str,
) -> None:
    """That it lacks the address anybody can say; that it is older, its signature alone."""
    monkeypatch.setattr(Older, "standing", standing)
    monkeypatch.setattr(Older, "status", status)
    assert ask(sqlite_node, older) == f"exchange.{code}"
    paths = [path.split("/")[3] for path in older.asked]  # type: ignore[attr-defined]
    assert paths == (["payees", "standing"] if status == 404 else ["payees"])


def test_the_list_of_peers_says_who_is_older(
    sqlite_node: Node, older: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reached all the same, as its banks can be paid; one of this release is not called older."""
    monkeypatch.setattr(Older, "standing", {"draws": ["one"]})
    ask(sqlite_node, older)
    (reach,) = reach_peers(sqlite_node)
    assert (reach.answer, reach.draws, reach.speaks) == ("reached", ("one",), 0)
    assert reach.is_older
    monkeypatch.setattr(Older, "standing", {"speaks": SPEAKS, "words_of_later_releases": 1})
    (reach,) = reach_peers(sqlite_node)
    assert (reach.answer, reach.is_older) == ("reached", False)
