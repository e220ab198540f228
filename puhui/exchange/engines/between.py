"""A customer's payment to another node: the way there found first, then held here at once."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from puhui.exchange.desk.deal import check_begun, record_deal
from puhui.exchange.desk.leg import hold_leg
from puhui.exchange.desk.lists import between, tariff
from puhui.exchange.desk.payee import count_asks
from puhui.exchange.desk.quote import lock_quote, quote_of
from puhui.exchange.engines.coordinator import KnownPeers
from puhui.exchange.engines.payee import ask_there
from puhui.exchange.engines.peer import reach_peers
from puhui.exchange.nouns.deal import DealMoved, SendBetween, Side, StartDeal
from puhui.exchange.nouns.leg import PrepareLeg
from puhui.exchange.nouns.payee import AskPayee
from puhui.exchange.nouns.quote import FeeKind, Price
from puhui.exchange.rules import quote as rules
from puhui.exchange.tables import participant as participant_tables
from puhui.exchange.tables import quote as quote_tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import random_bytes
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import check_actor

PAYERS = ("customer", "operator", "system")


def _priced(tx: Transaction, input: SendBetween, row: Row, now_us: int) -> tuple[str, Price]:
    """The key of the quote's provider, and what the payment costs by that quote at ``now_us``.

    Refused: ``exchange.unknown_currency``, ``exchange.same_currency``, ``exchange.quote_taken``,
    ``exchange.quote_expired``, ``exchange.other_currency``, ``exchange.bad_amount``,
    ``exchange.no_quote``, ``exchange.worse_than_asked``.
    """
    pair = input.source_currency, input.target_currency
    rules.check_pair(*pair)
    if row.state != "open":
        raise Refused("exchange.quote_taken", "This quote was taken already.")
    quote = quote_of(row)
    rules.check_alive(quote, now_us)
    if (quote.source_currency, quote.target_currency) != pair:
        raise Refused("exchange.other_currency", "This quote is of other currencies.")
    fee = tariff().fee(input.source_currency, FeeKind.DEAL)
    prices = rules.ranked([quote], fee, input.amount_minor, input.amount_kind, now_us)
    if not prices:
        raise Refused("exchange.no_quote", "This quote is for other amounts.")
    rules.check_worst(prices[0], input.worst_minor, input.amount_kind)
    provider = tx.one(participant_tables.READ_PARTICIPANT, id=quote.provider_id)
    assert provider is not None, quote
    return str(provider.public_key), prices[0]


def find_way(node: Node, input: SendBetween) -> SendBetween:
    """Ask the other node, before the act, who there has the key of the provider of the quote, and
    whether the payee is there and may take in what would arrive; and draw what fulfils the deal,
    32 bytes that nobody can guess. Nothing is held where the other node says no, or nothing.

    Refused: ``exchange.bad_end``, ``exchange.unknown_quote``, ``exchange.unknown_peer``,
    ``exchange.peer_silent``, ``exchange.no_provider_there``, what the price refuses, and
    ``exchange.too_many_asks``, ``exchange.no_such_payee``, ``exchange.payee_not_admitted``,
    ``exchange.peer_older``.
    """
    if not input.payee.startswith("party:"):
        raise Refused("exchange.bad_end", "The payee is a customer of the other node.")
    known = node.ports.get(KnownPeers)
    named = isinstance(known, KnownPeers) and input.peer in known
    if not isinstance(known, KnownPeers) or not named or input.peer == known.own_name:
        raise Refused("exchange.unknown_peer", f"There is no peer {input.peer[:60]}.")
    with node.read() as tx:
        row = tx.one(quote_tables.READ_QUOTE, id=input.quote_id)
        if row is None:
            raise Refused("exchange.unknown_quote", f"There is no quote {input.quote_id[:60]}.")
        key, price = _priced(tx, input, row, node.clock.now_us())
    (way,) = reach_peers(node, name=input.peer)
    if way.answer != "reached" or not way.peer_id:
        raise Refused("exchange.peer_silent", f"The peer {input.peer[:60]} does not answer.")
    there = way.drawn_by_key().get(key, "")
    if not there:
        raise Refused(
            "exchange.no_provider_there", "This provider pays nobody out at the other node."
        )
    asked = AskPayee(input.party_id, input.peer, input.payee)
    ask_there(node, asked, currency=price.target_currency, amount_minor=price.target_minor)
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
    is given back. One customer has few under way and few that came back in a day, as each takes an
    offer: ``exchange.too_many_deals``, ``exchange.too_many_lapsed``.
    Refused: ``party.not_yours``, ``exchange.bad_end``, ``exchange.bad_amount``,
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
    count_asks(act, input.party_id, 0)  # one customer's payments are begun one after another
    check_begun(act, f"party:{input.party_id}")
    row = lock_quote(act, input.quote_id)
    key, price = _priced(act.tx, input, row, act.now_us)
    if key != input.provider_key:
        raise Refused("exchange.bad_signature", "The provider's key has changed.")
    hold_us = between().deal_s * 1_000_000
    source = Side(
        peer=input.own_name,
        payer=f"party:{input.party_id}",
        payee=f"participant:{price.provider_id}",
        currency=input.source_currency,
        amount_minor=price.total_minor,
        expires_us=act.now_us + 2 * hold_us,
    )
    target = Side(
        peer=input.peer,
        payer=f"participant:{input.there}",
        payee=input.payee,
        currency=input.target_currency,
        amount_minor=price.target_minor,
        expires_us=act.now_us + hold_us,
    )
    deal = StartDeal(
        source,
        target,
        input.target_peer_id,
        condition=input.condition,
        sealed_preimage=input.sealed_preimage,
        quote_id=input.quote_id,
        fee_minor=price.scheme_fee_minor,
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
