"""The native client of TigerBeetle, fed with arrays as they stand; every wait has an end.

Requests are handed to the library of the package ``tigerbeetle`` by address, without an object
for each event. The library itself tries again for ever, so a request that was not answered in
time ends with its session: whether it happened is known by asking again with the same ids.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import itertools
import logging
import socket
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from puhui.kernel.errors import Fault, Refused
from puhui.ledger.arrays.record import Records

PORT = 3001
"""The port of a replica whose address has none."""

_OK, _TOO_MUCH_DATA, _EVICTED, _TOO_OLD, _TOO_NEW, _SHUTDOWN = range(6)
_WORDS = {
    _EVICTED: "it has ended this session; another client may be open too often",
    _TOO_OLD: "the client is older than it accepts: install a newer package 'tigerbeetle'",
    _TOO_NEW: "the client is newer than the cluster: install the package of its release",
    _SHUTDOWN: "the session was closed while a request was on its way",
}
_INIT_WORDS = {
    2: "there is not enough memory",
    3: "an address cannot be read",
    4: "there are too many addresses",
    5: "the system has no more resources (it needs io_uring and locked memory)",
    6: "the network cannot be used",
}


class TooMuchData(Exception):
    """The cluster takes smaller requests, or gives smaller replies; nothing was sent."""


class _Waiting:
    """A request on its way: what it is made of stays alive until it is completed."""

    __slots__ = ("data", "done", "packet", "reply", "status")

    def __init__(self, packet: Any, data: Records) -> None:
        self.packet = packet
        self.data = data
        self.done = threading.Event()
        self.status = _SHUTDOWN
        self.reply = b""


class Session:
    """One session of the native client with a cluster; several threads may ask at once."""

    def __init__(self, cluster: int, addresses: str, *, is_echo: bool = False) -> None:
        """Begin a session; the library connects by itself. ``is_echo`` is for tests: requests
        come back as they are and nothing is connected to.

        Fault: ``ledger.cluster_client_missing``, ``ledger.cluster_unreachable``.
        """
        self._native = load_native()
        self._waiting: dict[int, _Waiting] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._is_open = False
        self._client = self._native.CClient()
        # The library calls this from a thread of its own: it must live as long as the session.
        self._callback = self._native.OnCompletion(self._complete)
        self._cluster = (ctypes.c_uint8 * 16)(*cluster.to_bytes(16, "little"))
        begin = self._native.tb_client_init_echo if is_echo else self._native.tb_client_init
        text = addresses.encode("ascii")
        status = begin(
            ctypes.byref(self._client),
            ctypes.byref(self._cluster),
            text,
            len(text),
            None,
            self._callback,
        )
        if int(status) != 0:
            words = _INIT_WORDS.get(int(status), f"the client said {int(status)}")
            raise _unreachable(addresses, words)
        self._addresses = addresses
        self._is_open = True

    def ask(self, operation: int, data: Records, timeout_s: float) -> bytes:
        """The reply to a request whose events are ``data``, contiguous.

        Raises ``TooMuchData``. Fault: ``ledger.cluster_unreachable`` (also when a reply came too
        late: the session is then ended, and with it all other requests on their way).
        """
        assert data.flags.c_contiguous, data.strides
        packet = self._native.CPacket()
        packet.operation = operation
        packet.data_size = data.nbytes
        packet.data = data.ctypes.data
        number = packet.user_data = next(self._numbers)
        waiting = _Waiting(packet, data)
        with self._lock:
            if not self._is_open:
                raise _unreachable(self._addresses, _WORDS[_SHUTDOWN])
            self._waiting[number] = waiting
            status = self._native.tb_client_submit(ctypes.byref(self._client), ctypes.byref(packet))
        if int(status) != 0:
            self._waiting.pop(number, None)
            raise _unreachable(self._addresses, _WORDS[_SHUTDOWN])
        if not waiting.done.wait(timeout_s):
            self.close()
            if waiting.status != _OK:
                raise _unreachable(self._addresses, f"no answer came in {timeout_s:g} seconds")
        if waiting.status == _TOO_MUCH_DATA:
            raise TooMuchData
        if waiting.status != _OK:
            self.close()
            words = _WORDS.get(waiting.status, f"the client said {waiting.status}")
            raise _unreachable(self._addresses, words)
        return waiting.reply

    @property
    def is_open(self) -> bool:
        """Whether requests may still be asked."""
        return self._is_open

    def close(self) -> None:
        """End the session; what is on its way is completed as shut down first."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
        self._native.tb_client_deinit(ctypes.byref(self._client))
        assert not self._waiting, self._waiting

    def _complete(self, _: Any, packet: Any, time_ns: int, data: Any, size: int) -> None:
        """Take a reply, in the library's thread; its bytes are gone when this returns."""
        waiting = self._waiting.pop(packet[0].user_data)
        waiting.status = packet[0].status
        if waiting.status == _OK and size:
            waiting.reply = ctypes.string_at(data, size)
        waiting.done.set()


