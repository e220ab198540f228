"""The desk of complaints: what is due first, and the answer."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.complaint import Complaint, complaint_field, complaint_of, list_complaints, read_clock
from puhui.data import open_text
from puhui.kernel.errors import Refused
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import Fetch, listed
from puhui.web.look import permit_asked
from puhui.web.table import Sheet

PURPOSE = "complaint_answer"
STATUSES = ("filed", "answered", "closed")


def _subjects(ask: Ask) -> dict[str, str]:
    return {name: ask.say.pick(zh, en) for name, zh, en in read_clock().subjects}


def overview(ask: Ask) -> Response:
    """Complaints by filters and in an order from the address, those due first at first."""

    def fetch(sheet: Sheet) -> Fetch:
        told: dict[str, Any] = {**sheet.filters, "order": sheet.order}
        return lambda tx, skip, count: list_complaints(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_complaints.html",
        _columns(ask),
        fetch,
        at="complaints",
        filters=("status", "subject"),
        order="due",
        subjects=_subjects(ask),
        statuses=STATUSES,
    )


def _columns(ask: Ask) -> tuple[Column, ...]:
    """The columns of the list; what is due is told apart by today."""
    subjects, today = _subjects(ask), ask.today

    def mark(row: Complaint) -> str:
        if row.status != "filed":
            return "yes"
        return "no" if row.due_on < today else "wait"

    return (
        Column("due", "complaint.due", lambda row: row.due_on, Kind.DAY, mark=mark, order="due"),
        Column("number", "application.number", lambda row: row.number,
               link=lambda row: f"/desk/complaint/{row.id}", order="number"),
        Column("subject", "complaint.subject", lambda row: subjects[row.subject],
               order="subject"),
        Column("status", "application.status", lambda row: row.status, Kind.WORD,
               words="complaint.status_", order="status"),
        Column("filed", "complaint.filed", lambda row: row.filed_us, Kind.MOMENT, order="filed"),
    )  # fmt: skip


def show(ask: Ask) -> Response:
    """One complaint; its words only after a recorded look."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    words = answer = ""
    access_id = ask.query.get("access", "")
    is_open = False
    with ask.node.read() as tx:
        found = complaint_of(tx, ask.request.path_params["complaint_id"])
        permit = permit_asked(ask, tx)
        if permit is not None:
            is_open = permit.party_id == found.party_id
            if is_open and permit.subject is not None:
                field = complaint_field("words")
                words = open_text(ask.node, tx, permit, field=field, sealed=found.words) or ""
                if found.answer:
                    field = complaint_field("answer")
                    answer = open_text(ask.node, tx, permit, field=field, sealed=found.answer) or ""
    return ask.page(
        "desk_complaint.html",
        at="complaints",
        complaint=found,
        subject=_subjects(ask)[found.subject],
        words=words,
        answer=answer,
        is_open=is_open,
        typed=ask.text("words"),
        access_id=access_id,
        is_late=found.status == "filed" and found.due_on < ask.today,
    )


def open_words(ask: Ask) -> Response:
    """Record the look at what somebody wrote, and show it."""
    with ask.node.read() as tx:
        found = complaint_of(tx, ask.request.path_params["complaint_id"])
    told = {"party_id": found.party_id, "purpose": PURPOSE, "fields": ("name", "phone")}
    access = ask.act("data.record_access", told)
    return ask.go(f"/desk/complaint/{found.id}?access={access.access_id}")


def give_answer(ask: Ask) -> Response:
    """Answer; the customer sees it at once."""
    complaint_id = ask.request.path_params["complaint_id"]
    try:
        ask.act("complaint.answer", {"complaint_id": complaint_id, "words": ask.text("words")})
    except Refused as refused:
        ask.wrong("words", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/complaint/{complaint_id}")
