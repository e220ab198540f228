"""How a borrower behaved lately 近期表现: late days with any product, falls counted before."""

from __future__ import annotations

import json
from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.calendar import add_months
from puhui.kernel.event import Delivery, subscribe
from puhui.kernel.store import Row
from puhui.lending.desk.guard.inflow import INFLOW_MONTHS
from puhui.lending.nouns.credit_limit import LateNoted
from puhui.lending.tables import credit_limit as tables

LATE_MONTHS = 6


def late_lately(act: Act, party_id: str, day: date) -> int:
    """1 where the person was late within six months, else 0: any late day stops a rise."""
    late_on = last_late(act, party_id)
    return int(late_on > add_months(day, -LATE_MONTHS).isoformat())


def last_late(act: Act, party_id: str) -> str:
    """The last day on which a person was known to be late with any product; "" for never."""
    row = act.tx.one(tables.READ_LAST_LATE, party_id=party_id)
    return "" if row is None or row.late_on is None else str(row.late_on)


def is_fall_counted(changes: tuple[Row, ...], day: date) -> bool:
    """Whether a cut of the last months was for a fall that is compared once more today."""
    since = f"{add_months(day.replace(day=1), -INFLOW_MONTHS):%Y-%m}"
    return any(
        one.reason == "inflow_fell" and one.status == "lowered" and one.month > since
        for one in changes
    )


@use_case("lending.note_late", roles=("system",))
def note_late(act: Act, input: Delivery) -> LateNoted:
    """Remember the day on which a person became late with a product, for the reviews to come."""
    event = input.event
    row = act.tx.one(tables.READ_PRODUCT_OF, id=str(json.loads(event.payload)["contract"]))
    if row is None:
        return LateNoted(event.subject, "")
    act.tx.put(
        tables.PUT_LATE,
        party_id=event.subject,
        product=row.product,
        late_on=act.today.isoformat(),
    )
    return LateNoted(event.subject, row.product)


subscribe("lending.note_late", to=("lending.became_past_due",))
