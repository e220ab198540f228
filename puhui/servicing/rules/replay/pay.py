"""Payments 还款: money shared out over what is past due, due, and ahead of time."""

from __future__ import annotations

from puhui.servicing.nouns.plan import Early, PlanEvent
from puhui.servicing.nouns.state import Share
from puhui.servicing.nouns.terms import Timing
from puhui.servicing.rules.replay.allocate import PLACES, share_ahead
from puhui.servicing.rules.replay.layout import Row
from puhui.servicing.rules.replay.step import FEE, INSTALMENT, INTEREST, PENALTY, PRINCIPAL, Steps
from puhui.servicing.rules.replay.ways import Overdue

STANDARD = (PENALTY, FEE, INTEREST, PRINCIPAL)
"""The order of parts ahead of time where a plan names none."""


def pay(loan: Steps, event: PlanEvent, amount_minor: int) -> None:
    """Share money out: what is past due and due first, then ahead of time; the rest is credit.

    Beyond what is due it goes, unless the plan says otherwise, to charges ahead, then to interest
    to the day on all principal not due yet, then to principal, by which what lies ahead becomes
    less.
    """
    parts = [0, 0, 0, 0]
    earned = loan.accrued() if loan.ways.by_row else []
    rest = _pay_due(loan, amount_minor, parts)
    place = loan.running() if rest else None
    if loan.ways.by_row:
        lines, rest = share_ahead(loan.plan, loan.rows, event, rest, earned)
        for row, part, taken in lines:
            put(loan, row, part, taken, parts)
    elif place is not None:
        rest = _pay_ahead(loan, place, rest, parts)
    loan.credit += rest
    loan.shares.append(
        Share(event.event_id, event.on, parts[3], parts[2], parts[1], parts[0], rest)
    )


def put(loan: Steps, row: Row, part: int, amount: int, parts: list[int]) -> None:
    """Pay a part of a row today."""
    if part >= INTEREST and loan.ways.overdue is not Overdue.NEVER:
        loan.before_payment(row, part, amount)
    row.paid[part] += amount
    parts[part] += amount
    if loan.on < row.due_on:
        row.in_advance += amount
    elif loan.on > row.due_on:
        row.late += amount
    row.paid_on = loan.on


def _pay_due(loan: Steps, amount: int, parts: list[int]) -> int:
    owing: list[tuple[Row, Timing]] = []
    for row in loan.rows[loan.first :]:
        if row.due_on > loan.on:
            break
        if loan.ways.by_row and not row.owed_all:
            continue  # interest that fell away may stand for principal of its row
        owing.append((row, Timing.PAST_DUE if row.due_on < loan.on else Timing.DUE))
    if loan.is_vertical:
        order = [
            (row, PLACES[part])
            for timing, part in loan.plan.allocation
            for row, found in owing
            if found is timing
        ]
    else:
        order = [(row, part) for row, timing in owing for part in loan.order[timing]]
    for row, part in order:
        taken = min(amount, row.owed(part))
        if taken > 0:
            put(loan, row, part, taken, parts)
            amount -= taken
    while loan.first < len(loan.rows) and loan.rows[loan.first].due_on <= loan.on:
        if loan.rows[loan.first].owed_all:
            break
        loan.first += 1
    return amount


def _pay_ahead(loan: Steps, place: int, rest: int, parts: list[int]) -> int:
    """Pay ahead of time, part by part as the plan says; what is left of the money.

    Interest is paid as far as it was earned, principal of all rows, fees that were charged (one
    that the plan asks for with an instalment is not due before it). Flat interest is owed whole,
    so that rows are paid as they stand.
    """
    if loan.is_flat:
        return _pay_rows(loan, place, rest, parts)
    for part in loan.order[Timing.IN_ADVANCE] or STANDARD:
        if not rest:
            break
        if part == INTEREST:
            interest = min(rest, loan.accruing(place))
            if interest:
                put(loan, loan.rows[place], INTEREST, interest, parts)
                rest -= interest
        elif part == PRINCIPAL:
            ahead = loan.ahead(place)
            principal = min(rest, ahead)
            if principal:
                _pay_early(loan, place, principal, ahead, loan.earned(place), parts)
                rest -= principal
        else:
            for row in loan.rows[place:]:
                owed = row.owed(PENALTY) if part == PENALTY else row.charges_ahead()
                taken = min(rest, owed)
                if taken > 0:
                    put(loan, row, part, taken, parts)
                    rest -= taken
    return rest


def _pay_rows(loan: Steps, place: int, rest: int, parts: list[int]) -> int:
    order, rows = loan.order[Timing.IN_ADVANCE] or STANDARD, loan.rows[place:]
    pairs = [(row, part) for row in rows for part in order]
    if loan.is_vertical:
        pairs = [(row, part) for part in order for row in rows]
    for row, part in pairs:
        taken = min(rest, row.owed(part))
        if taken > 0:
            put(loan, row, part, taken, parts)
            rest -= taken
    return rest


def _pay_early(
    loan: Steps, place: int, principal: int, ahead: int, earned: int, parts: list[int]
) -> None:
    row, early = loan.rows[place], loan.plan.early
    if early is not Early.NEXT_REPAYMENT and row.key[0] == INSTALMENT:
        kept = None
        if early is Early.REDUCE_COUNT:
            laid = ((one.level, one.share) for one in loan.rows[place:])
            kept = next((one for one in laid if any(one)), None)
        put(loan, row, PRINCIPAL, principal, parts)
        loan.lay_ahead(place, ahead - principal, earned, begins=loan.on, kept=kept)
        return
    for found in loan.rows[place:]:
        taken = min(principal, found.owed(PRINCIPAL))
        if taken:
            put(loan, found, PRINCIPAL, taken, parts)
            principal -= taken
    recount(loan, place, earned)
    loan.set_fees()


def recount(loan: Steps, place: int, earned: int) -> None:
    """Count interest of the rows ahead anew on what is left of principal, which stays put."""
    row = loan.rows[place]
    row.fixed, row.counted = earned, loan.on
    for index in range(place, len(loan.rows)):
        row = loan.rows[index]
        if row.slot is not None and row.due[INTEREST]:
            row.due[INTEREST] = row.fixed + loan.portion(index, row.counted, row.due_on)
