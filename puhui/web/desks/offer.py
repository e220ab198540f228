"""Offering credit to a customer: within the need stated, seldom; a refusal says which rule."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.lending import shelf
from puhui.lending.window import offer
from puhui.party import find_parties
from puhui.web.ask import Ask, Missing
from puhui.web.column import Column, Kind
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.pages.amount import amount_of

CHANNELS = ("phone", "sms", "branch", "app")
COLUMNS = (
    Column("made", "offer.made", lambda row: row.made_us, Kind.MOMENT),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT),
    Column("amount", "arrears.amount", lambda row: row.amount_minor, Kind.MONEY),
    Column("channel", "offer.channel", lambda row: row.channel, Kind.WORD,
           words="offer.channel_"),
    Column("answer", "offer.answer", lambda row: row.status, Kind.WORD, words="offer.status_"),
    Column("answered", "limits.answered", lambda row: row.answered_us, Kind.MOMENT),
)  # fmt: skip
OF_AMOUNT = ("lending.offer_over_need", "lending.bad_amount", "lending.over_capacity",
             "lending.own_limit_reached", "lending.credit_limit_reached")  # fmt: skip
"""Refusals that are told at the amount; the others at the product."""


def show(ask: Ask) -> Response:
    """What was offered, the need stated for each product, the rules, and the form."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    party_id, now_us = ask.request.path_params["party_id"], ask.node.clock.now_us()
    with ask.node.read() as tx:
        if not find_parties(ask.node, tx, party_ids=[party_id]):
            raise Missing
        rows = offer.offers_of(tx, party_id)
        is_wanted = offer.wants_offers(tx, party_id)
        needs = {
            name: offer.need_of(tx, party_id, name, now_us=now_us) for name in shelf.product_names()
        }
    if ending_of(ask):
        return file_reply(ask, "offers", COLUMNS, of_rows(rows), {"party": party_id})
    products = {name: shelf.load_product(name) for name in needs}
    return ask.page(
        "desk_offer.html",
        at="customers",
        party_id=party_id,
        rows=rows,
        columns=COLUMNS,
        needs=[(products[name], need) for name, need in needs.items() if need],
        is_wanted=is_wanted,
        caps=offer.rules_of(ask.today),
        channels=CHANNELS,
        typed={name: ask.text(name) for name in ("product", "amount", "channel")},
        done=ask.query.get("done", ""),
    )


def make(ask: Ask) -> Response:
    """Put an offer on record, which may then be told; or say which rule stands against it."""
    party_id = ask.request.path_params["party_id"]
    names = shelf.product_names()
    if ask.text("product") not in names:
        ask.wrong("product", ask.say("offer.product_missing"))
    if ask.text("channel") not in CHANNELS:
        ask.wrong("channel", ask.say("offer.channel_missing"))
    currency = "CNY"
    if ask.text("product") in names:
        currency = shelf.load_product(ask.text("product")).currency
    amount_minor = amount_of(ask, currency)
    if ask.problems:
        return _show(ask)
    told = {
        "party_id": party_id,
        "product": ask.text("product"),
        "amount_minor": amount_minor,
        "channel": ask.text("channel"),
    }
    try:
        ask.act("lending.offer_credit", told)
    except Refused as refused:
        if refused.code == "party.unknown":
            raise
        field = "amount" if refused.code in OF_AMOUNT else "product"
        ask.wrong(field, said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/customer/{party_id}/offers?done=made")
