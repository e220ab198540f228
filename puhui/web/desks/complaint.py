"""The desk of complaints: what is due first, and the answer."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.complaint import complaint_field, complaint_of, list_complaints, read_clock
from puhui.data import open_text
from puhui.data.window import permit_of_access
from puhui.kernel.errors import Refused
from puhui.web.ask import Ask
from puhui.web.table import csv_reply, sheet_of

PURPOSE = "complaint_answer"
STATUSES = ("filed", "answered", "closed")


def _subjects(ask: Ask) -> dict[str, str]:
    return {name: ask.say.pick(zh, en) for name, zh, en in read_clock().subjects}


def overview(ask: Ask) -> Response:
    """Complaints by filters and in an order from the address, those due first at first."""
    sheet = sheet_of(
        "/desk/complaints",
        ask.query,
        filters=("status", "subject"),
        order="due",
        orders={"due", "number", "subject", "status", "filed"},
    )
    with ask.node.read() as tx:
        rows = list_complaints(
            tx, **sheet.filters, order=sheet.order, skip=sheet.skip, count=sheet.size + 1
        )
    if ask.query.get("format") == "csv":
        head = ("number", "subject", "status", "filed", "due")
        return csv_reply(
            "complaints",
            head,
            [(r.number, r.subject, r.status, ask.say.moment(r.filed_us), r.due_on) for r in rows],
        )
    return ask.page(
        "desk_complaints.html",
        at="complaints",
        sheet=sheet,
        rows=rows[: sheet.size],
        has_more=len(rows) > sheet.size,
        subjects=_subjects(ask),
        statuses=STATUSES,
    )


def show(ask: Ask) -> Response:
    """One complaint; its words only after a recorded look."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    words = answer = ""
    access_id = ask.query.get("access", "")
    is_open = False
    with ask.node.read() as tx:
        found = complaint_of(tx, ask.request.path_params["complaint_id"])
        if access_id:
            try:
                permit = permit_of_access(ask.node, tx, access_id, viewer=ask.actor.name)
            except Refused as refused:
                ask.wrong("_access", said(refused.code, ask.view.language))
            else:
                is_open = permit.party_id == found.party_id
                if is_open and permit.subject is not None:
                    field = complaint_field("words")
                    words = open_text(ask.node, tx, permit, field=field, sealed=found.words) or ""
                    if found.answer:
                        field = complaint_field("answer")
                        answer = (
                            open_text(ask.node, tx, permit, field=field, sealed=found.answer) or ""
                        )
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
