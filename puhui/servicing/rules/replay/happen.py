"""What each kind of event does to a loan that is taken from event to event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.servicing.nouns.plan import Happening, PlanEvent
from puhui.servicing.nouns.state import Share
from puhui.servicing.rules.age import with_pause
from puhui.servicing.rules.replay.allocate import PLACES
from puhui.servicing.rules.replay.anew import re_age, re_amortise, reschedule
from puhui.servicing.rules.replay.draw import draw
from puhui.servicing.rules.replay.layout import Row
from puhui.servicing.rules.replay.pay import pay
from puhui.servicing.rules.replay.step import (
    CHARGES,
    FEE,
    INSTALMENT,
    INTEREST,
    PENALTY,
    PRINCIPAL,
    Steps,
)


def take_event(loan: Steps, event: PlanEvent) -> None:
    """Bring a loan to the event's day and let it happen.

    Refused: ``servicing.nothing_drawn``, ``servicing.bad_event``, ``servicing.over_credit``,
    ``servicing.over_waived``, ``servicing.unknown_event``, ``lending.bad_terms``,
    ``lending.written_off``, ``lending.nothing_owed``, ``lending.line_closed``,
    ``servicing.charged_off``.
    """
    if not loan.rows and event.kind is not Happening.DRAWN:
        raise Refused("servicing.nothing_drawn", "No money has been drawn yet.")
    bring_to(loan, event.on)
    if loan.is_written_off and event.kind not in AFTER_WRITE_OFF:
        raise Refused("lending.written_off", "The loan is written off already.")
    if loan.is_closed and event.kind is Happening.DRAWN:
        raise Refused("lending.line_closed", "The credit line is closed.")
    TAKERS[event.kind](loan, event)


def bring_to(loan: Steps, on: date) -> None:
    """Bring a loan to a day; rows that follow payments made off their day are laid out by it."""
    loan.look(on)
    loan.count_to(on)


def _pay(loan: Steps, event: PlanEvent) -> None:
    """Take money in; a recovery is a payment like any other once the write-off was undone."""
    amount = event.amount_minor
    if event.kind is Happening.PAID_OFF and not amount:
        amount = loan.pay_off_minor()
    if loan.is_written_off:
        _recover(loan, replace(event, amount_minor=amount))
    else:
        pay(loan, event, amount)


def _recover(loan: Steps, event: PlanEvent) -> None:
    """Money on a written-off loan: recovery up to the claim, the rest is owed back."""
    recovered = min(event.amount_minor, loan.claim - loan.recovered)
    rest = event.amount_minor - recovered
    loan.recovered += recovered
    loan.credit += rest
    loan.shares.append(
        Share(event.event_id, event.on, 0, 0, 0, 0, credit_minor=rest, recovered_minor=recovered)
    )


def _refund_credit(loan: Steps, event: PlanEvent) -> None:
    if event.amount_minor > loan.credit:
        raise Refused("servicing.over_credit", "That is more than is owed back.")
    loan.credit -= event.amount_minor
    loan.shares.append(
        Share(event.event_id, event.on, 0, 0, 0, 0, credit_minor=-event.amount_minor)
    )


def _charge_back(loan: Steps, event: PlanEvent) -> None:
    """Money of a payment was taken back: its parts are owed again, those paid last come first.

    They fall due with the row that falls due next, or today where none does; credit goes first.
    """
    paid = next((share for share in loan.shares if share.event_id == event.undoes), None)
    if paid is None:
        raise Refused("servicing.unknown_event", "There is no such payment to take back.")
    taken = loan.taken_back.get(paid.event_id, 0)
    back = _taken_back(paid, event.amount_minor, taken)
    if back[-1] > loan.credit:
        raise Refused("servicing.over_credit", "What was beyond the loan was given back already.")
    loan.taken_back[paid.event_id] = taken + event.amount_minor
    if not any(back[:4]):
        loan.credit -= back[-1]
        loan.shares.append(Share(event.event_id, event.on, 0, 0, 0, 0, -back[-1]))
        return
    place = loan.running()
    earned = 0
    if not loan.ways.at_once:
        _owe_again(loan, event, back)
        return
    if place is None:
        row = _charges_row(loan, event.on)
    else:
        row, earned = loan.rows[place], loan.earned(place)
    penalty, fee, interest, principal, credit = back
    row.due[PENALTY] += penalty
    row.charged += penalty
    row.due[FEE] += fee
    row.due[PRINCIPAL] += principal
    row.paid_on = None
    if place is not None:
        row.fixed, row.counted = earned + interest, loan.on
        if loan.is_flat:
            row.due[INTEREST] += interest
        else:
            row.due[INTEREST] = row.fixed + loan.portion(place, loan.on, row.due_on)
    else:
        row.due[INTEREST] += interest
    loan.credit -= credit
    loan.first = 0
    loan.shares.append(
        Share(event.event_id, event.on, -principal, -interest, -fee, -penalty, -credit)
    )


def _owe_again(loan: Steps, event: PlanEvent, back: tuple[int, int, int, int, int]) -> None:
    """The parts of a payment that was taken back, asked for whatever rows are laid out later."""
    penalty, fee, interest, principal, credit = back
    row = next((row for row in loan.rows if row.due_on >= event.on), loan.rows[-1])
    row.due = [owed + more for owed, more in zip(row.due, back[:4], strict=True)]
    row.charged += penalty
    row.back_interest += interest
    row.back_principal += principal
    row.paid_on = None
    loan.credit -= credit
    loan.first = 0
    loan.shares.append(
        Share(event.event_id, event.on, -principal, -interest, -fee, -penalty, -credit)
    )


def _taken_back(paid: Share, amount: int, taken: int) -> tuple[int, int, int, int, int]:
    """Penalty, fee, interest, principal and credit of ``amount`` of a payment, the last first."""
    if not 0 < amount <= paid.total_minor - paid.recovered_minor - taken:
        raise Refused("servicing.bad_event", "No more is taken back than was paid.")
    found, rest, skip = [], amount, taken
    for part in (paid.credit_minor, paid.principal_minor, paid.interest_minor, paid.fee_minor,
                 paid.penalty_minor):  # fmt: skip
        left = max(0, part - skip)
        skip = max(0, skip - part)
        found.append(min(rest, left))
        rest -= found[-1]
    credit, principal, interest, fee, penalty = found
    return penalty, fee, interest, principal, credit


def _charges_row(loan: Steps, day: date) -> Row:
    """The row of charges after the last instalment, falling due on ``day`` at the earliest."""
    for row in loan.rows:
        if row.key[0] == CHARGES and row.due_on >= day:
            return row
    row = Row((CHARGES, len(loan.rows)), min(day, loan.rows[-1].due_on), day, counted=day)
    loan.rows.append(row)
    loan.sort_rows()
    return row


def _charge_fee(loan: Steps, event: PlanEvent) -> None:
    """A fee falls due with the instalment due on or after its day, else on that day."""
    _check_amount(event)
    day = event.due_on or event.on
    if loan.ways.at_once:
        day = max(day, event.on)
    _row_due(loan, day).due[FEE] += event.amount_minor
    loan.first = 0


def _row_due(loan: Steps, day: date) -> Row:
    """The instalment due on or after ``day``, else the row of charges after the last."""
    row = next((r for r in loan.rows if r.key[0] == INSTALMENT and r.due_on >= day), None)
    return row or _charges_row(loan, day)


def _charge_penalty(loan: Steps, event: PlanEvent) -> None:
    """A penalty is owed at once: with the oldest row that is past due or due, else by itself."""
    _check_amount(event)
    if not loan.ways.at_once:
        row = _row_due(loan, event.due_on or event.on)
    else:
        owing = [row for row in loan.rows if row.due_on <= loan.on and row.owed_all]
        row = owing[0] if owing else _charges_row(loan, loan.on)
    row.charged += event.amount_minor
    row.due[PENALTY] += event.amount_minor
    loan.first = 0


def _charge_late_fee(loan: Steps, event: PlanEvent) -> None:
    """A penalty for the instalment of ``due_on``, unless all of it came within the days of grace.

    So it goes where that is told afterwards: by a payment recorded on the day on which it came.
    """
    for row in loan.rows:
        if row.key[0] == INSTALMENT and row.due_on == event.due_on:
            last = row.due_on + timedelta(days=loan.plan.grace_days)
            is_paid = row.owed(PRINCIPAL) + row.owed(INTEREST) <= 0
            if is_paid and row.paid_on is not None and row.paid_on <= last:
                return
    _charge_penalty(loan, event)


def _check_amount(event: PlanEvent) -> None:
    if event.amount_minor <= 0:
        raise Refused("servicing.bad_event", "The amount must be above nought.")


def _waive(loan: Steps, event: PlanEvent) -> None:
    """Take a part off what is owed, the oldest row first; interest ahead only as far as earned."""
    _check_amount(event)
    rest, part = event.amount_minor, PLACES[event.part]
    place = loan.running()
    earned = 0 if place is None else loan.earned(place)
    waived = 0
    for index, row in enumerate(loan.rows):
        owed = row.owed(part)
        is_earned = part == INTEREST and loan.ways.at_once and not loan.is_flat
        if is_earned and place is not None and index >= place:
            owed = loan.accruing(place) if index == place else 0
        taken = min(rest, max(0, owed))
        row.waived[part] += taken
        rest, waived = rest - taken, waived + taken
    if rest:
        raise Refused("servicing.over_waived", "That is more than is owed of this part.")
    if part == PRINCIPAL:
        loan.shares.append(Share(event.event_id, event.on, waived, 0, 0, 0))
        is_laid = loan.is_flat or not loan.ways.tops
        if place is not None and not is_laid and loan.rows[place].key[0] == INSTALMENT:
            loan.lay_ahead(place, loan.ahead(place), earned, begins=loan.on)
    while loan.first < len(loan.rows) and not loan.rows[loan.first].owed_all:
        if loan.rows[loan.first].due_on > loan.on:
            break
        loan.first += 1


def _write_off(loan: Steps, event: PlanEvent) -> None:
    """End the asset 核销: outstanding principal is written off; the claim on the obligor lives."""
    outstanding = sum(row.owed(PRINCIPAL) for row in loan.rows)
    if not outstanding:
        raise Refused("lending.nothing_owed", "There is no principal to write off.")
    loan.claim = loan.pay_off_minor()
    loan.written_off, loan.is_written_off = outstanding, True
    loan.shares.append(Share(event.event_id, event.on, outstanding, 0, 0, 0))


def _pause(loan: Steps, event: PlanEvent) -> None:
    """Days past due are not counted from today until ``due_on``, that day not included."""
    until = event.due_on
    if until is None or until <= event.on:
        raise Refused("servicing.bad_event", "A pause ends on a later day.")
    loan.pauses = with_pause(loan.pauses, event.on.toordinal(), until.toordinal())


def _resume(loan: Steps, event: PlanEvent) -> None:
    loan.pauses = with_pause(loan.pauses, event.on.toordinal(), event.on.toordinal())


def _close(loan: Steps, event: PlanEvent) -> None:
    """End a credit line 额度关闭: nothing is drawn any more; what is owed is repaid as agreed."""
    if not loan.plan.is_revolving:
        raise Refused("servicing.bad_event", "Only a loan that is drawn at will is closed.")
    loan.is_closed = True


def _charge_off(loan: Steps, event: PlanEvent) -> None:
    """Give a loan up in the books 核减: what is owed and how it falls due stays as it is."""
    if loan.is_charged_off:
        raise Refused("servicing.charged_off", "This loan is charged off already.")
    loan.is_charged_off = True


Taker = Callable[[Steps, PlanEvent], None]


def _reschedule(loan: Steps, event: PlanEvent) -> None:
    """A change from a due day on; where it was foreseen the rows know of it already."""
    if not loan.ways.foresees:
        reschedule(loan, event)


AFTER_WRITE_OFF = (
    Happening.REPAID,
    Happening.PAID_OFF,
    Happening.GOODWILL,
    Happening.MERCHANT_REFUNDED,
    Happening.RECOVERED,
    Happening.CREDIT_REFUNDED,
)
TAKERS: dict[Happening, Taker] = {
    Happening.DRAWN: draw,
    Happening.REPAID: _pay,
    Happening.PAID_OFF: _pay,
    Happening.GOODWILL: _pay,
    Happening.MERCHANT_REFUNDED: _pay,
    Happening.RECOVERED: _pay,
    Happening.CREDIT_REFUNDED: _refund_credit,
    Happening.CHARGED_BACK: _charge_back,
    Happening.FEE_CHARGED: _charge_fee,
    Happening.PENALTY_CHARGED: _charge_penalty,
    Happening.LATE_FEE_CHARGED: _charge_late_fee,
    Happening.WAIVED: _waive,
    Happening.RESCHEDULED: _reschedule,
    Happening.RATE_CHANGED: _reschedule,
    Happening.DUE_DAY_MOVED: _reschedule,
    Happening.RE_AGED: re_age,
    Happening.RE_AMORTISED: re_amortise,
    Happening.WRITTEN_OFF: _write_off,
    Happening.CHARGED_OFF: _charge_off,
    Happening.PAUSED: _pause,
    Happening.RESUMED: _resume,
    Happening.CLOSED: _close,
}
"""One function for each kind that happens; what is undone never reaches them."""
