"""A loan's file as staff see it: plan, events, contacts, promises, relief, guarantees, pledges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.lending import loan_state
from puhui.lending.window import approval, contract_row, guarantee, line, loan_events, plan_of
from puhui.payment import numbers
from puhui.servicing import live
from puhui.servicing.window import (
    RiskClass,
    bucket_names,
    contact_figures,
    contacts_of,
    guarantees_of,
    lenders_of,
    loan_row,
    pledges_of,
    postings_of,
    promises_of,
    reliefs_of,
    task_of,
)
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.desks.proposal import COLUMNS as PROPOSALS
from puhui.web.desks.proposal import FIELDS, PARTS, asked_change, do_or_propose
from puhui.web.export import ending_of, file_reply, for_reader, of_rows
from puhui.web.pages.amount import amount_of
from puhui.web.plan import FULL_PLAN, bars_of, plan_lines

RESULTS = ("reached", "not_reached", "refused", "promised")
THIRD = "third"
PLEDGE_KINDS = (
    "land_right", "house", "vehicle", "machine", "livestock", "receivable", "deposit",
)  # fmt: skip
CHANGE_FIELDS = (
    "what",
    "why",
    "part",
    "change_amount",
    "rate",
    "number",
    "due_on",
    "moved_to",
    "drawn_on",
    "count",
    "grace",
)
SECURITY_FIELDS = (
    "worth",
    "pledge_kind",
    "guarantor",
    "share",
    "income",
    "ask",
    "yes_way",
    "evidence",
)
PROMISE_MARKS = {"kept": "yes", "broken": "no", "open": "wait"}
ASKED_MARKS = {"signed": "yes", "declined": "no"}
RELIEF_MARKS = {"granted": "yes", "declined": "no"}

EVENTS = (
    Column("number", "proposal.event", lambda row: row.number or None, Kind.COUNT),
    Column("day", "desk.day", lambda row: row.day, Kind.DAY),
    Column("kind", "loanfile.event", lambda row: row.kind, Kind.WORD, words="loan.event_"),
    Column("amount", "arrears.amount", lambda row: row.amount_minor, Kind.MONEY),
    Column(
        "receipt",
        "payment.number",
        lambda row: numbers.grouped_digits(row.receipt),
    ),
)
CONTACTS = (
    Column("at", "arrears.when", lambda row: row.at_us, Kind.MOMENT),
    Column("person", "arrears.person", lambda row: row.person, Kind.WORD, words="arrears.person_"),
    Column("way", "arrears.way", lambda row: row.channel, Kind.WORD, words="arrears.way_"),
    Column("result", "arrears.result", lambda row: row.result, Kind.WORD, words="arrears.result_"),
    Column("made_by", "arrears.who", lambda row: row.made_by, Kind.ID),
)
PROMISES = (
    Column("made_on", "arrears.made", lambda row: row.made_on, Kind.DAY),
    Column("amount", "arrears.amount", lambda row: row.amount_minor, Kind.MONEY),
    Column("by", "arrears.by_day", lambda row: row.by_day, Kind.DAY),
    Column("state", "arrears.status", lambda row: row.status, Kind.WORD, words="arrears.promise_",
           mark=lambda row: PROMISE_MARKS[row.status]),
    Column("taken_by", "arrears.who", lambda row: row.taken_by, Kind.ID),
)  # fmt: skip
RELIEFS = (
    Column("asked", "relief.asked", lambda row: row.asked_us, Kind.MOMENT,
           link=lambda row: f"/desk/relief/{row.id}"),
    Column("kind", "relief.wanted", lambda row: row.kind, Kind.WORD, words="relief.kind_"),
    Column("days", "relief.wanted_days", lambda row: row.days or None, Kind.COUNT),
    Column("instalments", "relief.wanted_count", lambda row: row.instalments or None, Kind.COUNT),
    Column("state", "arrears.status", lambda row: row.status, Kind.WORD, words="relief.status_",
           mark=lambda row: RELIEF_MARKS.get(row.status, "wait")),
    Column("decided", "relief.decided", lambda row: row.decided_us, Kind.MOMENT),
    Column("decided_by", "relief.decided_by", lambda row: row.decided_by, Kind.ID),
)  # fmt: skip
LENDERS = (
    Column("lender", "loanfile.lender", lambda row: row.lender_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.lender_id}"),
    Column("share", "loanfile.share", lambda row: row.share_millionths / 1_000_000, Kind.SHARE),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY),
    Column("due", "loanfile.due_to", lambda row: row.booked_minor, Kind.MONEY),
    Column("received", "loanfile.received", lambda row: row.received_minor, Kind.MONEY),
)  # fmt: skip
POSTINGS = (
    Column("at", "arrears.when", lambda row: row.time_us, Kind.MOMENT),
    Column("kind", "loanfile.posted", lambda row: row.kind, Kind.WORD, words="money.reason_"),
    Column("debit", "loanfile.debit", lambda row: row.debit, Kind.WORD,
           words="loanfile.account_"),
    Column("credit", "loanfile.credit", lambda row: row.credit, Kind.WORD,
           words="loanfile.account_"),
    Column("amount", "arrears.amount", lambda row: row.amount_minor, Kind.MONEY),
)  # fmt: skip
GUARANTEES = (
    Column("guarantor", "loanfile.guarantor", lambda row: row.guarantor_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.guarantor_id}"),
    Column("share", "loanfile.share", lambda row: row.share_millionths / 1_000_000, Kind.SHARE),
    Column("premium", "loanfile.premium", lambda row: row.premium_minor, Kind.MONEY),
    Column("called", "loanfile.called", lambda row: row.called_minor, Kind.MONEY),
)  # fmt: skip
ASKED = (
    Column("asked", "relief.asked", lambda row: row.asked_us, Kind.MOMENT),
    Column("guarantor", "loanfile.guarantor", lambda row: row.guarantor_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.guarantor_id}"),
    Column("share", "loanfile.share", lambda row: row.share_millionths / 1_000_000, Kind.SHARE),
    Column("call_after", "guarantee.desk_call_after", lambda row: row.call_after_days, Kind.COUNT),
    Column("state", "arrears.status", lambda row: row.status, Kind.WORD,
           words="guarantee.asked_", mark=lambda row: ASKED_MARKS.get(row.status, "wait")),
)  # fmt: skip
PLEDGES = (
    Column("kind", "loanfile.pledge_kind", lambda row: row.kind, Kind.WORD,
           words="loanfile.pledge_"),
    Column("value", "loanfile.worth", lambda row: row.value_minor, Kind.MONEY),
    Column("valued_on", "loanfile.valued_on", lambda row: row.valued_on, Kind.DAY),
    Column("state", "arrears.status", lambda row: row.status, Kind.WORD,
           words="loanfile.pledge_state_"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the file."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]


def show(ask: Ask) -> Response:
    """The file of a loan; each of its tables as a file by ``table`` in the address."""
    return _show(ask)


def show_file(ask: Ask) -> Response:
    """The file as it stands, with what was wrong."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    loan_id = ask.request.path_params["loan_id"]
    with ask.node.read() as tx:
        row, contract = loan_row(tx, loan_id), contract_row(tx, loan_id)
        lines = plan_lines(plan_of(tx, loan_id, ask.today), row.currency, ask.today)
        parts = _parts(tx, loan_id, lines)
        waiting = [one for one in guarantee.asked_for(tx, loan_id) if one.status == "asked"]
        shown = {one.id for one in waiting if guarantee.is_shown(ask.node, tx, one)}
        task = task_of(tx, loan_id)
        notice = line.notice_of(tx, loan_id)
        state, fee = loan_state(tx, loan_id, ask.today), live.deferral_of(tx, loan_id)
        is_line = state.plan.is_revolving
    found = {part.name: part for part in parts}
    if ending_of(ask):
        part = found.get(ask.query.get("table", ""), parts[0])
        return file_reply(ask, part.name, part.columns, of_rows(part.rows), {"loan": loan_id})
    with ask.node.read() as tx:
        figures = contact_figures(tx, row.party_id)
    return ask.page(
        "desk_loan.html",
        at="arrears",
        row=row,
        fee=fee,
        contract=contract,
        is_calendar_published=state.is_calendar_published,
        shift=state.plan.shift.value if state.plan.shifts_due_days else "",
        bars=bars_of(lines),
        parts=[replace(part, columns=for_reader(ask, part.columns)) for part in parts],
        task=task if task is not None and task.status == "open" else None,
        relief=_relief(found["reliefs"].rows),
        paused_until=date.fromordinal(row.paused_until) if row.paused_until else None,
        bucket=bucket_names()[row.bucket],
        risk_class=RiskClass(row.risk_class).name.lower(),
        figures=figures,
        persons=(*figures.persons, THIRD),
        results=RESULTS,
        last_day=ask.today + timedelta(days=figures.promise_days_max),
        typed={name: ask.text(name) for name in ("person", "way", "result", "amount", "by")},
        done=ask.query.get("done", ""),
        left=ask.query.get("left", ""),
        is_line=is_line,
        notice=notice,
        notice_reasons=line.notice_reasons(),
        notice_days=line.notice_days(),
        kinds=tuple(FIELDS),
        reasons=approval.figures().reasons,
        owed_parts=PARTS,
        guarantees=found["guarantees"].rows,
        asked=waiting,
        shown=shown,
        pledges=[one for one in found["pledges"].rows if one.status == "held"],
        pledge_kinds=PLEDGE_KINDS,
        change={name: ask.text(name) for name in CHANGE_FIELDS},
        secure={name: ask.text(name) for name in SECURITY_FIELDS},
    )


