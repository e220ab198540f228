"""What a peer's connection is worth: certificates checked, nothing unsigned believed, few tries."""

from __future__ import annotations

import datetime
import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from puhui.exchange import KnownPeers, open_peers
from puhui.exchange.engines.peer import HttpPeer
from puhui.exchange.nouns.leg import AbortLeg
from puhui.exchange.nouns.peer import Peer
from puhui.exchange.window import between, reach_peers
from puhui.kernel import Fault, Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys

KEY = Keys(b"2" * 32).public_key


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answers everything as a peer would, but without its signature."""

    status = 200

    def do_GET(self) -> None:
        """One answer."""
        content = b'{"code": "exchange.unknown_leg", "detail": "x", "peer_id": "", "draws": []}'
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(self.status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        """One answer."""
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of its own for a name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begun = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begun)
        .not_valid_after(begun + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    chain, secret = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, secret


@pytest.fixture
def impostor() -> Iterator[http.server.ThreadingHTTPServer]:
    """A server on a free port, without TLS unless a test adds it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    server.asked = 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def asked(server: http.server.ThreadingHTTPServer) -> int:
    """How often it was asked."""
    return int(server.asked)  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [200, 404, 422, 503])
def test_what_is_not_signed_is_silence(
    sqlite_node: Node,
    clock: FixedClock,
    impostor: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    """Whatever it says, no deal hears it; after three tries it is left alone, ever longer."""
    monkeypatch.setattr(Impostor, "status", status)
    peer = HttpPeer(sqlite_node, Peer("there", f"http://127.0.0.1:{impostor.server_port}", KEY))
    with pytest.raises(Fault, match="peer_silent"):
        peer.act("exchange.abort_leg", AbortLeg("deal-1-target"), key="deal-1-target abort")
    assert asked(impostor) == 3
    with pytest.raises(Fault, match="a moment ago"):
        peer.receipt("deal-1-target")
    assert asked(impostor) == 3, "it is left alone"
    clock.set_us(clock.now_us() + 1_000_000)
    with pytest.raises(Fault, match="without its signature"):
        peer.receipt("deal-1-target")
    clock.set_us(clock.now_us() + 1_000_000)
    with pytest.raises(Fault, match="a moment ago"):
        peer.receipt("deal-1-target")
    with pytest.raises(Fault, match=r"exchange\.unknown_leg"):
        peer.standing()
    assert asked(impostor) == 7, "whoever asks for its standing tries at once, and once"


class Dripping(http.server.BaseHTTPRequestHandler):
    """Begins an answer, and goes on byte by byte."""

    def do_GET(self) -> None:
        """An answer that grows for ten seconds, or until the other side has hung up."""
        pause = threading.Event()
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            for _ in range(200):
                pause.wait(0.05)
                self.wfile.write(b"x")
        except OSError:
            self.server.was_cut = True  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def test_who_answers_byte_by_byte_keeps_nobody(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read would wait anew: a whole try has an end, or all deals would wait for one peer."""
    brief = replace(between(), timeout_s=1, tries_max=1)
    monkeypatch.setattr("puhui.exchange.engines.peer.between", lambda: brief)
    server = http.server.HTTPServer(("127.0.0.1", 0), Dripping)
    server.was_cut = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    peer = HttpPeer(sqlite_node, Peer("there", f"http://127.0.0.1:{server.server_port}", KEY))
    with pytest.raises(Fault, match="peer_silent"):
        peer.receipt("deal-1-target")
    thread.join(30)
    server.server_close()
    assert server.was_cut  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "named, trusted, words",
    [
        ("localhost", "", "not trusted"),
        ("localhost", "localhost.pem", "without its signature"),
        ("elsewhere.example.com", "elsewhere.example.com.pem", "not trusted"),
        ("localhost", "none.pem", "cannot be trusted"),
    ],
)
def test_a_certificate_is_checked_also_on_this_machine(
    sqlite_node: Node,
    impostor: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    trusted: str,
    words: str,
) -> None:
    """One that nobody vouches for, one that the file vouches for, one for another name."""
    chain, secret = certificate(sqlite_node.home, named)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, secret)
    impostor.socket = tls.wrap_socket(impostor.socket, server_side=True)
    told = f'address = "https://localhost:{impostor.server_port}"\npublic_key = "{KEY}"\n'
    trust = f'trust = "{trusted}"\n' if trusted else ""
    text = f'name = "here"\n[peer.there]\n{told}{trust}'
    (sqlite_node.home / "peers.toml").write_text(text, "utf-8")
    monkeypatch.setenv("PUHUI_PEERS", "peers.toml")
    open_peers(sqlite_node)
    assert isinstance(sqlite_node.ports[KnownPeers], KnownPeers)
    (reach,) = reach_peers(sqlite_node)
    assert words in reach.answer, reach.answer
