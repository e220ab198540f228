"""Pages per second: the decision of an application, logged in, from one real server process.

`python bench/pages.py [--quick] [--json]`. A settled county, a trained model and a refused
application stand in a SQLite store; `puhui serve` (granian, one process) answers. The load comes
from a second process: asyncio over raw sockets, 16 connections kept alive, each asking anew as soon
as it was answered, every answer read whole and checked. Decisions through the API are those of
`lending.decide` on open applications: a score, guards and a durable commit each.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from puhui import demo  # noqa: E402
from puhui.api import KEY_MARK  # noqa: E402
from puhui.kernel import Actor, Node  # noqa: E402
from puhui.kernel.clock import SystemClock, business_date  # noqa: E402
from puhui.kernel.crypto import Keys  # noqa: E402
from puhui.node import open_node  # noqa: E402
from puhui.party.window import digest_of_token  # noqa: E402
from puhui.score import study  # noqa: E402
from tests.web.browser import Browser  # noqa: E402
from tests.web.every_page import prepare  # noqa: E402
from tests.web.town import SEED, SIZE, Town, settle, static_text, town_of  # noqa: E402

MASTER = b"b" * 32
CONNECTIONS = 16
RATE = 6000
SYSTEM = Actor("bench", frozenset({"system", "administrator", "operator"}))
Request = tuple[bytes, ...]


async def _one(
    host: str, port: int, asked: Sequence[bytes], until: float, spans: list[float]
) -> None:
    """One connection: ask, read the whole answer, ask again."""
    reader, writer = await asyncio.open_connection(host, port)
    for content in asked:
        start = time.perf_counter()
        if start >= until:
            break
        writer.write(content)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length is not None, head
        body = await reader.readexactly(int(length.group(1)))
        assert head.startswith(b"HTTP/1.1 200"), head + body[:500]
        spans.append(time.perf_counter() - start)
    writer.close()


def _load(port: int, asked: list[list[bytes]], seconds: float, told: Any) -> None:
    """The process that asks; ``asked`` holds what each connection sends."""
    spans: list[float] = []

    async def run() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_one("127.0.0.1", port, one, until, spans) for one in asked))

    start = time.perf_counter()
    asyncio.run(run())
    told.put((spans, time.perf_counter() - start))


def load(port: int, asked: list[list[bytes]], seconds: float) -> tuple[float, float]:
    """Answers per second, and the 99th percentile of the wait in milliseconds."""
    told: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_load, args=(port, asked, seconds, told))
    process.start()
    spans, took = told.get(timeout=seconds + 60)
    process.join()
    return len(spans) / took, statistics.quantiles(spans, n=100)[98] * 1000


def get(path: str, token: str) -> bytes:
    """A request for a page of somebody who is logged in."""
    return (f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: puhui={token}\r\n\r\n").encode()


def post(path: str, told: dict[str, str], bearer: str) -> bytes:
    """A request to the API, with a key of its own."""
    body = json.dumps(told)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {secrets.token_hex(12)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def open_applications(node: Node, town: Town, count: int) -> list[str]:
    """Applications that wait for a decision, made by acts under way together."""
    county = demo.seed_county(node, size=SIZE, seed=SEED)
    phone = town.newcomer.phone
    spared = {one.party_id for one in county.merchants if one.merchant.owner.phone == phone}
    found = demo.applications(node, county)
    rows = [one for one in found if one.row and one.party_id not in spared]
    mapping = study.read_mapping("merchant_310")
    pending = []
    for place in range(count):
        one = rows[place % len(rows)]
        told = {
            "party_id": one.party_id, "product": "merchant_310", "wanted_minor": 1_000_000,
            "mapping": mapping.digest, "row": dict(one.row), "fields": one.fields,
            "channel": "bench", "source_id": str(place),
        }  # fmt: skip
        pending.append(node.submit("lending.apply", told, key=f"bench-apply-{place}", actor=SYSTEM))
    return [one.result().application_id for one in pending]


def api_keys(node: Node, count: int) -> list[str]:
    """Keys that may decide; each is held to its own rate."""
    tokens = [f"{KEY_MARK}{secrets.token_urlsafe(32)}" for _ in range(count)]
    until = business_date(node.clock.now_us()) + timedelta(days=30)
    for token in tokens:
        digest = digest_of_token(token)
        told = {
            "name": "bench", "role": "operator", "scopes": ("lending.decide",),
            "rate_per_minute": RATE, "valid_until": until, "token_digest": digest,
        }  # fmt: skip
        node.act("party.create_api_key", told, key=f"key-{digest}", actor=SYSTEM)
    return tokens


def first_loads(town: Town) -> dict[str, int]:
    """Bytes of each page with everything it loads, uncompressed."""
    shared = sum(len(static_text(name).encode()) for name in ("style.css", "script.js"))
    return {
        f"{who} {path}": len(person.open(path).text.encode()) + shared
        for who, (person, paths) in prepare(town).items()
        for path in paths
    }


def serving(home: Path) -> tuple[subprocess.Popen[str], int]:
    """A server of its own process on the store, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        **os.environ,
        "PUHUI_HOME": str(home),
        "PUHUI_MASTER_KEY": base64.b64encode(MASTER).decode(),
    }
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "puhui", "serve", "--port", str(port)],
            env=settings, stdout=log, stderr=log, text=True,
        )  # fmt: skip
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    raise RuntimeError((home / "serve.log").read_text())