def _parts(tx: Transaction, loan_id: str, lines: Sequence[Any]) -> tuple[Part, ...]:
    return (
        Part("plan", "loan.plan", FULL_PLAN, lines),
        Part("events", "loanfile.events", EVENTS, loan_events(tx, loan_id)),
        Part("contacts", "arrears.contacts", CONTACTS, contacts_of(tx, loan_id)),
        Part("promises", "arrears.promises", PROMISES, promises_of(tx, loan_id)),
        Part("reliefs", "relief.desk_title", RELIEFS, reliefs_of(tx, loan_id)),
        Part("lenders", "loanfile.lenders", LENDERS, lenders_of(tx, loan_id)),
        Part("guarantees", "loanfile.guarantees", GUARANTEES, guarantees_of(tx, loan_id)),
        Part("asked", "guarantee.desk_table", ASKED, guarantee.asked_for(tx, loan_id)),
        Part("proposals", "proposal.on_loan", PROPOSALS,
             approval.list_proposals(tx, status="", contract=loan_id)),
        Part("postings", "loanfile.postings", POSTINGS, postings_of(tx, loan_id)),
        Part("pledges", "loanfile.pledges", PLEDGES, pledges_of(tx, loan_id)),
    )  # fmt: skip


def _relief(rows: Sequence[Row]) -> Row | None:
    return next((one for one in rows if one.status in ("asked", "granted")), None)


