"""The day's run over many loans says of each what the single-loan path says, to the fen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.errors import Refused
from puhui.servicing.desk.day.close import day_chunks
from puhui.servicing.nouns.live import RunDay
from tests.servicing.book import Book
from tests.servicing.lent import ill_booked
from tests.servicing.templates import make_templates

DAY = date(2026, 3, 2)


@pytest.fixture
def book(store_url: str, open_at: Callable[..., Node]) -> Book:
    """240 loans on each kind of store."""
    found = Book(open_at(store_url), DAY, make_templates(DAY, ages=20, offsets=6), has_lenders=True)
    found.load(240)
    return found


def run(book: Book, day: date) -> list[object]:
    """Close a day of the book alone."""
    return [
        book.node.act("servicing.run_day", one, key=f"{day}-{one.after}", actor=SYSTEM)
        for one in day_chunks(book.node, day)
    ]


def test_every_loan_equals_the_single_path_on_each_day(book: Book, clock: FixedClock) -> None:
    """Due days, debits whole and in part, arrears, days left out: all columns agree."""
    day = DAY
    for step in (0, 1, 1, 7, 31, 1, 40):
        day += timedelta(days=step)
        clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
        (outcome,) = run(book, day)
        assert outcome.loans
        different = [line for n in range(240) for line in book.differences(n, day)]
        different += ill_booked(book.node, book.lent)
        assert not different, "\n".join(different[:10])


def test_a_day_ahead_is_refused(book: Book) -> None:
    with pytest.raises(Refused) as refused:
        book.node.act("servicing.run_day", RunDay(DAY + timedelta(days=1), "", "~"), key="x",
                      actor=SYSTEM)  # fmt: skip
    assert refused.value.code == "servicing.day_ahead"


def test_twice_is_once(book: Book) -> None:
    first = run(book, DAY)
    again = book.node.act("servicing.run_day", RunDay(DAY, "", "~"), key="other", actor=SYSTEM)
    assert first[0].debited and first[0].short
    assert again.loans == 0 and again.postings == 0


def test_only_the_system_runs_a_day(book: Book) -> None:
    with pytest.raises(Refused) as refused:
        book.node.act("servicing.run_day", RunDay(DAY, "", "~"), key="x",
                      actor=Actor("anna", frozenset({"customer"})))  # fmt: skip
    assert refused.value.code == "kernel.role_missing"
