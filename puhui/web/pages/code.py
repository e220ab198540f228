"""Codes: paying a merchant by its code, the merchant's own codes, and the code a payer shows."""

from __future__ import annotations

import re

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.payment import numbers, wallet_account
from puhui.payment.window import (
    Code,
    bars_svg,
    code_of,
    codes_of,
    draw_shown_code,
    payload_text,
    qr_svg,
    risk_levels,
    shown_seconds,
)
from puhui.web.ask import Ask, Missing, Waits
from puhui.web.pages.amount import amount_of, read_amount
from puhui.web.pages.waiting import check_proof, proof_of, url_of
from puhui.web.pages.wallet import CURRENCY, purse_of, tier_of

PAYLOAD_START = "0002"
_DIGITS = re.compile(r"0112([0-9]{12})")
"""A merchant's twelve digits in template 26 of a payload, as our own codes write them."""


def scan(ask: Ask) -> Response:
    """The digits under a code, or what a camera read of it."""
    return ask.page("scan.html", code=ask.text("code"), back="/wallet")


def read_code(ask: Ask) -> Response:
    """Find the code; the text of a picture must say exactly what is on record."""
    text = ask.text("code")
    with ask.node.read() as tx:
        try:
            found = _code_of(tx, text)
        except Refused as refused:
            ask.wrong("code", said(refused.code, ask.view.language))
            return scan(ask)
    return ask.go(f"/scan/{found.digits}")


def _code_of(tx: Transaction, text: str) -> Code:
    """Refused: ``payment.code_altered``, ``payment.code_foreign`` and those of ``code_of``."""
    if not text.startswith(PAYLOAD_START):
        return code_of(tx, text)
    for digits in _DIGITS.findall(text):
        found = code_of(tx, digits)
        if payload_text(found) != text:
            raise Refused("payment.code_altered", "The code was altered: do not pay by it.")
        return found
    raise Refused("payment.code_foreign", "This code is one of another payment system.")


def _taken(ask: Ask, found: Code) -> bool:
    is_over = 0 < found.expires_us <= ask.node.clock.now_us()
    return found.status != "open" or is_over


def merchant(ask: Ask) -> Response:
    """Whose code it is, what may be paid by it, and how much."""
    return _merchant(ask)


def _merchant(ask: Ask) -> Response:
    with ask.node.read() as tx:
        try:
            found = code_of(tx, ask.request.path_params["digits"])
        except Refused:
            raise Missing from None
        purse = purse_of(tx, ask.party_id, found.currency)
        _, tier = tier_of(tx, ask.party_id, found.currency)
    typed = ask.text("amount") or ask.query.get("amount", "")
    minor = found.amount_minor or read_amount(typed, found.currency)
    if typed and minor is None:
        ask.wrong("amount", ask.say("form.bad_amount"))
    level = next(one for one in risk_levels() if one.kind == found.kind and not one.factors)
    return ask.page(
        "merchant.html",
        code=found,
        purse=purse,
        tier=tier,
        level=level,
        minor=minor,
        typed=typed,
        remark=ask.text("remark"),
        is_over=_taken(ask, found),
        is_own=found.party_id == ask.party_id,
        shown=proof_of(ask, "code", found.digits, found.currency, minor)
        if found.kind == "static"
        else "",
        back="/scan" if minor is None or found.amount_minor else f"/scan/{found.digits}",
    )


def pay(ask: Ask) -> Response:
    """Pay the merchant what the page showed, once for the form; what a printed code showed is
    accepted while the store is away.
    """
    digits = ask.request.path_params["digits"]
    currency = CURRENCY if ask.is_apart else _currency_of(ask, digits)
    minor = amount_of(ask, currency)
    if ask.is_apart:
        check_proof(ask, "code", digits, currency, minor)
    if minor is None:
        return _merchant(ask)
    told = {"payer_id": ask.party_id, "code": digits, "amount_minor": minor}
    try:
        paid = ask.act("payment.pay_by_code", told)
    except Waits as waits:
        return ask.go(url_of(ask, waits.answer, way="code", amount_minor=minor, to=digits))
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _merchant(ask)
    return ask.go(f"/payment/{paid.payment}?done=paid")


def _currency_of(ask: Ask, digits: str) -> str:
    with ask.node.read() as tx:
        try:
            return code_of(tx, digits).currency
        except Refused:
            raise Missing from None


def receive(ask: Ask) -> Response:
    """How others pay one: by phone, by wallet number, and by the merchant's codes."""
    return _receive(ask)


