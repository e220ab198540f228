"""Allocation 还款分配: one payment shared out over rows, by the plan's twelve keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from puhui.servicing.nouns.plan import Future, Happening, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.terms import Direction, Method, Part, Timing
from puhui.servicing.rules.replay.layout import Row

PLACES = {Part.PENALTY: 0, Part.FEE: 1, Part.INTEREST: 2, Part.PRINCIPAL: 3}
"""Where each part stands in the lists of a row."""

Line = tuple[int, int, int]
"""Row index, part, amount in minor units."""

FUTURES = {
    Happening.PAID_OFF: Future.NEXT,
    Happening.GOODWILL: Future.LAST,
    Happening.MERCHANT_REFUNDED: Future.REAMORTISE,
}
"""Where money goes ahead of time when it is no repayment, whatever the plan says."""


def timing_of(row: Row, on: date) -> Timing:
    """Past due, due or in advance, seen from ``on``."""
    if row.due_on < on:
        return Timing.PAST_DUE
    return Timing.DUE if row.due_on == on else Timing.IN_ADVANCE


def share_out(
    plan: Plan, rows: Sequence[Row], event: PlanEvent, accrued: Sequence[int]
) -> tuple[list[Line], int]:
    """Lines that use up the event's amount, and what is left over.

    ``accrued`` holds, for rows not due yet, interest that may be paid by today. With interest
    recalculated, money ahead of time pays interest to the day and then principal
    (``EVERY_PERIOD``), or principal of the running row alone (``RUNNING_PERIOD``).
    """
    rest, lines = event.amount_minor, []
    for index, part in _due_order(plan, rows, event.on):
        taken = min(rest, rows[index].owed(part))
        if taken > 0:
            lines.append((index, part, taken))
            rest -= taken
    if not rest:
        return lines, 0
    if plan.recalculation is Recalculation.RUNNING_PERIOD and not plan.rests_on_due_day:
        return _ahead_of_running(rows, event.on, lines, rest)
    ahead = [i for i, row in enumerate(rows) if row.due_on > event.on and row.owed_all]
    future = FUTURES.get(event.kind, plan.future)
    if future is Future.REAMORTISE and len(ahead) > 1:
        return _evenly(plan, rows, ahead, lines, rest, accrued)
    for index in reversed(ahead) if future is Future.LAST else ahead:
        rest = _pay_ahead(plan, rows[index], index, lines, rest, accrued[index])
    return lines, rest


def _due_order(plan: Plan, rows: Sequence[Row], on: date) -> Iterator[tuple[int, int]]:
    """Parts of rows that are past due or due, in the order of the plan."""
    timings = [(index, timing_of(row, on)) for index, row in enumerate(rows) if row.owed_all]
    open_rows = [(index, timing) for index, timing in timings if timing is not Timing.IN_ADVANCE]
    if plan.direction is Direction.VERTICAL:
        for key_timing, part in plan.allocation:
            for index, timing in open_rows:
                if timing is key_timing:
                    yield index, PLACES[part]
        return
    for index, timing in open_rows:
        for key_timing, part in plan.allocation:
            if timing is key_timing:
                yield index, PLACES[part]


def _ahead_of_running(
    rows: Sequence[Row], on: date, lines: list[Line], rest: int
) -> tuple[list[Line], int]:
    """All that is ahead of time lowers the principal of the row that falls due next."""
    index = next((i for i, row in enumerate(rows) if row.due_on >= on), len(rows) - 1)
    owed = sum(row.owed(3) for row in rows)
    owed -= sum(amount for _, part, amount in lines if part == 3)
    taken = min(rest, owed)
    if taken:
        lines.append((index, 3, taken))
    return lines, rest - taken


def _pay_ahead(plan: Plan, row: Row, index: int, lines: list[Line], rest: int, accrued: int) -> int:
    """Pay one row before it is due; what is left of the money."""
    keys = [PLACES[part] for timing, part in plan.allocation if timing is Timing.IN_ADVANCE]
    for part in keys:
        owed = row.owed(part)
        if plan.recalculation is Recalculation.EVERY_PERIOD and part >= 2:
            interest = min(owed, accrued) if part == 2 else min(row.owed(2), accrued)
            freed = row.owed(2) - interest if plan.method is Method.EQUAL_INSTALMENT else 0
            owed = interest if part == 2 else row.owed(3) + freed
        taken = min(rest, owed)
        if taken > 0:
            lines.append((index, part, taken))
            rest -= taken
    return rest


def _evenly(
    plan: Plan,
    rows: Sequence[Row],
    ahead: Sequence[int],
    lines: list[Line],
    rest: int,
    accrued: Sequence[int],
) -> tuple[list[Line], int]:
    """The same to every row ahead, the last takes the remainder; then in order what is left."""
    left = 0
    each = rest // len(ahead)
    for place, index in enumerate(ahead):
        amount = each if place < len(ahead) - 1 else rest - each * (len(ahead) - 1)
        left += _pay_ahead(plan, rows[index], index, lines, amount, accrued[index])
    for index in ahead:
        if left:
            used = sum(amount for place, _, amount in lines if place == index)
            owed = max(0, rows[index].owed_all - used)
            taken = min(left, owed)
            before = len(lines)
            had = sum(amount for place, part, amount in lines if (place, part) == (index, 2))
            row, open_now = _less(rows[index], lines, index), max(0, accrued[index] - had)
            _pay_ahead(plan, row, index, lines, taken, open_now)
            left -= sum(amount for _, _, amount in lines[before:])
    return lines, left


def _less(row: Row, lines: Sequence[Line], index: int) -> Row:
    """The row as the lines so far leave it."""
    paid = list(row.paid)
    for place, part, amount in lines:
        if place == index:
            paid[part] += amount
    return replace(row, paid=paid)
