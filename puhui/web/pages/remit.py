"""Sending money to somebody else in another currency: who, how much, all of it once more, receipt.

Who is a customer here, found by phone or customer number and named in part, a bank abroad that has
a position here and pays its own customer on, or a customer of another node: then both nodes hold
the money first, and a page tells how far it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from starlette.responses import Response

from puhui.channel import said
from puhui.exchange import KnownPeers, Quote
from puhui.exchange.window import (
    AmountKind,
    Price,
    between,
    leg,
    participants,
    payees,
    position_of,
    prices,
    quotes,
    reach_peers,
    read_deal,
)
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Transaction
from puhui.payment import numbers
from puhui.web.ask import Ask, Missing
from puhui.web.own import drop_draft, keep_draft, read_draft
from puhui.web.pages.amount import read_amount
from puhui.web.pages.exchange import KINDS, SHOWN_MAX, rate_of
from puhui.web.pages.payee import find_payees, hide_number
from puhui.web.pages.wallet import purses_of

DRAFT = "remit"
WAYS = ("person", "bank", "node")
REMARK_LENGTH_MAX = 140
STEPS = 3
_ABROAD = re.compile(r"party-[0-9A-Za-z-]{4,60}")
PROGRESS = {
    "started": "going", "released": "going", "committed": "paid", "closed_committed": "paid",
    "aborted": "back", "closed_aborted": "back",
}  # fmt: skip
"""What a state of a deal means to whoever pays: on its way, paid there, or given back."""
FIELDS = ("source", "target", "kind", "amount", "remark")


def _draft(ask: Ask, *needed: str) -> dict[str, str] | None:
    draft = read_draft(ask, DRAFT)
    return draft if all(draft.get(name) for name in needed) else None


def _banks(tx: Transaction) -> list[tuple[str, str]]:
    """Banks that money may be sent to: active ones, by name."""
    return [
        (one.id, one.name)
        for one in participants(tx)
        if (one.kind, one.status) == ("bank", "active")
    ]


def _nodes(ask: Ask) -> tuple[str, ...]:
    """The other nodes that money may be sent to, by name."""
    known = ask.node.ports.get(KnownPeers)
    if not isinstance(known, KnownPeers):
        return ()
    return tuple(sorted(one for one in known if one != known.own_name))


def who(ask: Ask) -> Response:
    """Whom the money is for."""
    draft = {} if ask.query.get("new") == "1" else read_draft(ask, DRAFT)
    asked = {"to": ask.query["to"]} if ask.query.get("to") in WAYS else {}
    return _who(ask, {"to": "person", **draft, **asked})


def _who(ask: Ask, told: Mapping[str, str], choices: object = ()) -> Response:
    with ask.node.read() as tx:
        banks = _banks(tx)
    return ask.page(
        "remit_who.html",
        to=told["to"],
        who=told.get("who", ""),
        bank=told.get("bank", ""),
        peer=told.get("peer", ""),
        number=told.get("number", ""),
        banks=banks,
        nodes=_nodes(ask),
        choices=choices,
        step=(1, STEPS),
        back="/exchange",
    )


def give_who(ask: Ask) -> Response:
    """Find the person, or the bank; where several have one phone, ask which."""
    to, typed, bank = ask.text("to"), ask.text("who"), ask.text("bank")
    told = {name: ask.text(name).strip() for name in ("peer", "number")}
    draft = {**read_draft(ask, DRAFT), "to": to, "who": typed, "bank": bank, **told}
    if to == "bank":
        with ask.node.read() as tx:
            names = dict(_banks(tx))
        if bank not in names:
            ask.wrong("bank", ask.say("remit.bank_missing"))
            return _who(ask, draft)
        draft |= {"end": f"participant:{bank}", "name": names[bank], "how": ""}
    elif to == "person":
        found = find_payees(ask, typed, by_number=False)
        if len(found) > 1:
            chosen = tuple(one for one in found if one.id == ask.text("choice"))
            if not chosen:
                ask.wrong("choice", ask.say("pay.which"))
                return _who(ask, draft, found)
            found = chosen
        if ask.problems:
            return _who(ask, draft)
        (payee,) = found
        draft |= {"end": f"party:{payee.id}", "name": payee.name, "how": payee.how}
    elif to == "node":
        if draft["peer"] not in _nodes(ask):
            ask.wrong("peer", ask.say("remit.node_missing"))
        is_wallet = numbers.is_wallet_number(draft["number"])
        if is_wallet:
            draft["number"] = numbers.plain(draft["number"])
        elif not _ABROAD.fullmatch(draft["number"]):
            ask.wrong("number", ask.say("remit.bad_number"))
        name = "" if ask.problems else _named_there(ask, draft)
        if ask.problems:
            return _who(ask, draft)
        how = f"{'wallet' if is_wallet else 'party'} {hide_number(draft['number'])}"
        draft |= {"end": f"party:{draft['number']}", "name": name, "how": how}
    else:
        ask.wrong("to", ask.say("remit.to_missing"))
        return _who(ask, {**draft, "to": "person"})
    keep_draft(ask, draft, DRAFT)
    return ask.go("/remit/amount")


def _named_there(ask: Ask, draft: dict[str, str]) -> str:
    """The payee's name in part, as the other node shows it; what it says else is noted."""
    asked = payees.AskPayee(ask.party_id, draft["peer"], f"party:{draft['number']}")
    try:
        return payees.ask_there(ask.node, asked).name
    except Refused as refused:
        at = "number" if refused.code == "exchange.no_such_payee" else "peer"
        silent = refused.code == "exchange.peer_silent"
        ask.wrong(at, ask.say("remit.silent") if silent else said(refused.code, ask.view.language))
    return ""