def load_native() -> Any:
    """The bindings of the native client. Fault: ``ledger.cluster_client_missing``."""
    # Refused connections are told once, in words, by a Fault, not every second on the console.
    logging.getLogger("tigerbeetle").addHandler(logging.NullHandler())
    try:
        return importlib.import_module("tigerbeetle.bindings")
    except ImportError as error:
        raise Fault(
            "ledger.cluster_client_missing",
            "The client of TigerBeetle is not installed: install puhui with its extra"
            f" 'tigerbeetle' ({error}).",
        ) from None


def read_cluster(setting: str) -> tuple[int, str]:
    """Cluster and addresses of ``<cluster>@<address>,<address>...`` (at most six).

    An address is a port, an IPv4 address, or both with a colon between.
    Refused: ``ledger.cluster_setting``.
    """
    number, at, addresses = setting.partition("@")
    is_number = number.isascii() and number.isdigit() and int(number) < 2**128
    parts = addresses.split(",")
    if not (at and is_number and len(parts) <= 6 and all(map(_is_address, parts))):
        raise Refused(
            "ledger.cluster_setting",
            "A TigerBeetle cluster is written <cluster>@<address>,..., as 0@127.0.0.1:3000.",
        )
    return int(number), addresses


def find_replica(addresses: str, timeout_s: float) -> None:
    """Return when one of the replicas takes connections. Fault: ``ledger.cluster_unreachable``."""
    failures = []
    for address in addresses.split(","):
        host, port = _host_and_port(address)
        try:
            with contextlib.closing(socket.create_connection((host, port), timeout_s)):
                return
        except OSError as error:
            failures.append(f"{host}:{port} {_said(error)}")
    raise _unreachable(addresses, "; ".join(failures))


def joined(pages: Iterable[Records], noun: np.dtype[Any]) -> Records:
    """Pages of records one behind another."""
    kept = [page for page in pages if len(page)]
    return np.concatenate(kept) if kept else np.empty(0, dtype=noun)


def _host_and_port(address: str) -> tuple[str, int]:
    if address.isdigit():
        return "127.0.0.1", int(address)
    host, _, port = address.partition(":")
    return host, int(port or PORT)


def _is_address(address: str) -> bool:
    if not address.isascii():
        return False
    host, colon, port = ("127.0.0.1", ":", address) if address.isdigit() else address.partition(":")
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return False
    return not colon or (port.isdigit() and 0 < int(port) < 2**16)


def _said(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections"
    return "does not answer" if isinstance(error, TimeoutError) else f"fails ({error})"


def _unreachable(addresses: str, words: str) -> Fault:
    return Fault(
        "ledger.cluster_unreachable",
        f"The TigerBeetle cluster at {addresses} cannot be asked: {words}. Whether a batch that"
        " was sent has happened is told when it is asked again with the same ids.",
    )