def _done(ask: Ask, name: str, told: Mapping[str, object], *, field: str, done: str) -> Response:
    """Run a use case on the loan, and show its file anew or what was wrong."""
    loan_id = ask.request.path_params["loan_id"]
    try:
        found = ask.act(name, {"loan_id": loan_id, **told})
    except Refused as refused:
        if refused.code == "servicing.no_loan":
            raise
        ask.wrong(field, said(refused.code, ask.view.language))
        return _show(ask)
    left = getattr(found, "left_today", None)
    more = "" if left is None else f"&left={left}"
    return ask.go(f"/desk/loan/{loan_id}?done={done}{more}")


def change(ask: Ask) -> Response:
    """Change the loan at once, or propose the change where it takes two."""
    loan_id = ask.request.path_params["loan_id"]
    name, told = asked_change(ask, loan_id)
    if ask.problems:
        return _show(ask)
    try:
        done = do_or_propose(ask, name, told)
    except Refused as refused:
        ask.wrong("what", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/loan/{loan_id}?done={done}")


def notice(ask: Ask) -> Response:
    """Tell the borrower that the line ends, or take that back."""
    loan_id = ask.request.path_params["loan_id"]
    told = {"contract_id": loan_id}
    name = "lending.withdraw_notice"
    if ask.text("way") == "give":
        name = "lending.give_notice"
        told["reason"] = ask.text("notice_reason")
    try:
        ask.act(name, told)
    except Refused as refused:
        ask.wrong("notice_reason", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/loan/{loan_id}")


def take(ask: Ask) -> Response:
    """Take the task of the loan."""
    return _done(ask, "servicing.take_task", {}, field="_task", done="taken")


def finish(ask: Ask) -> Response:
    """Finish the task for today."""
    return _done(ask, "servicing.finish_task", {}, field="_task", done="finished")


def record_contact(ask: Ask) -> Response:
    """Record that somebody was spoken to; the rules of contact may refuse it."""
    for name in ("person", "way", "result"):
        if not ask.text(name):
            ask.wrong(name, ask.say("arrears.choice_missing"))
    if ask.problems:
        return _show(ask)
    told = {
        "person": ask.text("person"),
        "channel": ask.text("way"),
        "result": ask.text("result"),
    }
    return _done(ask, "servicing.record_contact", told, field="person", done="contact")


def record_promise(ask: Ask) -> Response:
    """Record what the borrower promises to pay, and by when."""
    with ask.node.read() as tx:
        row = loan_row(tx, ask.request.path_params["loan_id"])
    amount_minor = amount_of(ask, row.currency)
    try:
        by = date.fromisoformat(ask.text("by"))
    except ValueError:
        ask.wrong("by", ask.say("arrears.bad_day"))
    if ask.problems:
        return _show(ask)
    told = {"amount_minor": amount_minor, "by": by}
    return _done(ask, "servicing.promise_to_pay", told, field="amount", done="promise")
