"""Draws 提款: the first lays a loan out, each later one what lies ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.servicing.nouns.plan import Early, Happening, Interest, Plan, PlanEvent, Recalculation
from puhui.servicing.nouns.terms import Method
from puhui.servicing.rules.level import lay_out
from puhui.servicing.rules.period import due_days, factors
from puhui.servicing.rules.replay.anew import reschedule
from puhui.servicing.rules.replay.calendar import Slot, slots_of
from puhui.servicing.rules.replay.carry import drop_empty
from puhui.servicing.rules.replay.layout import Course, Row, Stand, is_plain, lay_ahead
from puhui.servicing.rules.replay.pay import pay
from puhui.servicing.rules.replay.step import INSTALMENT, PRINCIPAL, Steps
from puhui.servicing.rules.replay.ways import WAYS, Overdue

FROM_A_DUE_DAY = (Happening.RESCHEDULED, Happening.RATE_CHANGED, Happening.DUE_DAY_MOVED)
"""The changes that name the due day they start at."""


def foresee(loan: Steps, timeline: Sequence[PlanEvent]) -> None:
    """Lay out all that is drawn and changed, each on its day, before any money is shared out.

    So the peer does where interest stands: it shares every payment out anew after each of them, so
    that what was paid before, and what was too much then, goes to rows that a later one made.
    Refused: ``servicing.bad_event``, ``lending.bad_terms``.
    """
    for event in timeline:
        loan.on = event.on
        if event.kind is Happening.DRAWN:
            _lay_draw(loan, event, down_payment(loan.plan, event.amount_minor))
        elif event.kind in FROM_A_DUE_DAY and loan.rows:
            reschedule(loan, event)
    loan.on, loan.first = date.min, 0


def down_payment(plan: Plan, amount_minor: int) -> int:
    """What of a draw is paid down at once, in whole multiples. Refused: ``servicing.bad_event``."""
    if amount_minor <= 0:
        raise Refused("servicing.bad_event", "The amount taken must be above nought.")
    down = round_minor(amount_minor * plan.down_payment_share, plan.rounding)
    return down - down % plan.multiple_minor


def draw(loan: Steps, event: PlanEvent) -> None:
    """Take money: the first draw lays the loan out, a later one what lies ahead.

    Refused: ``servicing.bad_event``, ``lending.bad_terms`` after the last due day.
    """
    plan, down = loan.plan, down_payment(loan.plan, event.amount_minor)
    if not loan.ways.foresees:
        _lay_draw(loan, event, down)
    loan.drawn.append((event.on, event.amount_minor))
    loan.set_fees()
    if down and plan.pays_down_by_itself:
        pay(loan, replace(event, event_id=f"{event.event_id}/down"), down)


def _lay_draw(loan: Steps, event: PlanEvent, down: int) -> None:
    """Lay out what lies ahead with money drawn today."""
    amount = event.amount_minor - down
    if not loan.rows:
        loan.draws.append((event.on, event.amount_minor))
        _lay_out(loan, event, down)
        return
    place = loan.running()
    if loan.ways.joins and loan.plan.joins_due_day:
        due = (
            index
            for index, row in enumerate(loan.rows)
            if row.key[0] == INSTALMENT and row.due_on >= loan.on
        )
        place = next(due, None)
    if place is None or loan.rows[place].key[0] != INSTALMENT:
        raise Refused("lending.bad_terms", "Money must be taken within the term.")
    fixed = loan.earned(place) if loan.ways.tops else 0
    if not loan.ways.tops:
        loan.count_interest(place)
        loan.open = loan.rows[place].key[1]
    loan.draws.append((event.on, event.amount_minor))
    loan.lay_ahead(place, loan.to_lay(place) + amount, fixed, begins=loan.on)
    if down:
        row = Row((0, len(loan.draws) - 1), event.on, event.on, counted=event.on)
        row.due[PRINCIPAL] = down
        loan.rows.append(row)
        loan.sort_rows()


def first_rows(
    plan: Plan, starts_on: date, amount_minor: int, down_minor: int
) -> tuple[list[Row], list[Slot], bool]:
    """The rows of money drawn on a day: instalments, a down payment before them.

    Also periods that are not needed, and whether all holidays are known.
    Refused: ``lending.bad_terms``.
    """
    if plan.rounding not in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        raise Refused("lending.bad_terms", "Interest is rounded half up or half to even.")
    ways = WAYS[plan.recalculation]
    if plan.interest is Interest.FLAT and ways.overdue is not Overdue.NEVER:
        raise Refused("lending.bad_terms", "Flat interest does not follow what is repaid.")
    slots, is_published = slots_of(plan, plan.starts_on or starts_on)
    joins = plan.joins_due_day
    rows: list[Row] = []
    while slots and (slots[0].due_on < starts_on or (slots[0].due_on == starts_on and not joins)):
        slot = slots.pop(0)
        rows.append(Row((INSTALMENT, len(rows)), slot.starts_on, slot.due_on, slot))
        rows[-1].counted, rows[-1].course = slot.starts_on, Course()
    if not slots:
        raise Refused("lending.bad_terms", "Money must be taken within the term.")
    first = Row((INSTALMENT, len(rows)), starts_on, slots[0].due_on, counted=starts_on)
    opens = rows[0].slot if rows else None
    made = lay_ahead(
        plan,
        WAYS[Recalculation.NONE],
        Stand(
            starts_on, len(rows), slots, amount_minor - down_minor, first, Course(),
            opens or slots[0], lent=[(starts_on, amount_minor)],
        ),
    )  # fmt: skip
    made[0].counted = starts_on
    rows += made
    spare: list[Slot] = []
    if plan.early is Early.REDUCE_COUNT or plan.fixed_minor:
        spare = drop_empty(rows)
    if down_minor:
        row = Row((0, 0), starts_on, starts_on)
        row.due[PRINCIPAL] = down_minor
        place = sum(one.due_on < starts_on for one in rows)
        rows.insert(place, row)
    return rows, spare, is_published


def _lay_out(loan: Steps, event: PlanEvent, down: int) -> None:
    plan, starts_on = loan.plan, loan.plan.starts_on or event.on
    loan.anchor_day = plan.anchor_day or starts_on.day
    if not (is_plain(plan) and loan.ways.beside):
        loan.rows, spare, loan.is_published = first_rows(plan, event.on, event.amount_minor, down)
        loan.open = next(
            row.key[1] for row in loan.rows if row.key[0] == INSTALMENT and row.counted == event.on
        )
        if not loan.ways.beside or plan.regains_rows:
            loan.spare = spare
        return
    days, loan.is_published = due_days(plan, starts_on)
    if plan.method is Method.DRAW_AT_WILL:
        days = days[-1:]
    numerators, denominator = factors(plan, starts_on, days)
    columns = lay_out(
        plan.method, event.amount_minor, numerators, denominator, plan.rounding,
        plan.adjusts_instalment, plan.cuts_shares,
    )  # fmt: skip
    start = starts_on
    is_level = plan.method is Method.EQUAL_INSTALMENT
    first = columns[0][0] + columns[1][0]
    for place, (due, principal, interest) in enumerate(zip(days, *columns, strict=True)):
        steps = plan.count - len(days) + place + 1
        slot = Slot(start, due, plan.annual_rate, origin=starts_on, steps=steps)
        level, share = (first, 0) if is_level else (0, columns[0][0])
        row = Row((INSTALMENT, place), start, due, slot, level, share)
        row.counted, row.due = start, [0, 0, interest, principal]
        loan.rows.append(row)
        start = due
