"""Allocation 还款分配: where money goes ahead of time, by the plan's keys and the peer's ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from puhui.servicing.nouns.plan import Future, Happening, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.terms import Method, Part, Timing
from puhui.servicing.rules.replay.layout import Row

PLACES = {Part.PENALTY: 0, Part.FEE: 1, Part.INTEREST: 2, Part.PRINCIPAL: 3}
"""Where each part stands in the lists of a row."""

Line = tuple[Row, int, int]
"""Row, part, amount in minor units."""

FUTURES = {
    Happening.PAID_OFF: Future.NEXT,
    Happening.GOODWILL: Future.LAST,
    Happening.MERCHANT_REFUNDED: Future.REAMORTISE,
}
"""Where money goes ahead of time when it is no repayment, whatever the plan says."""


def share_ahead(
    plan: Plan, rows: Sequence[Row], event: PlanEvent, rest: int, accrued: Sequence[int]
) -> tuple[list[Line], int]:
    """Lines that use up what of a payment is ahead of time, and what is left over.

    ``accrued`` holds interest of each row that may be paid by today. With interest recalculated,
    money ahead of time pays interest to the day and then principal (``EVERY_PERIOD``), or principal
    of the running row alone (``RUNNING_PERIOD``).
    """
    lines: list[Line] = []
    if not rest:
        return lines, 0
    owed = max(0, sum(row.owed(3) for row in rows))
    if plan.recalculation is Recalculation.RUNNING_PERIOD and not plan.rests_on_due_day:
        return _ahead_of_running(rows, event.on, rest)
    ahead = [i for i, row in enumerate(rows) if row.due_on > event.on and row.owed_all]
    future = FUTURES.get(event.kind, plan.future)
    if future is Future.REAMORTISE and len(ahead) > 1:
        return _evenly(plan, [(rows[i], accrued[i]) for i in ahead], rest, owed)
    for index in reversed(ahead) if future is Future.LAST else ahead:
        rest = _pay_ahead(plan, rows[index], lines, rest, accrued[index], owed)
    return lines, rest


def _ahead_of_running(rows: Sequence[Row], on: date, rest: int) -> tuple[list[Line], int]:
    """All that is ahead of time lowers the principal of the row that falls due next."""
    row = next((row for row in rows if row.due_on >= on), rows[-1])
    taken = min(rest, sum(row.owed(3) for row in rows))
    return ([(row, 3, taken)] if taken > 0 else []), rest - max(0, taken)


def _pay_ahead(
    plan: Plan, row: Row, lines: list[Line], rest: int, accrued: int, owed_in_all: int
) -> int:
    """Pay one row before it is due; what is left of the money.

    Interest that falls away makes room for principal of later rows, never beyond ``owed_in_all``.
    """
    room = owed_in_all - sum(amount for _, part, amount in lines if part == 3)
    keys = [PLACES[part] for timing, part in plan.allocation if timing is Timing.IN_ADVANCE]
    for part in keys:
        owed = row.owed(part)
        if plan.recalculation is Recalculation.EVERY_PERIOD and part >= 2:
            interest = min(row.owed(2), accrued)
            freed = row.owed(2) - interest if plan.method is Method.EQUAL_INSTALMENT else 0
            owed = interest if part == 2 else min(room, row.owed(3) + freed)
        taken = min(rest, owed)
        if taken > 0:
            lines.append((row, part, taken))
            rest -= taken
    return rest


def _evenly(
    plan: Plan, ahead: Sequence[tuple[Row, int]], rest: int, owed: int
) -> tuple[list[Line], int]:
    """The same to every row ahead, the last takes the remainder; then in order what is left."""
    lines: list[Line] = []
    left, each = 0, rest // len(ahead)
    for place, (row, accrued) in enumerate(ahead):
        amount = each if place < len(ahead) - 1 else rest - each * (len(ahead) - 1)
        left += _pay_ahead(plan, row, lines, amount, accrued, owed)
    for row, accrued in ahead:
        if not left:
            break
        used = [sum(n for one, part, n in lines if one is row and part == p) for p in range(4)]
        taken = min(left, max(0, row.owed_all - sum(used)))
        now = replace(row, paid=[paid + more for paid, more in zip(row.paid, used, strict=True)])
        more: list[Line] = []
        room = owed - sum(amount for _, part, amount in lines if part == 3)
        rest = _pay_ahead(plan, now, more, taken, max(0, accrued - used[2]), room)
        lines += [(row, part, amount) for _, part, amount in more]
        left -= taken - rest
    return lines, left
