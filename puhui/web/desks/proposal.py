"""The desk of four eyes: changes of loans that one officer proposed, for another to decide."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.kernel.money import parse_money
from puhui.lending.window import approval, contract_row
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import Fetch, listed
from puhui.web.pages.amount import plain_amount
from puhui.web.table import Sheet

STATUSES = ("open", "approved", "declined", "withdrawn")
MARKS = {"approved": "yes", "declined": "no", "withdrawn": "no"}
ALL = "all"
PARTS = ("penalty", "fee", "interest", "principal")
FIELDS = {
    "waive": ("part", "amount_minor"),
    "agree_changes": ("due_on", "moved_to", "annual_rate", "count", "grace", "part",
                      "waived_minor"),
    "change_rate": ("annual_rate",),
    "reschedule": ("due_on", "count", "grace"),
    "refund_credit": ("amount_minor",),
    "charge_back": ("number", "amount_minor"),
    "undo_event": ("number",),
    "charge_fee": ("amount_minor", "due_on"),
    "move_due_day": ("due_on", "moved_to"),
    "re_age": ("due_on", "count"),
    "re_amortise": (),
    "charge_off": (),
    "write_off": (),
    "record_drawing": ("amount_minor", "drawn_on"),
}  # fmt: skip
"""What each change asks for beside the loan."""
INPUTS = {"amount_minor": "change_amount", "waived_minor": "change_amount", "annual_rate": "rate"}
"""What a field is called on the form where that is another name."""


def verb_of(name: str) -> str:
    """The word of a use case."""
    return name.rpartition(".")[2]


COLUMNS = (
    Column("proposed", "proposal.proposed", lambda row: row.proposed_us, Kind.MOMENT,
           order="proposed", link=lambda row: f"/desk/proposal/{row.id}"),
    Column("what", "proposal.what", lambda row: verb_of(row.name), Kind.WORD,
           words="proposal.what_", order="name"),
    Column("loan", "arrears.loan", lambda row: row.contract_id, Kind.ID,
           link=lambda row: f"/desk/loan/{row.contract_id}"),
    Column("cost", "proposal.cost", lambda row: row.cost_minor, Kind.MONEY, order="cost"),
    Column("reason", "proposal.reason", lambda row: row.reason, Kind.WORD,
           words="proposal.reason_"),
    Column("state", "proposal.state", lambda row: row.status, Kind.WORD, words="proposal.state_",
           mark=lambda row: MARKS.get(row.status, "wait")),
    Column("proposed_by", "proposal.proposed_by", lambda row: row.proposed_by, Kind.ID),
    Column("decided_by", "proposal.decided_by", lambda row: row.decided_by, Kind.ID),
)  # fmt: skip


def overview(ask: Ask) -> Response:
    """Proposals by state and kind; those that wait, the oldest first, unless asked otherwise."""

    def fetch(sheet: Sheet) -> Fetch:
        status = sheet.filters["status"] or "open"
        name = sheet.filters["what"]
        told: dict[str, Any] = {
            "status": "" if status == ALL else status,
            "name": f"lending.{name}" if name else "",
            "contract": sheet.filters["loan"],
            "order": sheet.order,
        }
        return lambda tx, skip, count: approval.list_proposals(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_proposals.html",
        COLUMNS,
        fetch,
        at="proposals",
        filters=("status", "what", "loan"),
        order="proposed",
        statuses=(*STATUSES, ALL),
        kinds=tuple(FIELDS),
        days=approval.figures().days,
    )


def show(ask: Ask) -> Response:
    """One proposal: what it would do, what it costs, and the decision."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        row = approval.proposal_row(tx, ask.request.path_params["proposal_id"])
    told = {name: value for name, value in json.loads(row.told).items() if value is not None}
    return ask.page(
        "desk_proposal.html",
        at="proposals",
        row=row,
        verb=verb_of(row.name),
        told=told,
        mark=MARKS.get(row.status, "wait"),
        is_own=row.proposed_by == ask.actor.name,
        days=approval.figures().days,
    )


def decide(ask: Ask) -> Response:
    """Approve, decline or take back; never by whoever may not."""
    proposal_id = ask.request.path_params["proposal_id"]
    told: dict[str, object] = {"proposal_id": proposal_id}
    name = "lending.withdraw_proposal"
    if ask.text("answer") in ("approve", "decline"):
        name = "lending.decide_change"
        told["is_approved"] = ask.text("answer") == "approve"
    try:
        ask.act(name, told)
    except Refused as refused:
        if refused.code == "lending.no_proposal":
            raise
        ask.wrong("_proposal", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/proposal/{proposal_id}")


def asked_change(ask: Ask, contract_id: str) -> tuple[str, dict[str, Any]]:
    """The change that the form of a loan's file asks for; what is wrong is noted."""
    verb = ask.text("what")
    if verb not in FIELDS:
        ask.wrong("what", ask.say("proposal.choose"))
        return "", {}
    if ask.text("why") not in approval.figures().reasons:
        ask.wrong("why", ask.say("proposal.choose_reason"))
    with ask.node.read() as tx:
        currency = contract_row(tx, contract_id).currency
    told: dict[str, Any] = {"contract_id": contract_id}
    for name in FIELDS[verb]:
        may_lack = verb == "agree_changes" and not ask.text(INPUTS.get(name, name))
        told[name] = None if may_lack else _field(ask, name, currency)
    return f"lending.{verb}", {name: value for name, value in told.items() if value is not None}


def _field(ask: Ask, name: str, currency: str) -> Any:
    """One thing that a change asks for, as its use case takes it."""
    try:
        match name:
            case "amount_minor" | "waived_minor":
                return parse_money(plain_amount(ask.text("change_amount")), currency).minor
            case "annual_rate":
                return str(Decimal(parse_money(ask.text("rate"), "CNY").minor) / 10_000)
            case "drawn_on":
                return date.fromisoformat(ask.text("drawn_on")).isoformat()
            case "number" | "count" | "grace":
                return int(ask.text(name) or ("" if name == "number" else "0"))
    except (Refused, ValueError):
        ask.wrong(INPUTS.get(name, name), ask.say("proposal.bad_number"))
        return None
    return ask.text(name) or None


def do_or_propose(ask: Ask, name: str, told: dict[str, Any]) -> str:
    """Do a change at once, or propose it where one officer may not; which of the two it was.

    Refused: as the change says.
    """
    try:
        ask.act(name, told)
    except Refused as refused:
        if refused.code not in ("lending.needs_second", "kernel.role_missing"):
            raise
        ask.act(
            "lending.propose_change",
            {"name": name, "told": json.dumps(told), "reason": ask.text("why")},
        )
        return "sent"
    return "changed"
