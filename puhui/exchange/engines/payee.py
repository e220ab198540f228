"""Payees at other nodes: asked about before money moves, so that none is held for nobody."""

from __future__ import annotations

from puhui.exchange.desk.payee import payee_here as payee_here
from puhui.exchange.engines.coordinator import KnownPeers
from puhui.exchange.engines.peer import HttpPeer
from puhui.exchange.nouns.payee import NO_CURRENCY, PayeeThere
from puhui.exchange.nouns.payee import AskPayee as AskPayee
from puhui.exchange.rules import peer as rules
from puhui.kernel.act import Actor
from puhui.kernel.crypto import random_bytes
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.node import Node

NAME_MAX = 120
"""The longest name in part that is shown as another node tells it."""

_ASKS = Actor("payee_asks", frozenset({"system"}))


def ask_there(
    node: Node,
    asked: AskPayee,
    *,
    currency: str = NO_CURRENCY,
    amount_minor: int = 0,
    staff: Actor | None = None,
) -> PayeeThere:
    """What another node tells of a payee there, in part: whether it is there, and with a currency
    given whether its wallet may take in so much. Who asks is put on record first: a customer's ask
    counts; what ``staff`` ask about a deal at the desk does not, and is on record as theirs.

    Refused: ``exchange.unknown_peer``, ``exchange.peer_silent``, ``exchange.bad_end``,
    ``exchange.unknown_currency``, ``exchange.bad_amount``, ``exchange.too_many_asks``,
    ``exchange.not_drawn``, ``exchange.no_such_payee``, ``exchange.payee_not_admitted``,
    ``exchange.peer_older``.
    """
    rules.check_payee_asked(asked.payee, currency, amount_minor)
    known = node.ports.get(KnownPeers)
    peer = known.get(asked.peer) if isinstance(known, KnownPeers) else None
    if not isinstance(peer, HttpPeer):
        raise Refused("exchange.unknown_peer", f"There is no peer {asked.peer[:60]}.")
    name = "exchange.ask_payee" if staff is None else "exchange.note_payee_ask"
    node.act(name, asked, key=f"ask {random_bytes(16).hex()}", actor=staff or _ASKS)
    try:
        return PayeeThere(_bounded(peer.payee(asked.payee, currency, amount_minor).name))
    except Fault as fault:
        if fault.code != "exchange.peer_silent":
            raise
        raise Refused(fault.code, fault.reason) from None


def _bounded(name: str) -> str:
    """A name as another node tells it; "" for what nobody is called: it is shown to a payer."""
    return name if len(name) <= NAME_MAX and name.isprintable() else ""
