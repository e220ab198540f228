"""Closing the books of a day: mark how far the ledger has come, sum in chunks, close for ever.

Three steps of ``puhui close-day``. The mark waits a moment for acts that are adding transfers, so
that below it nothing can appear any more; then transfers are summed in chunks without holding
anybody up, each transfer in one chunk only; then each day not closed yet is closed, from the day
before and what was summed. A transfer for a day that is closed is an adjustment of the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger.desk.beside.outside import outside_of
from puhui.ledger.desk.chart import general_chart
from puhui.ledger.desk.movement import count_beside, movements_of, number_of_day, sum_next
from puhui.ledger.nouns.general import Adjustment, GeneralRow, Sums
from puhui.ledger.rules.general import Key, close_rows, lines_of_text
from puhui.ledger.tables import general, write
from puhui.ledger.tables.schema import parts, whole

CHUNK = 50_000
"""Transfers of one chunk: about a quarter of a second."""
LAST_DAY_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MarkBooks:
    """Begin to close the books up to a day; ``asked_us`` tells a new try from a repeated one."""

    day: date
    asked_us: int = 0


@dataclass(frozen=True, slots=True)
class BooksMarked:
    """The first day to be closed; None where ``day`` is closed already."""

    first_day: date | None


@dataclass(frozen=True, slots=True)
class SumBooks:
    """Sum the next transfers below the mark of ``day``."""

    day: date
    number: int
    at_most: int = CHUNK


@dataclass(frozen=True, slots=True)
class BooksSummed:
    """How many transfers were looked at."""

    transfers: int


@dataclass(frozen=True, slots=True)
class CloseBooks:
    """Close the books of one day, on the way to ``through``; ``asked_us`` tells a new try from a
    repeated one, as what was refused before may be in order now.
    """

    through: date
    day: date
    asked_us: int = 0


@dataclass(frozen=True, slots=True)
class BooksClosed:
    """What the day holds: rows, postings (two for each transfer), those that came late."""

    day: date
    rows: int
    postings: int
    adjusted_postings: int
    digest: str


def closed_span(tx: Transaction) -> tuple[date, date] | None:
    """The first and the last day of the books that are closed; None before any is."""
    row = tx.one(general.CLOSED_SPAN)
    if row is None or row.last is None:
        return None
    return date.fromisoformat(row.first), date.fromisoformat(row.last)


@use_case("ledger.mark_books", roles=("system", "operator"))
def mark_books(act: Act, input: MarkBooks) -> BooksMarked:
    """Note how far the ledger has come, so that what lies below can be summed at leisure.

    On PostgreSQL, and with a ledger beside the store, acts that add transfers are waited for, and
    held up until this one ends. Refused: ``ledger.day_ahead``.
    """
    if input.day > act.today:
        raise Refused("ledger.day_ahead", f"{input.day} has not come yet; today is {act.today}.")
    tx = act.tx
    outside = outside_of(tx)
    if outside is None:
        tx.put(write.HOLD_TRANSFERS)
    else:
        outside.hold_up(act)
    span = closed_span(tx)
    if span is not None and input.day <= span[1]:
        return BooksMarked(None)
    known = tx.one(general.FIND_MARK, day=input.day.isoformat())
    if known is not None:
        return BooksMarked(date.fromisoformat(known.first_day))
    first_day = _first_open(tx, input.day, span)
    progress = tx.one(general.LOCK_PROGRESS)
    summed = progress.summed_position if progress else 0
    if outside is None:
        last = tx.one(general.LAST_POSITION)
        assert last is not None
        until = last.position
    else:
        until = summed + count_beside(tx, outside, summed)
    tx.put(general.PUT_PROGRESS, id=1, summed_position=summed, until_position=until)
    tx.put(
        general.INSERT_MARK,
        day=input.day.isoformat(),
        first_day=first_day.isoformat(),
        chunks=-(-(until - summed) // CHUNK),
        marked_us=act.now_us,
    )
    return BooksMarked(first_day)


def _first_open(tx: Transaction, day: date, span: tuple[date, date] | None) -> date:
    """The first day to close: the one after the last closed, at first the earliest ever begun."""
    if span is not None:
        return span[1] + timedelta(days=1)
    begun = tx.one(general.FIRST_MARK)
    assert begun is not None
    return min(day, date.fromisoformat(begun.day or day.isoformat()))


@use_case("ledger.sum_books", roles=("system", "operator"))
def sum_books(act: Act, input: SumBooks) -> BooksSummed:
    """Add the next transfers below the mark to the movements; none is ever added twice.

    Refused: ``ledger.batch_too_large`` unless 1 to 1,000,000 are asked for.
    """
    if not 1 <= input.at_most <= 1_000_000:
        raise Refused("ledger.batch_too_large", "Sum up 1 to 1,000,000 transfers at once.")
    tx = act.tx
    progress = tx.one(general.LOCK_PROGRESS)
    if progress is None or progress.summed_position >= progress.until_position:
        return BooksSummed(0)
    until = progress.until_position
    found = sum_next(tx, progress.summed_position, until=until, at_most=input.at_most)
    if found.rows:
        tx.run_many(general.ADD_MOVEMENT, found.rows)
    tx.put(general.PUT_PROGRESS, id=1, summed_position=found.position, until_position=until)
    return BooksSummed(found.transfers)


@use_case("ledger.close_books", roles=("system", "operator"))
def close_books(act: Act, input: CloseBooks) -> BooksClosed:
    """Close a day for ever: one row for each ledger and general account, under one digest.

    A day that is closed stays as it is. Refused: ``ledger.books_not_summed`` while transfers
    below the mark are to be summed or the day before is open, ``ledger.books_differ``.
    """
    tx, day = act.tx, input.day
    progress = tx.one(general.LOCK_PROGRESS)
    known = tx.one(general.FIND_DAY, day=day.isoformat())
    if known is not None:
        rows = len(tx.all(general.READ_ROWS, day=day.isoformat()))
        return BooksClosed(day, rows, known.postings, known.adjusted_postings, known.digest)
    span = closed_span(tx)
    is_next = span is None or span[1] + timedelta(days=1) == day
    is_summed = progress is not None and progress.summed_position >= progress.until_position
    if not (is_next and is_summed):
        raise Refused(
            "ledger.books_not_summed",
            f"The transfers up to {day} are not all summed yet. Run puhui close-day again.",
        )
    return _close(act, day, span[1] if span else None)


def _close(act: Act, day: date, last_closed: date | None) -> BooksClosed:
    tx = act.tx
    number = number_of_day(day)
    movements = movements_of(tx.all(general.READ_MOVEMENTS, day_number=number))
    opening, before = {}, ""
    if last_closed is not None:
        opening = closing_sums(tx, last_closed)
        last = tx.one(general.FIND_DAY, day=last_closed.isoformat())
        assert last is not None
        before = last.digest
    rows, adjustments = close_rows(
        day,
        last_closed,
        opening=opening,
        movements=movements,
        numbers=general_chart().accounts.keys(),
    )
    late = sum(one.postings for one in adjustments)
    own = sum(one.postings for one in movements if one.day == day)
    digest = day_digest(day, rows, before)
    tx.run_many(general.INSERT_ROW, [_row(day, row) for row in rows])
    tx.run_many(general.INSERT_ADJUSTMENT, [_adjustment(one) for one in adjustments])
    tx.run(general.DELETE_MOVEMENTS, day_number=number)
    tx.put(
        general.INSERT_DAY,
        day=day.isoformat(),
        postings=own,
        adjusted_postings=late,
        closed_us=act.now_us,
        digest=digest,
    )
    act.emit(
        "ledger.books_closed",
        day.isoformat(),
        {"day": day.isoformat(), "postings": own, "adjusted_postings": late, "digest": digest},
    )
    return BooksClosed(day, len(rows), own, late, digest)


def day_digest(day: date, rows: Sequence[GeneralRow], before: str) -> str:
    """SHA-256 over the digest of the day before and the rows of ``day``, as hexadecimal digits."""
    text = f"{before}\n{day.isoformat()}\n{lines_of_text(rows)}"
    return hashlib.sha256(text.encode()).hexdigest()


def closing_sums(tx: Transaction, day: date) -> dict[Key, Sums]:
    """Of a closed day: all that was posted to its end, by ledger and general account."""
    rows = tx.all(general.READ_ROWS, day=day.isoformat())
    return {(row.ledger, row.number): row_of(row).closing for row in rows}


def row_of(row: Row) -> GeneralRow:
    """The general account's row of a closed day."""
    return GeneralRow(row.ledger, row.number, *(sums_of(row, kind) for kind in general.KINDS))