def amount(ask: Ask) -> Response:
    """How much, in which currencies; and the offers for it, the best one first."""
    draft = _draft(ask, "end")
    return ask.go("/remit") if draft is None else _amount(ask, draft)


def _amount(ask: Ask, draft: dict[str, str]) -> Response:
    now_us = ask.node.clock.now_us()
    minor = None if ask.problems else _minor(draft)
    keys: dict[str, str] = {}
    if draft["to"] == "node" and minor is not None:
        keys = _drawn(ask, draft)
        minor = None if ask.problems else minor
    with ask.node.read() as tx:
        open_quotes = {one.id: one for one in quotes(tx, now_us=now_us, count=1_000)}
        names = {one.id: one.name for one in participants(tx)}
        able = {one.id for one in participants(tx) if one.public_key in keys}
        found = () if minor is None else _prices(ask, tx, draft, minor)
        if draft["to"] == "node":
            found = tuple(one for one in found if one.provider_id in able)
        found = found[:SHOWN_MAX]
        purses = purses_of(tx, ask.party_id)
    pairs = {(one.source_currency, one.target_currency) for one in open_quotes.values()}
    return ask.page(
        "remit_amount.html",
        draft=draft,
        purses=purses,
        sources=sorted({pair[0] for pair in pairs} | {"CNY"}),
        targets=sorted({pair[1] for pair in pairs}),
        minor=minor,
        prices=[(one, open_quotes[one.quote_id]) for one in found if one.quote_id in open_quotes],
        names=names,
        rate_of=rate_of,
        step=(2, STEPS),
        back="/remit",
    )


def _minor(draft: dict[str, str]) -> int | None:
    """The amount in the currency that it is meant in; None where it is not all there."""
    source, target, kind = (draft.get(name, "") for name in ("source", "target", "kind"))
    if source not in DIGITS or target not in DIGITS or source == target or kind not in KINDS:
        return None
    return read_amount(draft.get("amount", ""), source if kind == "send" else target)


def _drawn(ask: Ask, draft: dict[str, str]) -> dict[str, str]:
    """Who pays out at the other node, by their keys; where it is silent, that is noted."""
    found = reach_peers(ask.node, name=draft["peer"])
    if not found or found[0].answer != "reached" or not found[0].peer_id:
        ask.wrong("_silent", ask.say("remit.silent"))
        return {}
    return found[0].drawn_by_key()


def _prices(ask: Ask, tx: Transaction, draft: dict[str, str], minor: int) -> tuple[Price, ...]:
    return prices(
        tx,
        source_currency=draft["source"],
        target_currency=draft["target"],
        amount_minor=minor,
        amount_kind=AmountKind(draft["kind"]),
        now_us=ask.node.clock.now_us(),
        fee_kind="deal_fee" if draft["to"] == "node" else "scheme_fee",
    )


def give_amount(ask: Ask) -> Response:
    """Keep what was typed, and show the offers for it."""
    draft = _draft(ask, "end")
    if draft is None:
        return ask.go("/remit")
    draft |= {name: ask.text(name) for name in FIELDS}
    source, target, kind = draft["source"], draft["target"], draft["kind"]
    if source not in DIGITS:
        ask.wrong("source", said("exchange.unknown_currency", ask.view.language))
    if target not in DIGITS:
        ask.wrong("target", ask.say("exchange.target_missing"))
    elif source == target:
        ask.wrong("target", said("exchange.same_currency", ask.view.language))
    if kind not in KINDS:
        ask.wrong("kind", ask.say("remit.kind_missing"))
    if not ask.problems and _minor(draft) is None:
        ask.wrong("amount", ask.say("form.bad_amount"))
    if len(draft["remark"]) > REMARK_LENGTH_MAX:
        ask.wrong("remark", ask.say("pay.remark_long", most=REMARK_LENGTH_MAX))
    if draft["to"] == "bank" and not draft["remark"]:
        ask.wrong("remark", ask.say("remit.remark_missing"))
    if draft["to"] == "bank" and not ask.problems and not _has_position(ask, draft):
        ask.wrong("target", ask.say("remit.no_position"))
    if ask.problems:
        return _amount(ask, draft)
    keep_draft(ask, draft, DRAFT)
    return ask.go("/remit/amount#offers")


