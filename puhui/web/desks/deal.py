"""The desk of deals: payments versus payment with another node, begun, looked at, and ended."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from puhui.channel import queues, said
from puhui.exchange import KnownPeers, NodePeer, Quote, end_by_receipt
from puhui.exchange.window import (
    AmountKind,
    Participant,
    Price,
    between,
    deals,
    leg,
    participants,
    payees,
    prices,
    quotes,
    reach_peers,
    read_deal,
    read_receipt,
    strangers_of,
)
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Transaction
from puhui.party import find_parties
from puhui.payment import numbers
from puhui.web.ask import Ask, Missing
from puhui.web.pages.amount import read_amount
from puhui.web.pages.exchange import KINDS, SHOWN_MAX, rate_of
from puhui.web.table import sheet_of

ROWS_MAX = 10_000
FIELDS = ("peer", "payer", "payee", "there", "source", "target", "kind", "amount")
STATES = ("started", "released", "committed", "aborted", "closed_committed", "closed_aborted")
OPEN = STATES[:4]
_END = re.compile(r"(party|participant)-[0-9A-Za-z-]{4,60}")


def _named(ask: Ask) -> tuple[str, ...]:
    """The nodes that this one knows by name, itself among them."""
    known = ask.node.ports.get(KnownPeers)
    return tuple(known) if isinstance(known, KnownPeers) else ()


def _own_name(ask: Ask) -> str:
    known = ask.node.ports.get(KnownPeers)
    return known.own_name if isinstance(known, KnownPeers) else ""


def index(ask: Ask) -> Response:
    """All deals, the newest first, and which of them name a node that is not known any more."""
    sheet = sheet_of(
        "/desk/deals", ask.query, filters=("state",), order="-started", orders={"started"}
    )
    with ask.node.read() as tx:
        found = deals(tx, count=ROWS_MAX)
    if sheet.order == "started":
        found = found[::-1]
    wanted = sheet.filters["state"]
    rows = [one for one in found if wanted in ("", one.state.value)]
    named = _named(ask)
    return ask.page(
        "desk_deals.html",
        at="deals",
        sheet=sheet,
        states=STATES,
        rows=rows[sheet.skip : sheet.skip + sheet.size],
        has_more=len(rows) > sheet.skip + sheet.size,
        strangers={one.id: strangers_of(one, named) for one in found if one.state.value in OPEN},
        can_start=len(named) > 1,
    )


def show(ask: Ask) -> Response:
    """One deal: how far it has come, both legs, and what it waits for."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        try:
            deal = read_deal(tx, ask.request.path_params["deal_id"])
        except Refused:
            raise Missing from None
        try:
            here = leg(tx, deal.source_leg_id)
        except Refused:
            here = None
    is_open = deal.state.value in OPEN
    strangers = strangers_of(deal, _named(ask)) if is_open else ()
    is_waiting = deal.target.peer in strangers and here is not None and here.state == "fulfilled"
    return ask.page(
        "desk_deal.html",
        at="deals",
        deal=deal,
        receipt=numbers.receipt(deal.id),
        here=here,
        is_open=is_open,
        strangers=strangers,
        is_waiting=is_waiting and deal.state.value in ("released", "aborted"),
        started=ask.query.get("done") == "started",
    )


