"""The risk desk: classes, provisions, moves between buckets, and vintages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from puhui.kernel.store import Row, Transaction
from puhui.lending import shelf
from puhui.servicing.window import (
    bucket_names,
    class_moves,
    class_table,
    provision_history,
    roll_periods,
    roll_rates,
    vintage_curves,
)
from puhui.web.ask import Ask
from puhui.web.chart import lines_of, strips_of
from puhui.web.column import Column, Kind
from puhui.web.desks.arrears import CLASSES, class_mark, class_name
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.table import sheet_of

NON_PERFORMING = 2
STAGES = (1, 2, 3)
MONTHS_SHOWN = 24
COLOURS = ("good", "plain", "bad", "bad", "bad")


@dataclass(frozen=True, slots=True)
class ClassLine:
    """Loans of one class, amounts in minor units; shares are of all that is outstanding."""

    currency: str
    risk_class: int
    loans: int
    outstanding_minor: int
    arrears_minor: int
    expected_loss_minor: int
    booked_loss_minor: int
    share: float

    @property
    def cover(self) -> float | None:
        """The part of what is outstanding that is provided for."""
        return self.booked_loss_minor / self.outstanding_minor if self.outstanding_minor else None


@dataclass(frozen=True, slots=True)
class MonthLine:
    """What was outstanding in each class at the end of a month, minor units."""

    period: str
    currency: str
    by_class: tuple[int, ...]

    @property
    def bad_share(self) -> float | None:
        """The non-performing part."""
        whole = sum(self.by_class)
        return sum(self.by_class[NON_PERFORMING:]) / whole if whole else None


CLASS_COLUMNS = (
    Column("class", "risk.class", lambda row: class_name(row.risk_class), Kind.WORD,
           words="risk.class_", mark=lambda row: class_mark(row.risk_class)),
    Column("currency", "risk.currency", lambda row: row.currency),
    Column("loans", "desk.at_loans", lambda row: row.loans, Kind.COUNT),
    Column("outstanding", "desk.outstanding", lambda row: row.outstanding_minor, Kind.MONEY),
    Column("share", "risk.share", lambda row: row.share, Kind.SHARE),
    Column("arrears", "desk.arrears", lambda row: row.arrears_minor, Kind.MONEY),
    Column("expected_loss", "risk.expected", lambda row: row.expected_loss_minor, Kind.MONEY),
    Column("booked", "risk.booked", lambda row: row.booked_loss_minor, Kind.MONEY),
    Column("cover", "risk.cover", lambda row: row.cover, Kind.SHARE),
)  # fmt: skip


def _month_columns() -> tuple[Column, ...]:
    def of(number: int) -> Column:
        return Column(
            CLASSES[number], f"risk.class_{CLASSES[number]}",
            lambda row: row.by_class[number], Kind.MONEY,
        )  # fmt: skip

    return (
        Column("period", "risk.period", lambda row: row.period),
        Column("currency", "risk.currency", lambda row: row.currency),
        *(of(number) for number in range(len(CLASSES))),
        Column("bad_share", "risk.bad_share", lambda row: row.bad_share, Kind.SHARE),
    )


MONTH_COLUMNS = _month_columns()
STAGE_COLUMNS = (
    Column("period", "risk.period", lambda row: row.period),
    Column("currency", "risk.currency", lambda row: row.currency),
    Column("stage", "risk.stage", lambda row: row.stage, Kind.WORD, words="risk.stage_"),
    Column("class", "risk.class", lambda row: class_name(row.risk_class), Kind.WORD,
           words="risk.class_"),
    Column("loans", "desk.at_loans", lambda row: row.loans, Kind.COUNT),
    Column("exposure", "risk.exposure", lambda row: row.exposure_minor, Kind.MONEY),
    Column("expected_loss", "risk.expected", lambda row: row.expected_loss_minor, Kind.MONEY),
    Column("share", "risk.loss_share",
           lambda row: row.expected_loss_minor / row.exposure_minor if row.exposure_minor else None,
           Kind.SHARE),
    Column("posted", "risk.posted", lambda row: row.posted_minor, Kind.MONEY),
)  # fmt: skip


def product_of(ask: Ask) -> str:
    """The product that the address asks for; "" for all."""
    found = ask.query.get("product", "")
    return found if found in shelf.product_names() else ""


def classes(ask: Ask) -> Response:
    """The five classes now with amounts, and how they moved from month to month."""
    product = product_of(ask)
    with ask.node.read() as tx:
        rows = [row for row in class_table(tx) if product in ("", row.product)]
        history = provision_history(tx, product=product)
    lines, months = _class_lines(rows), _month_lines(history)
    if ending_of(ask):
        told = {"product": product}
        if ask.query.get("table") == "months":
            return file_reply(ask, "classes-by-month", MONTH_COLUMNS, of_rows(months), told)
        return file_reply(ask, "classes", CLASS_COLUMNS, of_rows(lines), told)
    bad_minor = sum(one.outstanding_minor for one in lines if one.risk_class >= NON_PERFORMING)
    whole_minor = sum(one.outstanding_minor for one in lines)
    bars = [
        (str(ask.say(f"risk.class_{CLASSES[one.risk_class]}")), one.outstanding_minor / 100,
         ask.say.money(one.outstanding_minor, one.currency), COLOURS[one.risk_class])
        for one in lines
    ]  # fmt: skip
    return ask.page(
        "desk_classes.html",
        at="classes",
        product=product,
        products=shelf.product_names(),
        lines=lines,
        columns=_shown(CLASS_COLUMNS, lines),
        months=months,
        month_columns=_shown(MONTH_COLUMNS, months),
        bad_share=bad_minor / whole_minor if whole_minor else None,
        provided_minor=sum(one.booked_loss_minor for one in lines),
        bad_minor=bad_minor,
        chart=strips_of(bars),
        files=_files(ask, product),
    )


def _shown(columns: Sequence[Column], rows: Sequence[Any]) -> list[Column]:
    """The columns of a page: the currency only where there are several; files have it always."""
    is_one = len({row.currency for row in rows}) < 2
    return [one for one in columns if not (is_one and one.name == "currency")]


def _files(ask: Ask, product: str) -> Any:
    """The addresses of the files of this page."""
    return sheet_of(ask.path, {"product": product}, filters=("product",), order="", orders=set())


def _class_lines(rows: Sequence[Row]) -> list[ClassLine]:
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * 5)
    whole: dict[str, int] = defaultdict(int)
    for row in rows:
        found = sums[row.currency, row.risk_class]
        values = (row.loans, row.outstanding_minor, row.arrears_minor, row.expected_loss_minor,
                  row.booked_loss_minor)  # fmt: skip
        for place, value in enumerate(values):
            found[place] += value
        whole[row.currency] += row.outstanding_minor
    for currency in list(whole):
        for number in range(len(CLASSES)):
            sums[currency, number][0] += 0
    return [
        ClassLine(
            currency, number, found[0], found[1], found[2], found[3], found[4],
            found[1] / whole[currency] if whole[currency] else 0.0,
        )
        for (currency, number), found in sorted(sums.items())
    ]  # fmt: skip


def _month_lines(rows: Sequence[Row]) -> list[MonthLine]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(CLASSES))
    for row in rows:
        sums[row.period, row.currency][row.risk_class] += row.exposure_minor
    found = sorted(sums.items(), reverse=True)[:MONTHS_SHOWN]
    return [MonthLine(period, currency, tuple(minor)) for (period, currency), minor in found]


def provisions(ask: Ask) -> Response:
    """Expected loss by stage and class at the end of each month, and what was posted."""
    product = product_of(ask)
    with ask.node.read() as tx:
        rows = provision_history(tx, product=product)
        now = [row for row in class_table(tx) if product in ("", row.product)]
    if ending_of(ask):
        return file_reply(ask, "provisions", STAGE_COLUMNS, of_rows(rows), {"product": product})
    periods = sorted({row.period for row in rows}, reverse=True)
    asked = ask.query.get("period", "")
    period = asked if asked in periods else (periods[0] if periods else "")
    posted: dict[str, int] = defaultdict(int)
    for row in rows:
        posted[row.period] += row.posted_minor
    bars = [
        (one, abs(posted[one]) / 100, ask.say.money(posted[one]),
         "bad" if posted[one] > 0 else "good")
        for one in periods[:12]
    ]  # fmt: skip
    return ask.page(
        "desk_provisions.html",
        at="provisions",
        product=product,
        products=shelf.product_names(),
        period=period,
        periods=periods,
        rows=[row for row in rows if row.period == period],
        columns=_shown(STAGE_COLUMNS, rows),
        stages=_stages(now),
        chart=strips_of(bars),
        files=_files(ask, product),
    )


def _stages(rows: Sequence[Row]) -> list[tuple[int, int, int, int]]:
    """By stage: loans, what is outstanding and what is expected to be lost, as of the last day."""
    return [
        (
            stage,
            sum(row.loans for row in rows if row.stage == stage),
            sum(row.outstanding_minor for row in rows if row.stage == stage),
            sum(row.expected_loss_minor for row in rows if row.stage == stage),
        )
        for stage in STAGES
    ]


@dataclass(frozen=True, slots=True)
class Move:
    """Loans that moved between two buckets within a month; ``share`` is of those that began so."""

    before: str
    after: str
    loans: int
    outstanding_minor: int
    share: float
    currency: str = "CNY"


ROLL_COLUMNS = (
    Column("before", "risk.before", lambda row: row.before),
    Column("after", "risk.after", lambda row: row.after),
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
        pairs = _moved(tx, period, product, is_class=is_class) if period else []
    names = CLASSES if is_class else bucket_names()
    whole: dict[str, int] = defaultdict(int)
    for before, _, loans, minor in pairs:
        whole[names[before]] += minor if is_money else loans
    moves = [
        Move(
            names[before], names[after], loans, minor,
            (minor if is_money else loans) / (whole[names[before]] or 1),
        )
        for before, after, loans, minor in pairs
    ]  # fmt: skip
    told = {
        "product": product, "period": period, "by": "money" if is_money else "",
        "of": "class" if is_class else "",
    }  # fmt: skip
    if ending_of(ask):
        name = "class-moves" if is_class else "roll-rates"
        return file_reply(ask, name, ROLL_COLUMNS, of_rows(moves), told)
    used = [name for name in names if any(name in (m.before, m.after) for m in moves)]
    return ask.page(
        "desk_rolls.html",
        at="rolls",
        product=product,
        products=shelf.product_names(),
        period=period,
        periods=periods,
        is_money=is_money,
        is_class=is_class,
        names=used,
        moves={(move.before, move.after): move for move in moves},
        whole=whole,
        files=sheet_of(ask.path, told, filters=tuple(told), order="", orders=set()),
    )


def _moved(
    tx: Transaction, period: str, product: str, *, is_class: bool
) -> list[tuple[int, int, int, int]]:
    """Where loans stood, where they stand, how many, and with how much outstanding."""
    if is_class:
        return [
            (row.class_before, row.risk_class, row.loans, row.outstanding_minor)
            for row in class_moves(tx, period, product=product)
        ]
    return [
        (row.bucket_before, row.bucket, row.loans, row.outstanding_minor)
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