def _has_position(ask: Ask, draft: dict[str, str]) -> bool:
    """Whether the bank keeps the currency that is to arrive."""
    with ask.node.read() as tx:
        try:
            position_of(tx, draft["end"].removeprefix("participant:"), draft["target"])
        except Refused:
            return False
    return True


def _offer(ask: Ask, draft: dict[str, str], quote_id: str) -> tuple[Price, Quote]:
    """The offer, priced anew. Missing: where it has ended or was taken."""
    minor = _minor(draft)
    if minor is None:
        raise Missing
    with ask.node.read() as tx:
        open_quotes = {
            one.id: one for one in quotes(tx, now_us=ask.node.clock.now_us(), count=1_000)
        }
        for price in _prices(ask, tx, draft, minor):
            if price.quote_id == quote_id and quote_id in open_quotes:
                return price, open_quotes[quote_id]
    raise Missing


def check(ask: Ask) -> Response:
    """Everything before it is sent: who, what leaves, what arrives, every cost, until when."""
    draft = _draft(ask, "end", "amount")
    if draft is None:
        return ask.go("/remit")
    return _check(ask, draft, ask.query.get("quote", ""))


def _check(ask: Ask, draft: dict[str, str], quote_id: str) -> Response:
    try:
        price, quote = _offer(ask, draft, quote_id)
    except Missing:
        ask.wrong("_gone", ask.say("exchange.gone"))
        return _amount(ask, draft)
    with ask.node.read() as tx:
        names = {one.id: one.name for one in participants(tx)}
        purses = {one.currency: one for one in purses_of(tx, ask.party_id)}
    return ask.page(
        "remit_check.html",
        draft=draft,
        price=price,
        quote=quote,
        provider=names.get(price.provider_id, price.provider_id),
        purse=purses.get(price.source_currency),
        rate=rate_of(price),
        worst=price.target_minor if draft["kind"] == "send" else price.total_minor,
        minutes=between().deal_s // 60,
        shown=_digest(ask, draft, quote_id),
        step=(3, STEPS),
        back="/remit/amount",
    )


def _digest(ask: Ask, draft: dict[str, str], quote_id: str) -> str:
    """What the page showed, so that nothing else is done than was seen."""
    text = f"{ask.party_id} {quote_id} {json.dumps(draft, sort_keys=True)}"
    return ask.node.keys.index("remittance shown", text)[:32]


def send(ask: Ask) -> Response:
    """Send it by the offer that was shown, at no worse than it said; once for the form."""
    draft = _draft(ask, "end", "amount")
    if draft is None:  # a second click: what the first one did lies in the list
        return ask.go("/exchange")
    quote_id, worst = ask.text("quote"), ask.text("worst")
    if ask.text("shown") != _digest(ask, draft, quote_id):
        ask.wrong("_shown", ask.say("pay.changed"))
        return _check(ask, draft, quote_id)
    minor = _minor(draft)
    if minor is None or not worst.isdecimal() or len(worst) > 18:
        return _amount(ask, draft)
    told = {
        "payee": draft["end"],
        "source_currency": draft["source"],
        "target_currency": draft["target"],
        "amount_kind": draft["kind"],
        "amount_minor": minor,
        "worst_minor": int(worst),
        "quote_id": quote_id,
    }
    try:
        if draft["to"] == "node":
            there = {"party_id": ask.party_id, "peer": draft["peer"]}
            to = f"/remit/deal/{ask.act('exchange.send_between', told | there).deal_id}"
        else:
            here = {"payer": f"party:{ask.party_id}", "remark": draft["remark"]}
            to = f"/exchange/{ask.act('exchange.remit', told | here).id}"
    except (Refused, Fault) as refused:
        silent = refused.code == "exchange.peer_silent"
        words = ask.say("remit.silent") if silent else said(refused.code, ask.view.language)
        ask.wrong("_refused", words)
        return _amount(ask, draft)
    drop_draft(ask, DRAFT)
    return ask.go(f"{to}?done=sent")


def deal(ask: Ask) -> Response:
    """How far money for somebody at another node has come, for whoever sent it."""
    with ask.node.read() as tx:
        try:
            found = read_deal(tx, ask.request.path_params["deal_id"])
        except Refused:
            raise Missing from None
        if found.source.payer != f"party:{ask.party_id}":
            raise Missing
        try:
            held = leg(tx, found.source_leg_id)
        except Refused:
            held = None
    state = found.state.value
    return ask.page(
        "remit_deal.html",
        deal=found,
        receipt=numbers.receipt(found.id),
        number=numbers.grouped(found.target.payee.removeprefix("party:")),
        progress=PROGRESS[state],
        until=held.expires_us if held is not None and held.state == "prepared" else None,
        done=ask.query.get("done", ""),
        back="/exchange",
    )