def end(ask: Ask) -> Response:
    """End a deal by the receipt that the other node has signed."""
    deal_id = ask.request.path_params["deal_id"]
    known = ask.node.ports.get(KnownPeers)
    peers = known if isinstance(known, KnownPeers) else KnownPeers()
    try:
        word = read_receipt(ask.text("receipt"))
        end_by_receipt(NodePeer(ask.node, ask.actor), peers, deal_id, word)
    except Refused as refused:
        if refused.code == "exchange.unknown_deal":
            raise Missing from None
        ask.wrong("receipt", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/deal/{deal_id}")


@dataclass(frozen=True, slots=True)
class _Terms:
    """What was chosen, all of it sound: ``minor`` in the currency that ``kind`` means."""

    told: Mapping[str, str]
    minor: int

    @property
    def kind(self) -> AmountKind:
        """Whether the amount is what leaves or what arrives."""
        return AmountKind(self.told["kind"])


def new(ask: Ask) -> Response:
    """Choose the node, both ends, currencies and amount; then the offers, the best one first."""
    return _new(ask, {name: ask.query.get(name, "").strip() for name in FIELDS})


def _new(ask: Ask, told: Mapping[str, str]) -> Response:
    others = [one for one in _named(ask) if one != _own_name(ask)]
    draws: tuple[str, ...] = ()
    keys: dict[str, str] = {}
    is_reached = is_older = False
    if told["peer"] in others:
        (reach,) = reach_peers(ask.node, name=told["peer"])
        keys = {one: key for key, one in reach.drawn_by_key().items()}
        is_older = reach.is_older
        draws, is_reached = reach.draws, reach.answer == "reached" and bool(reach.peer_id)
        if not is_reached:
            ask.wrong("peer", said("exchange.peer_silent", ask.view.language))
        elif not draws:
            ask.wrong("peer", ask.say("deal.no_draw"))
    elif told["peer"]:
        ask.wrong("peer", said("exchange.unknown_peer", ask.view.language))
    terms = None
    if is_reached and draws and any(told[name] for name in FIELDS[1:]):
        terms = _terms(ask, told, draws)
    now_us = ask.node.clock.now_us()
    with ask.node.read() as tx:
        open_quotes = {one.id: one for one in quotes(tx, now_us=now_us, count=1_000)}
        here = participants(tx)
        found = () if terms is None else _prices(tx, terms, now_us)[:SHOWN_MAX]
    pairs = {(one.source_currency, one.target_currency) for one in open_quotes.values()}
    return ask.page(
        "desk_deal_new.html",
        at="deals",
        told=told,
        others=others,
        draws=[(one, _known_as(here, keys.get(one, ""), one)) for one in draws],
        is_reached=is_reached and bool(draws),
        is_older=is_older,
        sources=sorted({pair[0] for pair in pairs}),
        targets=sorted({pair[1] for pair in pairs}),
        terms=terms,
        offers=[
            (one, urlencode({**told, "quote": one.quote_id}))
            for one in found
            if one.quote_id in open_quotes
        ],
        names={one.id: one.name for one in here},
        rate_of=rate_of,
    )


def _known_as(here: Sequence[Participant], key: str, there: str) -> str:
    """What a participant of the other node is called: by the name of ours with the same key, and
    the end of its id there.
    """
    names = [one.name for one in here if key and one.public_key == key]
    return f"{names[0]} …{there[-8:]}" if names else there


def _terms(ask: Ask, told: Mapping[str, str], draws: tuple[str, ...] | None) -> _Terms | None:
    """The terms, or None with what is wrong noted at its field."""
    _check_ends(ask, told, draws)
    source, target, kind = told["source"], told["target"], told["kind"]
    for name, currency in (("source", source), ("target", target)):
        if currency not in DIGITS:
            ask.wrong(name, said("exchange.unknown_currency", ask.view.language))
    if source == target:
        ask.wrong("target", said("exchange.same_currency", ask.view.language))
    if kind not in KINDS:
        ask.wrong("kind", ask.say("remit.kind_missing"))
    if ask.problems:
        return None
    minor = read_amount(told["amount"], source if kind == "send" else target)
    if minor is None:
        ask.wrong("amount", ask.say("form.bad_amount"))
        return None
    return _Terms(told, minor)


def _check_ends(ask: Ask, told: Mapping[str, str], draws: tuple[str, ...] | None) -> None:
    """Whether the payer is known here, the payee has the form of an id, and the provider there is
    one that the other node lets us draw on.
    """
    payer = told["payer"]
    with ask.node.read() as tx:
        if payer.startswith("participant-"):
            is_known = any(
                (one.id, one.kind, one.status) == (payer, "bank", "active")
                for one in participants(tx)
            )
        else:
            people = find_parties(ask.node, tx, party_ids=[payer]) if payer else ()
            is_known = any(not one.is_erased for one in people)
    if not is_known:
        ask.wrong("payer", said("exchange.unknown_party", ask.view.language))
    if not _END.fullmatch(told["payee"]):
        ask.wrong("payee", ask.say("deal.bad_payee"))
    if draws is not None and told["there"] not in draws:
        ask.wrong("there", ask.say("deal.there_missing"))


def _prices(tx: Transaction, terms: _Terms, now_us: int) -> tuple[Price, ...]:
    return prices(
        tx,
        source_currency=terms.told["source"],
        target_currency=terms.told["target"],
        amount_minor=terms.minor,
        amount_kind=terms.kind,
        now_us=now_us,
        fee_kind="none",
    )


def _offer(ask: Ask, terms: _Terms, quote_id: str) -> tuple[Price, Quote]:
    """The offer, priced anew. Missing: where it has ended or was taken."""
    now_us = ask.node.clock.now_us()
    with ask.node.read() as tx:
        open_quotes = {one.id: one for one in quotes(tx, now_us=now_us, count=1_000)}
        for price in _prices(tx, terms, now_us):
            if price.quote_id == quote_id and quote_id in open_quotes:
                return price, open_quotes[quote_id]
    raise Missing


def check(ask: Ask) -> Response:
    """Everything before it begins: both ends, what leaves, what arrives, until when."""
    told = {name: ask.query.get(name, "").strip() for name in FIELDS}
    return _check(ask, told, ask.query.get("quote", ""))


def _check(ask: Ask, told: Mapping[str, str], quote_id: str) -> Response:
    terms = _terms(ask, told, None)
    if terms is None or told["peer"] not in _named(ask):
        return _new(ask, told)
    try:
        price, quote = _offer(ask, terms, quote_id)
    except Missing:
        ask.wrong("_gone", ask.say("exchange.gone"))
        return _new(ask, told)
    name = _named_there(ask, told, price)
    if "payee" in ask.problems:
        return _new(ask, told)
    with ask.node.read() as tx:
        names = {one.id: one.name for one in participants(tx)}
    return ask.page(
        "desk_deal_check.html",
        at="deals",
        told=told,
        name=name,
        price=price,
        quote=quote,
        provider=names.get(price.provider_id, price.provider_id),
        rate=rate_of(price),
        minutes=between().deal_s // 60,
        shown=_digest(ask, told, price),
        change=f"/desk/deal/new?{urlencode(told)}",
    )


def _named_there(ask: Ask, told: Mapping[str, str], price: Price) -> str:
    """The name in part of a customer of the other node who is to be paid, "" of a bank; what the
    node says against them is noted.
    """
    if not told["payee"].startswith("party-"):
        return ""
    asked = payees.AskPayee(told["payer"], told["peer"], _end_of(told["payee"]))
    try:
        return payees.ask_there(
            ask.node,
            asked,
            currency=price.target_currency,
            amount_minor=price.target_minor,
            staff=ask.actor,
        ).name
    except Refused as refused:
        ask.wrong("payee", said(refused.code, ask.view.language))
    return ""


def _digest(ask: Ask, told: Mapping[str, str], price: Price) -> str:
    """What the page showed, so that nothing else is done than was seen."""
    seen = (price.quote_id, price.total_minor, price.target_minor)
    text = f"{ask.actor.name} {seen} {json.dumps(dict(told), sort_keys=True)}"
    return ask.node.keys.index("deal shown", text)[:32]


def start(ask: Ask) -> Response:
    """Begin the deal that was shown, once for the form; the worker drives it from there."""
    told = {name: ask.text(name) for name in FIELDS}
    quote_id = ask.text("quote")
    terms = _terms(ask, told, None)
    known = ask.node.ports.get(KnownPeers)
    if terms is None or not isinstance(known, KnownPeers) or told["peer"] not in known:
        return _new(ask, told)
    begun = _begun(ask)
    if begun:
        return ask.go(f"/desk/deal/{begun}")
    try:
        price, _ = _offer(ask, terms, quote_id)
    except Missing:
        ask.wrong("_gone", ask.say("exchange.gone"))
        return _new(ask, told)
    if ask.text("shown") != _digest(ask, told, price):
        ask.wrong("_shown", ask.say("pay.changed"))
        return _check(ask, told, quote_id)
    (reach,) = reach_peers(ask.node, name=told["peer"])
    if reach.answer != "reached" or not reach.peer_id or told["there"] not in reach.draws:
        ask.wrong("peer", said("exchange.peer_silent", ask.view.language))
        return _new(ask, told)
    _named_there(ask, told, price)
    if "payee" in ask.problems:
        return _new(ask, told)
    now_us, hold_us = ask.node.clock.now_us(), between().deal_s * 1_000_000
    deal = {
        "source": {
            "peer": known.own_name,
            "payer": _end_of(told["payer"]),
            "payee": f"participant:{price.provider_id}",
            "currency": price.source_currency,
            "amount_minor": price.total_minor,
            "expires_us": now_us + 2 * hold_us,
        },
        "target": {
            "peer": told["peer"],
            "payer": f"participant:{told['there']}",
            "payee": _end_of(told["payee"]),
            "currency": price.target_currency,
            "amount_minor": price.target_minor,
            "expires_us": now_us + hold_us,
        },
        "target_peer_id": reach.peer_id,
        "quote_id": quote_id,
    }
    try:
        made = ask.act("exchange.start_deal", deal)
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _new(ask, told)
    return ask.go(f"/desk/deal/{made.deal_id}?done=started")


def _begun(ask: Ask) -> str:
    """The deal that this form has begun before; "" on its first click."""
    found = queues.became(ask.node, ask.key_of("exchange.start_deal", ask.key))
    return "" if found is None or found.outcome is None else str(found.outcome.deal_id)


def _end_of(text: str) -> str:
    """An end as deals name it, from an id as people type it."""
    kind = text.partition("-")[0]
    return f"{kind}:{text}"