def first_page_to_money(town: Town, port: int) -> float:
    """Seconds from the first page to money in the wallet, for a hand that needs no time.

    Every page and form of the way over HTTP, logging in and registering included, one by one.
    """
    browser = Browser(None, address=f"http://127.0.0.1:{port}")
    start = time.perf_counter()
    browser.open("/")
    browser.register(town.newcomer.phone, town.newcomer.name, town.newcomer.id_number)
    paid = town.lend(browser)
    took = time.perf_counter() - start
    assert "done=paid" in paid.url, paid.text
    return took


def cpu_s(process: subprocess.Popen[str]) -> float:
    """CPU seconds that a process has taken, where the system tells; else not a number."""
    try:
        told = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def measure(home: Path, *, quick: bool, say: Callable[[str], None]) -> dict[str, float | int]:
    """Every figure, on one store."""
    seconds, decisions = (3.0, 300) if quick else (10.0, 3000)
    url = f"sqlite:///{home / 'puhui.sqlite'}"
    node = open_node(home, store_url=url, keys=Keys(MASTER))
    town = town_of(node, SystemClock(), settle(node))  # type: ignore[arg-type]
    weights = first_loads(town)
    heaviest = max(weights, key=lambda one: weights[one])
    browser = town.browser()
    browser.log_in(town.bad.phone)
    decision = next(one for one in browser.open("/me").links if one.startswith("/application/"))
    token = str(browser.client.cookies["puhui"])
    waiting = open_applications(node, town, decisions)
    keys = api_keys(node, CONNECTIONS)
    node.close()
    process, port = serving(home)
    try:
        to_money_s = first_page_to_money(town, port)
        say(f"the whole way     {to_money_s:.2f} s from the first page to money, all by HTTP")
        page = [[get(decision, token)] * 100_000] * CONNECTIONS
        load(port, page, 1.0)
        before = cpu_s(process)
        pages_per_s, p99_ms = load(port, page, seconds)
        cpu_ms = (cpu_s(process) - before) / (pages_per_s * seconds) * 1000
        say(f"decision page     {pages_per_s:,.0f} a second, p99 {p99_ms:.1f} ms, 16 connections")
        say(f"                  {cpu_ms:.2f} ms of the server's CPU each")
        path = "/api/lending/decide"
        parts = [
            [post(path, {"application_id": one}, keys[at]) for one in waiting[at::CONNECTIONS]]
            for at in range(CONNECTIONS)
        ]
        api_per_s, api_p99_ms = load(port, parts, 120.0)
        say(f"API decisions     {api_per_s:,.0f} a second, p99 {api_p99_ms:.1f} ms, durable")
    finally:
        process.terminate()
        process.wait(30)
    say(f"heaviest page     {weights[heaviest]:,} bytes with style and script: {heaviest}")
    return {
        "first_page_to_money_s": round(to_money_s, 3),
        "pages_per_s": round(pages_per_s, 1),
        "p99_ms": round(p99_ms, 2),
        "page_cpu_ms": round(cpu_ms, 3),
        "max_first_load_bytes": weights[heaviest],
        "api_decisions_per_s": round(api_per_s, 1),
        "api_p99_ms": round(api_p99_ms, 2),
    }


def main() -> None:
    """Measure and print; the last line is JSON when asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, under twenty seconds")
    parser.add_argument("--json", action="store_true", help="end with one flat JSON object")
    given = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)

    with tempfile.TemporaryDirectory(prefix="puhui-bench-") as folder:
        figures = measure(Path(folder), quick=given.quick, say=say)
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
