"""Paying without a network: money taken out for a device, what may go wrong, what came back."""

from __future__ import annotations

from starlette.responses import Response

from puhui import payment
from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.offline.window import (
    AllowanceState,
    allowance_of,
    allowances_of,
    excess_of,
    offline_tiers,
    vouchers_of,
)
from puhui.payment.window import qr_svg
from puhui.web.ask import Ask, Missing
from puhui.web.pages.amount import amount_of
from puhui.web.pages.wallet import CURRENCY, purse_of

FIELDS = {
    "offline.bad_key": "device",
    "offline.unknown_tier": "tier",
    "offline.tier_identity": "tier",
    "offline.over_tier": "amount",
    "offline.bad_amount": "amount",
    "offline.wallet_short": "amount",
}
"""The field that each refusal is about; others stand at the top."""

TEXTS_MAX = 50


def show(ask: Ask) -> Response:
    """What it is, its risk in plain words, and what was taken out so far."""
    with ask.node.read() as tx:
        found = allowances_of(tx, ask.party_id)
        aside_minor = excess_of(tx, ask.party_id, CURRENCY)
        (room_minor,) = payment.room_in(
            tx, [payment.wallet_account(ask.party_id, CURRENCY)]
        ).values()
    now_us = ask.node.clock.now_us()
    return ask.page(
        "offline.html",
        allowances=found,
        now_us=now_us,
        has_open=any(not one.is_closed for one in found),
        aside_minor=aside_minor,
        room_minor=aside_minor if room_minor is None else min(room_minor, aside_minor),
        moved=ask.query.get("moved", ""),
        done=ask.query.get("done", ""),
        back="/wallet",
    )


def take(ask: Ask) -> Response:
    """How much, onto which device, by which terms."""
    return _take(ask)


def _take(ask: Ask) -> Response:
    with ask.node.read() as tx:
        purse = purse_of(tx, ask.party_id)
    return ask.page(
        "offline_take.html",
        purse=purse,
        tiers=offline_tiers(),
        tier=ask.text("tier"),
        amount=ask.text("amount"),
        device=ask.text("device"),
        back="/offline",
    )


def take_out(ask: Ask) -> Response:
    """Set the money aside, and sign what the device may spend."""
    minor = amount_of(ask, CURRENCY)
    if ask.text("tier") not in {one.name for one in offline_tiers()}:
        ask.wrong("tier", ask.say("offline.tier_missing"))
    if ask.text("risk") != "yes":
        ask.wrong("risk", ask.say("offline.risk_missing"))
    if ask.problems or minor is None:
        return _take(ask)
    told = {
        "party_id": ask.party_id,
        "currency": CURRENCY,
        "allowance_limit_minor": minor,
        "wallet_key": "".join(ask.text("device").split()).lower(),
        "tier": ask.text("tier"),
    }
    try:
        made = ask.act("offline.grant_allowance", told)
    except Refused as refused:
        name = FIELDS.get(refused.code, "_refused")
        ask.wrong(name, said(refused.code, ask.view.language))
        return _take(ask)
    return ask.go(f"/offline/{made.allowance_id}?done=taken")


def _own(ask: Ask, tx: Transaction) -> AllowanceState:
    try:
        found = allowance_of(tx, ask.request.path_params["allowance_id"])
    except Refused:
        raise Missing from None
    if found.party_id != ask.party_id:
        raise Missing
    return found


def allowance(ask: Ask) -> Response:
    """One allowance: for the device to scan, what was spent of it, and when the rest is back."""
    with ask.node.read() as tx:
        found = _own(ask, tx)
        vouchers = vouchers_of(tx, found.id)
    now_us = ask.node.clock.now_us()
    return ask.page(
        "offline_allowance.html",
        one=found,
        vouchers=vouchers,
        is_running=not found.is_closed and now_us < found.expires_us,
        picture=qr_svg(found.text),
        done=ask.query.get("done", ""),
        back="/offline",
    )


def hand_in(ask: Ask) -> Response:
    """What was received without a network, to be paid in."""
    return _hand_in(ask)


def _hand_in(ask: Ask, results: object = None) -> Response:
    return ask.page(
        "offline_hand_in.html", texts=ask.text("texts"), results=results, back="/offline"
    )


def sync(ask: Ask) -> Response:
    """Pay vouchers in; each is paid once, however often it is brought."""
    texts = tuple(line.strip() for line in ask.text("texts").split("\n") if line.strip())
    if not texts or len(texts) > TEXTS_MAX:
        ask.wrong("texts", ask.say("offline.texts_missing", most=TEXTS_MAX))
        return _hand_in(ask)
    try:
        found = ask.act("offline.sync_vouchers", {"texts": texts})
    except Refused as refused:
        ask.wrong("texts", said(refused.code, ask.view.language))
        return _hand_in(ask)
    words = [
        (one, said(one.refusal, ask.view.language) if one.refusal else "") for one in found.vouchers
    ]
    return _hand_in(ask, words)


def revoke(ask: Ask) -> Response:
    """The device is lost or was stolen: nothing new is taken from it once payees know."""
    if ask.text("sure") != "yes":
        ask.wrong("sure", ask.say("offline.sure_missing"))
        return show(ask)
    try:
        ask.act("offline.revoke_wallet", {"party_id": ask.party_id, "currency": CURRENCY})
    except Refused as refused:
        ask.wrong("sure", said(refused.code, ask.view.language))
        return show(ask)
    return ask.go("/offline?done=revoked")


WAYS = {"in": ("offline.let_in", "let_in"), "out": ("offline.pay_out_excess", "paid_out")}
"""What may be done with what is kept aside, by the button that was used."""


def move_aside(ask: Ask) -> Response:
    """Let what is kept aside into the wallet, or have it paid out to the own bank account."""
    if ask.text("way") not in WAYS:
        return show(ask)
    use_case, done = WAYS[ask.text("way")]
    try:
        moved = ask.act(use_case, {"party_id": ask.party_id, "currency": CURRENCY})
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return show(ask)
    return ask.go(f"/offline?done={done}&moved={moved.moved_minor}")
