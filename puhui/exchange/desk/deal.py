"""Deals: what the coordinator of a payment between two nodes has decided, written down first."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from puhui.exchange.desk.lists import tariff
from puhui.exchange.desk.participant import STAFF
from puhui.exchange.desk.quote import lock_quote, quote_of
from puhui.exchange.nouns.deal import Deal, DealMoved, DealState, DecideDeal, Side, StartDeal
from puhui.exchange.rules import deal as rules
from puhui.exchange.tables import deal as tables
from puhui.exchange.tables import quote as quote_tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.crypto import random_bytes
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction


def deal_of(row: Row) -> Deal:
    """The deal of a row."""
    return Deal(
        id=row.id,
        source=Side(
            row.source_peer,
            row.source_payer,
            row.source_payee,
            row.source_currency,
            row.source_minor,
            row.source_expires_us,
        ),
        target=Side(
            row.target_peer,
            row.target_payer,
            row.target_payee,
            row.target_currency,
            row.target_minor,
            row.target_expires_us,
        ),
        target_peer_id=row.target_peer_id,
        condition=row.condition,
        sealed_preimage=row.sealed_preimage,
        state=DealState(row.state),
        decided_us=row.decided_us,
        quote_id=row.quote_id,
        target_state=row.target_state,
        target_signature=row.target_signature,
        fee_minor=row.fee_minor,
    )


def seal_preimage(node: Node, input: StartDeal) -> StartDeal:
    """Draw 32 bytes that nobody can guess, before the act; only their digest is readable."""
    preimage = random_bytes(32)
    condition = hashlib.sha256(preimage).hexdigest()
    return replace(input, condition=condition, sealed_preimage=node.keys.wrap(condition, preimage))


def open_preimage(node: Node, deal: Deal) -> str:
    """What fulfils both legs of a deal, in hex: for the coordinator, once it has decided."""
    return node.keys.unwrap(deal.condition, deal.sealed_preimage).hex()


@use_case("exchange.start_deal", roles=STAFF, api=True, prepare=seal_preimage)
def start_deal(act: Act, input: StartDeal) -> DealMoved:
    """Put a deal on record, before anything is asked of either node.

    With a quote named it is that quote's deal, and the quote is taken, whatever becomes of the
    deal. Refused: ``exchange.bad_deal``, ``exchange.bad_end``, ``exchange.bad_amount``,
    ``exchange.leg_expired``, ``exchange.unknown_quote``, ``exchange.quote_taken``,
    ``exchange.quote_expired``, ``exchange.other_currency``.
    """
    return record_deal(act, input)


def record_deal(act: Act, input: StartDeal) -> DealMoved:
    """What ``exchange.start_deal`` does, as a step of an act that was let do it."""
    rules.check_deal(input, act.now_us)
    if input.quote_id:
        row = lock_quote(act, input.quote_id)
        if row.state != "open":
            raise Refused("exchange.quote_taken", "This quote was taken already.")
        rules.check_terms(input, quote_of(row), act.now_us)
        act.tx.put(quote_tables.SET_STATE, id_=row.id, state_="taken")
    source, target = input.source, input.target
    deal_id = act.new_id("deal")
    act.tx.put(
        tables.INSERT_DEAL,
        id=deal_id,
        source_peer=source.peer,
        source_payer=source.payer,
        source_payee=source.payee,
        source_currency=source.currency,
        source_minor=source.amount_minor,
        source_expires_us=source.expires_us,
        target_peer=target.peer,
        target_payer=target.payer,
        target_payee=target.payee,
        target_currency=target.currency,
        target_minor=target.amount_minor,
        target_expires_us=target.expires_us,
        target_peer_id=input.target_peer_id,
        condition=input.condition,
        sealed_preimage=input.sealed_preimage,
        state=DealState.STARTED.value,
        decided_us=None,
        quote_id=input.quote_id,
        target_state="",
        target_signature="",
        fee_minor=input.fee_minor,
    )
    return DealMoved(deal_id, DealState.STARTED)


@use_case("exchange.decide_deal", roles=STAFF)
def decide_deal(act: Act, input: DecideDeal) -> DealMoved:
    """Write down what a deal comes to next; it is durable before anybody acts on it.

    Refused: ``exchange.unknown_deal``, ``exchange.bad_decision``.
    """
    row = act.tx.one(tables.LOCK_DEAL, id=input.deal_id)
    if row is None:
        raise Refused("exchange.unknown_deal", f"There is no deal {input.deal_id[:60]}.")
    if rules.judge_decision(DealState(row.state), input.from_state, input.to_state):
        act.tx.put(tables.DECIDE, id_=row.id, state_=input.to_state.value, now_us_=act.now_us)
        if input.target_state:
            act.tx.put(
                tables.KEEP_WORD,
                id_=row.id,
                state_=input.target_state,
                signature_=input.target_signature,
            )
    return DealMoved(row.id, input.to_state)


def check_begun(act: Act, payer: str) -> None:
    """Whether a payer may begin one more deal today, as far as offers go.

    Refused: ``exchange.too_many_deals``, ``exchange.too_many_lapsed``.
    """
    rows = act.tx.all(
        tables.COUNT_DEALS_OF,
        payer=payer,
        open_states=list(rules.OPEN_STATES),
        since_us=start_of_day_us(act.today),
    )
    counts = {row.state: row.deals for row in rows}
    rules.check_deals_begun(
        under_way=sum(counts.get(state, 0) for state in rules.OPEN_STATES),
        lapsed=counts.get(DealState.CLOSED_ABORTED.value, 0),
        open_max=tariff().deals_open_max,
        lapsed_max=tariff().deals_lapsed_day_max,
    )


def read_deal(tx: Transaction, deal_id: str) -> Deal:
    """One deal. Refused: ``exchange.unknown_deal``."""
    row = tx.one(tables.READ_DEAL, id=deal_id)
    if row is None:
        raise Refused("exchange.unknown_deal", f"There is no deal {deal_id[:60]}.")
    return deal_of(row)


def deals(tx: Transaction, *, payer: str = "", count: int = 200) -> tuple[Deal, ...]:
    """All deals, or those that one end ("party:ID") pays, the newest first."""
    if payer:
        rows = tx.all(tables.READ_DEALS_OF, payer=payer, count=count)
    else:
        rows = tx.all(tables.READ_DEALS, count=count)
    return tuple(deal_of(row) for row in rows)


def open_deals(tx: Transaction, *, count: int = 200) -> tuple[Deal, ...]:
    """The deals that are not closed, in the order of their ids, which is that of their times."""
    rows = tx.all(tables.READ_OPEN_DEALS, states=list(rules.OPEN_STATES), count=count)
    return tuple(deal_of(row) for row in rows)
