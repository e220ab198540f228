"""The coordinator: drives deals between two nodes, and goes on after any stop.

The fulfilment is known to the coordinator alone until both legs are held. Then the source leg is
fulfilled, which keeps it from expiring; then the target leg, which pays it. What the target leg
came to decides the deal: that is written down before the source leg is ended, and the source's
node ends it by the receipt that the target's node has signed. Every step may be done again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from puhui.exchange.desk.deal import open_deals, open_preimage, read_deal
from puhui.exchange.desk.leg import receipt_of, verify_receipt
from puhui.exchange.nouns.deal import Deal, DealState, DecideDeal, Side, StartDeal
from puhui.exchange.nouns.leg import AbortLeg, FulfilLeg, LegReceipt, PrepareLeg, ResolveLeg
from puhui.exchange.rules.deal import strangers_of
from puhui.exchange.rules.leg import ENDED
from puhui.kernel.act import Actor
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.event import upkeep
from puhui.kernel.node import Node

STEPS_MAX = 10
COORDINATOR = Actor("coordinator", frozenset({"system"}))
RECOVERED_MAX = 5_000
"""How many open deals one pass of upkeep drives, the oldest first."""

LOGGER = logging.getLogger("puhui.exchange")


class AnyPeer(Protocol):
    """A node that holds legs: in this process, or over a network (``engines/peer.py``)."""

    def act(self, name: str, input: Any, *, key: str) -> Any:
        """Run a use case there. Refused: what it refuses. Fault: nobody knows whether it ran."""
        ...

    def receipt(self, leg_id: str) -> LegReceipt:
        """What the node signs of a leg. Refused: ``exchange.unknown_leg``."""
        ...


class NodePeer:
    """A node in this process, as the coordinator sees it; silence is a ``Fault``."""

    def __init__(self, node: Node, actor: Actor = COORDINATOR) -> None:
        self.node = node
        self.actor = actor

    def act(self, name: str, input: Any, *, key: str) -> Any:
        """Run a use case there. Refused: what it refuses. Fault: nobody knows whether it ran."""
        return self.node.act(name, input, key=key, actor=self.actor)

    def receipt(self, leg_id: str) -> LegReceipt:
        """What the node signs of a leg. Refused: ``exchange.unknown_leg``."""
        return receipt_of(self.node, leg_id)


Peers = Mapping[str, AnyPeer]


class KnownPeers(dict[str, AnyPeer]):
    """The nodes by name that a node's worker drives deals with, itself among them: a port of the
    node. ``own_name`` is what deals call the node itself.
    """

    own_name: str = ""


@dataclass(frozen=True, slots=True)
class _Drive:
    """One deal on its way: the coordinator's own node, and the peers by name."""

    own: NodePeer
    peers: Peers
    deal: Deal

    def decide(self, to_state: DealState, word: LegReceipt | None = None) -> None:
        """Make a decision durable, with the word of the target's node that it rests on, if any."""
        decision = DecideDeal(self.deal.id, self.deal.state, to_state)
        if word is not None and word.state in ENDED:
            decision = replace(decision, target_state=word.state, target_signature=word.signature)
        key = f"{self.deal.id} {self.deal.state} {to_state} {decision.target_state}".rstrip()
        self.own.act("exchange.decide_deal", decision, key=key)

    def ask(self, side: Side, verb: str, input: Any) -> Any:
        """Ask a peer for a step; the key is the step's, so it happens once."""
        key = f"{input.leg_id} {verb}"
        return self.peers[side.peer].act(f"exchange.{verb}_leg", input, key=key)

    def prepare(self, side: Side, leg_id: str, *, awaits: str, fee_minor: int = 0) -> None:
        """Have a leg held."""
        leg = PrepareLeg(
            leg_id=leg_id,
            deal_id=self.deal.id,
            payer=side.payer,
            payee=side.payee,
            currency=side.currency,
            amount_minor=side.amount_minor,
            condition=self.deal.condition,
            expires_us=side.expires_us,
            awaits=awaits,
            fee_minor=fee_minor,
        )
        self.ask(side, "prepare", leg)

    def hold_both(self) -> None:
        """Have both legs held, then allow the fulfilment to be shown; or give the deal up."""
        deal = self.deal
        if self.own.node.clock.now_us() >= deal.target.expires_us:
            self.decide(DealState.ABORTED)
            return
        try:
            self.prepare(
                deal.source,
                deal.source_leg_id,
                awaits=deal.target_peer_id,
                fee_minor=deal.fee_minor,
            )
            self.prepare(deal.target, deal.target_leg_id, awaits="")
        except Refused:
            self.decide(DealState.ABORTED)
            return
        self.decide(DealState.RELEASED)

    def show(self) -> None:
        """Show the fulfilment, to the source's node first; decide by what the target leg is."""
        deal = self.deal
        preimage = open_preimage(self.own.node, deal)
        try:
            self.ask(deal.source, "fulfil", FulfilLeg(deal.source_leg_id, preimage))
            self.ask(deal.target, "fulfil", FulfilLeg(deal.target_leg_id, preimage))
        except Refused:
            self.give_up_target()
        self.decide_by(self.peers[deal.target.peer].receipt(deal.target_leg_id))

    def decide_by(self, word: LegReceipt) -> None:
        """Decide what the target leg came to, as its node says."""
        is_posted = word.state == "posted"
        self.decide(DealState.COMMITTED if is_posted else DealState.ABORTED, word)

    def give_up_target(self) -> None:
        """Give the target leg up, unless it is paid, was given up, or never came to be."""
        try:
            self.ask(self.deal.target, "abort", AbortLeg(self.deal.target_leg_id, "deal aborted"))
        except Refused as refused:
            if refused.code not in ("exchange.unknown_leg", "exchange.leg_posted"):
                raise

    def pay_source(self) -> None:
        """Have the source leg paid on the word of the target's node."""
        self._resolve_source()
        self.decide(DealState.CLOSED_COMMITTED)

    def give_up_source(self) -> None:
        """Have both legs given up; a source leg that is fulfilled needs the other node's word.

        The source leg goes first: a target's node that is silent keeps no payer waiting.
        """
        deal = self.deal
        try:
            self.ask(deal.source, "abort", AbortLeg(deal.source_leg_id, "deal aborted"))
        except Refused as refused:
            if refused.code == "exchange.leg_fulfilled":
                self._resolve_source()
            elif refused.code != "exchange.unknown_leg":
                raise
        self.give_up_target()
        self.decide(DealState.CLOSED_ABORTED)

    def _resolve_source(self) -> None:
        deal = self.deal
        peer = self.peers.get(deal.target.peer)
        receipt = self._kept_word() if peer is None else peer.receipt(deal.target_leg_id)
        self.ask(deal.source, "resolve", ResolveLeg(deal.source_leg_id, receipt))

    def _kept_word(self) -> LegReceipt:
        deal = self.deal
        assert deal.target_state, deal
        return LegReceipt(
            deal.target_leg_id, deal.id, deal.condition, deal.target_state, deal.target_signature
        )

    def go_on_alone(self) -> bool:
        """One step of a deal of which a node is not known here any more; False where none is safe.

        Nothing is voided before its time, nor where the fulfilment may have been shown to a node
        whose word is missing: that node may have paid. A source leg that is held but not fulfilled
        proves that it was not, for it is fulfilled before the target's node is shown anything.
        """
        deal, now_us = self.deal, self.own.node.clock.now_us()
        if deal.state is DealState.COMMITTED:
            if deal.source.peer not in self.peers or not deal.target_state:
                return False
            self.pay_source()
            return True
        if now_us < deal.target.expires_us:
            return False
        if deal.state is DealState.STARTED:
            self.decide(DealState.ABORTED)
            return True
        if deal.state is DealState.RELEASED:
            return self._judge_alone()
        return self._give_up_alone(now_us)

    def _judge_alone(self) -> bool:
        """Decide a released deal by the node that is left."""
        deal = self.deal
        if deal.target.peer in self.peers:
            self.give_up_target()
            self.decide_by(self.peers[deal.target.peer].receipt(deal.target_leg_id))
            return True
        if deal.source.peer not in self.peers or not self._is_source_free():
            return False
        self.decide(DealState.ABORTED)
        return True

    def _give_up_alone(self, now_us: int) -> bool:
        """Close a deal that was given up: what the node that is gone held ends by its own time."""
        deal = self.deal
        if deal.source.peer in self.peers:
            if not self._is_source_free():
                if not deal.target_state:
                    return False
                self._resolve_source()
        elif now_us < deal.source.expires_us:
            return False
        if deal.target.peer in self.peers:
            self.give_up_target()
        self.decide(DealState.CLOSED_ABORTED)
        return True

    def _is_source_free(self) -> bool:
        """Have the source leg given up; False where it is fulfilled, and so waits for a word."""
        try:
            self.ask(self.deal.source, "abort", AbortLeg(self.deal.source_leg_id, "deal aborted"))
        except Refused as refused:
            if refused.code == "exchange.leg_fulfilled":
                return False
            if refused.code != "exchange.unknown_leg":
                raise
        return True


