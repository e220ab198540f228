"""Money set aside: promises on a condition and money that is held, for who pays and who is paid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.payment.window import HeldMoney, Promise, holds_of, promises_of
from puhui.web.ask import Ask, Missing
from puhui.web.pages.amount import amount_of
from puhui.web.pages.payee import find_payees, labels_of
from puhui.web.pages.wallet import CURRENCY

SHOWN_MAX = 200
SIGNS = {"lt": "<", "le": "≤", "eq": "=", "ge": "≥", "gt": ">"}
FIELDS = {
    "payment.bad_amount": "amount",
    "payment.bad_promise": "until",
    "payment.bad_condition": "until",
    "payment.bad_text": "remark",
    "payment.wallet_short": "amount",
    "payment.single_limit": "amount",
    "payment.daily_limit": "amount",
    "payment.no_payer_wallet": "amount",
    "payment.no_party": "who",
    "payment.same_wallet": "who",
}
"""The field that each refusal is about; others stand at the top."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing set aside: ``way`` is promise or hold, ``until`` its last moment or day in words,
    ``words`` the condition as people read it, one line each.
    """

    id: str
    way: str
    payer_id: str
    payee_id: str
    amount_minor: int
    currency: str
    status: str
    until: str
    words: tuple[str, ...]


def show(ask: Ask) -> Response:
    """What is set aside, until when, on which condition, and who may take it or let it go."""
    return _show(ask)


def _lines(ask: Ask, tx: Transaction) -> list[Line]:
    now_us = ask.node.clock.now_us()
    promises = promises_of(tx, ask.party_id, count=SHOWN_MAX)
    holds = holds_of(tx, ask.party_id, now_us=now_us, count=SHOWN_MAX)
    return [*(_of_promise(ask, one) for one in promises), *(_of_hold(ask, one) for one in holds)]


def _of_promise(ask: Ask, one: Promise) -> Line:
    is_over = one.status == "held" and one.lapses_on < ask.today
    return Line(
        one.id, "promise", one.payer_id, one.payee_id, one.amount_minor, one.currency,
        "lapsed" if is_over else one.status, ask.say.day(one.lapses_on),
        tuple(_words(ask, json.loads(one.condition))),
    )  # fmt: skip


def _of_hold(ask: Ask, one: HeldMoney) -> Line:
    until = ask.say.moment(one.expires_us) if one.expires_us else ""
    return Line(
        one.id, "hold", one.payer_id, one.payee_id, one.amount_minor, one.currency, one.status,
        until, (ask.say("aside.if_payee"),),
    )  # fmt: skip


def _words(ask: Ask, told: dict[str, Any]) -> list[str]:
    """A condition in words, a line for each part of it; ``told`` is its canonical text."""
    ((kind, what),) = told.items()
    if kind in ("from", "until"):
        return [ask.say(f"aside.if_{kind}", day=ask.say.day(date.fromisoformat(what)))]
    if kind == "purpose":
        return [ask.say("aside.if_purpose", purposes=", ".join(what))]
    if kind == "reading":
        return [ask.say("aside.if_reading", **{**what, "comparison": SIGNS[what["comparison"]]})]
    return [ask.say(f"aside.if_{kind}"), *(line for part in what for line in _words(ask, part))]


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        found = _lines(ask, tx)
        people = {one.payee_id if one.payer_id == ask.party_id else one.payer_id for one in found}
        labels = labels_of(ask, tx, people - {""})
    return ask.page(
        "aside.html",
        given=[one for one in found if one.payer_id == ask.party_id and one.status == "held"],
        taken=[one for one in found if one.payer_id != ask.party_id and one.status == "held"],
        over=[one for one in found if one.status != "held"],
        labels=labels,
        who=ask.text("who"),
        amount=ask.text("amount"),
        until=ask.text("until"),
        remark=ask.text("remark"),
        done=ask.query.get("done", ""),
        back="/wallet",
    )


def promise(ask: Ask) -> Response:
    """Set money aside for somebody who may take it until a day; after it, it is free again."""
    minor = amount_of(ask, CURRENCY)
    day = _day(ask)
    found = find_payees(ask, ask.text("who"), by_number=False)
    if not ask.problems and len(found) != 1:
        ask.wrong("who", ask.say("pay.which"))
    if ask.problems or minor is None or day is None:
        return _show(ask)
    told = {
        "payer_id": ask.party_id,
        "payee_id": found[0].id,
        "amount_minor": minor,
        "currency": CURRENCY,
        "condition": {"kind": "until", "on": day},
        "lapses_on": day,
        "remark": ask.text("remark"),
    }
    return _do(ask, "payment.promise", told, "promised")


def _day(ask: Ask) -> date | None:
    try:
        return date.fromisoformat(ask.text("until"))
    except ValueError:
        ask.wrong("until", ask.say("aside.bad_day"))
        return None


def end(ask: Ask) -> Response:
    """Take what is set aside, or let held money go; the payee alone may."""
    way, wanted = ask.request.path_params["way"], ask.request.path_params["id"]
    verb = ask.path.rpartition("/")[2]
    with ask.node.read() as tx:
        lines = {(one.way, one.id): one for one in _lines(ask, tx)}
    line = lines.get((way, wanted))
    if line is None or line.payer_id == ask.party_id or (way, verb) == ("promise", "release"):
        raise Missing
    if way == "promise":
        told = {"promise_id": wanted, "payee_id": ask.party_id}
        return _do(ask, "payment.fulfil", told, "taken")
    name = "payment.capture" if verb == "take" else "payment.release"
    return _do(ask, name, {"id": wanted}, "taken" if verb == "take" else "released")


def _do(ask: Ask, name: str, told: dict[str, Any], done: str) -> Response:
    try:
        ask.act(name, told)
    except Refused as refused:
        field = FIELDS.get(refused.code, "_refused") if name == "payment.promise" else "_refused"
        ask.wrong(field, said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/aside?done={done}")
