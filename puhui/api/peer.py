"""Another node that asks: its signature instead of a token, and its answer signed as well."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from puhui.api.problem import Problem
from puhui.exchange.window import between, http_signature, peer_by_key
from puhui.kernel import Node

SECOND_US = 1_000_000
NONCES_MAX = 200_000
"""How many requests are remembered, so that none is shown twice: those of the last moments."""

PEER_CODES = ("api.peer_late", "api.peer_replayed", "api.peer_signature", "api.peer_unknown")


@dataclass(frozen=True, slots=True)
class PeerCaller:
    """The peer that asks, by its id as a participant, and its signature, which the answer names."""

    peer_id: str
    asked: http_signature.Signed


class PeerDoor:
    """Lets in the nodes that are registered as peers and active, by what they sign."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def caller_of(self, scope: Mapping[str, Any], body: bytes) -> PeerCaller:
        """Who signed a request. Problem: ``api.peer_signature``, ``api.peer_unknown``,
        ``api.peer_late``, ``api.peer_replayed``.

        The time is looked at after the signature, so that nobody learns our clock by guessing; a
        number is remembered for as long as its time is believed.
        """
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        signed = http_signature.signed_of(headers)
        message = http_signature.Message(
            method=scope["method"],
            path=scope["path"],
            body=body,
            to=self._node.keys.public_key,
            once=headers.get(http_signature.ONCE, ""),
        )
        is_signed = http_signature.is_request_signed(message, headers)
        if signed is None or not is_signed or scope.get("query_string"):
            raise Problem("api.peer_signature", "The request is not signed as a peer signs for us.")
        with self._node.read() as tx:
            peer = peer_by_key(tx, signed.key)
        if peer is None:
            raise Problem("api.peer_unknown", "The key belongs to no peer that is active here.")
        now_s = self._node.clock.now_us() // SECOND_US
        skew_s_max = between().skew_s_max
        if abs(now_s - signed.created_s) > skew_s_max:
            raise Problem(
                "api.peer_late",
                f"The request is {now_s - signed.created_s} s old; clocks differ by at most "
                f"{skew_s_max} s.",
            )
        self._note(f"{signed.key} {signed.nonce}", now_s, signed.created_s + skew_s_max)
        return PeerCaller(peer.id, signed)

    def _note(self, number: str, now_s: int, until_s: int) -> None:
        with self._lock:
            if number in self._seen:
                raise Problem("api.peer_replayed", "This request was shown before.")
            if len(self._seen) >= NONCES_MAX:
                self._seen = {one: end for one, end in self._seen.items() if end >= now_s}
            if len(self._seen) >= NONCES_MAX:
                raise Problem("api.too_often", "Too many calls of peers.")
            self._seen[number] = until_s


def is_signed(scope: Mapping[str, Any]) -> bool:
    """Whether a request comes with a signature instead of a token."""
    return any(name == b"signature-input" for name, _ in scope["headers"])


def signed_answer(node: Node, caller: PeerCaller, answer: Response) -> Response:
    """The answer with this node's signature, which names the question."""
    headers = http_signature.sign_answer(
        node.keys,
        status=answer.status_code,
        body=bytes(answer.body),
        asked=caller.asked,
        created_s=node.clock.now_us() // SECOND_US,
    )
    answer.headers.update(headers)
    return answer