def sums_of(row: Row, kind: str) -> Sums:
    """The sums of one kind in a row."""
    named: Mapping[str, int] = row._asdict()
    high_low = [named[f"{kind}_{part}"] for part in general.PARTS]
    return Sums(whole(high_low[0], high_low[1]), whole(high_low[2], high_low[3]))


def _row(day: date, row: GeneralRow) -> dict[str, object]:
    made: dict[str, object] = {
        "day": day.isoformat(),
        "ledger": row.ledger,
        "number": row.number,
    }
    for kind, sums in zip(
        general.KINDS, (row.opening, row.moved, row.adjusted, row.carried), strict=True
    ):
        made |= _parts(sums, f"{kind}_")
    return made


def _parts(sums: Sums, prefix: str = "") -> dict[str, object]:
    four = (*parts(sums.debits_minor), *parts(sums.credits_minor))
    return {f"{prefix}{name}": part for name, part in zip(general.PARTS, four, strict=True)}


def _adjustment(one: Adjustment) -> dict[str, object]:
    return {
        "day": one.day.isoformat(),
        "value_day": one.value_day.isoformat(),
        "ledger": one.ledger,
        "number": one.number,
        "postings": one.postings,
    } | _parts(one.sums)


def _mark_chunks(node: Node, day: date) -> list[MarkBooks]:
    return [MarkBooks(day, _asked_us(node, day))]


def _asked_us(node: Node, day: date) -> int:
    """The time where the day is still to be closed, else nought: closed days keep their keys."""
    with node.read() as tx:
        is_closed = tx.one(general.FIND_DAY, day=day.isoformat()) is not None
    return 0 if is_closed else node.clock.now_us()


def _mark_of(node: Node, day: date) -> Row | None:
    with node.read() as tx:
        return tx.one(general.FIND_MARK, day=day.isoformat())


def _sum_chunks(node: Node, day: date) -> list[SumBooks]:
    mark = _mark_of(node, day)
    return [] if mark is None else [SumBooks(day, number) for number in range(mark.chunks)]


def _close_chunks(node: Node, day: date) -> list[CloseBooks]:
    mark = _mark_of(node, day)
    if mark is None:
        return []
    first = date.fromisoformat(mark.first_day)
    days = [first + timedelta(days=place) for place in range((day - first).days + 1)]
    return [CloseBooks(day, one, _asked_us(node, one)) for one in days]


day_step(900, "ledger.mark_books", _mark_chunks)
day_step(910, "ledger.sum_books", _sum_chunks)
day_step(920, "ledger.close_books", _close_chunks)
