"""New plans 重组 for loans that run: rescheduled, aged anew, spread anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.servicing.nouns.plan import PlanEvent
from puhui.servicing.rules.period import COUNT_MAX, open_day
from puhui.servicing.rules.replay.calendar import Slot, next_due
from puhui.servicing.rules.replay.step import (
    FEE,
    INSTALMENT,
    INTEREST,
    PENALTY,
    PRINCIPAL,
    Steps,
)


def reschedule(loan: Steps, event: PlanEvent) -> None:
    """Lay out anew from a due day on: it moves, rows are added or pause, the rate changes.

    A new rate alone, without a due day, counts from the day of the event.
    """
    place = _place_of(loan, event)
    running = loan.running()
    instalments = [row for row in loan.rows[place:] if row.key[0] == INSTALMENT]
    slots = [row.slot for row in instalments if row.slot is not None]
    if event.annual_rate is not None:
        free = max(0, loan.plan.interest_free - instalments[0].key[1])
        if loan.is_flat and not loan.ways.tops and event.due_on is None:
            free = max(free, 1)  # flat interest counts whole periods: the next one has the new rate
        slots[free:] = [replace(slot, annual_rate=event.annual_rate) for slot in slots[free:]]
    if event.moved_to is not None:
        loan.anchor_day = event.moved_to.day
        slots = _moved(loan, slots, event.moved_to)
    more = event.count + event.grace
    if len(loan.rows) + more > COUNT_MAX or event.count < 0 or event.grace < 0:
        raise Refused("lending.bad_terms", f"{len(loan.rows) + more} rows cannot be planned.")
    slots += _following(loan, slots[-1], more)
    slots[: event.grace] = [replace(slot, has_grace=True) for slot in slots[: event.grace]]
    is_running = place == running
    fixed, begins = 0, None
    if loan.ways.tops:
        fixed = loan.earned(place) if is_running else loan.rows[place].fixed
        begins = loan.on if is_running else None
    else:
        slots[0] = replace(slots[0], is_new=True)
        if is_running and event.due_on is None:
            loan.count_interest(place)
    lent = loan.to_lay(place)
    if event.annual_rate is not None:
        loan.change_rate(event.annual_rate, None if is_running else loan.rows[place].starts_on)
    loan.lay_ahead(place, lent, fixed, begins=begins, slots=slots)


def _place_of(loan: Steps, event: PlanEvent) -> int:
    """The row that a change starts at. Refused: ``servicing.bad_event``."""
    running = loan.running()
    if running is None or loan.rows[running].key[0] != INSTALMENT:
        raise Refused("servicing.bad_event", "Every instalment is due already.")
    if event.due_on is None and event.moved_to is None:
        return running
    for place in range(running, len(loan.rows)):
        row = loan.rows[place]
        if row.key[0] == INSTALMENT and row.due_on == event.due_on:
            if event.moved_to is not None and event.moved_to <= max(loan.on, row.starts_on):
                break
            return place
    raise Refused("servicing.bad_event", "No instalment to come falls due on that day.")


def _moved(loan: Steps, slots: list[Slot], first: date) -> list[Slot]:
    """Periods of which the first ends on another day, and the later ones follow it."""
    found, start = [], slots[0].starts_on
    plan = replace(loan.plan, anchor_day=None) if loan.plan.keeps_due_days else loan.plan
    for number, slot in enumerate(slots):
        due = _open_day(loan, first if number == 0 else next_due(plan, first, number))
        is_broken = loan.ways.breaks and number == 0
        moved = replace(slot, starts_on=start, due_on=due, is_broken=is_broken)
        found.append(replace(moved, origin=first, steps=number))
        start = due
    return found


def _following(loan: Steps, last: Slot, count: int) -> list[Slot]:
    """``count`` more periods after ``last``, on the day of the month that the loan keeps."""
    plan = replace(loan.plan, anchor_day=loan.anchor_day)
    origin, steps = (last.origin, last.steps) if plan.keeps_due_days else (last.due_on, 0)
    found, start = [], last.due_on
    for number in range(steps + 1, steps + count + 1):
        due = _open_day(loan, next_due(plan, origin, number))
        found.append(Slot(start, due, last.annual_rate, origin=origin, steps=number))
        start = due
    return found


def _open_day(loan: Steps, day: date) -> date:
    found = open_day(loan.plan, day)
    loan.is_published = loan.is_published and found.is_published
    return found.day


def re_age(loan: Steps, event: PlanEvent) -> None:
    """Everything owed starts anew: ``count`` rows, the first due on ``due_on``.

    Unpaid interest, fees and penalties fall due with the first of them and bear no interest.
    """
    first, count = event.due_on, event.count
    if first is None or first <= loan.on or not 1 <= count <= COUNT_MAX - len(loan.rows):
        raise Refused("lending.bad_terms", "A re-aged loan needs new days to fall due on.")
    loan.anchor_day = first.day
    place = loan.running()
    lent, charges = _gather(loan, place)
    if not lent and not sum(charges):
        raise Refused("lending.nothing_owed", "Nothing is owed on this loan.")
    if place is not None:
        _cut_short(loan, place)
    due_on, rate = _open_day(loan, first), loan.annual_rate
    opening = Slot(loan.on, due_on, rate, is_broken=True, origin=first)
    slots = [opening, *_following(loan, opening, count - 1)]
    loan.lay_ahead(len(loan.rows), lent, charges[INTEREST], slots=slots)
    _ask_for(loan, opening.due_on, charges)


def re_amortise(loan: Steps, event: PlanEvent) -> None:
    """Everything past due or due is spread over the rows ahead, on their due days."""
    place = loan.running()
    if place is None or loan.rows[place].key[0] != INSTALMENT:
        raise Refused("servicing.bad_event", "Every instalment is due already.")
    earned = loan.earned(place)
    lent, charges = _gather(loan, place, keeps_running=True)
    due_on = loan.rows[place].due_on
    if loan.ways.tops:
        charges[INTEREST] += earned
    loan.lay_ahead(place, lent, charges[INTEREST], begins=loan.on)
    _ask_for(loan, due_on, charges)


def _gather(
    loan: Steps, place: int | None, *, keeps_running: bool = False
) -> tuple[int, list[int]]:
    """All principal owed, and the other parts past due; rows that are due ask for no more of it.

    Unless the running row keeps it, its interest to the day is among the parts.
    """
    lent, charges = 0, [0, 0, 0, 0]
    for index, row in enumerate(loan.rows):
        if place is not None and index >= place:
            lent += row.owed(PRINCIPAL)
            continue
        lent += row.owed(PRINCIPAL)
        for part in (PENALTY, FEE, INTEREST):
            charges[part] += row.owed(part)
        for part in range(4):
            row.due[part] = row.paid[part] + row.waived[part]
        row.charged, row.minor_days = row.due[PENALTY], 0
    if place is not None and not keeps_running:
        charges[INTEREST] += loan.accruing(place)
        for row in loan.rows[place:]:
            charges[PENALTY] += row.owed(PENALTY)
            charges[FEE] += row.charges_ahead()
    return lent, charges


def _cut_short(loan: Steps, place: int) -> None:
    """End the running row today with what was paid of it; rows after it, paid ahead, keep that."""
    kept = []
    for row in loan.rows[place:]:
        for part in range(4):
            row.due[part] = row.paid[part] + row.waived[part]
        row.charged, row.minor_days = row.due[PENALTY], 0
        if sum(row.due):
            row.due_on = loan.on
            kept.append(row)
    loan.rows[place:] = kept


def _ask_for(loan: Steps, due_on: date, charges: list[int]) -> None:
    """Let fees and penalties that were past due fall due with a row ahead."""
    row = next(row for row in loan.rows if row.due_on == due_on and row.key[0] == INSTALMENT)
    row.due[FEE] += charges[FEE]
    row.due[PENALTY] += charges[PENALTY]
    row.charged += charges[PENALTY]
    loan.first = 0
