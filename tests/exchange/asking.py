"""A node that other nodes ask, signed as they sign."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

from starlette.testclient import TestClient

from puhui.api import build_api
from puhui.channel import Gate
from puhui.channel.engines.shown import ShownGateway
from puhui.exchange.formats.http_signature import Message, is_answer_signed, sign_request
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from tests.exchange.scheme import MINUTE_US, Scheme, act
from tests.party.people import register_person

THEIRS, STRANGERS = Keys(b"2" * 32), Keys(b"3" * 32)
PREIMAGE = b"a secret of thirty-two bytes here"[:32].hex()
CONDITION = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
NUMBERS = itertools.count(1)


class Asking:
    """A node with two peers registered, and requests that they sign."""

    def __init__(self, node: Node, clock: FixedClock) -> None:
        self.node, self.clock = node, clock
        self.scheme = Scheme(node)
        self.payee = register_person(node, 1)
        self.peer = self.scheme.register("There", "peer", THEIRS.public_key)
        self.other = self.scheme.register("Elsewhere", "peer", STRANGERS.public_key)
        for peer_id in (self.peer, self.other):
            told = {"peer_id": peer_id, "participant_id": self.scheme.one.id}
            act(node, "allow_draw", told)
        self.client = TestClient(build_api(node, Gate(node, ShownGateway())))

    def leg(self, leg_id: str = "deal-1-target", **changes: Any) -> dict[str, Any]:
        """The terms of a target leg from the provider to the payee."""
        return {
            "leg_id": leg_id,
            "deal_id": leg_id.removesuffix("-target"),
            "payer": f"participant:{self.scheme.one.id}",
            "payee": f"party:{self.payee}",
            "currency": "USD",
            "amount_minor": 1_400,
            "condition": CONDITION,
            "expires_us": self.clock.now_us() + MINUTE_US,
            **changes,
        }

    def signed(
        self, message: Message, *, keys: Keys = THEIRS, ago_s: int = 0
    ) -> tuple[dict[str, str], str]:
        """The headers of a request, and its signature."""
        created_s = self.clock.now_us() // 1_000_000 - ago_s
        return sign_request(keys, message, created_s=created_s, nonce=f"nonce{next(NUMBERS):020d}")

    def ask(self, verb: str, told: Any, **how: Any) -> tuple[int, dict[str, Any]]:
        """POST as a peer, and hold the answer's signature; status and content."""
        body = json.dumps(told).encode()
        once = f"key {next(NUMBERS)}"
        path = f"/api/exchange/{verb}"
        message = Message("POST", path, body, self.node.keys.public_key, once)
        headers, signature = self.signed(message, **how)
        return self.sent("POST", path, body, headers, signature)

    def read(self, path: str, **how: Any) -> tuple[int, dict[str, Any]]:
        """GET as a peer."""
        message = Message("GET", path, b"", self.node.keys.public_key)
        headers, signature = self.signed(message, **how)
        return self.sent("GET", path, b"", headers, signature)

    def sent(
        self, method: str, path: str, body: bytes, headers: dict[str, str], signature: str
    ) -> tuple[int, dict[str, Any]]:
        """One request as it is; answers past 401 must be signed, and 401 must not."""
        shown = {**headers, "content-type": "application/json"}
        answer = self.client.request(method, path, content=body, headers=shown)
        is_signed = is_answer_signed(
            answer.headers,
            status=answer.status_code,
            body=answer.content,
            key=self.node.keys.public_key,
            asked_signature=signature,
        )
        assert is_signed is (answer.status_code != 401), answer.text
        return answer.status_code, answer.json()