_STEPS = {
    DealState.STARTED: _Drive.hold_both,
    DealState.RELEASED: _Drive.show,
    DealState.COMMITTED: _Drive.pay_source,
    DealState.ABORTED: _Drive.give_up_source,
}


def drive_deal(own: NodePeer, peers: Peers, deal_id: str) -> Deal:
    """Drive a deal as far as it goes now; where a peer is silent it stays as it is, for later."""
    for _ in range(STEPS_MAX):
        with own.node.read() as tx:
            deal = read_deal(tx, deal_id)
        step = _STEPS.get(deal.state)
        if step is None:
            return deal
        try:
            step(_Drive(own, peers, deal))
        except Fault:
            if not _is_over(own.node, deal):
                return deal
            _Drive(own, peers, deal).decide(DealState.ABORTED)
        except Refused as refused:
            if refused.code != "exchange.bad_decision":  # two drive it: what is on record holds
                raise
    return deal


def _is_over(node: Node, deal: Deal) -> bool:
    """Whether a deal whose fulfilment nobody has seen can only be given up: its time is over."""
    is_hidden = deal.state is DealState.STARTED
    return is_hidden and node.clock.now_us() >= deal.target.expires_us


def start_and_drive(own: NodePeer, peers: Peers, asked: StartDeal, *, key: str) -> Deal:
    """Start a deal under an act's key, and drive it as far as it goes."""
    made = own.act("exchange.start_deal", asked, key=key)
    return drive_deal(own, peers, made.deal_id)


