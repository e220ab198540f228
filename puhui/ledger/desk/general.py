"""Reading the general ledger: trial balance of any period, statements, late bookings, its check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger.desk.chart import general_chart
from puhui.ledger.desk.close import (
    closed_span,
    closing_sums,
    day_digest,
    row_of,
    sums_of,
)
from puhui.ledger.desk.movement import movements_between, movements_of, number_of_day
from puhui.ledger.desk.report import POSITION_MAX, trial_balance
from puhui.ledger.nouns import Finding
from puhui.ledger.nouns.general import (
    Adjustment,
    BookedDay,
    FinancialStatement,
    GeneralBalance,
    GeneralRow,
    Movement,
    Sums,
)
from puhui.ledger.rules.general import (
    NOUGHT,
    Key,
    balance_sheet,
    income_statement,
    number_of,
    roll_up,
)
from puhui.ledger.tables import general
from puhui.ledger.tables.schema import whole

LIST_MAX = 10_000
DAYS_PAGE = 400
_ONE_DAY = timedelta(days=1)
_FAR_DAY = date(2262, 1, 1)
"""Later than any time that the ledger keeps."""


@dataclass(frozen=True, slots=True)
class _Booked:
    """Sums outside closed days: the day that they count in, and what kind they are."""

    day: date
    key: Key
    sums: Sums
    kind: str


def general_balance(tx: Transaction, first: date, last: date) -> GeneralBalance:
    """The trial balance of the general ledger from ``first`` to ``last``, all ledgers.

    Closed days come from their rows; what is not closed yet from the movements and the transfers
    after them, by the day of their time, those for closed days as adjustments. Days before the
    first that was ever closed are summed from the transfers again, which takes long.
    Refused: ``ledger.bad_period`` where ``last`` is before ``first``.
    """
    if last < first:
        raise Refused("ledger.bad_period", f"A period ends on {last}, before it begins on {first}.")
    span = closed_span(tx)
    early = [] if span is None or first >= span[0] else _early(tx, span[0])
    late = [] if span is not None and last <= span[1] else _open(tx, span, last)
    opening = _sums_until(tx, first - _ONE_DAY, span, early, late)
    closing = _sums_until(tx, last, span, early, late)
    kinds: dict[str, dict[Key, Sums]] = {"adjusted": {}, "carried": {}}
    if span is not None:
        for row in tx.all(general.ROWS_BETWEEN, first=first.isoformat(), last=last.isoformat()):
            for kind, found in kinds.items():
                found[row.ledger, row.number] = sums_of(row, kind)
    for one in (*early, *late):
        if one.kind in kinds and first <= one.day <= last:
            found = kinds[one.kind]
            found[one.key] = found.get(one.key, NOUGHT) + one.sums
    rows = []
    for key in sorted(closing.keys() | opening.keys()):
        begun = opening.get(key, NOUGHT)
        adjusted, carried = (found.get(key, NOUGHT) for found in kinds.values())
        moved = closing.get(key, NOUGHT) - begun - adjusted - carried
        rows.append(GeneralRow(*key, begun, moved, adjusted, carried))
    is_closed = span is not None and span[0] <= first and last <= span[1]
    return GeneralBalance(first, last, is_closed, tuple(rows))


def _open(tx: Transaction, span: tuple[date, date] | None, last: date) -> list[_Booked]:
    """What is in no closed day, to the end of ``last``; late ones count in the next open day."""
    progress = tx.one(general.READ_PROGRESS)
    summed = progress.summed_position if progress else 0
    moves = movements_of(tx.all(general.READ_MOVEMENTS, day_number=number_of_day(last)))
    moves += movements_between(tx, summed, until=POSITION_MAX, last=last)
    booked = []
    for one in moves:
        is_late = span is not None and one.day <= span[1]
        day = span[1] + _ONE_DAY if span is not None and is_late else one.day
        booked.append(_booked(day, one, is_late=is_late))
    return booked


def _early(tx: Transaction, first_closed: date) -> list[_Booked]:
    """What moved before the first closed day, less what came after that day was closed."""
    last = first_closed - _ONE_DAY
    booked = [
        _booked(one.day, one, is_late=False)
        for one in movements_between(tx, 0, until=POSITION_MAX, last=last)
    ]
    for row in tx.all(general.READ_ADJUSTMENTS_OF, value_day=last.isoformat()):
        less = NOUGHT - adjustment_of(row).sums
        day = date.fromisoformat(row.value_day)
        booked.append(_Booked(day, (row.ledger, row.number), less, "moved"))
    progress = tx.one(general.READ_PROGRESS)
    summed = progress.summed_position if progress else 0
    moves = movements_of(tx.all(general.READ_MOVEMENTS, day_number=number_of_day(last)))
    moves += movements_between(tx, summed, until=POSITION_MAX, last=last)
    for one in moves:
        found = _booked(one.day, one, is_late=False)
        booked.append(replace(found, sums=NOUGHT - found.sums))
    return booked


def _booked(day: date, one: Movement, *, is_late: bool) -> _Booked:
    kind = "carried" if one.is_carried else "adjusted" if is_late else "moved"
    key = one.ledger, number_of(one.code, general_chart().accounts)
    return _Booked(day, key, one.sums, kind)


def _sums_until(
    tx: Transaction,
    day: date,
    span: tuple[date, date] | None,
    early: Sequence[_Booked],
    late: Sequence[_Booked],
) -> dict[Key, Sums]:
    """All that was booked to the end of ``day``, by ledger and general account."""
    sums: dict[Key, Sums] = {}
    more = late
    if span is not None and day >= span[0]:
        sums = closing_sums(tx, min(day, span[1]))
    elif span is not None and day == span[0] - _ONE_DAY:
        rows = map(row_of, tx.all(general.READ_ROWS, day=span[0].isoformat()))
        return {(row.ledger, row.number): row.opening for row in rows}
    elif span is not None:
        more = early
    for one in more:
        if one.day <= day:
            sums[one.key] = sums.get(one.key, NOUGHT) + one.sums
    return sums


def adjustment_of(row: Row) -> Adjustment:
    """An adjustment as it is kept in its table."""
    return Adjustment(
        day=date.fromisoformat(row.day),
        value_day=date.fromisoformat(row.value_day),
        ledger=row.ledger,
        number=row.number,
        sums=Sums(whole(row.debits_high, row.debits_low), whole(row.credits_high, row.credits_low)),
        postings=row.postings,
    )


def adjustments_between(tx: Transaction, first: date, last: date) -> tuple[Adjustment, ...]:
    """What was booked from ``first`` to ``last`` for days closed before; at most 10,000."""
    rows = tx.all(
        general.READ_ADJUSTMENTS, first=first.isoformat(), last=last.isoformat(), count=LIST_MAX
    )
    return tuple(adjustment_of(row) for row in rows)


def booked_days(
    tx: Transaction, *, after: date = date.min, count: int = 400
) -> tuple[BookedDay, ...]:
    """Closed days past ``after``, the oldest first, at most 10,000."""
    assert 1 <= count <= LIST_MAX, count
    return tuple(
        BookedDay(
            date.fromisoformat(row.day),
            row.postings,
            row.adjusted_postings,
            row.closed_us,
            row.digest,
        )
        for row in tx.all(general.READ_DAYS, after=after.isoformat(), count=count)
    )


def financial_statement(
    tx: Transaction, kind: str, currency: str, *, first: date, last: date
) -> FinancialStatement:
    """A ``balance_sheet`` at the end of ``last``, or an ``income_statement`` from ``first`` on.

    Refused: ``ledger.bad_statement`` for another kind, ``ledger.bad_period``.
    """
    made = {"balance_sheet": balance_sheet, "income_statement": income_statement}.get(kind)
    if made is None:
        raise Refused("ledger.bad_statement", f"{kind[:40]!r} is no statement of the books.")
    balance = general_balance(tx, last if kind == "balance_sheet" else first, last)
    return made(balance, general_chart(), currency)


def check_general(tx: Transaction) -> tuple[Finding, ...]:
    """Recompute the books of all closed days, and list what disagrees.

    Checked: that each day follows the one before, that its rows open with what the day before
    closed with, its digest and that debits equal credits; that what is closed and what is open
    together are the posted sums of the trial balance. A ledger beside the store is checked while
    nothing moves: what comes meanwhile may be in one of the sums and not in the other.
    """
    findings = list(_check_days(tx))
    span = closed_span(tx)
    live: dict[Key, Sums] = {}
    for row in trial_balance(tx).rows:
        key = row.ledger, row.code
        live[key] = Sums(row.debits_posted_minor, row.credits_posted_minor)
    expected = roll_up(live, general_chart().accounts)
    booked = _sums_until(tx, date.max, span, (), _open(tx, span, _FAR_DAY))
    for key in sorted(expected.keys() | booked.keys()):
        one, other = expected.get(key, NOUGHT), booked.get(key, NOUGHT)
        if one != other:
            findings.append(Finding("general", f"{key[0]} {key[1]:04d}", str(one), str(other)))
    return tuple(findings)


def _check_days(tx: Transaction) -> Iterator[Finding]:
    before, closing, last = "", {}, None
    page = booked_days(tx, count=DAYS_PAGE)
    while page:
        for booked in page:
            if last is not None and booked.day != last + _ONE_DAY:
                yield Finding("general_day", str(booked.day), str(last + _ONE_DAY), "a gap")
            rows = [row_of(row) for row in tx.all(general.READ_ROWS, day=booked.day.isoformat())]
            digest = day_digest(booked.day, rows, before)
            if digest != booked.digest:
                yield Finding("general_day", str(booked.day), booked.digest, digest)
            opening = {(row.ledger, row.number): row.opening for row in rows}
            if last is not None and any(
                opening.get(key, NOUGHT) != closing.get(key, NOUGHT)
                for key in opening.keys() | closing.keys()
            ):
                yield Finding("general_day", str(booked.day), "what the day before had", "other")
            closing = {(row.ledger, row.number): row.closing for row in rows}
            before, last = booked.digest, booked.day
        page = booked_days(tx, after=page[-1].day, count=DAYS_PAGE)
