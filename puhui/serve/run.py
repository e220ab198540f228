"""Running the server: one process, one server a store, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from puhui.channel import Gate, open_gateway
from puhui.kernel import Node, Refused
from puhui.kernel.store.serving import serving
from puhui.serve.log import log_to
from puhui.serve.probe import Probes
from puhui.serve.site import build_site
from puhui.worker import run_worker

STOP_S_MAX = 30
"""How long requests in flight may take to end once the process was asked to stop."""

BACKLOG = 1024

LOGGER = logging.getLogger("puhui.serve")


def serve(
    node: Node,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str], None] | None = None,
    certificate: tuple[Path, Path] | None = None,
) -> None:
    """Serve pages, API and probes of ``node`` until the process is told to stop.

    A worker that delivers events runs beside it. SIGTERM or Ctrl-C lets requests and acts in
    flight end; a second one stops at once. ``ready`` is told the address; ``certificate`` is a
    chain and its key, in PEM. Refused: ``kernel.already_served``, ``serve.port_taken``,
    ``channel.no_gateway``, ``channel.bad_gateway``.
    """
    gateway = open_gateway(host)
    with serving(node.store):
        check_port(host, port)
        written = log_to(sys.stderr)
        probes = Probes(node)
        gate = Gate(node, gateway)
        site = build_site(node, gate, probes, is_tls=certificate is not None)
        stop = threading.Event()
        worker = threading.Thread(
            target=run_worker, args=(node, stop), name="puhui-worker", daemon=True
        )
        probes.worker = worker
        worker.start()
        try:
            asyncio.run(_serve(site, probes, host, port, ready, certificate))
        finally:
            stop.set()
            worker.join(STOP_S_MAX)
            probes.close()
            logging.getLogger("puhui").removeHandler(written)


def check_port(host: str, port: int) -> None:
    """Whether nobody listens there yet. Refused: ``serve.port_taken``."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise Refused(
                "serve.port_taken",
                f"{host}:{port} cannot be used ({os.strerror(error.errno or 0)}); "
                f"choose another port with --port, such as --port {port + 1}.",
            ) from None


async def _serve(
    site: object,
    probes: Probes,
    host: str,
    port: int,
    ready: Callable[[str], None] | None,
    certificate: tuple[Path, Path] | None,
) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    chain, key = certificate or (None, None)
    server: Any = Server(
        site,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        backlog=BACKLOG,
        websockets=False,
        log_enabled=False,
        ssl_cert=chain,
        ssl_key=key,
    )
    loop = asyncio.get_running_loop()

    def end(name: str) -> None:
        if probes.is_stopping:
            os._exit(130)
        probes.is_stopping = True
        LOGGER.info("stopping on %s", name)
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, signal.Signals(number).name)
    shown = f"[{host}]" if ":" in host else host
    address = f"{'https' if certificate else 'http'}://{shown}:{port}"
    told = loop.create_task(_tell(host, port, address, ready))
    try:
        await server.serve()
    finally:
        told.cancel()


async def _tell(host: str, port: int, address: str, ready: Callable[[str], None] | None) -> None:
    """Say that the server answers, once it does."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        LOGGER.info("serving %s", address)
        if ready is not None:
            ready(address)
        return