def recover_deals(own: NodePeer, peers: Peers) -> tuple[Deal, ...]:
    """Drive every deal that is not closed: after a stop, and from time to time."""
    with own.node.read() as tx:
        waiting = open_deals(tx)
    return tuple(drive_deal(own, peers, deal.id) for deal in waiting)


def drive_stranded(own: NodePeer, peers: Peers, deal_id: str) -> Deal:
    """Drive a deal of which a node is not among ``peers`` as far as is safe without it."""
    for _ in range(STEPS_MAX):
        with own.node.read() as tx:
            deal = read_deal(tx, deal_id)
        try:
            if deal.state not in _STEPS or not _Drive(own, peers, deal).go_on_alone():
                return deal
        except Fault:
            return deal
        except Refused as refused:
            if refused.code != "exchange.bad_decision":  # two drive it: what is on record holds
                raise
    return deal


def end_by_receipt(own: NodePeer, peers: Peers, deal_id: str, word: LegReceipt) -> Deal:
    """End a deal by what the target's node has signed, however that came here.

    For a deal whose target's node is not known here any more, and that may have paid. Refused:
    ``exchange.unknown_deal``, ``exchange.bad_receipt``, ``exchange.bad_signature`` and those of
    ``verify_receipt``.
    """
    with own.node.read() as tx:
        deal = read_deal(tx, deal_id)
    told = (word.leg_id, word.deal_id, word.condition)
    if told != (deal.target_leg_id, deal.id, deal.condition) or word.state not in ENDED:
        raise Refused("exchange.bad_receipt", "This receipt does not end the deal.")
    verify_receipt(own.node, ResolveLeg(deal.source_leg_id, word))
    drive = _Drive(own, peers, deal)
    if deal.state is DealState.RELEASED:
        drive.decide_by(word)
    elif deal.state in (DealState.COMMITTED, DealState.ABORTED) and not deal.target_state:
        is_other = (deal.state is DealState.COMMITTED) != (word.state == "posted")
        if is_other:
            raise Refused("exchange.bad_receipt", "This receipt contradicts what is on record.")
        drive.ask(deal.source, "resolve", ResolveLeg(deal.source_leg_id, word))
        is_paid = deal.state is DealState.COMMITTED
        drive.decide(DealState.CLOSED_COMMITTED if is_paid else DealState.CLOSED_ABORTED, word)
    return drive_stranded(own, peers, deal_id)


def _recover(node: Node) -> bool:
    """Drive the deals that a stop or a silent peer has left open: at opening and later on.

    A deal with a node that is not among the ports goes on without it where that is safe; one that
    cannot be driven is told of in the log, and keeps no other one waiting.
    """
    known = node.ports.get(KnownPeers)
    peers = known if isinstance(known, KnownPeers) else KnownPeers()
    with node.read() as tx:
        waiting = open_deals(tx, count=RECOVERED_MAX)
    for deal in waiting:
        drive = drive_stranded if strangers_of(deal, peers) else drive_deal
        try:
            drive(NodePeer(node), peers, deal.id)
        except Refused as refused:
            LOGGER.warning("deal %s cannot be driven: %s", deal.id, refused.code)
    return False


upkeep("exchange.recover_deals", _recover)
