"""Draws 提款: the first lays a loan out, each later one what lies ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.servicing.nouns.plan import PlanEvent, Recalculation
from puhui.servicing.nouns.terms import Method
from puhui.servicing.rules.level import lay_out
from puhui.servicing.rules.period import due_days, factors
from puhui.servicing.rules.replay.calendar import Slot
from puhui.servicing.rules.replay.history import down_payment, take_draw
from puhui.servicing.rules.replay.layout import Book, Row, is_plain, lay_out_plan
from puhui.servicing.rules.replay.pay import pay
from puhui.servicing.rules.replay.step import INSTALMENT, PRINCIPAL, Steps


def draw(loan: Steps, event: PlanEvent) -> None:
    """Take money: the first draw lays the loan out, a later one what lies ahead.

    Refused: ``servicing.bad_event``, ``lending.bad_terms`` after the last due day.
    """
    plan, down = loan.plan, down_payment(loan, event)
    if loan.follows_history:
        take_draw(loan, event, down)
    elif not loan.rows:
        _lay_out(loan, event, down)
    else:
        place = loan.running()
        if place is None or loan.rows[place].key[0] != INSTALMENT:
            raise Refused("lending.bad_terms", "Money must be taken within the term.")
        lent = loan.ahead(place) + event.amount_minor - down
        loan.lay_anew(place, lent, loan.earned(place), begins=loan.on)
        if down:
            _add_down(loan, event.on, down)
    loan.drawn.append((event.on, event.amount_minor))
    loan.set_fees()
    if down and plan.pays_down_by_itself:
        pay(loan, replace(event, event_id=f"{event.event_id}/down"), down)


def _lay_out(loan: Steps, event: PlanEvent, down: int) -> None:
    plan, starts_on = loan.plan, loan.plan.starts_on or event.on
    loan.anchor_day = plan.anchor_day or starts_on.day
    if not is_plain(plan):
        laid = replace(plan, recalculation=Recalculation.NONE)
        loan.rows, loan.is_published = lay_out_plan(
            Book(laid, [(event.on, event.amount_minor, down)], [], [], event.on)
        )
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
        slot = Slot(start, due, plan.annual_rate)
        level, share = (first, 0) if is_level else (0, columns[0][0])
        row = Row((INSTALMENT, place), start, due, slot, level, share)
        row.counted, row.due = start, [0, 0, interest, principal]
        loan.rows.append(row)
        start = due


def _add_down(loan: Steps, on: date, down: int) -> None:
    row = Row((0, len(loan.drawn)), on, on, counted=on)
    row.due[PRINCIPAL] = down
    loan.rows.append(row)
    loan.sort_rows()
