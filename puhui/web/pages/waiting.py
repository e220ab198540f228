"""Paying while the store is not there: accepted here, kept on disk, posted when it is back."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from puhui.channel import queues, said
from puhui.kernel.errors import Refused
from puhui.payment import numbers
from puhui.web.ask import KEY, Ask, Missing, Waits
from puhui.web.pages.amount import amount_of

CURRENCY = "CNY"
REMARK_LENGTH_MAX = 140
PARTS = ("way", "amount", "to", "at")


@dataclass(frozen=True, slots=True)
class _Way:
    """How a payment was asked for: by which use case, which field of its outcome names the
    payment, and where to ask anew.
    """

    use_case: str
    names: str
    anew: str


WAYS = {
    "pay": _Way("payment.pay", "id", "/pay?new=1"),
    "code": _Way("payment.pay_by_code", "payment", "/scan"),
    "request": _Way("payment.pay_request", "payment", "/requests"),
    "withdraw": _Way("payment.withdraw", "id", "/wallet/withdraw"),
}
_ACCOUNT = re.compile(r"[0-9a-f]{32}")
_TOLD = re.compile(r"[0-9]{1,18}")


def away(ask: Ask) -> Response:
    """Pay by wallet number, which needs nothing looked up; where all is well the usual way."""
    return _away(ask) if ask.is_apart else ask.go("/pay")


def _away(ask: Ask) -> Response:
    return ask.page(
        "away.html",
        number=ask.text("number"),
        amount=ask.text("amount"),
        remark=ask.text("remark"),
        back="/me",
    )


def pay(ask: Ask) -> Response:
    """Accept a payment by wallet number; whether it can be paid is judged when it is posted."""
    number = re.sub(r"[\s\u3000-]", "", ask.text("number")).lower()
    minor = amount_of(ask, CURRENCY)
    if not _ACCOUNT.fullmatch(number) and not numbers.is_wallet_number(number):
        ask.wrong("number", ask.say("away.bad_number"))
    if len(ask.text("remark")) > REMARK_LENGTH_MAX:
        ask.wrong("remark", ask.say("pay.remark_long", most=REMARK_LENGTH_MAX))
    if ask.text("sure") != "yes":
        ask.wrong("sure", ask.say("away.sure_missing"))
    if ask.problems or minor is None:
        return _away(ask)
    told = {
        "payer_id": ask.party_id,
        "payee": number,
        "amount_minor": minor,
        "currency": CURRENCY,
        "remark": ask.text("remark"),
    }
    try:
        return ask.go(f"/payment/{ask.act('payment.pay', told).id}?done=paid")
    except Waits as waits:
        return ask.go(url_of(ask, waits.answer, way="pay", amount_minor=minor, to=number))
    except Refused as refused:
        ask.wrong("_refused", said(refused.code, ask.view.language))
        return _away(ask)


def url_of(ask: Ask, accepted: queues.Answer, *, way: str, amount_minor: int, to: str = "") -> str:
    """Where somebody sees what becomes of a payment that was accepted: what was said of it is
    in the address, under this node's own digest, as nothing can be looked up.
    """
    parts = {
        "way": way,
        "amount": str(amount_minor),
        "to": to[-4:],
        "at": str(accepted.accepted_us // 1_000_000),
    }
    return f"/waiting/{ask.key}?{urlencode({**parts, 'proof': _proof(ask, ask.key, parts)})}"


def _proof(ask: Ask, key: str, parts: dict[str, str]) -> str:
    text = f"{ask.party_id} {key} {' '.join(parts[name] for name in PARTS)}"
    return ask.node.keys.index("payment accepted", text)[:32]


def show(ask: Ask) -> Response:
    """What became of a payment that was accepted: waits, posted with its receipt, or refused."""
    key = ask.request.path_params["key"]
    assert ask.session is not None, ask.path
    if not KEY.fullmatch(key):
        raise Missing
    parts = {name: ask.query.get(name, "") for name in PARTS}
    way = WAYS.get(parts["way"])
    if way is None:
        raise Missing
    found = queues.became(ask.node, ask.key_of(way.use_case, key))
    if found is None:
        raise Missing
    is_own = ask.query.get("proof", "") == _proof(ask, key, parts)
    is_told = is_own and all(_TOLD.fullmatch(parts[name]) for name in ("amount", "at"))
    return ask.page(
        "waiting.html",
        state=found.state.value,
        way=parts["way"],
        anew=way.anew,
        paid="" if found.outcome is None else getattr(found.outcome, way.names),
        why=said(found.code, ask.view.language) if found.code else "",
        amount_minor=int(parts["amount"]) if is_told else None,
        to=parts["to"].upper(),
        accepted_us=int(parts["at"]) * 1_000_000 if is_told else None,
        again=f"{ask.path}?{ask.request.url.query}",
        back="/me" if ask.is_apart else "/money",
    )


def proof_of(ask: Ask, what: str, *parts: object) -> str:
    """What a form bears of what its page showed, for a store that is away when it is sent; ""
    where nothing may wait.
    """
    if not ask.may_wait:
        return ""
    text = f"{ask.party_id} {what} {' '.join(map(str, parts))}"
    return ask.node.keys.index("shown to wait", text)[:32]


def check_proof(ask: Ask, what: str, *parts: object) -> None:
    """Whether a form was shown so, while the store is away. Fault: the store's, where not."""
    assert ask.fault is not None, ask.path
    known = proof_of(ask, what, *parts)
    if not known or not hmac.compare_digest(known.encode(), ask.text("shown").encode()):
        raise ask.fault
