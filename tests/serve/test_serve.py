"""The server as a process: one a store, it ends without loss, it leaves no orphan.

Goal: what an operator relies on when processes are started, stopped and killed.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from puhui.channel import Gate
from puhui.channel.engines.shown import ShownGateway
from puhui.kernel import Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.store.journal import count_acts, read_journal
from puhui.kernel.store.serving import serving
from puhui.node import open_node
from puhui.party.window import digest_of_token
from puhui.serve import build_site, serve
from puhui.serve.probe import Probes
from puhui.serve.run import check_port
from tests.conftest import KEYS
from tests.database import Postgres
from tests.lending.bank import resident_id
from tests.serve.program import Served, begin, free_port, served

PERSON = "/api/party/register_person"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a machine's key in its store."""
    folder = tmp_path_factory.mktemp("serve") / "home"
    node = open_node(folder)
    node.act(
        "party.create_api_key",
        {
            "name": "machine",
            "role": "operator",
            "scopes": ("party.register_person", "webhook.register", "webhook.list_events"),
            "rate_per_minute": 6000,
            "valid_until": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 10 * 86400)),
            "token_digest": digest_of_token("puhui_machine"),
        },
        key="key",
        actor=SYSTEM,
    )
    node.close()
    return folder


def register(server: Served, number: int, key: str) -> tuple[int, str]:
    """Register a webhook through the server, which is one act."""
    status, _, content = server.ask(
        "POST",
        "/api/webhook/register",
        {"url": f"https://partner.example.com/{number}", "events": ["lending.repaid"]},
        {"authorization": "Bearer puhui_machine", "idempotency-key": key},
    )
    return status, content.decode()


def test_it_serves_and_says_so(home: Path) -> None:
    """Pages, API, probes, figures; security headers on each; one line of JSON an act."""
    with served(home) as server:
        assert server.get("/healthz") == (200, "ok\n")
        assert server.get("/readyz") == (200, "ready\n")
        assert register(server, 1, "first")[0] == 200
        status, figures = server.get("/metrics")
        assert status == 200
        assert 'puhui_acts_total{name="webhook.register",refusal=""} 1.0' in figures
        assert 'puhui_act_seconds_count{name="webhook.register"} 1.0' in figures
        assert "process_resident_memory_bytes" in figures
        for path in ("/", "/healthz", "/api/key", "/api/nothing", "/nothing"):
            _, headers, _ = server.ask("GET", path)
            assert "default-src 'none'" in headers["content-security-policy"], path
            assert headers["x-content-type-options"] == "nosniff", path
        too_much = {"content-length": str(10_000_000)}
        assert server.ask("POST", "/login", None, too_much)[0] == 413
        assert server.ask("GET", "/", None, {"host": "evil.example:80"})[0] == 421
        assert server.ask("GET", "/", None, {"host": f"localhost:{server.port}"})[0] == 200
        code, out, err = server.end()
    assert code == 0
    assert f"Serving http://127.0.0.1:{server.port}" in out
    assert "begun is done" in out
    assert all(line.startswith("{") for line in err.splitlines()), err
    lines = [json.loads(line) for line in err.splitlines()]
    (act,) = (line for line in lines if line.get("act") == "webhook.register")
    assert set(act) == {"time", "level", "act", "key", "actor", "refusal", "ms"}
    assert act["actor"].startswith("key-")
    assert act["refusal"] is None


@pytest.mark.faults
def test_one_server_a_store(home: Path, tmp_path: Path) -> None:
    """A second one is refused and says by whom; a taken port is refused; a killed one is gone."""
    with served(home) as server:
        second = begin(home, "serve", "--port", str(free_port()))
        _, err = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"process {server.process.pid}" in err
        assert "kernel.already_served" in err
        third = begin(tmp_path, "serve", "--port", str(server.port))
        _, err = third.communicate(timeout=60)
        assert third.returncode == 2
        assert "serve.port_taken" in err
        assert server.is_ready()
        server.process.kill()
        server.process.communicate()
        children = [
            entry
            for entry in os.listdir("/proc")
            if entry.isdigit() and _home_of(entry) == str(home)
        ]
        assert children == [], "no orphan goes on"
        with socket.socket() as tried:
            assert tried.connect_ex(("127.0.0.1", server.port)) != 0
    with served(home) as again:
        assert again.is_ready()


