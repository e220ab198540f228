"""Running the server: one process, one server a store, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from puhui.channel import Gate, open_gateway, queues
from puhui.kernel import Node, Refused
from puhui.kernel.store.serving import serving
from puhui.serve.log import log_to
from puhui.serve.probe import Probes
from puhui.serve.site import build_site
from puhui.webhook import Loopback
from puhui.worker import run_worker

STOP_S_MAX = 8
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
    is_behind_tls: bool = False,
    beside: Callable[[str], None] | None = None,
    log: TextIO = sys.stderr,
) -> bool:
    """Serve pages, API and probes of ``node`` until the process is told to stop.

    SIGTERM or Ctrl-C lets requests and acts in flight end; a second one stops at once. ``ready``
    is told the address; ``beside`` is work that is done meanwhile, and what it raises ends the
    server; the worker that delivers events, and the lines about acts in ``log``, begin after it.
    ``certificate`` is a chain and its key, in PEM; ``is_behind_tls`` says that a proxy in front
    ends TLS, so that cookies are bound to it all the same. False where that work was cut off.

    Refused: ``kernel.already_served``, ``serve.port_taken``,
    ``channel.no_gateway``, ``channel.bad_gateway``, and what ``beside`` refuses.
    """
    gateway = open_gateway(host)
    host = "127.0.0.1" if host == "localhost" else host
    if gateway.shows_code:
        node.ports[Loopback] = Loopback()
    with serving(node.store):
        check_port(host, port)
        written = log_to(log, logging.INFO if beside is None else logging.WARNING)
        queues.keep_queue(node, "serve")
        probes = Probes(node)
        site = build_site(
            node,
            Gate(node, gateway),
            probes,
            is_tls=is_behind_tls or certificate is not None,
            is_near=gateway.shows_code,
        )
        crew = Crew(node, probes, beside)
        try:
            asyncio.run(_serve(site, crew, host, port, ready, certificate))
        finally:
            crew.end()
            probes.close()
            logging.getLogger("puhui").removeHandler(written)
    if crew.error is not None:
        raise crew.error
    return not crew.is_busy


class Crew:
    """The thread beside the server: first the work that was asked for, then the worker."""

    def __init__(self, node: Node, probes: Probes, beside: Callable[[str], None] | None) -> None:
        self.error: BaseException | None = None
        self.is_busy = beside is not None
        self.server: Any = None
        self.loop: Any = None
        self.probes = probes
        self._node = node
        self._beside = beside
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="puhui-crew", daemon=True)

    def begin(self, address: str) -> None:
        """Start, once the server answers at ``address``."""
        self._address = address
        self.probes.worker = self._thread
        self._thread.start()

    def _run(self) -> None:
        try:
            if self._beside is not None:
                self._beside(self._address)
                self.is_busy = False
                logging.getLogger("puhui").setLevel(logging.INFO)
            run_worker(self._node, self._stop)
        except BaseException as error:  # told by the main thread, once the server has ended
            if not self.probes.is_stopping:
                self.error = error
                self.probes.is_stopping = True
                self.loop.call_soon_threadsafe(self.server.stop)

    def end(self) -> None:
        """Let the worker end what it has begun; work beside the server is cut off."""
        self._stop.set()
        if self._thread.is_alive() and not self.is_busy:
            self._thread.join(STOP_S_MAX)


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
    crew: Crew,
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
    gc.collect()
    gc.freeze()  # what was loaded stays; collections look at what requests leave behind alone
    loop = crew.loop = asyncio.get_running_loop()
    crew.server = server
    probes = crew.probes

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
    told = loop.create_task(_tell(host, port, address, ready, crew))
    server.workers_kill_timeout = STOP_S_MAX
    try:
        await server.serve()
    except TimeoutError:  # somebody never sent the rest; whatever was begun is in the journal
        LOGGER.warning("requests that did not end were cut off")
    finally:
        told.cancel()


async def _tell(
    host: str, port: int, address: str, ready: Callable[[str], None] | None, crew: Crew
) -> None:
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
        crew.begin(address)
        return
