"""The day's run over every kind of plan says what the single-loan path says, on each store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.servicing import live
from puhui.servicing.desk.day.close import day_chunks
from puhui.servicing.nouns import Happening, PlanEvent, Recalculation
from puhui.servicing.rules.schedule import build_schedule
from tests.servicing.book import Book
from tests.servicing.kinds import kinds
from tests.servicing.ordeal import OpenOne
from tests.servicing.templates import Template

DAY = date(2026, 3, 2)
LENT = 1_234_567


def template(name: str, *, begun: int, missed: int, day: date = DAY) -> Template:
    """A loan of a kind, begun so many days ago; the last ``missed`` due days are not paid."""
    plan = kinds(LENT)[name]
    starts_on = day - timedelta(days=begun)
    rows = [
        row for row in build_schedule(plan, LENT, starts_on).instalments
        if row.due_on < day and row.total_minor
    ]  # fmt: skip
    paid = rows[: len(rows) - missed] if missed else rows
    events = (
        PlanEvent(str(number), Happening.REPAID, row.due_on, row.total_minor)
        for number, row in enumerate(paid, start=1)
    )
    drawn = PlanEvent("0", Happening.DRAWN, starts_on, LENT)
    return Template(name, plan, (drawn, *events))


EACH_YEAR = ("quarters", "cut", "quarters_each", "cut_each")


@pytest.mark.parametrize(
    ("begins", "names"),
    [(DAY, tuple(kinds(LENT))), (date(2027, 12, 6), EACH_YEAR)],
    ids=["all", "into_a_leap_year"],
)
def test_every_kind_equals_the_single_path(
    store_url: str,
    open_at: Callable[..., Node],
    clock: FixedClock,
    begins: date,
    names: tuple[str, ...],
) -> None:
    current = [
        template(name, begun=begun, missed=0, day=begins) for begun in (10, 61) for name in names
    ]
    late = [template(name, begun=70, missed=1, day=begins) for name in names]
    book = Book(open_at(store_url), begins, (current, late))
    count = len(current) + 10 * len(late)
    book.load(count)
    assert {book.template(n).product for n in range(count)} == set(names)
    day = begins
    for step in (0, 8, 18, 31, 100):
        day += timedelta(days=step)
        clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
        for one in day_chunks(book.node, day):
            book.node.act("servicing.run_day", one, key=f"{day}-{one.after}", actor=SYSTEM)
        different = [
            f"{book.template(n).product}: {line}"
            for n in range(count)
            for line in book.differences(n, day)
        ]
        assert not different, "\n".join(different[:12])


@pytest.mark.parametrize(
    "kind", [kind for kind in Recalculation if kind is not Recalculation.TO_THE_DAY]
)
def test_kinds_that_columns_cannot_follow_are_refused(
    store_url: str, open_at: Callable[..., Node], kind: Recalculation
) -> None:
    """Between events the day reads a loan by columns: interest is on what is not due yet."""
    plan = live.plan_text(replace(kinds(LENT)["level"], recalculation=kind))
    with pytest.raises(Refused) as refused:
        open_at(store_url).act(
            "ordeal.open", OpenOne(f"loan-{kind.value}", plan, LENT, False), key="1", actor=SYSTEM
        )
    assert refused.value.code == "servicing.bad_plan"
