"""Reads of exchange: receipts of legs and standing for peers, deals for staff."""

from __future__ import annotations

from puhui.api import exchange_answers as answers
from puhui.api.caller import Caller
from puhui.exchange import window
from puhui.kernel import Node


def read_receipt(node: Node, caller: Caller, asked: answers.LegQuery) -> answers.ReceiptAnswer:
    """Read what this node signs of a leg; a peer those alone that it asked for.

    Refused: ``exchange.unknown_leg``.
    """
    told = window.receipt_for(node, asked.leg_id, caller.actor.name)
    return answers.ReceiptAnswer(
        told.leg_id, told.deal_id, told.condition, told.state, told.signature
    )


def read_standing(node: Node, caller: Caller, asked: object) -> answers.StandingAnswer:
    """Read as whom one is known here, and on which participants one may draw."""
    told = window.standing_of(node, caller.actor.name)
    return answers.StandingAnswer(told.peer_id, told.draws, told.now_us, told.draw_keys)


def read_deal(node: Node, caller: Caller, asked: answers.DealQuery) -> answers.DealAnswer:
    """Read how far a deal between two nodes has come. Refused: ``exchange.unknown_deal``."""
    with node.read() as tx:
        deal = window.read_deal(tx, asked.deal_id)
    return answers.DealAnswer(
        deal_id=deal.id,
        state=deal.state.value,
        source_peer=deal.source.peer,
        source_currency=deal.source.currency,
        source_minor=deal.source.amount_minor,
        source_expires_us=deal.source.expires_us,
        target_peer=deal.target.peer,
        target_currency=deal.target.currency,
        target_minor=deal.target.amount_minor,
        target_expires_us=deal.target.expires_us,
        decided_us=deal.decided_us,
    )


def read_prices(node: Node, caller: Caller, asked: answers.PricesQuery) -> answers.PricesAnswer:
    """Read what a payment across currencies would cost now, all fees counted, the best one first.

    Refused: ``exchange.unknown_currency``, ``exchange.same_currency``, ``exchange.bad_amount``.
    """
    now_us = node.clock.now_us()
    with node.read() as tx:
        found = window.prices(
            tx,
            source_currency=asked.source_currency,
            target_currency=asked.target_currency,
            amount_minor=asked.amount_minor,
            amount_kind=asked.amount_kind,
            now_us=now_us,
        )
    return answers.PricesAnswer(found, now_us)