def _receive(ask: Ask) -> Response:
    now_us = ask.node.clock.now_us()
    with ask.node.read() as tx:
        found = codes_of(tx, ask.party_id)
    static = [one for one in found if one.kind == "static"]
    dynamic = [one for one in found if one.kind == "dynamic" and one.expires_us > now_us]
    return ask.page(
        "receive.html",
        number=numbers.shown(wallet_account(ask.party_id, CURRENCY)),
        static=static,
        dynamic=dynamic,
        amount=ask.text("amount"),
        reference=ask.text("reference"),
        back="/wallet",
    )


def make_code(ask: Ask) -> Response:
    """A code for one payment of an amount."""
    minor = amount_of(ask, CURRENCY)
    if minor is None:
        return _receive(ask)
    told = {
        "party_id": ask.party_id,
        "kind": "dynamic",
        "amount_minor": minor,
        "reference": ask.text("reference"),
    }
    try:
        made = ask.act("payment.create_code", told)
    except Refused as refused:
        name = "reference" if "text" in refused.code or "mal" in refused.code else "amount"
        ask.wrong(name, said(refused.code, ask.view.language))
        return _receive(ask)
    return ask.go(f"/receive/{made.digits}")


def _own_code(ask: Ask, tx: Transaction) -> Code:
    try:
        found = code_of(tx, ask.request.path_params["digits"])
    except Refused:
        raise Missing from None
    if found.party_id != ask.party_id:
        raise Missing
    return found


def own_code(ask: Ask) -> Response:
    """One of the merchant's codes: the picture, the digits, and whether it was paid."""
    with ask.node.read() as tx:
        found = _own_code(ask, tx)
    return ask.page(
        "code_own.html",
        code=found,
        picture=qr_svg(payload_text(found)),
        is_over=_taken(ask, found),
        level=next(one for one in risk_levels() if one.kind == found.kind and not one.factors),
        back="/receive",
    )


def close_code(ask: Ask) -> Response:
    """Take a code out of use."""
    with ask.node.read() as tx:
        found = _own_code(ask, tx)
    ask.act("payment.close_code", {"digits": found.digits})
    return ask.go("/receive")


def show(ask: Ask) -> Response:
    """What a code that a payer shows is, before one is drawn."""
    return _before_drawing(ask)


def _before_drawing(ask: Ask) -> Response:
    level = next(one for one in risk_levels() if one.kind == "dynamic" and not one.factors)
    seconds = shown_seconds()
    return ask.page("code_shown.html", digits="", level=level, seconds=seconds, back="/wallet")


def draw(ask: Ask) -> Response:
    """Draw a code and show it: its digits are kept nowhere, so this page is its only place."""
    digits, digest = draw_shown_code()
    told = {"party_id": ask.party_id, "digest": digest, "currency": CURRENCY}
    try:
        shown = ask.act("payment.present_code", told)
    except Refused as refused:
        if refused.code == "kernel.key_reused":
            return ask.go("/show")
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _before_drawing(ask)
    with ask.node.read() as tx:
        purse = purse_of(tx, ask.party_id)
    return ask.page(
        "code_shown.html",
        digits=digits,
        bars=bars_svg(digits),
        picture=qr_svg(digits),
        until_us=shown.expires_us,
        seconds=max(0, shown.expires_us - ask.node.clock.now_us()) // 1_000_000,
        purse=purse,
        back="/wallet",
    )


def collect(ask: Ask) -> Response:
    """Take a payment by the code that a payer shows."""
    return _collect(ask)


def _collect(ask: Ask) -> Response:
    return ask.page(
        "collect.html", amount=ask.text("amount"), digits=ask.text("digits"), back="/receive"
    )


def take(ask: Ask) -> Response:
    """Take the payment, once for the form."""
    minor = amount_of(ask, CURRENCY)
    if not ask.text("digits"):
        ask.wrong("digits", ask.say("code.digits_missing"))
    if ask.problems or minor is None:
        return _collect(ask)
    told = {"payee_id": ask.party_id, "amount_minor": minor, "digits": ask.text("digits")}
    try:
        paid = ask.act("payment.collect_code", told)
    except Refused as refused:
        is_code = "code" in refused.code and "limit" not in refused.code
        ask.wrong("digits" if is_code else "amount", said(refused.code, ask.view.language))
        return _collect(ask)
    return ask.go(f"/payment/{paid.payment}?done=taken")
