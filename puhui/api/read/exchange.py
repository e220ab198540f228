"""Reads of exchange: receipts of legs, standing and payees for peers, deals for staff."""

from __future__ import annotations

from puhui.api import exchange_answers as answers
from puhui.api.caller import Caller
from puhui.api.problem import Problem
from puhui.channel import new_key
from puhui.channel.window import shown_name
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
    return answers.StandingAnswer(
        told.peer_id, told.draws, told.now_us, told.draw_keys, told.speaks
    )


def read_payee(node: Node, caller: Caller, asked: answers.PayeeQuery) -> answers.PayeeAnswer:
    """Read whether a customer here may be paid so much, and their name in part, before money moves.

    Each look at a name is in its holder's log of accesses, with the node that asked; a node that
    asks too often is told so under our signature, so that its deals go on. Refused:
    ``exchange.not_drawn``, ``exchange.bad_end``, ``exchange.bad_amount``,
    ``exchange.unknown_currency``, ``exchange.no_such_payee``, ``exchange.payee_not_admitted``.
    """
    if caller.wait_s:
        headers = {"retry-after": str(caller.wait_s)}
        raise Problem("api.too_often", "Too many asks about payees.", headers=headers)
    asker = caller.actor.name
    party = window.payees.payee_here(
        node,
        asked.payee,
        currency=asked.currency,
        amount_minor=asked.amount_minor,
        asked_by=asker,
    )
    key = f"payee {new_key()}"
    return answers.PayeeAnswer(shown_name(node, party, key=key, reader=asker))


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
