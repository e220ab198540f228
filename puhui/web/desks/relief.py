"""The desk of hardship: requests for relief that wait, and deciding on them."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.servicing.window import REASONS, list_reliefs, loan_row, relief_row
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.desks.loan import RELIEF_MARKS
from puhui.web.export import Fetch, listed
from puhui.web.table import Sheet

STATUSES = ("asked", "granted", "declined", "withdrawn")
ALL = "all"
COLUMNS = (
    Column("asked", "relief.asked", lambda row: row.asked_us, Kind.MOMENT, order="asked",
           link=lambda row: f"/desk/relief/{row.id}"),
    Column("loan", "arrears.loan", lambda row: row.loan_id, Kind.ID,
           link=lambda row: f"/desk/loan/{row.loan_id}"),
    Column("reason", "relief.reason", lambda row: row.reason, Kind.WORD, words="relief.reason_"),
    Column("days", "relief.wanted_days", lambda row: row.days, Kind.COUNT, order="days"),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY),
    Column("arrears", "desk.arrears", lambda row: row.arrears_minor, Kind.MONEY, order="arrears"),
    Column("days_past_due", "desk.days", lambda row: row.days_past_due, Kind.COUNT),
    Column("state", "arrears.status", lambda row: row.status, Kind.WORD, words="relief.status_",
           mark=lambda row: RELIEF_MARKS.get(row.status, "wait")),
)  # fmt: skip


def overview(ask: Ask) -> Response:
    """Requests by state and reason; those that wait, the oldest first, unless asked otherwise."""

    def fetch(sheet: Sheet) -> Fetch:
        status = sheet.filters["status"] or "asked"
        told = {
            "status": "" if status == ALL else status,
            "reason": sheet.filters["reason"],
            "order": sheet.order,
        }
        return lambda tx, skip, count: list_reliefs(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_reliefs.html",
        COLUMNS,
        fetch,
        at="reliefs",
        filters=("status", "reason"),
        order="asked",
        statuses=(*STATUSES, ALL),
        reasons=REASONS,
    )


def show(ask: Ask) -> Response:
    """One request with its loan, and the decision."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        found = relief_row(tx, ask.request.path_params["relief_id"])
        loan = loan_row(tx, found.loan_id)
    return ask.page(
        "desk_relief.html",
        at="reliefs",
        relief=found,
        loan=loan,
        mark=RELIEF_MARKS.get(found.status, "wait"),
        answer=ask.text("answer"),
        days=ask.text("days") or str(found.days),
    )


def decide(ask: Ask) -> Response:
    """Grant or decline; never by whoever asked."""
    relief_id = ask.request.path_params["relief_id"]
    answer, days = ask.text("answer"), ask.text("days")
    if answer not in ("grant", "decline"):
        ask.wrong("answer", ask.say("relief.answer_missing"))
    if answer == "grant" and not (days.isdecimal() and 1 <= int(days[:6]) <= 180):
        ask.wrong("days", ask.say("relief.days_bad"))
    if ask.problems:
        return _show(ask)
    told = {
        "relief_id": relief_id,
        "is_granted": answer == "grant",
        "days": int(days) if answer == "grant" else 0,
    }
    try:
        ask.act("servicing.decide_relief", told)
    except Refused as refused:
        if refused.code == "servicing.no_relief":
            raise
        ask.wrong("answer", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/relief/{relief_id}")
