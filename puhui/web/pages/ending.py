"""Ending a loan early: what pays it off on a day, and giving it back within its first days."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.lending import loan_state, quote_pay_off
from puhui.lending.window import cooling_off_days
from puhui.web.ask import Ask
from puhui.web.own import own_contract
from puhui.web.pages.loan import day_asked, return_by
from puhui.web.pages.money import balance_of

RUNNING = ("current", "past_due")


def pay_off(ask: Ask) -> Response:
    """What ends the loan today or on a chosen day, part by part."""
    on = day_asked(ask)
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        if row.status not in RUNNING:
            return ask.go(f"/loan/{row.id}")
        last = loan_state(tx, row.id, ask.today).rows[-1].due_on
        quote = quote_pay_off(tx, row.id, min(on, max(last, ask.today)))
    return ask.page("payoff.html", row=row, quote=quote, back=f"/loan/{row.id}")


def give_back(ask: Ask) -> Response:
    """What giving the loan back today costs, and the button that does it."""
    return _give_back(ask)


def _give_back(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        if row.status not in RUNNING:
            return ask.go(f"/loan/{row.id}")
        quote = quote_pay_off(tx, row.id, ask.today)
        balance = balance_of(tx, ask.party_id)
    by = return_by(row, cooling_off_days(row))
    return ask.page(
        "give_back.html",
        row=row,
        quote=quote,
        by=by,
        is_open=by is not None and ask.today <= by,
        total_minor=quote.total_minor - row.upfront_fee_minor,
        balance=balance,
        back=f"/loan/{row.id}",
    )


def send_back(ask: Ask) -> Response:
    """Give the loan back, once for the form that was sent."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    try:
        ask.act("lending.cool_off", {"contract_id": row.id})
    except Refused as refused:
        ask.wrong("_return", said(refused.code, ask.view.language))
        return _give_back(ask)
    return ask.go(f"/loan/{row.id}?done=returned")
