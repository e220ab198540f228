"""Another node over HTTP: signed requests, signed answers, few tries; unsigned is unheard.

What is not signed by the peer's own key is silence: a proxy's "no such page" must not end a deal.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter, ValidationError

from puhui.exchange.desk.lists import between
from puhui.exchange.desk.peer import peer_by_key
from puhui.exchange.engines.coordinator import KnownPeers, NodePeer
from puhui.exchange.formats.http_signature import Message, is_answer_signed, sign_request
from puhui.exchange.formats.peers_file import read_peers
from puhui.exchange.nouns.leg import LegReceipt
from puhui.exchange.nouns.payee import PayeeThere
from puhui.exchange.nouns.peer import PAYEES_FROM, Peer, PeersFile, Reach, Standing
from puhui.kernel.act import find_use_case
from puhui.kernel.crypto import random_bytes
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.node import Node

ANSWER_BYTES_MAX = 64 * 1024
PAUSE_S = 0.2
REFUSED_STATUS = 422
_NO_ADDRESS = "answers 404 without its signature (api.not_found)"
_CODE = re.compile(r"[a-z]+\.[a-z_]{1,60}")
_RECEIPT: TypeAdapter[LegReceipt] = TypeAdapter(LegReceipt)
_STANDING: TypeAdapter[Standing] = TypeAdapter(Standing)
_PAYEE: TypeAdapter[PayeeThere] = TypeAdapter(PayeeThere)


class NoSuchAddress(Fault):
    """Silence in which, unsigned, a node says that it has no such address: an older one may."""


class HttpPeer:
    """A node over HTTP, as the coordinator sees it; silence is a ``Fault``.

    One that was silent is left alone for a second, then for twice as long each time, so that a
    node that is gone does not keep those waiting that are there.
    """

    def __init__(self, node: Node, peer: Peer) -> None:
        self.peer = peer
        self._node = node
        self._lock = threading.Lock()
        self._quiet_s = 0
        self._quiet_until_us = 0
        self._tls: ssl.SSLContext | None = None

    def act(self, name: str, input: Any, *, key: str) -> Any:
        """Run a use case there. Refused: what it refuses. Fault: ``exchange.peer_silent``."""
        found = find_use_case(name)
        given = {one: value for one, value in asdict(input).items() if one != "verified_key"}
        if not given.get("fee_minor"):  # no fee is taken of a leg elsewhere: older nodes know none
            given.pop("fee_minor", None)
        body = json.dumps(given, ensure_ascii=False).encode()
        return self._told(
            found.outcome_adapter, "POST", f"/api/{name.replace('.', '/')}", body, key
        )

    def receipt(self, leg_id: str) -> LegReceipt:
        """What the node signs of a leg. Refused: ``exchange.unknown_leg``. Fault: as ``act``."""
        path = f"/api/exchange/receipts/{quote(leg_id, safe='')}"
        receipt: LegReceipt = self._told(_RECEIPT, "GET", path)
        return receipt

    def standing(self) -> Standing:
        """As whom the node knows us, tried at once and once. Fault: ``exchange.peer_silent``."""
        with self._lock:
            self._quiet_until_us = 0
        standing: Standing = self._told(_STANDING, "GET", "/api/exchange/standing", tries=1)
        return standing

    def payee(self, payee: str, currency: str, amount_minor: int) -> PayeeThere:
        """What the node tells of a payee there, tried once. A node that says, unsigned, that it has
        no such address is asked where we stand: its signed word tells whether it is older than the
        question. Refused: ``exchange.not_drawn``, ``exchange.no_such_payee``,
        ``exchange.payee_not_admitted``, ``exchange.peer_older``. Fault: as ``act``.
        """
        path = f"/api/exchange/payees/{payee}/{currency}/{amount_minor}"
        try:
            found: PayeeThere = self._told(_PAYEE, "GET", path, tries=1)
        except NoSuchAddress:
            speaks = self.standing().speaks
            if speaks >= PAYEES_FROM:
                raise
            raise Refused(
                "exchange.peer_older",
                f"The peer {self.peer.name} speaks an older version ({speaks}; {PAYEES_FROM} is "
                "needed) and cannot be asked about payees: it must be upgraded first.",
            ) from None
        return found

    def _told(
        self, adapter: TypeAdapter[Any], method: str, path: str, body: bytes = b"", key: str = "",
        *, tries: int = 0,
    ) -> Any:  # fmt: skip
        status, content = self._ask(method, path, body, key, tries or between().tries_max)
        try:
            if status == http.HTTPStatus.OK:
                return adapter.validate_json(content)
            told = json.loads(content)
            code, reason = str(told["code"]), str(told["detail"])
        except (ValidationError, ValueError, KeyError, TypeError):
            raise self._silent(f"answers {status} with something else") from None
        if status == REFUSED_STATUS and _CODE.fullmatch(code):
            raise Refused(code, reason[:300])
        raise self._silent(f"answers {status} ({code[:60]})")

    def _silent(self, how: str) -> Fault:
        return Fault("exchange.peer_silent", f"The peer {self.peer.name} {how}.")

    def _ask(self, method: str, path: str, body: bytes, key: str, tries: int) -> tuple[int, bytes]:
        """The first signed answer. Fault: ``exchange.peer_silent``."""
        now_us = self._node.clock.now_us()
        with self._lock:
            if now_us < self._quiet_until_us:
                raise self._silent("was silent a moment ago")
        how = ""
        for attempt in range(tries):
            if attempt:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
            status, content, how = self._try(method, path, body, key)
            if status and status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                with self._lock:
                    self._quiet_s = 0
                return status, content
        with self._lock:
            self._quiet_s = min(between().quiet_s_max, max(1, 2 * self._quiet_s))
            self._quiet_until_us = self._node.clock.now_us() + self._quiet_s * 1_000_000
        if how == _NO_ADDRESS:
            raise NoSuchAddress("exchange.peer_silent", f"The peer {self.peer.name} {how}.")
        raise self._silent(how)

    def _try(self, method: str, path: str, body: bytes, key: str) -> tuple[int, bytes, str]:
        """One try: status and content, or status 0 and in words why there is none."""
        message = Message(method, path, body, self.peer.public_key, key)
        headers, signature = sign_request(
            self._node.keys,
            message,
            created_s=self._node.clock.now_us() // 1_000_000,
            nonce=random_bytes(16).hex(),
        )
        if method == "POST":
            headers["content-type"] = "application/json"
        try:
            connection = self._connection()
        except (OSError, ssl.SSLError) as error:
            return 0, b"", f"cannot be trusted: {error}"
        try:
            with _cut_after(connection, between().timeout_s):
                connection.request(method, path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read(ANSWER_BYTES_MAX + 1)
        except ssl.SSLCertVerificationError as error:
            return 0, b"", f"shows a certificate that is not trusted: {error.verify_message}"
        except (OSError, http.client.HTTPException) as error:
            return 0, b"", f"does not answer ({type(error).__name__})"
        finally:
            connection.close()
        told = {name.lower(): value for name, value in answer.getheaders()}
        is_signed = len(content) <= ANSWER_BYTES_MAX and is_answer_signed(
            told,
            status=answer.status,
            body=content,
            key=self.peer.public_key,
            asked_signature=signature,
        )
        if not is_signed:
            return 0, b"", f"answers {answer.status} without its signature{_code_in(content)}"
        return answer.status, content, f"answers {answer.status}"

    def _connection(self) -> http.client.HTTPConnection:
        parts, timeout_s = urlsplit(self.peer.address), between().timeout_s
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)
        if self._tls is None:
            trust = str(self._node.home / self.peer.trust) if self.peer.trust else None
            self._tls = ssl.create_default_context(cafile=trust)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=self._tls)


@contextmanager
def _cut_after(connection: http.client.HTTPConnection, wait_s: float) -> Iterator[None]:
    """Connect, and hang up after so long. Waiting for each read alone would have no end: who sends
    a byte now and then would keep us, and all other deals, for hours.
    """
    connection.connect()
    with socket.socket(fileno=os.dup(connection.sock.fileno())) as wire:
        timer = threading.Timer(wait_s, _cut, (wire,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):  # the other side has hung up
        wire.shutdown(socket.SHUT_RDWR)


def _code_in(content: bytes) -> str:
    """The code that an answer without a signature names, for people only: " (code)" or nothing."""
    try:
        code = str(json.loads(content)["code"])
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({code})" if _CODE.fullmatch(code) else ""


def peers_file(home: Path) -> PeersFile | None:
    """The file that ``PUHUI_PEERS`` names, under the home unless it is absolute; None without it.

    Refused: ``exchange.bad_peers``.
    """
    named = os.environ.get("PUHUI_PEERS", "")
    if not named:
        return None
    try:
        text = (home / named).read_text("utf-8")
    except FileNotFoundError:
        raise Refused("exchange.bad_peers", f"There is no file {home / named}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            "exchange.bad_peers", f"The file of peers {home / named} cannot be read: {error}."
        ) from None
    return read_peers(text)


def open_peers(node: Node) -> None:
    """Know the peers of ``PUHUI_PEERS`` for as long as the node is open: a port of the node.

    Refused: ``exchange.bad_peers``.
    """
    found = peers_file(node.home)
    if found is None:
        return
    known = KnownPeers({one.name: HttpPeer(node, one) for one in found.peers})
    known.own_name = found.name
    known[found.name] = NodePeer(node)
    node.ports[KnownPeers] = known


def reach_peers(node: Node, *, name: str = "") -> tuple[Reach, ...]:
    """Ask every peer of the file where we stand with it, or the one of that name; each is tried
    once.
    """
    known = node.ports.get(KnownPeers)
    peers = list(known.values()) if isinstance(known, KnownPeers) else []
    asked = [one for one in peers if isinstance(one, HttpPeer)]
    return tuple(_reach(node, one) for one in asked if name in ("", one.peer.name))


def _reach(node: Node, one: HttpPeer) -> Reach:
    with node.read() as tx:
        found = peer_by_key(tx, one.peer.public_key)
    here = found.id if found else ""
    begun_us = node.clock.now_us()
    try:
        told = one.standing()
    except (Fault, Refused) as error:
        return Reach(one.peer.name, one.peer.address, here, error.reason)
    ended_us = node.clock.now_us()
    return Reach(
        one.peer.name,
        one.peer.address,
        here,
        "reached",
        wait_ms=(ended_us - begun_us) // 1000,
        ahead_ms=(told.now_us - (begun_us + ended_us) // 2) // 1000,
        draws=told.draws,
        draw_keys=told.draw_keys,
        speaks=told.speaks,
    )
