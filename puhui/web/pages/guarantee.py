"""Guarantees: asking somebody to stand for a loan; being asked, reading, signing or saying no."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.data import consents_of
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.lending.window import guarantee, plan_of
from puhui.party import Party, find_parties
from puhui.web.ask import Ask, Missing
from puhui.web.own import own_contract
from puhui.web.pages.payee import Payee, find_payees, name_of

SHARES = (100, 50, 30)
"""What may be asked for, per cent of what is owed."""

PERCENT = 10_000
LOOK_US = 15 * 60_000_000
"""For so long what was looked at may be shown again."""

RUNNING = ("current", "past_due")
MARKS = {"signed": "yes", "declined": "no"}


def overview(ask: Ask) -> Response:
    """Every guarantee that the customer was asked for, and what came of it."""
    with ask.node.read() as tx:
        rows = guarantee.asked_of(ask.node, tx, ask.party_id)
    return ask.page(
        "guarantees.html", rows=rows, marks=MARKS, done=ask.query.get("done", ""), back="/me"
    )


def show(ask: Ask) -> Response:
    """One guarantee: what it may come to, the text, and both answers."""
    return _show(ask)


def _own(ask: Ask, tx: Transaction) -> Row:
    """The asking that the address names, if the customer is who was asked."""
    row = guarantee.ask_row(tx, ask.request.path_params["ask_id"])
    if row.guarantor_id != ask.party_id:
        raise Missing
    return row


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = _own(ask, tx)
        text = None
        if guarantee.is_shown(ask.node, tx, row):
            text = guarantee.draft_guarantee(ask.node, tx, row.id, ask.view.language)
        (borrower,) = find_parties(ask.node, tx, party_ids=[row.borrower_id])
    is_read = text is not None and row.status == "asked"
    return ask.page(
        "guarantee.html",
        row=row,
        text=text,
        share=row.share_millionths / 1_000_000,
        borrower=_name(ask, row.id, borrower) if is_read else "",
        marks=MARKS,
        back="/guarantees",
    )


def _name(ask: Ask, ask_id: str, borrower: Party) -> str:
    """A part of somebody's name; one look is on record for each quarter of an hour."""
    quarter = ask.node.clock.now_us() // LOOK_US
    return name_of(ask, borrower, f"web:guarantee:{ask_id}:{quarter}")


def sign(ask: Ask) -> Response:
    """Sign the text that was shown, named by its digest."""
    with ask.node.read() as tx:
        row = _own(ask, tx)
    if ask.text("agree") != "yes":
        ask.wrong("agree", ask.say("guarantee.agree_missing"))
        return _show(ask)
    told = {
        "ask_id": row.id,
        "text_digest": ask.text("digest"),
        "language": ask.text("language") or ask.view.language,
    }
    return _answer(ask, "lending.sign_guarantee", told, "signed")


def decline(ask: Ask) -> Response:
    """Say no."""
    with ask.node.read() as tx:
        row = _own(ask, tx)
    return _answer(ask, "lending.decline_guarantee", {"ask_id": row.id}, "declined")


