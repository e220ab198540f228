"""The site: one ASGI application of pages, API and probes, with what holds for all of them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from puhui import web
from puhui.api import build_api
from puhui.channel import Gate
from puhui.channel.window import SECURITY_HEADERS, TLS_HEADERS
from puhui.kernel import Node
from puhui.serve.probe import Probes

BODY_BYTES_MAX = 1024 * 1024
BODY_S_MAX = 20.0
NEAR_HOSTS = frozenset((b"127.0.0.1", b"localhost", b"::1"))
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def build_site(
    node: Node, gate: Gate, probes: Probes, *, is_tls: bool = False, is_near: bool = False
) -> ASGIApp:
    """Everything that is served: the API under /api, probes, and pages for the rest.

    ``is_near``: only this machine is served, where pages show login codes; so a page from
    elsewhere, whose name was bent to this machine's address, gets no answer.
    """
    pages = web.build_pages(node, gate, is_tls=is_tls)
    api = build_api(node, gate)
    fixed = {**SECURITY_HEADERS, **(TLS_HEADERS if is_tls else {})}
    extra = [(name.encode(), value.encode()) for name, value in fixed.items()]

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if scope["method"] != "GET":
            receive = _in_time(receive)
        if is_near and _host_of(scope) not in NEAR_HOSTS:
            await PlainTextResponse("Not here.\n", 421)(scope, receive, _guarded(send, extra))
        elif _length_of(scope) > BODY_BYTES_MAX:
            await PlainTextResponse("Too large.\n", 413)(scope, receive, _guarded(send, extra))
        elif path == "/api" or path.startswith("/api/"):
            await api(scope, receive, _guarded(send, extra))
        elif path in ("/healthz", "/readyz", "/metrics"):
            answer = await run_in_threadpool(_probe, probes, path)
            await answer(scope, receive, _guarded(send, extra))
        else:
            await pages(scope, receive, send)

    return site


def _in_time(receive: Receive) -> Receive:
    """Receive for so long and no longer: who sends a body drop by drop is as good as gone."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BODY_S_MAX

    async def received() -> Message:
        try:
            async with asyncio.timeout_at(deadline):
                return await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}

    return received


def _host_of(scope: Scope) -> bytes:
    """The name that the caller used for this server, without its port."""
    for name, value in scope["headers"]:
        if name in (b"host", b":authority"):
            host = bytes(value).lower()
            end = b"]" if host.startswith(b"[") else b":"
            return host.partition(end)[0].lstrip(b"[")
    return b"localhost"


def _length_of(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else BODY_BYTES_MAX + 1
    return 0


def _probe(probes: Probes, path: str) -> Response:
    if path == "/healthz":
        return PlainTextResponse("ok\n")
    if path == "/readyz":
        status, text = probes.ready()
        return PlainTextResponse(text, status)
    return Response(probes.metrics(), media_type=METRICS_TYPE)


def _guarded(send: Send, extra: list[tuple[bytes, bytes]]) -> Send:
    """Send with the headers that every answer has, unless it says otherwise itself."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: list[Any] = list(message.get("headers", ()))
            known = {name.lower() for name, _ in headers}
            headers += [pair for pair in extra if pair[0] not in known]
            if b"cache-control" not in known:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return sent
