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

_ASKS = Actor("payee_asks", frozenset({"system"}))


def ask_there(
    node: Node,
    asked: AskPayee,
    *,
    currency: str = NO_CURRENCY,
    amount_minor: int = 0,
    is_counted: bool = True,
) -> PayeeThere:
    """What another node tells of a payee there, in part: whether it is there, and with a currency
    given whether its wallet may take in so much. A customer's ask is put on record first, and
    counts; what staff ask about a deal at the desk is not counted.

    Refused: ``exchange.unknown_peer``, ``exchange.peer_silent``, ``exchange.bad_end``,
    ``exchange.unknown_currency``, ``exchange.bad_amount``, ``exchange.too_many_asks``,
    ``exchange.not_drawn``, ``exchange.no_such_payee``, ``exchange.payee_not_admitted``.
    """
    rules.check_payee_asked(asked.payee, currency, amount_minor)
    known = node.ports.get(KnownPeers)
    peer = known.get(asked.peer) if isinstance(known, KnownPeers) else None
    if not isinstance(peer, HttpPeer):
        raise Refused("exchange.unknown_peer", f"There is no peer {asked.peer[:60]}.")
    if is_counted:
        key = f"ask {random_bytes(16).hex()}"
        node.act("exchange.ask_payee", asked, key=key, actor=_ASKS)
    try:
        return peer.payee(asked.payee, currency, amount_minor)
    except Fault as fault:
        if fault.code != "exchange.peer_silent":
            raise
        raise Refused(fault.code, fault.reason) from None
