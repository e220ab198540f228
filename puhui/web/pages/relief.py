"""Hardship: choosing relief, seeing the new plan before it is asked for, and taking it back."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.data.window import own_permit
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.lending import loan_state
from puhui.servicing.window import relief, reliefs_of
from puhui.web.ask import Ask, Missing
from puhui.web.own import own_contract, own_party
from puhui.web.pages.amount import read_amount
from puhui.web.plan import PLAN, plan_lines

CHOICES = (
    "pause_30", "pause_60", "pause_90", "pause_180",
    "interest_only_3", "interest_only_6", "interest_only_12",
    "longer_6", "longer_12", "longer_24", "lower",
)  # fmt: skip
"""What is offered: a kind with its number, or the largest instalment that can be paid."""

LIVE = ("current", "past_due")


def terms_in(ask: Ask, choice: str, typed: str, currency: str) -> relief.ReliefTerms | None:
    """What a choice comes to; None, and noted, where it is none or lacks its amount."""
    if choice not in CHOICES:
        ask.wrong("choice", ask.say("relief.choice_missing"))
        return None
    if choice == "lower":
        amount_minor = read_amount(typed, currency)
        if not amount_minor:
            ask.wrong("amount", ask.say("relief.amount_missing"))
            return None
        return relief.ReliefTerms(relief.ReliefKind.LOWER, amount_minor=amount_minor)
    kind, _, number = choice.rpartition("_")
    return relief.ReliefTerms(relief.ReliefKind(kind), int(number))


def _why(ask: Ask, tx: Transaction, row: Row) -> str:
    """The customer's own reason as a word, "" where it cannot be opened any more."""
    party = own_party(ask, tx)
    now_us = ask.node.clock.now_us()
    made = own_permit(tx, party, actor=ask.actor.name, fields=["hardship"], now_us=now_us)
    return relief.open_reason(ask.node, tx, made, row.reason)


def show(ask: Ask) -> Response:
    """What relief is, the new plan of what was chosen, and the requests there were."""
    return _show(ask, ask.query.get("choice", ""), ask.query.get("amount", ""),
                 ask.query.get("reason", ""))  # fmt: skip


def _show(ask: Ask, choice: str, amount: str, reason: str) -> Response:
    preview = None
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        found = reliefs_of(tx, row.id)
        why = {one.id: _why(ask, tx, one) for one in found}
        state = loan_state(tx, row.id, ask.today)
        if (choice or "amount" in ask.query) and not ask.problems:
            terms = terms_in(ask, choice, amount, row.currency)
            if reason not in relief.REASONS:
                ask.wrong("reason", ask.say("relief.reason_missing"))
            if terms is not None and not ask.problems:
                try:
                    preview = relief.preview_relief(tx, row.id, terms, ask.today)
                except Refused as refused:
                    ask.wrong("choice", said(refused.code, ask.view.language))
    waiting = next((one for one in found if one.status == "asked"), None)
    return ask.page(
        "relief.html",
        row=row,
        state=state,
        waiting=waiting,
        why=why,
        before=[one for one in found if one is not waiting],
        is_live=row.status in LIVE,
        reasons=relief.REASONS,
        choices=CHOICES,
        choice=choice,
        amount=amount,
        reason=reason,
        preview=preview,
        lines=() if preview is None else plan_lines(preview.after, row.currency, ask.today),
        columns=PLAN,
        done=ask.query.get("done", ""),
        back=f"/loan/{row.id}",
    )


def ask_for(ask: Ask) -> Response:
    """Send the request; an officer decides."""
    with ask.node.read() as tx:
        row: Row = own_contract(ask, tx)
    choice, amount, reason = (ask.text(name) for name in ("choice", "amount", "reason"))
    terms = terms_in(ask, choice, amount, row.currency)
    if reason not in relief.REASONS:
        ask.wrong("reason", ask.say("relief.reason_missing"))
    if ask.problems or terms is None:
        return _show(ask, choice, amount, reason)
    is_pause = terms.kind is relief.ReliefKind.PAUSE
    told = {
        "loan_id": row.id,
        "reason": reason,
        "kind": terms.kind.value,
        "days": terms.number if is_pause else 0,
        "count": 0 if is_pause else terms.number,
        "amount_minor": terms.amount_minor,
    }
    try:
        ask.act("servicing.ask_relief", told)
    except Refused as refused:
        ask.wrong("reason", said(refused.code, ask.view.language))
        return _show(ask, choice, amount, reason)
    return ask.go(f"/loan/{row.id}/relief?done=asked")


def withdraw(ask: Ask) -> Response:
    """Take the request back while nobody has decided."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        found = {one.id for one in reliefs_of(tx, row.id)}
    relief_id = ask.text("relief")
    if relief_id not in found:
        raise Missing
    try:
        ask.act("servicing.withdraw_relief", {"relief_id": relief_id})
    except Refused as refused:
        ask.wrong("_relief", said(refused.code, ask.view.language))
        return _show(ask, "", "", "")
    return ask.go(f"/loan/{row.id}/relief?done=withdrawn")
