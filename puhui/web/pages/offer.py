"""Credit that was offered to a customer: why, what it costs at most, and three plain answers."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending import shelf
from puhui.lending.window import offer
from puhui.web.ask import Ask, Missing
from puhui.web.pages.entry import on_offer

MARKS = {"taken": "yes", "declined": "no"}
ANSWERS = ("no", "never", "yes")


def show(ask: Ask) -> Response:
    """Offers that wait, each with its reason; what was said before; whether any are wanted."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    now_us = ask.node.clock.now_us()
    with ask.node.read() as tx:
        rows = offer.offers_of(tx, ask.party_id)
        waiting = offer.open_offers(tx, ask.party_id, now_us=now_us)
        needs = {
            one.product: offer.need_of(tx, ask.party_id, one.product, now_us=now_us)
            for one in waiting
        }
        is_wanted = offer.wants_offers(tx, ask.party_id)
    ids = {one.id for one in waiting}
    caps, names = offer.rules_of(ask.today), shelf.product_names()
    return ask.page(
        "offers.html",
        waiting=waiting,
        before=[one for one in rows if one.id not in ids],
        needs=needs,
        rates={
            one: shelf.load_product(one).pricing.rate_max if one in names else None for one in needs
        },
        days=caps.offers_days,
        most=caps.offers_max,
        quiet_days=caps.declined_days,
        is_wanted=is_wanted,
        marks=MARKS,
        done=ask.query.get("done", ""),
        back="/credit",
    )


def _waiting(ask: Ask) -> Row:
    """The customer's own open offer that the form names."""
    with ask.node.read() as tx:
        for one in offer.open_offers(tx, ask.party_id, now_us=ask.node.clock.now_us()):
            if one.id == ask.text("offer"):
                return one
    raise Missing


def answer(ask: Ask) -> Response:
    """Say no, no for good, or go and apply: then every question is asked as always."""
    wanted = ask.text("answer")
    if wanted not in ANSWERS:
        raise Missing
    row = _waiting(ask)
    try:
        ask.act("lending.answer_offer", {"offer_id": row.id, "is_wanted": wanted == "yes"})
        if wanted == "never":
            _choose(ask, is_wanted=False)
    except Refused as refused:
        ask.wrong("_offer", said(refused.code, ask.view.language))
        return _show(ask)
    if wanted == "yes":
        product = row.product if row.product in on_offer() else ""
        return ask.go(f"/apply?product={product}" if product else "/apply")
    return ask.go(f"/credit/offers?done={wanted}")


def choose(ask: Ask) -> Response:
    """Want to be offered no credit from now on, or again."""
    if ask.text("offers") not in ("none", "again"):
        raise Missing
    is_wanted = ask.text("offers") == "again"
    _choose(ask, is_wanted=is_wanted)
    return ask.go(f"/credit/offers?done={'again' if is_wanted else 'never'}")


def _choose(ask: Ask, *, is_wanted: bool) -> None:
    ask.act("lending.choose_offers", {"party_id": ask.party_id, "is_wanted": is_wanted})
