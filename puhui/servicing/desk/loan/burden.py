"""What a person pays a month on loans here, and what it stands for as a guarantor of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from puhui.kernel.store import Row, Transaction
from puhui.servicing.arrays.live import PLAN
from puhui.servicing.rules.burden import monthly_burden
from puhui.servicing.rules.expected import MILLION
from puhui.servicing.tables import view as tables

PARTS = ("principal_minor", "interest_minor", "fee_minor", "penalty_minor")


@dataclass(frozen=True, slots=True)
class Given:
    """A guarantee that binds: the share, and of the whole loan what is outstanding and what it asks
    for a month, minor units, and the days to its last due day.
    """

    guarantee_id: str
    loan_id: str
    product: str
    currency: str
    share_millionths: int
    outstanding_minor: int
    monthly_minor: int
    days_left: int
    days_past_due: int


def burdens_of(tx: Transaction, party_id: str) -> dict[str, int]:
    """What each loan of a person asks for a month by the plan it has now, minor units."""
    rows = tx.all(tables.READ_BURDENS, party_id=party_id)
    return {row.id: burden_of(row) for row in rows}


def burden_of_loan(tx: Transaction, loan_id: str) -> int:
    """The same of one loan; 0 where it does not live here."""
    row = tx.one(tables.READ_BURDEN, loan_id=loan_id)
    return 0 if row is None else burden_of(row)


def guarantees_given(tx: Transaction, party_id: str) -> tuple[Given, ...]:
    """What a person stands for: every guarantee of a loan that lives here."""
    return tuple(
        Given(
            row.guarantee_id,
            row.id,
            row.product,
            row.currency,
            row.share_millionths,
            row.outstanding_minor,
            burden_of(row),
            row.matures_on - row.counted_on,
            row.days_past_due,
        )
        for row in tx.all(tables.READ_GIVEN, party_id=party_id)
    )


def share_of(amount_minor: int, share_millionths: int) -> int:
    """A guarantor's share of an amount, rounded up."""
    return int(-(-amount_minor * share_millionths // MILLION))


def burden_of(row: Row) -> int:
    """A month of one loan, from its columns and its plan ahead."""
    plan = np.frombuffer(row.rows, dtype=PLAN)
    owed = (
        row.owing_principal_minor
        + row.owing_interest_minor
        + row.owing_fee_minor
        + row.owing_penalty_minor
    )
    if row.number:
        ahead = plan[plan["number"] > row.number]
        owed += sum(int(ahead[name].sum()) for name in PARTS)
        owed += row.next_principal_minor + row.next_fee_minor + row.next_penalty_minor
        owed += max(0, row.next_interest_minor - row.next_interest_paid_minor)
    return monthly_burden(int(owed), int(row.matures_on - row.counted_on))
