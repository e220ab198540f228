"""Complaints of customers: file one, see its number, its clock and the answer, close it."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.complaint import (
    Complaint,
    complaint_field,
    complaint_of,
    complaints_of,
    read_clock,
)
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.lending.window import applications_of
from puhui.web.ask import Ask, Missing
from puhui.web.own import open_own


def overview(ask: Ask) -> Response:
    """The customer's complaints, newest first."""
    with ask.node.read() as tx:
        found = complaints_of(tx, ask.party_id)
    return ask.page("complaints.html", complaints=found, subjects=_subjects(ask), back="/me")


def _subjects(ask: Ask) -> dict[str, str]:
    return {name: ask.say.pick(zh, en) for name, zh, en in read_clock().subjects}


def begin(ask: Ask) -> Response:
    """What it is about, in the customer's own words."""
    return _form(ask)


def _form(ask: Ask) -> Response:
    with ask.node.read() as tx:
        rows = applications_of(tx, ask.party_id)
    return ask.page(
        "complaint_new.html",
        subjects=list(_subjects(ask).items()),
        subject=ask.text("subject") or ask.query.get("subject", ""),
        words=ask.text("words"),
        applications=rows,
        about=ask.text("about") or ask.query.get("about", ""),
        clock=read_clock(),
        back="/complaints",
    )


def file(ask: Ask) -> Response:
    """Take the complaint in."""
    if not ask.text("subject"):
        ask.wrong("subject", said("complaint.bad_subject", ask.view.language))
    if not ask.text("words"):
        ask.wrong("words", said("complaint.no_words", ask.view.language))
    if ask.problems:
        return _form(ask)
    with ask.node.read() as tx:
        own = {row.id for row in applications_of(tx, ask.party_id)}
    about = ask.text("about")
    told = {
        "party_id": ask.party_id,
        "subject": ask.text("subject"),
        "words": ask.text("words"),
        "about": about if about in own else "",
    }
    try:
        made = ask.act("complaint.file", told)
    except Refused as refused:
        name = "subject" if refused.code == "complaint.bad_subject" else "words"
        ask.wrong(name, said(refused.code, ask.view.language))
        return _form(ask)
    return ask.go(f"/complaint/{made.complaint_id}?done=filed")


def _own(ask: Ask, tx: Transaction) -> Complaint:
    found = complaint_of(tx, ask.request.path_params["complaint_id"])
    if found.party_id != ask.party_id:
        raise Missing
    return found


def show(ask: Ask) -> Response:
    """One complaint: number, clock, words and answer."""
    with ask.node.read() as tx:
        found = _own(ask, tx)
        words = open_own(ask, tx, field=complaint_field("words"), sealed=found.words)
        answer = open_own(ask, tx, field=complaint_field("answer"), sealed=found.answer)
    return ask.page(
        "complaint.html",
        complaint=found,
        words=words,
        answer=answer,
        subject=_subjects(ask)[found.subject],
        is_late=found.status == "filed" and found.due_on < ask.today,
        done=ask.query.get("done", ""),
        back="/complaints",
    )


def close(ask: Ask) -> Response:
    """The customer is content, or takes it back."""
    with ask.node.read() as tx:
        found = _own(ask, tx)
    ask.act("complaint.close", {"complaint_id": found.id})
    return ask.go(f"/complaint/{found.id}?done=closed")
