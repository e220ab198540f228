"""A customer's payment to another node: the way there found first, then held here at once."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from puhui.exchange.desk.deal import record_deal
from puhui.exchange.desk.leg import hold_leg
from puhui.exchange.desk.lists import between, tariff
from puhui.exchange.desk.quote import lock_quote, quote_of
from puhui.exchange.engines.coordinator import KnownPeers
from puhui.exchange.engines.peer import reach_peers
from puhui.exchange.nouns.deal import DealMoved, SendBetween, Side, StartDeal
from puhui.exchange.nouns.leg import PrepareLeg
from puhui.exchange.nouns.quote import FeeKind
from puhui.exchange.rules import quote as rules
from puhui.exchange.tables import participant as participant_tables
from puhui.exchange.tables import quote as quote_tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import random_bytes
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import check_actor

PAYERS = ("customer", "operator", "system")


def _provider_of(tx: Transaction, quote_id: str) -> tuple[str, str]:
    """The provider of a quote and its key. Refused: ``exchange.unknown_quote``."""
    row = tx.one(quote_tables.READ_QUOTE, id=quote_id)
    if row is None:
        raise Refused("exchange.unknown_quote", f"There is no quote {quote_id[:60]}.")
    provider = tx.one(participant_tables.READ_PARTICIPANT, id=row.provider_id)
    assert provider is not None, row
    return str(provider.id), str(provider.public_key)


def find_way(node: Node, input: SendBetween) -> SendBetween:
    """Ask the other node, before the act, who there has the key of the provider of the quote; and
    draw what fulfils the deal, 32 bytes that nobody can guess.

    Refused: ``exchange.unknown_quote``, ``exchange.unknown_peer``, ``exchange.peer_silent``,
    ``exchange.no_provider_there``.
    """
    known = node.ports.get(KnownPeers)
    reached = reach_peers(node, name=input.peer) if input.peer else ()
    if not isinstance(known, KnownPeers) or not reached:
        raise Refused("exchange.unknown_peer", f"There is no peer {input.peer[:60]}.")
    with node.read() as tx:
        _, key = _provider_of(tx, input.quote_id)
    (way,) = reached
    if way.answer != "reached" or not way.peer_id:
        raise Refused("exchange.peer_silent", f"The peer {input.peer[:60]} does not answer.")
    there = way.drawn_by_key().get(key, "")
    if not there:
        raise Refused(
            "exchange.no_provider_there", "This provider pays nobody out at the other node."
        )
    preimage = random_bytes(32)
    condition = hashlib.sha256(preimage).hexdigest()
    return replace(
        input,
        own_name=known.own_name,
        target_peer_id=way.peer_id,
        there=there,
        provider_key=key,
        condition=condition,
        sealed_preimage=node.keys.wrap(condition, preimage),
    )


@use_case("exchange.send_between", roles=PAYERS, prepare=find_way)
def send_between(act: Act, input: SendBetween) -> DealMoved:
    """Pay somebody at another node in another currency, from the own wallet.

    The quote is taken, the deal is put on record and the payer's money held, fee and all, in this
    one act; the worker then drives the deal. Where the other node has not paid in time, all of it
    is given back. Refused: ``party.not_yours``, ``exchange.bad_end``, ``exchange.bad_amount``,
    ``exchange.bad_deal``, ``exchange.unknown_currency``, ``exchange.same_currency``,
    ``exchange.unknown_quote``, ``exchange.quote_taken``, ``exchange.quote_expired``,
    ``exchange.other_currency``, ``exchange.no_quote``, ``exchange.worse_than_asked``,
    ``exchange.bad_signature`` where the provider's key has changed, ``exchange.no_position``,
    ``exchange.participant_suspended``, ``exchange.unknown_party``, ``exchange.payer_short``,
    ``payment.wallet_closed``, ``payment.single_limit``, ``payment.daily_limit``, and those of
    ``find_way``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    if not input.payee.startswith("party:"):
        raise Refused("exchange.bad_end", "The payee is a customer of the other node.")
    rules.check_pair(input.source_currency, input.target_currency)
    row = lock_quote(act, input.quote_id)
    if row.state != "open":
        raise Refused("exchange.quote_taken", "This quote was taken already.")
    provider_id, key = _provider_of(act.tx, input.quote_id)
    if key != input.provider_key:
        raise Refused("exchange.bad_signature", "The provider's key has changed.")
    quote = quote_of(row)
    rules.check_alive(quote, act.now_us)
    if (quote.source_currency, quote.target_currency) != (
        input.source_currency,
        input.target_currency,
    ):
        raise Refused("exchange.other_currency", "This quote is of other currencies.")
    fee = tariff().fee(input.source_currency, FeeKind.DEAL)
    prices = rules.ranked([quote], fee, input.amount_minor, input.amount_kind, act.now_us)
    if not prices:
        raise Refused("exchange.no_quote", "This quote is for other amounts.")
    rules.check_worst(prices[0], input.worst_minor, input.amount_kind)
    hold_us = between().deal_s * 1_000_000
    source = Side(
        peer=input.own_name,
        payer=f"party:{input.party_id}",
        payee=f"participant:{provider_id}",
        currency=input.source_currency,
        amount_minor=prices[0].total_minor,
        expires_us=act.now_us + 2 * hold_us,
    )
    target = Side(
        peer=input.peer,
        payer=f"participant:{input.there}",
        payee=input.payee,
        currency=input.target_currency,
        amount_minor=prices[0].target_minor,
        expires_us=act.now_us + hold_us,
    )
    deal = StartDeal(
        source,
        target,
        input.target_peer_id,
        condition=input.condition,
        sealed_preimage=input.sealed_preimage,
        quote_id=input.quote_id,
        fee_minor=prices[0].scheme_fee_minor,
    )
    return _begin(act, deal)


def _begin(act: Act, deal: StartDeal) -> DealMoved:
    """Put a deal on record and hold what the payer gives, as its coordinator will ask for it."""
    made = record_deal(act, deal)
    leg = PrepareLeg(
        leg_id=f"{made.deal_id}-source",
        deal_id=made.deal_id,
        payer=deal.source.payer,
        payee=deal.source.payee,
        currency=deal.source.currency,
        amount_minor=deal.source.amount_minor,
        condition=deal.condition,
        expires_us=deal.source.expires_us,
        awaits=deal.target_peer_id,
        fee_minor=deal.fee_minor,
    )
    hold_leg(act, leg)
    return made
