"""The desk of hardship: requests for relief that wait, and deciding on them."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.servicing.window import list_reliefs, loan_row, relief, relief_row
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.desks.loan import RELIEF_MARKS
from puhui.web.export import Fetch, listed
from puhui.web.look import permit_for
from puhui.web.pages.amount import read_amount
from puhui.web.plan import FULL_PLAN, plan_lines
from puhui.web.table import Sheet

STATUSES = ("asked", "granted", "declined", "withdrawn")
ALL = "all"
HARDSHIP = "hardship"
"""The purpose of the look at a reason, and the field of data that it is."""

COLUMNS = (
    Column("asked", "relief.asked", lambda row: row.asked_us, Kind.MOMENT, order="asked",
           link=lambda row: f"/desk/relief/{row.id}"),
    Column("loan", "arrears.loan", lambda row: row.loan_id, Kind.ID,
           link=lambda row: f"/desk/loan/{row.loan_id}"),
    Column("kind", "relief.wanted", lambda row: row.kind, Kind.WORD, words="relief.kind_"),
    Column("why", "relief.class", lambda row: row.reason_class or None, Kind.WORD,
           words="relief.class_"),
    Column("days", "relief.wanted_days", lambda row: row.days or None, Kind.COUNT, order="days"),
    Column("instalments", "relief.wanted_count", lambda row: row.instalments or None, Kind.COUNT),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY),
    Column("arrears", "desk.arrears", lambda row: row.arrears_minor, Kind.MONEY, order="arrears"),
    Column("days_past_due", "desk.days", lambda row: row.days_past_due, Kind.COUNT),
    Column("state", "arrears.status", lambda row: row.status, Kind.WORD, words="relief.status_",
           mark=lambda row: RELIEF_MARKS.get(row.status, "wait")),
)  # fmt: skip


def overview(ask: Ask) -> Response:
    """Requests by state and class of reason; those that wait first, unless asked otherwise."""

    def fetch(sheet: Sheet) -> Fetch:
        status = sheet.filters["status"] or "asked"
        told = {
            "status": "" if status == ALL else status,
            "reason_class": sheet.filters["why"],
            "order": sheet.order,
        }
        return lambda tx, skip, count: list_reliefs(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_reliefs.html",
        COLUMNS,
        fetch,
        at="reliefs",
        filters=("status", "why"),
        order="asked",
        statuses=(*STATUSES, ALL),
        classes=relief.REASON_CLASSES,
    )


def show(ask: Ask) -> Response:
    """One request with its loan, and the decision."""
    return _show(ask)


def _terms(ask: Ask, found: Row) -> relief.ReliefTerms | None:
    """What would be granted: as asked, or by the number that is looked at; None if that is none."""
    kind = relief.ReliefKind(found.kind)
    amount_minor, number = found.amount_minor, found.days or found.instalments
    typed = ask.text("amount") or ask.query.get("amount", "")
    if kind is relief.ReliefKind.LOWER:
        if typed:
            amount_minor = read_amount(typed, "CNY") or 0
        if not amount_minor:
            ask.wrong("amount", ask.say("relief.amount_missing"))
            return None
        return relief.ReliefTerms(kind, amount_minor=amount_minor)
    typed = ask.text("number") or ask.query.get("number", "")
    if typed:
        number = int(typed[:6]) if typed.isdecimal() else 0
    if number < 1:
        ask.wrong("number", ask.say("relief.days_bad"))
        return None
    return relief.ReliefTerms(kind, number)


def open_reason(ask: Ask) -> Response:
    """Record a look at why the borrower is in hardship, and show it."""
    relief_id = ask.request.path_params["relief_id"]
    with ask.node.read() as tx:
        found = relief_row(tx, relief_id)
    told = {"party_id": found.party_id, "purpose": HARDSHIP, "fields": (HARDSHIP,)}
    try:
        access = ask.act("data.record_access", told)
    except Refused as refused:
        ask.wrong("_access", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/relief/{relief_id}?access={access.access_id}")


def _show(ask: Ask) -> Response:
    preview = terms = None
    with ask.node.read() as tx:
        found = relief_row(tx, ask.request.path_params["relief_id"])
        loan = loan_row(tx, found.loan_id)
        why = relief.open_reason(
            ask.node, tx, permit_for(ask, tx, party_id=found.party_id, field=HARDSHIP), found.reason
        )
        if found.status == "asked":
            terms = _terms(ask, found)
        if terms is not None:
            try:
                preview = relief.preview_relief(tx, loan.id, terms, ask.today)
            except Refused as refused:
                ask.wrong("number", said(refused.code, ask.view.language))
    return ask.page(
        "desk_relief.html",
        at="reliefs",
        relief=found,
        loan=loan,
        why=why,
        mark=RELIEF_MARKS.get(found.status, "wait"),
        answer=ask.text("answer"),
        number=ask.text("number") if terms is None else terms.number,
        amount=ask.text("amount") if terms is None else ask.say.figure(terms.amount_minor),
        preview=preview,
        lines=() if preview is None else plan_lines(preview.after, loan.currency, ask.today),
        columns=FULL_PLAN,
    )


def decide(ask: Ask) -> Response:
    """Grant or decline; never by whoever asked."""
    relief_id = ask.request.path_params["relief_id"]
    answer = ask.text("answer")
    with ask.node.read() as tx:
        found = relief_row(tx, relief_id)
    told: dict[str, object] = {"relief_id": relief_id, "is_granted": answer == "grant"}
    if answer not in ("grant", "decline"):
        ask.wrong("answer", ask.say("relief.answer_missing"))
    if answer == "grant" and (terms := _terms(ask, found)) is not None:
        name = "days" if terms.kind is relief.ReliefKind.PAUSE else "count"
        told |= {name: terms.number, "amount_minor": terms.amount_minor}
    if ask.problems:
        return _show(ask)
    try:
        ask.act("servicing.decide_relief", told)
    except Refused as refused:
        if refused.code == "servicing.no_relief":
            raise
        ask.wrong("answer", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/relief/{relief_id}")
