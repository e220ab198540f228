"""Loans with arrears: the list that officers and collectors begin their day with."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from puhui.lending import shelf
from puhui.servicing.window import (
    RiskClass,
    bucket_names,
    list_arrears,
    sum_arrears,
    task_takers,
)
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind
from puhui.web.export import Fetch, listed
from puhui.web.table import Sheet

CLASSES = tuple(one.name.lower() for one in RiskClass)
MINE, NOBODY = "me", "nobody"


def class_name(number: int) -> str:
    """The word of one of the five classes by its number."""
    return CLASSES[number]


def class_mark(number: int) -> str:
    """The icon of a class: well, to be watched, or impaired."""
    return "yes" if number == 0 else "wait" if number == 1 else "no"


COLUMNS = (
    Column("loan", "arrears.loan", lambda row: row.id, Kind.ID,
           link=lambda row: f"/desk/loan/{row.id}"),
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.party_id}"),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT, order="product"),
    Column("days_past_due", "desk.days", lambda row: row.days_past_due, Kind.COUNT, order="days"),
    Column("bucket", "arrears.bucket", lambda row: bucket_names()[row.bucket]),
    Column("arrears", "desk.arrears", lambda row: row.arrears_minor, Kind.MONEY, order="arrears"),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY,
           order="outstanding"),
    Column("class", "risk.class", lambda row: class_name(row.risk_class), Kind.WORD,
           words="risk.class_", mark=lambda row: class_mark(row.risk_class), order="class"),
    Column("step", "arrears.step", lambda row: row.step, Kind.WORD, words="arrears.step_"),
    Column("taken_by", "arrears.taken_by", lambda row: row.taken_by, Kind.ID),
)  # fmt: skip


def taker_of(ask: Ask, word: str) -> str | None:
    """Whose tasks a filter asks for, as the window of servicing takes it."""
    if word == NOBODY:
        return None
    return ask.actor.name if word == MINE else word


def show(ask: Ask) -> Response:
    """Loans past due by bucket, product, collector and days, the oldest first."""
    names = bucket_names()

    def fetch(sheet: Sheet) -> Fetch:
        word = sheet.filters["bucket"]
        days = sheet.filters["days"]
        told: dict[str, Any] = {
            "product": sheet.filters["product"],
            "bucket": names.index(word) if word in names else -1,
            "days_least": int(days) if days.isdecimal() and len(days) < 6 else 0,
            "taken_by": taker_of(ask, sheet.filters["officer"]),
            "order": sheet.order,
        }
        return lambda tx, skip, count: list_arrears(tx, **told, skip=skip, count=count)

    with ask.node.read() as tx:
        sums, takers = sum_arrears(tx), task_takers(tx)
    return listed(
        ask,
        "desk_arrears.html",
        COLUMNS,
        fetch,
        at="arrears",
        filters=("bucket", "product", "officer", "days"),
        order="-days",
        sums=sums,
        buckets=names[1:],
        products=shelf.product_names(),
        takers=[one for one in takers if one != ask.actor.name],
    )
