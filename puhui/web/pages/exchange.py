"""Changing money: an amount, the offers with all their costs, a look at one, and the receipt."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlencode

from starlette.responses import Response

from puhui.channel import said
from puhui.exchange import Quote
from puhui.exchange.window import (
    AmountKind,
    Price,
    Remittance,
    deals,
    participants,
    prices,
    quotes,
    remittance_of,
    remittances,
)
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Transaction
from puhui.payment import numbers
from puhui.web.ask import Ask, Missing
from puhui.web.pages.amount import read_amount
from puhui.web.pages.payee import label_of
from puhui.web.pages.wallet import purses_of

SHOWN_MAX = 10
KINDS = ("send", "receive")


def show(ask: Ask) -> Response:
    """What is to be changed into what, and the offers for it, the best one first."""
    return _show(ask)


def _asked(ask: Ask, name: str, otherwise: str) -> str:
    return ask.text(name) or ask.query.get(name, otherwise)


def _best_of_each(found: tuple[Price, ...]) -> tuple[Price, ...]:
    """One price of each provider, the cheapest: a provider may have many quotes alike."""
    firsts: dict[str, Price] = {}
    for price in found:
        firsts.setdefault(price.provider_id, price)
    return tuple(firsts.values())


def _show(ask: Ask) -> Response:
    source, target = _asked(ask, "source", "CNY"), _asked(ask, "target", "")
    kind = _asked(ask, "kind", "send")
    kind = kind if kind in KINDS else "send"
    typed = _asked(ask, "amount", "")
    now_us = ask.node.clock.now_us()
    found: tuple[Price, ...] = ()
    minor = None
    with ask.node.read() as tx:
        purses = purses_of(tx, ask.party_id)
        open_quotes = {one.id: one for one in quotes(tx, now_us=now_us, count=1_000)}
        names = {one.id: one.name for one in participants(tx)}
        sent = deals(tx, payer=f"party:{ask.party_id}", count=20)
        past = remittances(tx, end=f"party:{ask.party_id}", count=20)
        if typed or target:
            minor = _minor(ask, typed, source, target, kind)
        if minor is not None:
            found = _best_of_each(
                prices(
                    tx,
                    source_currency=source,
                    target_currency=target,
                    amount_minor=minor,
                    amount_kind=AmountKind(kind),
                    now_us=now_us,
                )
            )[:SHOWN_MAX]
    pairs = {(one.source_currency, one.target_currency) for one in open_quotes.values()}
    return ask.page(
        "exchange.html",
        purses=purses,
        sources=sorted({pair[0] for pair in pairs} | {source}),
        targets=sorted({pair[1] for pair in pairs} | ({target} if target in DIGITS else set())),
        source=source,
        target=target,
        kind=kind,
        amount=typed,
        minor=minor,
        prices=[(one, open_quotes[one.quote_id]) for one in found if one.quote_id in open_quotes],
        names=names,
        rate_of=rate_of,
        past=past,
        sent=sent,
        back="/wallet",
    )


def _minor(ask: Ask, typed: str, source: str, target: str, kind: str) -> int | None:
    """The amount in the currency it is meant in; problems are noted at their fields."""
    if source not in DIGITS:
        ask.wrong("source", said("exchange.unknown_currency", ask.view.language))
    if target not in DIGITS:
        ask.wrong("target", ask.say("exchange.target_missing"))
    elif source == target:
        ask.wrong("target", said("exchange.same_currency", ask.view.language))
    if ask.problems:
        return None
    minor = read_amount(typed, source if kind == "send" else target)
    if minor is None:
        ask.wrong("amount", ask.say("form.bad_amount"))
    return minor


def rate_of(price: Price) -> str:
    """What one unit of the source currency brings when all costs are counted, four decimals."""
    target = Decimal(price.target_minor).scaleb(-DIGITS[price.target_currency])
    source = Decimal(price.total_minor).scaleb(-DIGITS[price.source_currency])
    return f"{target / source:.4f}"


def _priced(ask: Ask, tx: Transaction) -> tuple[Price, Quote, str]:
    """The offer that the address names, priced anew. Missing: where it is gone."""
    now_us = ask.node.clock.now_us()
    quote_id, kind = _asked(ask, "quote", ""), _asked(ask, "kind", "send")
    open_quotes = quotes(tx, now_us=now_us, count=1_000)
    quote = next((one for one in open_quotes if one.id == quote_id), None)
    if quote is None or kind not in KINDS:
        raise Missing
    meant = quote.source_currency if kind == "send" else quote.target_currency
    minor = read_amount(_asked(ask, "amount", ""), meant)
    if minor is None:
        raise Missing
    found = prices(
        tx,
        source_currency=quote.source_currency,
        target_currency=quote.target_currency,
        amount_minor=minor,
        amount_kind=AmountKind(kind),
        now_us=now_us,
    )
    for one in found:
        if one.quote_id == quote_id:
            return one, quote, kind
    raise Missing


def check(ask: Ask) -> Response:
    """One offer with every cost, and until when it holds."""
    with ask.node.read() as tx:
        try:
            price, quote, kind = _priced(ask, tx)
        except Missing:
            ask.wrong("_gone", ask.say("exchange.gone"))
            return _show(ask)
        names = {one.id: one.name for one in participants(tx)}
        purses = {one.currency: one for one in purses_of(tx, ask.party_id)}
    amount = _asked(ask, "amount", "")
    return ask.page(
        "exchange_check.html",
        price=price,
        quote=quote,
        kind=kind,
        amount=amount,
        provider=names.get(price.provider_id, price.provider_id),
        purse=purses.get(price.source_currency),
        rate=rate_of(price),
        back=f"/exchange?{_query(price, kind, amount)}",
    )


def _query(price: Price, kind: str, amount: str) -> str:
    told = {"source": price.source_currency, "target": price.target_currency}
    return urlencode({**told, "kind": kind, "amount": amount})


def convert(ask: Ask) -> Response:
    """Change the money by the offer that was shown, at no worse than it said.

    All is taken from the form, so that a second click finds the first one done.
    """
    source, target, kind = ask.text("source"), ask.text("target"), ask.text("kind")
    minor = _minor(ask, ask.text("amount"), source, target, kind) if kind in KINDS else None
    worst = ask.text("worst")
    if minor is None or not worst.isdecimal() or len(worst) > 18:
        return _show(ask)
    told = {
        "party_id": ask.party_id,
        "source_currency": source,
        "target_currency": target,
        "amount_kind": kind,
        "amount_minor": minor,
        "worst_minor": int(worst),
        "quote_id": ask.text("quote"),
    }
    try:
        made = ask.act("exchange.convert", told)
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/exchange/{made.id}?done=changed")


def receipt(ask: Ask) -> Response:
    """What was changed, for whoever paid or was paid."""
    with ask.node.read() as tx:
        found = _own(ask, tx)
        names = {one.id: one.name for one in participants(tx)}
        own = f"party:{ask.party_id}"
        other = found.payee if found.payer == own else found.payer
        kind, _, other_id = other.partition(":")
        label = label_of(ask, tx, other_id) if kind == "party" else names.get(other_id, other_id)
    return ask.page(
        "exchange_receipt.html",
        one=found,
        receipt=numbers.receipt(found.id),
        side="own" if found.payer == found.payee else "sent" if found.payer == own else "came",
        other=label,
        provider=names.get(found.provider_id, found.provider_id),
        total=found.changed_minor + found.provider_fee_minor + found.scheme_fee_minor,
        done=ask.query.get("done", ""),
        back="/exchange",
    )


def _own(ask: Ask, tx: Transaction) -> Remittance:
    try:
        found = remittance_of(tx, ask.request.path_params["remittance_id"])
    except Refused:
        raise Missing from None
    if f"party:{ask.party_id}" not in (found.payer, found.payee):
        raise Missing
    return found
