"""History 由始重排: rows laid out anew from all that was drawn, changed and paid so far.

For plans whose interest does not follow payments to the day: the peer's two ways of recalculating,
and plans whose interest stands. Rows are then no state of their own but what the whole history
comes to on a day; what was paid, waived, charged and taken back stays with its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.money import round_minor
from puhui.servicing.nouns.plan import Happening, PlanEvent, Recalculation
from puhui.servicing.rules.replay.calendar import CHANGES
from puhui.servicing.rules.replay.layout import Paid, Row, lay_out_plan, raw_interest
from puhui.servicing.rules.replay.step import CHARGES, FEE, INTEREST, PENALTY, PRINCIPAL, Steps


def foresee(loan: Steps, timeline: Sequence[PlanEvent]) -> None:
    """Lay out by all that is drawn and changed by today, whenever: plans whose interest stands.

    The peer shares every payment out anew after each of them, so that what was paid before, and
    what was too much then, goes to rows that a later one made. Refused: ``servicing.bad_event``.
    """
    loan.book.changes = [event for event in timeline if event.kind in CHANGES]
    loan.book.draws = [
        (event.on, event.amount_minor, down_payment(loan, event))
        for event in timeline
        if event.kind is Happening.DRAWN
    ]


def down_payment(loan: Steps, event: PlanEvent) -> int:
    """What of a draw is paid down at once, in whole multiples. Refused: ``servicing.bad_event``."""
    plan = loan.plan
    if event.amount_minor <= 0:
        raise Refused("servicing.bad_event", "The amount taken must be above nought.")
    down = round_minor(event.amount_minor * plan.down_payment_share, plan.rounding)
    return down - down % plan.multiple_minor


def take_draw(loan: Steps, event: PlanEvent, down: int) -> None:
    """Money drawn: rows are laid out by it, unless they were already."""
    if loan.plan.recalculation is not Recalculation.NONE:
        loan.book.draws.append((event.on, event.amount_minor, down))
        relay(loan)
    elif not loan.rows:
        relay(loan)


def relay(loan: Steps) -> None:
    """Lay all rows out from the history by today. Refused: ``lending.bad_terms``."""
    loan.book.on = loan.on
    rows, loan.is_published = lay_out_plan(loan.book)
    by_key = {row.key: row for row in rows}
    for old in loan.rows:
        if old.key[0] == CHARGES:
            rows.append(old)
        else:
            _keep(old, by_key.get(old.key, rows[-1]))
    loan.rows = rows
    loan.sort_rows()


def _keep(old: Row, new: Row) -> None:
    """What was paid, waived, charged and taken back of a row is so of the one in its place."""
    for part in range(4):
        new.paid[part] += old.paid[part]
        new.waived[part] += old.waived[part]
    new.due[PENALTY] += old.due[PENALTY]
    new.due[FEE] += old.due[FEE]
    new.due[INTEREST] += old.back_interest
    new.due[PRINCIPAL] += old.back_principal
    new.back_interest += old.back_interest
    new.back_principal += old.back_principal
    new.charged += old.charged
    new.plan_fee += old.plan_fee
    new.minor_days += old.minor_days
    new.counted = max(new.counted, old.counted)
    new.in_advance += old.in_advance
    new.late += old.late
    if old.paid_on is not None:
        new.paid_on = max(new.paid_on or old.paid_on, old.paid_on)


def change(loan: Steps, event: PlanEvent) -> None:
    """A reschedule, a new rate, a moved due day, re-ageing: the history has one more of them."""
    if loan.plan.recalculation is not Recalculation.NONE:
        loan.book.changes.append(event)
        relay(loan)
        loan.set_fees()


def note(loan: Steps, row: Row, part: int, amount: int) -> None:
    """Keep in the history what a payment brought, if later interest may hang on it."""
    if part == INTEREST:
        loan.book.interest_paid.append((loan.on, amount))
    if part == PRINCIPAL:
        counts = loan.on
        if loan.plan.rests_on_due_day:
            counts = min((r.due_on for r in loan.rows if r.due_on >= loan.on), default=loan.on)
        loan.book.paid.append(Paid(row.key, loan.on, counts, amount))


def accrued(loan: Steps) -> list[int]:
    """Unpaid interest of each row up to today: all when due, none of rows that lie ahead.

    Where early money does not change interest from day to day it is all that the row asks for.
    """
    rows, on = loan.rows, loan.on
    if loan.plan.recalculation is not Recalculation.EVERY_PERIOD:
        return [row.owed(INTEREST) for row in rows]
    closed = [row.due[INTEREST] if row.due_on <= on else 0 for row in rows]
    for index, row in enumerate(rows):
        if row.starts_on < on < row.due_on and row.key[0] == 1:
            closed[index] = _interest_to(loan, row, on)
    return [
        max(0, found - row.paid[INTEREST] - row.waived[INTEREST])
        for found, row in zip(closed, rows, strict=True)
    ]


def _interest_to(loan: Steps, row: Row, on: date) -> int:
    """Interest of the running row to the day: as if its later days bore none."""
    book = loan.book
    ahead = sum(paid.amount_minor for paid in book.paid if paid.on <= on)
    rest = sum(amount - down for _, amount, down in book.draws) - ahead
    quiet = [*book.paid, Paid(row.key, on, on, max(0, rest))]
    return raw_interest(replace(book, paid=quiet, on=on, interest_paid=[]), row.key[1])


def pay_off_minor(loan: Steps) -> int:
    """What ends the loan today: everything due, charges, interest to the day, principal."""
    return sum(
        row.owed(PENALTY) + row.owed(FEE) + row.owed(PRINCIPAL)
        + max(0, min(row.owed(INTEREST), interest))
        for row, interest in zip(loan.rows, accrued(loan), strict=True)
    )  # fmt: skip
