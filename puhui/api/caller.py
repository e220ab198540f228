"""Who calls: a machine by its key, or a person by the token of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from puhui.api.peer import PeerCaller, PeerDoor, is_signed
from puhui.api.problem import Problem
from puhui.api.rate import Rates
from puhui.channel import Gate, address_of, queues
from puhui.kernel import Actor, Fault, Node
from puhui.party.window import api_key_of, digest_of_token

KEY_MARK = "puhui_"
"""How a machine's token begins, so that it is known when it lies in the wrong place."""

PERSON_PER_MINUTE = 600
STRANGER_PER_MINUTE = 60
PEER_PER_MINUTE = 6_000
PEER_PAYEES_PER_MINUTE = 300
"""How often another node may ask about payees: a corridor's payments, and no searching."""

QUEUED_PER_MINUTE = 600

STAFF_READERS = frozenset(
    "loan_officer operator risk_analyst auditor supervisor compliance_officer collector".split()
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, in which roles, and for a customer the party whose things they may see.

    ``wait_s`` is above nought for a node that has asked about as many payees as it may for now.
    """

    actor: Actor
    party_id: str | None
    scopes: frozenset[str] | None
    peer: PeerCaller | None = None
    wait_s: int = 0

    @property
    def is_staff(self) -> bool:
        """Whether everybody's things may be read."""
        return bool(self.actor.roles & STAFF_READERS)

    def check_scope(self, name: str) -> None:
        """A machine calls what its key names. Problem: ``api.scope_missing``."""
        if self.scopes is not None and name not in self.scopes:
            raise Problem("api.scope_missing", f"The key does not cover {name}.")

    def check_roles(self, roles: frozenset[str]) -> None:
        """Whether any role that is held may call. Problem: ``kernel.role_missing``."""
        if not self.actor.roles & roles:
            raise Problem("kernel.role_missing", "None of the roles held may call this.")

    def check_sees(self, party_id: str) -> None:
        """Customers see their own; the rest is not there. Problem: ``api.not_found``."""
        if not self.is_staff and (self.party_id is None or self.party_id != party_id):
            raise Problem("api.not_found", "There is no such thing, or it is not yours.")


class Reception:
    """Tells who calls, and how often they may."""

    def __init__(self, node: Node, gate: Gate, rates: Rates | None = None) -> None:
        self._node = node
        self._gate = gate
        self._rates = rates or Rates()
        self._peers = PeerDoor(node)

    def caller_of(
        self, scope: Mapping[str, Any], body: bytes = b"", *, may_queue: bool = False
    ) -> Caller:
        """The caller of a request. Problem: ``api.not_logged_in``, ``api.too_often``, and for a
        node that signs its request what ``PeerDoor.caller_of`` says.

        ``may_queue``: what is asked for may be accepted while no store is there. Whoever the store
        has let in during the last minutes is believed then, and nobody else
        (``channel/believed.py``).
        """
        if is_signed(scope):
            return self._peer(scope, body)
        token = _bearer_of(scope)
        believed = queues.believed_of(self._node)
        name = f"api {'' if token is None else digest_of_token(token)}"
        try:
            caller, ids = self._ask(scope, token)
        except Fault as fault:
            is_passing = may_queue and fault.code in queues.PASSING
            known = believed.find(name) if believed is not None and is_passing else None
            if known is None:
                raise
            assert isinstance(known, Caller), known
            self._count(f"queued {known.actor.name}", QUEUED_PER_MINUTE)
            return known
        except Problem as problem:
            if problem.code == "api.not_logged_in" and believed is not None:
                believed.forget(name)
            raise
        if believed is not None:
            believed.keep(name, caller, *ids)
        return caller

    def _peer(self, scope: Mapping[str, Any], body: bytes) -> Caller:
        """The node that signed a request; who cannot sign is counted by where they ask from."""
        try:
            peer = self._peers.caller_of(scope, body)
        except Problem:
            self._count(f"address {address_of(scope)}", STRANGER_PER_MINUTE)
            raise
        self._count(peer.peer_id, PEER_PER_MINUTE)
        wait_s = 0
        if scope["path"].startswith("/api/exchange/payees/"):
            wait_s = self._rates.take(f"payees {peer.peer_id}", PEER_PAYEES_PER_MINUTE)
        return Caller(Actor(peer.peer_id, frozenset({"peer"})), None, None, peer, wait_s)

    def _ask(self, scope: Mapping[str, Any], token: str | None) -> tuple[Caller, tuple[str, ...]]:
        """The caller by the store, and by which ids they could be denied."""
        if token is not None and token.startswith(KEY_MARK):
            with self._node.read() as tx:
                key = api_key_of(self._node, tx, token)
            if key is not None:
                self._count(key.id, key.rate_per_minute)
                actor = Actor(key.id, frozenset({key.role}))
                return Caller(actor, None, frozenset(key.scopes)), (key.id,)
        elif token is not None:
            session = self._gate.ask(token)
            if session is not None:
                self._count(session.user_id, PERSON_PER_MINUTE)
                caller = Caller(session.actor, session.party_id, None)
                return caller, (session.id, session.user_id)
        self._count(f"address {address_of(scope)}", STRANGER_PER_MINUTE)
        raise Problem(
            "api.not_logged_in",
            "Send a key or a session's token as Authorization: Bearer.",
            headers={"www-authenticate": 'Bearer realm="puhui"'},
        )

    def _count(self, who: str, per_minute: int) -> None:
        wait_s = self._rates.take(who, per_minute)
        if wait_s:
            raise Problem(
                "api.too_often",
                f"At most {per_minute} calls a minute.",
                headers={"retry-after": str(wait_s)},
            )


def _bearer_of(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            if kind.lower() == "bearer" and 0 < len(token) <= 200:
                return str(token).strip()
    return None
