"""The risk desk: moves between buckets and classes, and vintages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from puhui.kernel.store import Transaction
from puhui.lending import shelf
from puhui.servicing.window import (
    bucket_names,
    class_moves,
    roll_periods,
    roll_rates,
    vintage_curves,
)
from puhui.web.ask import Ask
from puhui.web.chart import lines_of
from puhui.web.column import Column, Kind
from puhui.web.desks.arrears import CLASSES
from puhui.web.desks.risk import MONTHS_SHOWN, currency_of, product_of
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.table import sheet_of


@dataclass(frozen=True, slots=True)
class Moved:
    """Loans of a currency that moved within a month, by places: where they stood and stand."""

    currency: str
    before: int
    after: int
    loans: int
    outstanding_minor: int


@dataclass(frozen=True, slots=True)
class Move:
    """Loans that moved between two buckets within a month; ``share`` is of those that began so."""

    before: str
    after: str
    loans: int
    outstanding_minor: int
    share: float
    currency: str


ROLL_COLUMNS = (
    Column("before", "risk.before", lambda row: row.before),
    Column("after", "risk.after", lambda row: row.after),
    Column("currency", "risk.currency", lambda row: row.currency),
    Column("loans", "desk.at_loans", lambda row: row.loans, Kind.COUNT),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY),
    Column("share", "risk.moved_share", lambda row: row.share, Kind.SHARE),
)


def rolls(ask: Ask) -> Response:
    """How loans moved between buckets, or the five classes, within a month: from row to column."""
    product, is_money = product_of(ask), ask.query.get("by") == "money"
    is_class = ask.query.get("of") == "class"
    with ask.node.read() as tx:
        periods = roll_periods(tx)
        asked = ask.query.get("period", "")
        period = asked if asked in periods else (periods[0] if periods else "")
        found = _moved(tx, period, product, is_class=is_class) if period else []
    names = CLASSES if is_class else bucket_names()
    moves = _moves(found, names, is_money=is_money)
    told = {
        "product": product, "period": period, "by": "money" if is_money else "",
        "of": "class" if is_class else "",
    }  # fmt: skip
    if ending_of(ask):
        name = "class-moves" if is_class else "roll-rates"
        return file_reply(ask, name, ROLL_COLUMNS, of_rows(moves), told)
    currency, currencies = currency_of(ask, moves)
    moves = [move for move in moves if move.currency == currency]
    whole: dict[str, int] = defaultdict(int)
    for move in moves:
        whole[move.before] += move.outstanding_minor if is_money else move.loans
    used = [name for name in names if any(name in (m.before, m.after) for m in moves)]
    return ask.page(
        "desk_rolls.html",
        at="rolls",
        product=product,
        products=shelf.product_names(),
        period=period,
        periods=periods,
        currency=currency,
        currencies=currencies,
        is_money=is_money,
        is_class=is_class,
        names=used,
        moves={(move.before, move.after): move for move in moves},
        whole=whole,
        files=sheet_of(ask.path, told, filters=tuple(told), order="", orders=set()),
    )


def _moves(found: Sequence[Moved], names: Sequence[str], *, is_money: bool) -> list[Move]:
    """Moves with their shares of what began so, in money or in loans, within each currency."""
    whole: dict[tuple[str, int], int] = defaultdict(int)
    for one in found:
        whole[one.currency, one.before] += one.outstanding_minor if is_money else one.loans
    return [
        Move(
            names[one.before],
            names[one.after],
            one.loans,
            one.outstanding_minor,
            (one.outstanding_minor if is_money else one.loans)
            / (whole[one.currency, one.before] or 1),
            one.currency,
        )
        for one in found
    ]


def _moved(tx: Transaction, period: str, product: str, *, is_class: bool) -> list[Moved]:
    """Where loans stood, where they stand, how many, and with how much outstanding."""
    if is_class:
        return [
            Moved(row.currency, row.class_before, row.risk_class, row.loans, row.outstanding_minor)
            for row in class_moves(tx, period, product=product)
        ]
    return [
        Moved(row.currency, row.bucket_before, row.bucket, row.loans, row.outstanding_minor)
        for row in roll_rates(tx, period, product=product)
    ]


VINTAGE_COLUMNS = (
    Column("opened", "risk.opened", lambda row: row.opened),
    Column("period", "risk.period", lambda row: row.period),
    Column("age", "risk.age", lambda row: row.age, Kind.COUNT),
    Column("loans", "desk.at_loans", lambda row: row.loans, Kind.COUNT),
    Column("late", "risk.late", lambda row: row.late, Kind.COUNT),
    Column("share", "risk.late_share", lambda row: row.share, Kind.SHARE),
)
LINES_MAX = 6
WHOLE_FROM = 0.05
"""From so large a share on an axis tells whole per cents."""


def vintage(ask: Ask) -> Response:
    """The late share of loans by month of opening as they grow older: curves and their table."""
    product, names = product_of(ask), bucket_names()
    asked = ask.query.get("bucket", "")
    bucket = names.index(asked) if asked in names[1:] else _thirty(names)
    with ask.node.read() as tx:
        points = vintage_curves(tx, bucket=bucket, product=product)
    told = {"product": product, "bucket": names[bucket]}
    if ending_of(ask):
        return file_reply(ask, "vintages", VINTAGE_COLUMNS, of_rows(points), told)
    opened = sorted({one.opened for one in points})
    curves = {
        month: {one.age: one for one in points if one.opened == month}
        for month in opened[-MONTHS_SHOWN:]
    }
    ages = sorted({one.age for one in points})
    return ask.page(
        "desk_vintages.html",
        at="vintages",
        product=product,
        products=shelf.product_names(),
        bucket=names[bucket],
        buckets=names[1:],
        curves=curves,
        ages=ages,
        chart=_curves(ask, curves),
        files=sheet_of(ask.path, told, filters=("product", "bucket"), order="", orders=set()),
    )


def _thirty(names: Sequence[str]) -> int:
    """The first bucket of thirty days or more."""
    firsts = [int(name.rstrip("+").split("-")[0]) for name in names]
    return next(place for place, first in enumerate(firsts) if first >= 30)


def _curves(ask: Ask, curves: dict[str, Any]) -> str:
    """The newest vintages with two ends of a month or more as lines with their months beside."""
    shown = [(month, line) for month, line in curves.items() if len(line) > 1][-LINES_MAX:]
    if not shown:
        return ""
    lines, labels = [], []
    for place, (month, line) in enumerate(shown):
        points = [(float(age), one.share) for age, one in sorted(line.items())]
        colour = "good" if place == len(shown) - 1 else "plain"
        lines.append((month, colour, points))
        labels.append((*points[-1], month, colour, "right"))
    most = max(to for _, _, points in lines for _, to in points)
    last = max(at for _, _, points in lines for at, _ in points)
    return lines_of(
        ask.view.size,
        lines,
        x=(ask.say("risk.axis_age"), "d"),
        y=(ask.say("risk.axis_late"), ".1%" if most < WHOLE_FROM else ".0%"),
        x_domain=(0.0, last),
        y_domain=(0.0, min(max(most * 1.2, 0.01), 1.0)),
        labels=labels,
    )
