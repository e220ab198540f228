"""Paying, asking for money, sharing a bill and paying every month: one question a page.

The four have the same steps: who, how much, (how often,) and a look at all of it before anything
is done. What was typed is kept as a sealed draft, so that going back loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Fault, Refused
from puhui.web.ask import Ask, Waits
from puhui.web.own import drop_draft, keep_draft, read_draft
from puhui.web.pages.amount import amount_of, read_amount
from puhui.web.pages.payee import Payee, find_payees
from puhui.web.pages.waiting import url_of
from puhui.web.pages.wallet import CURRENCY, purse_of, tier_of

STEPS = {
    "pay": ("who", "amount", "check"),
    "ask": ("who", "amount", "check"),
    "split": ("who", "amount", "check"),
    "standing": ("who", "amount", "when", "check"),
}
"""The steps of each way, by the first part of its address."""

REMARK_LENGTH_MAX = 140
PEOPLE_MAX = 20
EVERY = ("week", "month")


def _way(ask: Ask) -> str:
    return ask.path.split("/")[1]


def _url(way: str, step: str) -> str:
    return f"/{way}" if step == "who" else f"/{way}/{step}"


def _place(way: str, step: str) -> dict[str, Any]:
    """Where a step stands, and where its back link leads."""
    steps = STEPS[way]
    at = steps.index(step)
    back = _url(way, steps[at - 1]) if at else ("/orders" if way == "standing" else "/wallet")
    return {"way": way, "step": (at + 1, len(steps)), "back": back, "url": _url(way, step)}


def _draft(ask: Ask, way: str, *needed: str) -> dict[str, str] | None:
    """What was typed so far; None where a step before was left out."""
    draft = read_draft(ask, way)
    return draft if all(draft.get(name) for name in needed) else None


def _payees(draft: dict[str, str]) -> tuple[Payee, ...]:
    return tuple(Payee(*one) for one in json.loads(draft["payees"]))


def _go_on(ask: Ask, way: str, step: str, draft: dict[str, str]) -> Response:
    keep_draft(ask, draft, way)
    steps = STEPS[way]
    return ask.go(_url(way, steps[steps.index(step) + 1]))


def who(ask: Ask) -> Response:
    """Whom it is about: by phone, or by a number."""
    typed = "" if ask.query.get("new") == "1" else read_draft(ask, _way(ask)).get("who", "")
    return _who(ask, ask.query.get("to", "")[:80] or typed)


def _who(ask: Ask, typed: str, choices: tuple[Payee, ...] = ()) -> Response:
    way = _way(ask)
    return ask.page("transfer_who.html", who=typed, choices=choices, **_place(way, "who"))


def give_who(ask: Ask) -> Response:
    """Find whom the text means; where several have one phone, ask which."""
    way, typed = _way(ask), ask.text("who")
    if way == "split":
        return _give_people(ask, typed)
    found = find_payees(ask, typed, by_number=way == "pay")
    if ask.problems:
        return _who(ask, typed)
    if len(found) > 1:
        found_now = tuple(one for one in found if one.id == ask.text("choice"))
        if not found_now:
            ask.wrong("choice", ask.say("pay.which"))
            return _who(ask, typed, found)
        found = found_now
    return _keep_people(ask, way, typed, found)


def _keep_people(ask: Ask, way: str, typed: str, found: tuple[Payee, ...]) -> Response:
    people = json.dumps([(one.id, one.name, one.how) for one in found], ensure_ascii=False)
    draft = {**read_draft(ask, way), "who": typed, "payees": people}
    return _go_on(ask, way, "who", draft)


def _give_people(ask: Ask, typed: str) -> Response:
    """Everybody who shares a bill, one phone number a line."""
    lines = [line.strip() for line in typed.replace("，", "\n").replace(",", "\n").split("\n")]
    wanted = list(dict.fromkeys(line for line in lines if line))
    found: list[Payee] = []
    if not wanted or len(wanted) > PEOPLE_MAX:
        ask.wrong("who", ask.say("pay.people", most=PEOPLE_MAX))
    for line in wanted[:PEOPLE_MAX]:
        matches = find_payees(ask, line, by_number=False)
        if ask.problems:
            problem = ask.problems.pop("who")
            ask.wrong("who", f"{line[:20]}: {problem}")
            break
        if len(matches) > 1:
            ask.wrong("who", ask.say("pay.several", phone=line[:20]))
            break
        found += matches
    if ask.problems:
        return _who(ask, typed)
    return _keep_people(ask, "split", typed, tuple({one.id: one for one in found}.values()))


def amount(ask: Ask) -> Response:
    """How much, and what for."""
    draft = _draft(ask, _way(ask), "payees")
    if draft is None:
        return ask.go(f"/{_way(ask)}")
    return _amount(ask, draft)


def _amount(ask: Ask, draft: dict[str, str]) -> Response:
    way = _way(ask)
    with ask.node.read() as tx:
        purse = purse_of(tx, ask.party_id)
        _, tier = tier_of(tx, ask.party_id)
    return ask.page(
        "transfer_amount.html",
        payees=_payees(draft),
        amount=draft.get("amount", ""),
        remark=draft.get("remark", ""),
        is_with_me=draft.get("with_me", "yes") == "yes",
        purse=purse,
        tier=tier,
        **_place(way, "amount"),
    )


def give_amount(ask: Ask) -> Response:
    """Keep amount and words; limits are looked at again when it is done."""
    way = _way(ask)
    draft = _draft(ask, way, "payees")
    if draft is None:
        return ask.go(f"/{way}")
    draft |= {
        "amount": ask.text("amount"),
        "remark": ask.text("remark"),
        "with_me": ask.text("with_me"),
    }
    if way == "split":
        draft["with_me"] = "yes" if ask.text("with_me") == "yes" else "no"
    minor = amount_of(ask, CURRENCY)
    if len(ask.text("remark")) > REMARK_LENGTH_MAX:
        ask.wrong("remark", ask.say("pay.remark_long", most=REMARK_LENGTH_MAX))
    if way == "pay" and minor is not None:
        _check_funds(ask, minor)
    return _amount(ask, draft) if ask.problems else _go_on(ask, way, "amount", draft)


def _check_funds(ask: Ask, minor: int) -> None:
    """Say at once what the payment would be refused for; the act looks at it again."""
    with ask.node.read() as tx:
        purse = purse_of(tx, ask.party_id)
        _, tier = tier_of(tx, ask.party_id)
    if tier.single_minor_max is not None and minor > tier.single_minor_max:
        most = ask.say.money(tier.single_minor_max)
        ask.wrong("amount", ask.say("pay.over_single", most=most))
    elif minor > purse.free_minor:
        ask.wrong("amount", ask.say("pay.short", free=ask.say.money(purse.free_minor)))


def when(ask: Ask) -> Response:
    """How often a standing order pays, from when, and until when."""
    draft = _draft(ask, "standing", "payees", "amount")
    return ask.go("/standing") if draft is None else _when(ask, draft)


def _when(ask: Ask, draft: dict[str, str]) -> Response:
    tomorrow = (ask.today + timedelta(days=1)).isoformat()
    return ask.page(
        "transfer_when.html",
        every=draft.get("every", ""),
        starts=draft.get("starts", tomorrow),
        ends=draft.get("ends", ""),
        **_place("standing", "when"),
    )


def give_when(ask: Ask) -> Response:
    """Keep the rhythm, with days that can be kept."""
    draft = _draft(ask, "standing", "payees", "amount")
    if draft is None:
        return ask.go("/standing")
    draft |= {name: ask.text(name) for name in ("every", "starts", "ends")}
    if draft["every"] not in EVERY:
        ask.wrong("every", ask.say("pay.every_missing"))
    starts, ends = _day(ask, draft, "starts"), _day(ask, draft, "ends")
    if starts is None and "starts" not in ask.problems:
        ask.wrong("starts", ask.say("pay.starts_bad"))
    if starts is not None and starts < ask.today:
        ask.wrong("starts", ask.say("pay.day_over"))
    if starts is not None and ends is not None and ends < starts:
        ask.wrong("ends", ask.say("pay.ends_first"))
    return _when(ask, draft) if ask.problems else _go_on(ask, "standing", "when", draft)


def _day(ask: Ask, draft: dict[str, str], name: str) -> date | None:
    try:
        return date.fromisoformat(draft[name]) if draft.get(name) else None
    except ValueError:
        ask.wrong(name, ask.say(f"pay.{name}_bad"))
        return None


def check(ask: Ask) -> Response:
    """All of it once more, before anything is done."""
    way = _way(ask)
    needed = ("payees", "amount", *(("every", "starts") if way == "standing" else ()))
    draft = _draft(ask, way, *needed)
    return ask.go(f"/{way}") if draft is None else _check(ask, draft)


def _check(ask: Ask, draft: dict[str, str]) -> Response:
    way = _way(ask)
    minor = read_amount(draft["amount"], CURRENCY)
    if minor is None:
        return ask.go(_url(way, "amount"))
    payees = _payees(draft)
    with ask.node.read() as tx:
        purse = purse_of(tx, ask.party_id)
    return ask.page(
        "transfer_check.html",
        payees=payees,
        minor=minor,
        shares=_shares(draft, minor) if way == "split" else (),
        is_with_me=draft.get("with_me") == "yes",
        remark=draft.get("remark", ""),
        draft=draft,
        told=json.dumps(draft, ensure_ascii=False) if way == "pay" and ask.may_wait else "",
        purse=purse,
        digest=_digest(ask, draft),
        **_place(way, "check"),
    )


def _digest(ask: Ask, draft: dict[str, str]) -> str:
    """What the page showed, so that nothing else is done than was seen."""
    text = f"{ask.party_id} {json.dumps(draft, sort_keys=True)}"
    return ask.node.keys.index("transfer shown", text)[:32]


def _shares(draft: dict[str, str], minor: int) -> tuple[int, ...]:
    """What each pays, to within one fen; where who asks shares in it, that share comes first."""
    heads = len(_payees(draft)) + (draft.get("with_me") == "yes")
    least, odd = divmod(minor, heads)
    return tuple(least + (place < odd) for place in range(heads))


def send(ask: Ask) -> Response:
    """Do what was shown, once for the form."""
    way = _way(ask)
    draft = _shown(ask) if ask.is_apart else _draft(ask, way, "payees", "amount")
    if draft is None:
        return _again(ask, way)
    if ask.text("shown") != _digest(ask, draft):
        ask.wrong("_shown", ask.say("pay.changed"))
        return _check(ask, draft)
    minor = read_amount(draft["amount"], CURRENCY)
    assert minor is not None, draft
    try:
        url = DO[way](ask, draft, minor)
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _check(ask, draft)
    _drop(ask, way, url)
    return ask.go(url)


def _drop(ask: Ask, way: str, url: str) -> None:
    """Let the draft go; behind a payment that waits it is let go after that, so that nobody finds
    it and pays once more.
    """
    try:
        drop_draft(ask, way)
    except Waits:
        return
    except Fault:
        if not url.startswith("/waiting/"):
            raise


def _shown(ask: Ask) -> dict[str, str]:
    """What the page showed, out of its own form, where the draft cannot be read; only payments
    are taken then. Fault: the store's, where the form does not bear what it showed.
    """
    assert ask.fault is not None, ask.path
    try:
        draft = json.loads(ask.form.get("draft", ""))
    except ValueError:
        draft = None
    if (
        not isinstance(draft, dict)
        or _way(ask) != "pay"
        or ask.text("shown") != _digest(ask, draft)
    ):
        raise ask.fault
    return draft


def _again(ask: Ask, way: str) -> Response:
    """A second click on a form whose draft is gone: what it did lies where the list says."""
    places = {"pay": "/money", "ask": "/requests", "split": "/requests", "standing": "/orders"}
    return ask.go(places[way])


def _pay(ask: Ask, draft: dict[str, str], minor: int) -> str:
    (payee,) = _payees(draft)
    told = {
        "payer_id": ask.party_id,
        "payee": payee.id,
        "amount_minor": minor,
        "currency": CURRENCY,
        "remark": draft.get("remark", ""),
    }
    try:
        return f"/payment/{ask.act('payment.pay', told).id}?done=paid"
    except Waits as waits:
        return url_of(ask, waits.answer, way="pay", amount_minor=minor, to=payee.id)


def _request(ask: Ask, draft: dict[str, str], minor: int) -> str:
    (payer,) = _payees(draft)
    told = {
        "payee_id": ask.party_id,
        "payer_id": payer.id,
        "amount_minor": minor,
        "currency": CURRENCY,
        "remark": draft.get("remark", ""),
    }
    return f"/request/{ask.act('payment.request', told).request_id}?done=asked"


def _split(ask: Ask, draft: dict[str, str], minor: int) -> str:
    people = tuple(one.id for one in _payees(draft))
    if draft.get("with_me") == "yes":
        people = (ask.party_id, *people)
    told = {
        "payee_id": ask.party_id,
        "total_minor": minor,
        "currency": CURRENCY,
        "party_ids": people,
        "shares_minor": _shares(draft, minor),
        "remark": draft.get("remark", ""),
    }
    ask.act("payment.split_bill", told)
    return "/requests?done=split"


def _order(ask: Ask, draft: dict[str, str], minor: int) -> str:
    (payee,) = _payees(draft)
    told = {
        "payer_id": ask.party_id,
        "payee_id": payee.id,
        "amount_minor": minor,
        "currency": CURRENCY,
        "every": draft["every"],
        "starts_on": draft["starts"],
        "ends_on": draft.get("ends") or None,
        "remark": draft.get("remark", ""),
    }
    return f"/order/{ask.act('payment.create_order', told).order_id}?done=made"


DO: dict[str, Callable[[Ask, dict[str, str], int], str]] = {
    "pay": _pay,
    "ask": _request,
    "split": _split,
    "standing": _order,
}
"""What each way does when it was confirmed."""