def _answer(ask: Ask, name: str, told: dict[str, str], done: str) -> Response:
    try:
        ask.act(name, told)
    except Refused as refused:
        ask.wrong("agree", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/guarantees?done={done}")


def begin(ask: Ask) -> Response:
    """Whom to ask, for how much of the loan, and who was asked before."""
    return _begin(ask)


def _begin(ask: Ask, choices: tuple[Payee, ...] = ()) -> Response:
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
        asked = guarantee.asked_for(tx, row.id)
        shown = {one.id for one in asked if guarantee.is_shown(ask.node, tx, one)}
        waiting = [one for one in asked if one.status == "asked" and one.id not in shown]
        ids = sorted({one.guarantor_id for one in waiting})
        parties = {one.id: one for one in find_parties(ask.node, tx, party_ids=ids)}
    return ask.page(
        "guarantor.html",
        row=row,
        asked=asked,
        shown=shown,
        names={one.id: _name(ask, one.id, parties[one.guarantor_id]) for one in waiting},
        shares=SHARES,
        who_typed=ask.text("who"),
        share=ask.text("share"),
        choices=choices,
        is_running=row.status in RUNNING,
        marks=MARKS,
        done=ask.query.get("done", ""),
        back=f"/loan/{row.id}",
    )


def ask_somebody(ask: Ask) -> Response:
    """Show whom the phone number means; ask, and record that they may see the loan, once the
    borrower said so. Nothing binds yet.
    """
    with ask.node.read() as tx:
        row = own_contract(ask, tx)
    if ask.text("share") not in {str(one) for one in SHARES}:
        ask.wrong("share", ask.say("guarantee.share_missing"))
    found = find_payees(ask, ask.text("who"), by_number=False)
    if ask.problems:
        return _begin(ask)
    chosen = [one for one in found if one.id == ask.text("choice")]
    if not chosen:
        if ask.text("is_shown"):
            ask.wrong("choice", ask.say("pay.which"))
        return _begin(ask, found)
    told = {
        "contract_id": row.id,
        "guarantor_id": chosen[0].id,
        "share_millionths": int(ask.text("share")) * PERCENT,
    }
    try:
        ask.act("lending.ask_guarantee", told)
        _agree(ask, row.id, chosen[0].id)
    except Refused as refused:
        ask.wrong("who", said(refused.code, ask.view.language))
        return _begin(ask)
    return ask.go(f"/loan/{row.id}/guarantor?done=asked")


def _agree(ask: Ask, contract_id: str, guarantor_id: str) -> None:
    """Record the borrower's consent that somebody sees a loan, until its last instalment is due."""
    with ask.node.read() as tx:
        last = plan_of(tx, contract_id, ask.today)[-1].due_on
    until = guarantee.shown_until(last, ask.today)
    told = {
        "party_id": ask.party_id,
        "purpose": guarantee.PURPOSE,
        "fields": guarantee.FIELDS,
        "until": until.isoformat(),
        "sources": (contract_id,),
        "recipient": guarantor_id,
    }
    ask.act("data.grant_consent", told)


def _asked(ask: Ask, tx: Transaction) -> tuple[Row, Row]:
    """The customer's own loan that the address names, and its asking that the form names."""
    row = own_contract(ask, tx)
    for one in guarantee.asked_for(tx, row.id):
        if one.id == ask.text("ask"):
            return row, one
    raise Missing


def agree(ask: Ask) -> Response:
    """Let whom an officer asked see the loan; until then they see nothing of it."""
    with ask.node.read() as tx:
        row, asked = _asked(ask, tx)
    if asked.status != "asked":
        raise Missing
    _agree(ask, row.id, asked.guarantor_id)
    return ask.go(f"/loan/{row.id}/guarantor?done=agreed")


def hide(ask: Ask) -> Response:
    """Take every consent back that lets a guarantor see the loan: from now on they see nothing."""
    with ask.node.read() as tx:
        row, asked = _asked(ask, tx)
        given = consents_of(ask.node, tx, party_id=ask.party_id)
    for one in given:
        terms = one.terms
        is_it = terms.recipient == asked.guarantor_id and row.id in terms.sources
        if is_it and not terms.revoked_us:
            told = {"consent_id": terms.consent_id}
            ask.act("data.revoke_consent", told, step=f":{terms.consent_id}")
    return ask.go(f"/loan/{row.id}/guarantor?done=hidden")


def withdraw(ask: Ask) -> Response:
    """Take back that somebody was asked, while they have not answered."""
    with ask.node.read() as tx:
        row, _ = _asked(ask, tx)
    try:
        ask.act("lending.withdraw_guarantee_ask", {"ask_id": ask.text("ask")})
    except Refused as refused:
        ask.wrong("_ask", said(refused.code, ask.view.language))
        return _begin(ask)
    return ask.go(f"/loan/{row.id}/guarantor?done=withdrawn")
