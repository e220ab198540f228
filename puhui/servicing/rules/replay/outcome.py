"""Rows and state as nouns, from what a replay has worked out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from puhui.servicing.nouns.state import PlanRow, PlanState
from puhui.servicing.rules.replay.layout import Row
from puhui.servicing.rules.replay.step import PRINCIPAL, Steps


def plan_row(number: int, row: Row, balance: int, paid_on: date | None) -> PlanRow:
    """A row as a noun; ``balance`` is principal once it is paid."""
    penalty, fee, interest, principal = row.due
    penalty_paid, fee_paid, interest_paid, principal_paid = row.paid
    waived = row.waived
    slot = row.slot
    return PlanRow(
        number,
        row.starts_on,
        row.due_on,
        row.key[0] == 0,
        principal,
        interest,
        fee,
        penalty,
        principal_paid,
        interest_paid,
        fee_paid,
        penalty_paid,
        sum(waived),
        row.in_advance,
        row.late,
        balance,
        paid_on,
        waived[3],
        waived[2],
        waived[1],
        waived[0],
        row.charged,
        row.counted,
        row.minor_days,
        Decimal(0) if slot is None else slot.annual_rate,
        False if slot is None else slot.is_broken,
        1 if slot is None else slot.periods,
    )


def plan_state(loan: Steps) -> PlanState:
    """A loan taken from event to event as a noun, as it stands on its last day."""
    balance = sum(row.due[PRINCIPAL] for row in loan.rows)
    rows = []
    for number, row in enumerate(loan.rows, start=1):
        balance -= row.due[PRINCIPAL]
        rows.append(plan_row(number, row, balance, None if row.owed_all else row.paid_on))
    place = None if loan.is_written_off else loan.running()
    return PlanState(
        loan.plan,
        loan.on,
        tuple(rows),
        tuple(loan.drawn),
        tuple(loan.shares),
        loan.credit,
        loan.is_published,
        loan.annual_rate,
        0 if place is None or loan.ways.by_row else loan.accruing(place),
        loan.is_written_off,
        loan.written_off,
        loan.claim,
        loan.recovered,
        loan.pauses,
        loan.is_closed,
        loan.is_charged_off,
        loan.penalty.annual_rate,
        loan.penalty.looks_back(loan.rows),
    )
