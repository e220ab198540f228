"""Reads of credit that was offered, each for the person it was offered to, and for staff."""

from __future__ import annotations

from puhui.api import credit_answers as answers
from puhui.api.caller import Caller
from puhui.api.read.loan import today_of
from puhui.kernel import Node
from puhui.lending import shelf
from puhui.lending.window import offer

DAY_US = 86_400_000_000


def list_offers(node: Node, caller: Caller, asked: answers.OffersQuery) -> answers.OffersAnswer:
    """List the credit that a person was offered, with why, what it costs at most, and its state."""
    caller.check_sees(asked.party_id)
    now_us = node.clock.now_us()
    with node.read() as tx:
        rows = offer.offers_of(tx, asked.party_id)
        waiting = offer.open_offers(tx, asked.party_id, now_us=now_us)
        products = sorted({row.product for row in rows})
        needs = {one: offer.need_of(tx, asked.party_id, one, now_us=now_us) for one in products}
        is_wanted = offer.wants_offers(tx, asked.party_id)
    on_shelf = set(shelf.product_names())
    rates = {
        one: str(shelf.load_product(one).pricing.rate_max) if one in on_shelf else None
        for one in products
    }
    days_us = offer.rules_of(today_of(node)).offers_days * DAY_US
    open_ids = {row.id for row in waiting}
    return answers.OffersAnswer(
        tuple(
            answers.OfferItem(
                row.id,
                row.product,
                row.currency,
                row.amount_minor,
                rates[row.product],
                needs[row.product],
                row.channel,
                row.made_us,
                row.made_us + days_us,
                "lapsed" if row.status == "open" and row.id not in open_ids else row.status,
                row.answered_us,
            )
            for row in rows
        ),
        is_wanted,
    )
