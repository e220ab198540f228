"""Payees: what this node tells another one about its customers, and how often ours may ask."""

from __future__ import annotations

from datetime import date, timedelta

from puhui import payment
from puhui.exchange.desk.leg import payee_of
from puhui.exchange.desk.lists import between
from puhui.exchange.desk.participant import STAFF
from puhui.exchange.desk.peer import standing_of
from puhui.exchange.nouns.payee import NO_CURRENCY, AskPayee, AsksForgotten, ForgetAsks, PayeeAsked
from puhui.exchange.rules import peer as rules
from puhui.exchange.rules.leg import end_of
from puhui.exchange.tables import payee as tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.party import Party, check_actor, find_parties


def payee_here(node: Node, payee: str, *, currency: str, amount_minor: int, asked_by: str) -> Party:
    """The customer here that a payee ("party:ID", the ID a party's or a wallet number) means, where
    their wallet may take in so much; only whether they are there with ``NO_CURRENCY``.

    Another node may ask that may draw on somebody here. What is said of a wallet is said in one
    code, whichever limit or state it is, and what is in it is left out of account: a stranger
    learns no more than that. Refused:
    ``exchange.not_drawn``, ``exchange.bad_end``, ``exchange.bad_amount``,
    ``exchange.unknown_currency``, ``exchange.no_such_payee``, ``exchange.payee_not_admitted``.
    """
    rules.check_payee_asked(payee, currency, amount_minor)
    standing = standing_of(node, asked_by)
    if standing.peer_id and not standing.draws:
        raise Refused("exchange.not_drawn", "This node may draw on nobody here.")
    with node.read() as tx:
        try:
            party_id = end_of(payee_of(tx, payee)).id
        except Refused:
            party_id = ""
        found = find_parties(node, tx, party_ids=[party_id]) if party_id else ()
        if not found or found[0].is_erased:
            raise Refused("exchange.no_such_payee", "There is no such payee.")
        if currency != NO_CURRENCY:
            try:
                payment.admit(tx, party_id, currency, amount_minor, is_for_stranger=True)
            except Refused:
                raise Refused(
                    "exchange.payee_not_admitted", "The payee's wallet may not take this in."
                ) from None
    return found[0]


@use_case("exchange.ask_payee", roles=("customer", *STAFF))
def ask_payee(act: Act, input: AskPayee) -> PayeeAsked:
    """Put on record that a customer asks another node about a payee, before it is asked.

    Refused: ``party.not_yours``, ``exchange.too_many_asks`` where the customer has asked as often
    today as anybody may (``payee_asks_day_max``).
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    asks = count_asks(act, input.party_id, 1)
    rules.check_asks(asks, between().payee_asks_day_max)
    return PayeeAsked(asks)


@use_case("exchange.note_payee_ask", roles=STAFF)
def note_payee_ask(act: Act, input: AskPayee) -> PayeeAsked:
    """Put on record who at the desk asks another node about the payee of a deal, and for whom.

    It is not counted: "asks" is nought.
    """
    return PayeeAsked(0)


def count_asks(act: Act, party_id: str, more: int) -> int:
    """How often a customer has asked today, with ``more``; nobody else counts until the act ends.

    With nought it only keeps acts of one customer one after another.
    """
    key = {"party_id": party_id, "day": act.today.isoformat()}
    act.tx.put(tables.ADD_ASKS, **key, asks=more)
    row = act.tx.one(tables.READ_ASKS, **key)
    assert row is not None, key
    return int(row.asks)


@use_case("exchange.forget_asks", roles=("system",))
def forget_asks(act: Act, input: ForgetAsks) -> AsksForgotten:
    """Delete how often customers asked on days long past; limits count today alone."""
    return AsksForgotten(act.tx.run(tables.FORGET_ASKS, before=input.before.isoformat()))


def _old_asks(node: Node, day: date) -> list[ForgetAsks]:
    return [ForgetAsks(day - timedelta(days=between().asks_kept_days))]


day_step(92, "exchange.forget_asks", _old_asks)
