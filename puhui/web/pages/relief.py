"""Hardship: asking for relief, where the request stands, and taking it back."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.lending import loan_state
from puhui.servicing.window import REASONS, reliefs_of
from puhui.web.ask import Ask, Missing
from puhui.web.own import own_contract

DAYS = (30, 60, 90, 180)
LIVE = ("current", "past_due")


def show(ask: Ask) -> Response:
    """What relief is, the requests there were, and the form where none waits."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        found = reliefs_of(tx, row.id)
        state = loan_state(tx, row.id, ask.today)
    waiting = next((one for one in found if one.status == "asked"), None)
    return ask.page(
        "relief.html",
        row=row,
        state=state,
        waiting=waiting,
        before=[one for one in found if one is not waiting],
        is_live=row.status in LIVE,
        reasons=REASONS,
        choices=DAYS,
        reason=ask.text("reason"),
        days=ask.text("days"),
        done=ask.query.get("done", ""),
        back=f"/loan/{row.id}",
    )


def ask_for(ask: Ask) -> Response:
    """Send the request; an officer decides."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    reason, days = ask.text("reason"), ask.text("days")
    if reason not in REASONS:
        ask.wrong("reason", ask.say("relief.reason_missing"))
    if days not in {str(one) for one in DAYS}:
        ask.wrong("days", ask.say("relief.days_missing"))
    if ask.problems:
        return _show(ask)
    try:
        told = {"loan_id": row.id, "reason": reason, "days": int(days)}
        ask.act("servicing.ask_relief", told)
    except Refused as refused:
        ask.wrong("reason", said(refused.code, ask.view.language))
        return _show(ask)
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
        return _show(ask)
    return ask.go(f"/loan/{row.id}/relief?done=withdrawn")
