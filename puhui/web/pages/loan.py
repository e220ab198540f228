"""A loan: taking the money, the plan, repaying part, early or all of it, and the contract."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending import loan_state, quote_pay_off, shelf
from puhui.lending.window import cooling_off_days, line, loan_events, plan_of
from puhui.payment import numbers
from puhui.servicing import noun
from puhui.servicing.window import reliefs_of
from puhui.web.ask import Ask
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.own import own_contract
from puhui.web.pages.amount import amount_of, read_amount
from puhui.web.pages.money import balance_of
from puhui.web.plan import FULL_PLAN, PLAN, bars_of, next_lines, plan_lines

RUNNING = ("current", "past_due", "written_off")
WAYS = ("due", "next", "all", "other")
OF_AMOUNT = ("lending.bad_amount", "lending.over_agreed", "lending.not_revolving",
             "lending.over_capacity", "lending.own_limit_reached",
             "lending.credit_limit_reached")  # fmt: skip
"""Refusals of a draw that are told at the amount."""


def show(ask: Ask) -> Response:
    """Where the loan stands today: what is owed, when, and the whole plan."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        state = loan_state(tx, row.id, ask.today)
        events = loan_events(tx, row.id)
        balance = balance_of(tx, ask.party_id)
        quote = quote_pay_off(tx, row.id, ask.today) if row.status in RUNNING[:2] else None
        reliefs = reliefs_of(tx, row.id)
        plan = plan_of(tx, row.id, ask.today)
        notice = line.notice_of(tx, row.id)
    lines = plan_lines(plan, row.currency, ask.today)
    if ending_of(ask):
        return file_reply(ask, "plan", FULL_PLAN, of_rows(lines))
    coming = next((one for one in state.rows if one.owed_minor > 0), None)
    return ask.page(
        "loan.html",
        row=row,
        state=state,
        events=events,
        grouped=numbers.grouped_digits,
        balance=balance,
        quote=quote,
        coming=coming,
        lines=lines,
        coming_lines=next_lines(lines),
        columns=PLAN,
        room_minor=room_of(row, state),
        notice=notice,
        amount=ask.text("amount"),
        bars=bars_of(lines),
        relief=reliefs[0] if reliefs else None,
        return_by=return_by(row, cooling_off_days(row)),
        product=shelf.load_product(row.product),
        is_running=row.status in RUNNING,
        is_stale=row.status == "signed" and row.counts_from != ask.today.isoformat(),
        done=ask.query.get("done", ""),
        back="/me",
    )


def return_by(row: Row, days: int) -> date | None:
    """The last day on which a loan may be given back without a reason; None where there is none."""
    if row.status != "current" or row.started_on is None or not days:
        return None
    return date.fromisoformat(row.started_on) + timedelta(days=days)


def room_of(row: Row, state: noun.PlanState) -> int | None:
    """How much is left to draw of a line, or of a loan with several drawings, minor units.

    None for what is paid out whole, or has been.
    """
    plan = state.plan
    if not (plan.is_revolving or plan.has_drawings):
        return None
    if row.status == "signed":
        return int(row.principal_minor)
    if not plan.is_revolving:
        return (row.principal_minor - state.disbursed_minor) or None
    return max(0, row.principal_minor - state.outstanding_minor) if row.status == "current" else 0


def take_money(ask: Ask) -> Response:
    """Pay the signed loan out to the wallet, once; of a line as much as was asked for."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    if row.status == "signed":
        key = f"web:disburse:{row.id}"
        told: dict[str, Any] = {"contract_id": row.id}
        if ask.text("amount"):
            amount_minor = amount_of(ask, row.currency)
            if ask.problems:
                return _show(ask)
            told["amount_minor"] = amount_minor
            key = f"{key}:{amount_minor}"
        try:
            ask.node.act("lending.disburse", told, key=key, actor=ask.actor)
        except Refused as refused:
            if refused.code in OF_AMOUNT:
                ask.wrong("amount", said(refused.code, ask.view.language))
                return _show(ask)
            if refused.code != "lending.not_signed":
                raise
    return ask.go(f"/loan/{row.id}?done=paid")


def draw(ask: Ask) -> Response:
    """Draw more of a line into the wallet."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    amount_minor = amount_of(ask, row.currency)
    if ask.problems:
        return _show(ask)
    try:
        ask.act("lending.draw", {"contract_id": row.id, "amount_minor": amount_minor})
    except Refused as refused:
        ask.wrong("amount", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/loan/{row.id}?done=drawn")


def close(ask: Ask) -> Response:
    """End a line on which nothing is owed, by one tap."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    try:
        ask.act("lending.close_line", {"contract_id": row.id})
    except Refused as refused:
        ask.wrong("_line", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/loan/{row.id}?done=ended")


def void(ask: Ask) -> Response:
    """Undo a signed contract before the money came; the offer stands again."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    ask.act("lending.void_contract", {"contract_id": row.id})
    return ask.go(f"/application/{row.application_id}")


def text(ask: Ask) -> Response:
    """The contract as it was signed, for reading and printing."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    return ask.page("contract_text.html", row=row, back=f"/loan/{row.id}")


def repay(ask: Ask) -> Response:
    """How much to pay, with what ends the loan to the day."""
    return _repay(ask)


def day_asked(ask: Ask) -> date:
    """The day that was chosen, none before today; what is no day is said, and is today."""
    asked = ask.query.get("on", "")
    if not asked:
        return ask.today
    try:
        return max(date.fromisoformat(asked), ask.today)
    except ValueError:
        ask.wrong("on", ask.say("loan.bad_day"))
        return ask.today


def _repay(ask: Ask) -> Response:
    on = day_asked(ask)
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        if row.status not in RUNNING:
            return ask.go(f"/loan/{row.id}")
        state = loan_state(tx, row.id, ask.today)
        quote = quote_pay_off(tx, row.id, ask.today) if row.status != "written_off" else None
        later = quote_pay_off(tx, row.id, on) if quote is not None else None
        balance = balance_of(tx, ask.party_id)
    coming = next((one for one in state.rows if one.owed_minor > 0), None)
    return ask.page(
        "repay.html",
        row=row,
        state=state,
        quote=quote,
        later=later,
        on=on,
        coming=coming,
        balance=balance,
        way=ask.text("way"),
        amount=ask.text("amount"),
        back=f"/loan/{row.id}",
    )


def pay(ask: Ask) -> Response:
    """Take the repayment from the wallet, once for the form that was sent."""
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    amount_minor = _amount(ask, row.currency)
    if ask.problems or amount_minor is None:
        return _repay(ask)
    told = {"contract_id": row.id, "amount_minor": amount_minor}
    try:
        found = ask.act("lending.repay", told)
    except Refused as refused:
        ask.wrong("way", said(refused.code, ask.view.language))
        return _repay(ask)
    return ask.go(f"/loan/{row.id}?done={'closed' if found.status == 'paid_off' else 'repaid'}")


def _amount(ask: Ask, currency: str) -> int | None:
    """What was chosen: amounts shown on the page are sent with it, so that none changes unseen."""
    way = ask.text("way")
    if way not in WAYS:
        ask.wrong("way", ask.say("loan.way_missing"))
        return None
    typed = ask.text("amount") if way == "other" else ask.text(f"amount_{way}")
    found = read_amount(typed, currency)
    if found is None:
        ask.wrong("amount" if way == "other" else "way", ask.say("form.bad_amount"))
    return found
