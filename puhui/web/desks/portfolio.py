"""The portfolio: applications, approvals, arrears and yield as charts with their tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from puhui.kernel.store import Row
from puhui.lending import portfolio, shelf
from puhui.lending.window import count_by_bucket, count_by_day, count_by_rate, list_contracts
from puhui.web.ask import Ask
from puhui.web.chart import Strip, strips_of
from puhui.web.column import Column, Kind
from puhui.web.desks.risk import currency_of
from puhui.web.export import Fetch, ending_of, file_reply, listed, of_rows
from puhui.web.say import Say
from puhui.web.table import Sheet

DAYS = (7, 30, 90)
_UNSAID = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"\.[0-9]+\.")
BUCKETS = ("0", "1-30", "31-60", "61-90", "90+")
STATUSES = ("signed", "current", "past_due", "paid_off", "written_off", "void")
LOAN_MARKS = {"past_due": "no", "written_off": "no", "current": "yes", "paid_off": "yes"}

LOANS = (
    Column("signed", "desk.signed", lambda row: row.accepted_us, Kind.MOMENT, order="signed"),
    Column("contract", "application.number", lambda row: row.id, Kind.ID,
           link=lambda row: f"/desk/loan/{row.id}" if row.started_on
           else f"/desk/case/{row.application_id}"),
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.party_id}"),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT),
    Column("status", "application.status", lambda row: row.status, Kind.WORD,
           words="loan.status_", mark=lambda row: LOAN_MARKS.get(row.status, "wait")),
    Column("principal", "desk.principal", lambda row: row.principal_minor, Kind.MONEY,
           order="principal"),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY,
           order="outstanding"),
    Column("annual_rate", "home.rate", lambda row: Decimal(row.annual_rate), Kind.SHARE),
    Column("apr", "desk.apr", lambda row: Decimal(row.apr), Kind.SHARE),
    Column("days_past_due", "desk.days", lambda row: row.days_past_due, Kind.COUNT, order="days"),
    Column("arrears", "desk.arrears", lambda row: row.arrears_minor, Kind.MONEY, order="arrears"),
)  # fmt: skip
BY_DAY = (
    Column("day", "desk.day", lambda row: row.day, Kind.DAY),
    Column("product", "desk.product", lambda row: row.product, Kind.PRODUCT),
    Column("applications", "desk.at_applications", lambda row: row.applications, Kind.COUNT),
    Column("approved", "desk.approved", lambda row: row.approved, Kind.COUNT),
    Column("refused", "desk.refused", lambda row: row.refused, Kind.COUNT),
    Column("in_review", "application.status_review", lambda row: row.in_review, Kind.COUNT),
)


def show(ask: Ask) -> Response:
    """Four charts, each with its table, over the days and the product of the address."""
    product = ask.query.get("product", "")
    product = product if product in shelf.product_names() else ""
    asked = ask.query.get("days", "")
    days = int(asked) if asked in {str(n) for n in DAYS} else DAYS[1]
    since = ask.today - timedelta(days=days - 1)
    with ask.node.read() as tx:
        by_day = count_by_day(tx, since=since, until=ask.today, product=product)
        sums = [row for row in portfolio(tx) if product in ("", row.product)]
        currency, currencies = currency_of(ask, sums)
        told = {"product": product, "currency": currency}
        buckets = {row.bucket: row for row in count_by_bucket(tx, **told)}
        rates = count_by_rate(tx, **told)
    totals = _by_day(by_day, product)
    if ending_of(ask):
        told = {"product": product, "days": str(days)}
        return file_reply(ask, "applications-by-day", BY_DAY, of_rows(by_day), told)
    bands = _bands(rates)
    return ask.page(
        "desk_portfolio.html",
        at="portfolio",
        product=product,
        products=shelf.product_names(),
        currency=currency,
        currencies=currencies,
        days=days,
        choices=DAYS,
        totals=totals,
        buckets=[(name, buckets.get(name)) for name in BUCKETS],
        bands=bands,
        sums=sums,
        outstanding_minor=sum(one.outstanding_minor for one in sums if one.currency == currency),
        yield_rate=_mean_rate(rates),
        charts=_charts(ask, totals, buckets, bands),
    )


def _by_day(rows: tuple[Row, ...], product: str) -> list[tuple[date, int, int, int]]:
    """Applications, approvals and refusals by day, the products together."""
    found: dict[str, list[int]] = {}
    for row in rows:
        sums = found.setdefault(row.day, [0, 0, 0])
        sums[0] += row.applications
        sums[1] += row.approved
        sums[2] += row.refused
    return [(date.fromisoformat(day), s[0], s[1], s[2]) for day, s in sorted(found.items())]


def _bands(rates: tuple[Row, ...]) -> list[tuple[str, int, int]]:
    """Loans and outstanding principal by annual rate, in bands of two per cent."""
    found: dict[int, list[int]] = {}
    for row in rates:
        band = int(Decimal(row.annual_rate) * 100 // 2 * 2)
        sums = found.setdefault(band, [0, 0])
        sums[0] += row.loans
        sums[1] += row.outstanding_minor
    return [(f"{band}–{band + 2}%", s[0], s[1]) for band, s in sorted(found.items())]


def _mean_rate(rates: tuple[Row, ...]) -> Decimal | None:
    """The annual rate weighted by what is outstanding: what the book yields when all is paid."""
    whole = Decimal(sum(row.outstanding_minor for row in rates))
    if not whole:
        return None
    earned = sum((Decimal(r.annual_rate) * r.outstanding_minor for r in rates), Decimal(0))
    return earned / whole


def _charts(
    ask: Ask,
    totals: list[tuple[date, int, int, int]],
    buckets: dict[str, Any],
    bands: list[tuple[str, int, int]],
) -> dict[str, tuple[Strip, ...]]:
    """The bars by name; one without data is left out."""
    say = ask.say
    made: dict[str, tuple[Strip, ...]] = {}
    if totals:
        bars = [(say.day(day), float(n), say.count(n), "plain") for day, n, _, _ in totals[-10:]]
        made["applications"] = strips_of(bars)
        shares = [
            (say.day(day), yes / n if n else 0.0, say.share(yes / n if n else 0, 1), "good")
            for day, n, yes, _ in totals[-10:]
        ]
        made["approvals"] = strips_of(shares, 1.0)
    if buckets:
        bars = [
            (say("desk.bucket", days=name), row.outstanding_minor / 100,
             say.money(row.outstanding_minor), "good" if name == "0" else "bad")
            for name in BUCKETS
            if (row := buckets.get(name)) is not None
        ]  # fmt: skip
        made["arrears"] = strips_of(bars)
    if bands:
        bars = [(name, minor / 100, say.money(minor), "good") for name, _, minor in bands]
        made["yield"] = strips_of(bars)
    return made


def loans(ask: Ask) -> Response:
    """Every contract, by filters in the address."""

    def fetch(sheet: Sheet) -> Fetch:
        told: dict[str, Any] = {**sheet.filters, "order": sheet.order}
        return lambda tx, skip, count: list_contracts(tx, **told, skip=skip, count=count)

    return listed(
        ask,
        "desk_loans.html",
        LOANS,
        fetch,
        at="loans",
        filters=("status", "product", "party"),
        order="-signed",
        statuses=STATUSES,
        products=shelf.product_names(),
    )


def products(ask: Ask) -> Response:
    """The products on the shelf."""
    found = [shelf.load_product(name) for name in shelf.product_names()]
    return ask.page("desk_products.html", at="products", found=found)


def product(ask: Ask) -> Response:
    """One product as its file states it, each figure with its source; nothing here changes it."""
    found = shelf.load_product(ask.request.path_params["name"])
    return ask.page(
        "desk_product.html", at="products", product=found, figures=figures_of(ask.say, found)
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a product: what it is in words and by its path, its unit, since when, whence."""

    title: str
    path: str
    value: str
    unit: str
    from_on: date
    source: str
    is_confirmed: bool


def figures_of(say: Say, product: Any) -> tuple[Figure, ...]:
    """The figures of a product; what has no words here, as a bank's own, stands as it is."""

    def told(kind: str, text: str) -> str:
        return str(say.maybe(f"figure.{kind}_{_UNSAID.sub('_', text.lower()).strip('_')}", text))

    return tuple(
        Figure(
            told("path", _NUMBER.sub(".n.", one.path)),
            one.path,
            str(one.value),
            told("unit", one.unit),
            one.from_on,
            told("source", one.source),
            one.is_confirmed,
        )
        for one in product.sources
    )
