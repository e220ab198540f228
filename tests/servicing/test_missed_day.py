"""Days that nobody closed are made up for: no end of a month is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from puhui.cli.upkeep.days import close_days, open_days
from puhui.kernel import Node
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.store import Row
from puhui.ledger.window import closed_span
from puhui.servicing import noun, window
from puhui.servicing.desk.day.close import CHUNK, day_chunks
from puhui.servicing.nouns.live import RunDay
from puhui.servicing.rules.age import month_ends
from puhui.servicing.tables import live as tables
from puhui.worker import close_day
from tests.servicing.book import Book, Happens, loan_id
from tests.servicing.templates import make_templates

DAY = date(2026, 3, 30)
LAST, NEXT = date(2026, 3, 31), date(2026, 4, 1)
LOANS = 60


def put(clock: FixedClock, day: date, hour: int = 20) -> None:
    """Set the clock to an hour of a day."""
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T{hour:02}:00:00+08:00")))


@pytest.fixture
def book(store_url: str, open_at: Callable[..., Node], clock: FixedClock) -> Book:
    """A small book on each kind of store, with its events on record."""
    put(clock, DAY)
    found = Book(open_at(store_url), DAY, make_templates(DAY, ages=12, offsets=5), has_lenders=True)
    found.load(LOANS, with_events=True)
    return found


def run(book: Book, day: date) -> None:
    """Close a day over the loans alone."""
    for one in day_chunks(book.node, day):
        book.node.act("servicing.run_day", one, key=f"{day}-{one.after}", actor=SYSTEM)


def provided(book: Book, period: str = "2026-03") -> tuple[int, int, int]:
    """Loans, expected losses and postings of the provisions of a month."""
    with book.node.read() as tx:
        rows = window.provisions_of(tx, period)
    return (
        sum(row.loans for row in rows),
        sum(row.expected_loss_minor for row in rows),
        sum(row.posted_minor for row in rows),
    )


def test_a_month_end_that_was_left_out_keeps_its_provisions(book: Book, clock: FixedClock) -> None:
    """30 March, then 1 April, then 31 March: the month is there, and once."""
    run(book, DAY)
    put(clock, NEXT)
    run(book, NEXT)
    loans, lost, posted = provided(book)
    assert loans == LOANS
    assert lost == posted > 0
    with book.node.read() as tx:
        assert "2026-03" in window.roll_periods(tx)
        assert {one.period for one in window.vintage_curves(tx, bucket=1)} == {"2026-03"}
        booked = sum(row.booked_loss_minor for row in window.class_table(tx))
    assert booked == lost
    run(book, LAST)
    assert provided(book) == (loans, lost, posted), "once is enough"


def test_each_of_several_months_left_out_is_made_up(book: Book, clock: FixedClock) -> None:
    run(book, DAY)
    put(clock, date(2026, 6, 2))
    run(book, date(2026, 6, 2))
    assert [bool(provided(book, f"2026-{n:02}")[0]) for n in (3, 4, 5, 6)] == [1, 1, 1, 0]


def test_a_loan_touched_on_the_day_itself_is_still_closed(book: Book, clock: FixedClock) -> None:
    """An event counts a loan on to its day; its month is not lost by that."""
    run(book, DAY)
    put(clock, LAST, 12)
    charge(book, 1, LAST)
    run(book, LAST)
    assert provided(book)[0] == LOANS


def test_a_loan_touched_past_midnight_stands_in_the_month_as_it_was(
    book: Book, clock: FixedClock
) -> None:
    """The day is closed after midnight: what happened since is not of the month."""
    run(book, DAY)
    put(clock, NEXT, 1)
    before = state(book, 1)
    charge(book, 1, NEXT)
    run(book, LAST)
    assert provided(book)[0] == LOANS
    after = state(book, 1)
    assert after.counted_on == NEXT.toordinal(), "the loan itself stays as it stands today"
    assert after.closed_on == LAST.toordinal()
    assert after.booked_loss_minor > 0
    assert after.outstanding_minor == before.outstanding_minor
    put(clock, NEXT)
    run(book, NEXT)
    assert state(book, 1).closed_on == NEXT.toordinal()
    assert provided(book)[0] == LOANS


def test_close_days_catches_up_oldest_first(book: Book, clock: FixedClock) -> None:
    close_day(book.node, DAY)
    put(clock, date(2026, 4, 2))
    told: list[tuple[date, int]] = []
    done = close_days(book.node, date(2026, 4, 2), begin=lambda day, left: told.append((day, left)))
    days = [LAST, NEXT, date(2026, 4, 2)]
    assert [one.day for one in done] == days
    assert told == list(zip(days, (3, 2, 1), strict=True))
    assert all(one.loans == LOANS for one in done)
    assert done[0].money[0].provided_minor > 0 and done[0].postings
    assert provided(book)[0] == LOANS
    with book.node.read() as tx:
        assert closed_span(tx) == (DAY, date(2026, 4, 2))
    assert [one.day for one in close_days(book.node, NEXT)] == [NEXT], "closed days stay closed"
    assert done[0].debited + done[1].debited + done[0].short


def test_before_any_closed_books_the_loans_tell_the_first_open_day(
    book: Book, clock: FixedClock
) -> None:
    put(clock, NEXT)
    assert open_days(book.node, NEXT) == [DAY, LAST, NEXT]


def test_an_empty_bank_closes_the_day_asked_for(node: Node) -> None:
    assert open_days(node, DAY) == [DAY]


def test_month_ends() -> None:
    first = date(2026, 1, 31).toordinal()
    assert month_ends(first - 1, first) == ()
    assert month_ends(first - 1, first + 1) == (date(2026, 1, 31),)
    assert month_ends(first, date(2026, 4, 1).toordinal()) == (date(2026, 2, 28), LAST)
    assert month_ends(first, first) == ()


@pytest.mark.parametrize("stop", range(1, 6))
def test_killed_between_chunks_the_day_ends_the_same(
    store_url: str, open_at: Callable[..., Node], clock: FixedClock, stop: int
) -> None:
    """A day in chunks of 12 loans, stopped after each in turn, equals one that ran through."""

    class Killed(BaseException):
        pass

    put(clock, DAY)
    node = open_at(store_url)
    templates = make_templates(DAY, ages=12, offsets=5)
    Book(node, DAY, templates, has_lenders=True).load(LOANS, with_events=True)
    whole = Book(node, DAY, templates, has_lenders=True)
    ran = 0

    def kill(name: str, done: int, count: int) -> None:
        nonlocal ran
        assert name != "servicing.run_day" or count == LOANS // 12
        ran += name == "servicing.run_day"
        if ran == stop:
            raise Killed

    put(clock, LAST)
    with pytest.raises(Killed):
        close_day(node, LAST, progress=kill, size=12)
    assert state(whole, 12 * stop - 1).closed_on == LAST.toordinal()
    if stop < LOANS // 12:
        assert state(whole, 12 * stop).closed_on < LAST.toordinal()
    node.close()
    node = whole.node = open_at(store_url)
    close_day(node, LAST, size=12)
    different = [line for n in range(LOANS) for line in whole.misjudged(n, (LAST,))]
    assert not different, "\n".join(different[:10])
    assert provided(whole)[0] == LOANS
    first = [tuple(state(whole, n))[5:] for n in range(LOANS)]
    again = close_day(node, LAST, size=12)
    assert again.chunks
    assert [tuple(state(whole, n))[5:] for n in range(LOANS)] == first


def test_any_size_of_chunk_gives_the_same_loans(book: Book) -> None:
    assert len(day_chunks(book.node, DAY)) == 1
    assert CHUNK > LOANS
    chunks = day_chunks(book.node, DAY, 7)
    assert len(chunks) == -(-LOANS // 7)
    assert [one.after for one in chunks[1:]] == [one.until for one in chunks[:-1]]
    close_day(book.node, DAY, size=7)
    different = [line for n in range(LOANS) for line in book.misjudged(n, (DAY,))]
    assert not different, "\n".join(different[:10])


def test_a_month_that_was_refused_is_not_half_there(book: Book) -> None:
    """A fault within the act leaves nothing of it."""
    chunk = RunDay(DAY, "", "~")
    book.node.act("servicing.run_day", chunk, key="x", actor=SYSTEM, dry_run=True)
    assert state(book, 0).closed_on == (DAY - timedelta(days=1)).toordinal()


def state(book: Book, n: int) -> Row:
    """Loan ``n`` as it is stored."""
    with book.node.read() as tx:
        row = tx.one(tables.READ_LOAN, id=loan_id(n))
    assert row is not None
    return row


def charge(book: Book, n: int, on: date) -> None:
    """Let a fee happen to loan ``n``, as another room would."""
    event = noun.PlanEvent("", noun.Happening.FEE_CHARGED, on, 100)
    book.node.act("bench.happen", Happens(loan_id(n), event), key=f"{n}-{on}", actor=SYSTEM)