def _home_of(process: str) -> str:
    """The home of a process, where it has one and may be looked at."""
    try:
        content = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return ""
    found = re.search(rb"(?:^|\0)PUHUI_HOME=([^\0]*)", content)
    return found.group(1).decode() if found else ""


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_everything_begun_is_done(home: Path, number: int) -> None:
    """Whoever got an answer finds it in the journal; nobody gets half of one."""
    answered: list[str] = []
    odd: list[int] = []
    with served(home) as server:
        stop = threading.Event()

        def press(name: int) -> None:
            for count in range(900):
                if stop.is_set():
                    return
                order = number * 10_000 + name * 1000 + count
                person = {
                    "name": f"测试{order}",
                    "id_number": resident_id(order),
                    "phone": f"138{order:08d}",
                }
                key = f"press {order}"
                headers = {"authorization": "Bearer puhui_machine", "idempotency-key": key}
                try:
                    status, _, _ = server.ask("POST", PERSON, person, headers)
                except (OSError, http.client.HTTPException):
                    return
                (answered if status == 200 else odd).append(key if status == 200 else status)

        callers = [threading.Thread(target=press, args=(name,)) for name in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(1.0)
        code, _, err = server.end(number)
        stop.set()
        for caller in callers:
            caller.join()
    assert code == 0, err
    assert len(answered) > 10
    assert odd == []
    node = open_node(home)
    keys = {row.key for row in read_journal(node.store)}
    node.close()
    assert {key for key in answered if not any(one.endswith(key) for one in keys)} == set()


@pytest.mark.faults
def test_a_sender_that_never_ends_does_not_hold_up_the_end(home: Path) -> None:
    """A connection left open and a body that never comes are cut off after some seconds."""
    with served(home) as server:
        idle = http.client.HTTPConnection("127.0.0.1", server.port)
        idle.request("GET", "/healthz")
        assert idle.getresponse().read() == b"ok\n"
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
            started = time.monotonic()
            code, _, _ = server.end()
        assert code == 0
        assert time.monotonic() - started < 20
        idle.close()


def test_a_body_comes_in_time_or_not_at_all(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends drop by drop is treated as gone."""
    monkeypatch.setattr("puhui.serve.site.BODY_S_MAX", 0.05)
    probes = Probes(sqlite_node)
    app = build_site(sqlite_node, Gate(sqlite_node, ShownGateway()), probes)
    told: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send(message: Any) -> None:
        told.append(message)

    for path in ("/login", "/api/webhook/register"):
        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"",
                 "client": ("192.0.2.1", 1), "root_path": "", "http_version": "1.1"}  # fmt: skip
        asyncio.run(app(scope, receive, send))
        assert told[0]["status"] == 400
        told.clear()
    probes.close()


@pytest.mark.faults
def test_acts_answered_before_a_kill_are_there(home: Path) -> None:
    """After kill -9 every act that was answered is found, and its key answers the same."""
    with served(home) as server:
        told = [register(server, number, f"kill {number}") for number in range(2, 6)]
        server.process.kill()
        server.process.communicate()
    assert [status for status, _ in told] == [200] * 4
    with served(home) as again:
        assert [register(again, number, f"kill {number}") for number in range(2, 6)] == told
    node = open_node(home)
    with node.read() as tx:
        acts, _ = count_acts(tx)
    node.close()
    assert acts >= 5


def test_it_serves_by_tls(home: Path, tmp_path: Path) -> None:
    """With a certificate of one's own: HSTS, a cookie bound to the host, and no plain answer."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(own, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    chain.write_bytes(certificate.public_bytes(pem))
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(own.private_bytes(pem, form, serialization.NoEncryption()))
    trusted = ssl.create_default_context(cafile=str(chain))
    with served(home, "--cert", str(chain), "--key", str(key), trusted=trusted) as server:
        status, headers, _ = server.ask("GET", "/")
        assert status == 200
        assert "max-age" in headers["strict-transport-security"]
        plain = Served(server.process, server.port)
        with pytest.raises((OSError, http.client.HTTPException)):
            plain.ask("GET", "/")
        code, out, _ = server.end()
    assert code == 0
    assert f"https://127.0.0.1:{server.port}" in out


@pytest.mark.faults
def test_it_serves_on_postgres(postgres: Postgres, tmp_path: Path) -> None:
    """The same on a database: pages, figures, one server; free again after kill -9."""
    with postgres.database() as url:
        node = open_node(tmp_path, store_url=url, keys=KEYS)
        node.close()
        settings = {
            "PUHUI_STORE": url,
            "PUHUI_MASTER_KEY": base64.b64encode(b"k" * 32).decode(),
        }
        with served(tmp_path, **settings) as server:
            assert server.get("/")[0] == 200
            assert "puhui_journal_position" in server.get("/metrics")[1]
            second = begin(tmp_path, "serve", "--port", str(free_port()), **settings)
            _, err = second.communicate(timeout=60)
            assert second.returncode == 2
            assert "kernel.already_served" in err
            server.process.kill()
            server.process.communicate()
        with served(tmp_path, **settings) as again:
            assert again.end()[0] == 0


def test_others_need_a_gateway(tmp_path: Path) -> None:
    """On an address that others reach, codes go by a gateway or nothing is served."""
    refused = begin(tmp_path, "serve", "--host", "0.0.0.0", "--port", str(free_port()))
    _, err = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "channel.no_gateway" in err


def test_locks_on_each_kind_of_store(node: Node) -> None:
    """SQLite by a file, PostgreSQL by the database; both are free again afterwards."""
    with (
        serving(node.store),
        pytest.raises(Refused, match=r"^kernel\.already_served"),
        serving(node.store),
    ):
        raise AssertionError("two servers")
    with serving(node.store):
        pass


def test_ports_are_tried_first() -> None:
    """A port that somebody listens on is refused in words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match=r"^serve\.port_taken"):
            check_port("127.0.0.1", taken.getsockname()[1])
    check_port("127.0.0.1", free_port())


def test_a_site_under_tls_says_so(sqlite_node: Node) -> None:
    """Strict transport under TLS alone; probes say when the server ends; too much is refused."""
    probes = Probes(sqlite_node)
    gate = Gate(sqlite_node, ShownGateway())
    for is_tls in (True, False):
        client = TestClient(build_site(sqlite_node, gate, probes, is_tls=is_tls))
        answer = client.get("/")
        assert answer.status_code == 200
        assert ("strict-transport-security" in answer.headers) is is_tls
        assert client.get("/readyz").status_code == 200
        assert client.post("/login", content=b"x" * 2_000_000).status_code == 413
    probes.is_stopping = True
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    probes.close()


def test_a_server_without_a_gateway_is_refused(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is locked or bound."""
    monkeypatch.delenv("PUHUI_SMS_URL", raising=False)
    with pytest.raises(Refused, match=r"^channel\.no_gateway"):
        serve(sqlite_node, host="0.0.0.0")
