"""The collector's desk: the work lists, and the tasks on them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from puhui.lending import shelf
from puhui.servicing.window import contact_figures, count_tasks, list_tasks, task_takers
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.desks.arrears import taker_of
from puhui.web.export import Fetch, listed
from puhui.web.table import Sheet

STATUSES = ("open", "closed")
COLUMNS = (
    Column("loan", "arrears.loan", lambda row: row.loan_id, Kind.ID,
           link=lambda row: f"/desk/loan/{row.loan_id}"),
    Column("step", "arrears.step", lambda row: row.step, Kind.WORD, words="arrears.step_",
           order="step"),
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.party_id}"),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT),
    Column("days_past_due", "desk.days", lambda row: row.days_past_due, Kind.COUNT, order="days"),
    Column("arrears", "desk.arrears", lambda row: row.arrears_minor, Kind.MONEY, order="arrears"),
    Column("opened_on", "arrears.opened", lambda row: row.opened_on, Kind.DAY, order="opened"),
    Column("taken_by", "arrears.taken_by", lambda row: row.taken_by, Kind.ID),
    Column("status", "arrears.status", lambda row: row.status, Kind.WORD, words="arrears.status_",
           mark=lambda row: "yes" if row.status == "closed" else "wait"),
)  # fmt: skip


def show(ask: Ask) -> Response:
    """Tasks by work list, collector, product and state, the oldest arrears first."""
    steps = tuple(step for _, step in contact_figures().steps)

    def fetch(sheet: Sheet) -> Fetch:
        told: dict[str, Any] = {
            "status": sheet.filters["status"] or "open",
            "step": sheet.filters["step"],
            "product": sheet.filters["product"],
            "taken_by": taker_of(ask, sheet.filters["officer"]),
            "order": sheet.order,
        }
        return lambda tx, skip, count: list_tasks(tx, **told, skip=skip, count=count)

    with ask.node.read() as tx:
        counts = {row.step: row for row in count_tasks(tx)}
        takers = task_takers(tx)
    return listed(
        ask,
        "desk_collections.html",
        COLUMNS,
        fetch,
        at="collections",
        filters=("step", "officer", "product", "status"),
        order="-days",
        steps=steps,
        counts=counts,
        statuses=STATUSES,
        products=shelf.product_names(),
        takers=[one for one in takers if one != ask.actor.name],
    )
