"""Reviews of credit limits as staff see them: who, why, what became of it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from puhui.lending import shelf
from puhui.lending.window import list_changes
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import Fetch, listed
from puhui.web.pages.credit_limits import CHANGES
from puhui.web.table import Sheet

STATUSES = ("kept", "lowered", "offered", "agreed", "declined", "lapsed")
REASONS = ("rise", "late", "inflow_fell", "over_cap", "kept", "debt_over_income",
           "instalments_over_income", "own_limit_reached", "income_unknown", "no_offers",
           "offer_declined", "too_many_offers")  # fmt: skip
COLUMNS = (
    CHANGES[0],
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.party_id}"),
    *CHANGES[1:4],
    Column("drawn", "limits.drawn", lambda row: row.drawn_minor, Kind.MONEY, order="drawn"),
    *CHANGES[4:],
)  # fmt: skip


def show(ask: Ask) -> Response:
    """Reviews by outcome, reason, product and person, the newest first."""

    def fetch(sheet: Sheet) -> Fetch:
        told: dict[str, Any] = {**sheet.filters, "order": sheet.order}
        return lambda tx, skip, count: list_changes(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_limits.html",
        COLUMNS,
        fetch,
        at="limits",
        filters=("status", "reason", "product", "party"),
        order="-reviewed",
        statuses=STATUSES,
        reasons=REASONS,
        products=shelf.product_names(),
    )
