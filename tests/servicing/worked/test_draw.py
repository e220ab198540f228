"""Money drawn in parts: on one day, on a due day, as of an earlier day, at will, less a payment.

At 12 % a year from 2 March 2026; 12,000.00 yuan agreed on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from puhui.kernel import Refused
from tests.lending.second import decide, propose
from tests.lending.test_terms import share
from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import bears, half_up

SHARES = {"offered": 'equal_principal = "act/365"'}
REVOLVING = (("shifts_due_days = false", "shifts_due_days = false\nrevolving = true"),)
AT_WILL = {"offered": 'draw_at_will = "act/360"'}


def drawn(loan: Loan, amount_minor: int) -> None:
    """The borrower draws, and takes the money out of the wallet."""
    loan.do("draw", amount_minor=amount_minor)
    loan.fund(-amount_minor)


def recorded(loan: Loan, amount_minor: int, on: str) -> None:
    """Two officers record a drawing of an earlier day."""
    told: dict[str, Any] = {"amount_minor": amount_minor, "drawn_on": on}
    decide(loan.bank, propose(loan.bank, "record_drawing", contract_id=loan.id, **told).proposal_id)
    loan.fund(-amount_minor)


def test_twice_on_the_first_day(opened: Callable[[str], Lend]) -> None:
    """4,000.00 and 5,000.00 on one day bear interest as 9,000.00, in twelve shares of 750.00."""
    loan = opened("2026-03-02")("drawings = true", **SHARES, first=400_000)
    drawn(loan, 500_000)
    rows = loan.rows()
    assert [row[1] for row in rows] == [75_000] * 12
    assert rows[0][2] == half_up(bears(900_000, 31, 365))
    assert rows[1][2] == half_up(bears(825_000, 30, 365))
    loan.to("2026-03-31", closes=True)
    assert loan.books()["interest_receivable"] == half_up(bears(900_000, 29, 365))


def test_on_a_due_day(opened: Callable[[str], Lend]) -> None:
    """What is drawn on 2 April belongs to the period that begins: April's row stays as it was."""
    loan = opened("2026-03-02")("drawings = true", **SHARES, first=600_000)
    loan.to("2026-04-02")
    before = loan.rows()[0]
    assert before == ("2026-04-02", 50_000, half_up(bears(600_000, 31, 365)))
    loan.pay(before[1] + before[2])
    drawn(loan, 550_000)
    rows = loan.rows()
    assert rows[0] == before
    assert [row[1] for row in rows[1:]] == [100_000] * 11
    assert rows[1][2] == half_up(bears(1_100_000, 30, 365))
    loan.to("2026-04-30", closes=True)
    assert loan.books()["interest_receivable"] == half_up(bears(1_100_000, 28, 365))
    assert loan.books()["loan"] == 1_100_000


def test_as_of_an_earlier_day(opened: Callable[[str], Lend]) -> None:
    """6,000.00 first; on 10 May it is told that 3,300.00 were drawn on 12 April, after a payment
    of 2 April and before one of 2 May, which was what the plan then asked for.

    May's row asks for 10 days of 5,500.00 and 20 of 8,800.00, and for an eleventh of 8,800.00. What
    was paid on 2 May covers its interest and part of its share; the rest is 8 days past due, so
    that it bears penalty interest from then on.
    """
    loan = opened("2026-03-02")("drawings = true", **SHARES, first=600_000)
    loan.to("2026-04-02")
    loan.pay(50_000 + half_up(bears(600_000, 31, 365)))
    loan.to("2026-05-02", closes=True)
    may = 50_000 + half_up(bears(550_000, 30, 365))
    loan.pay(may)
    loan.to("2026-05-10")
    recorded(loan, 330_000, "2026-04-12")
    interest = half_up(bears(550_000, 10, 365)) + half_up(bears(880_000, 20, 365))
    state = loan.state()
    row = state.rows[1]
    assert (row.principal_minor, row.interest_minor) == (80_000, interest)
    assert row.principal_owed_minor == 80_000 + interest - may
    penalty = half_up(bears(80_000 + interest - may, 8, 360, Fraction(18, 100)))
    assert row.penalty_minor == penalty
    assert [one.principal_minor for one in state.rows[2:]] == [80_000] * 10
    loan.to("2026-05-10", closes=True)
    running = half_up(bears(800_000, 8, 365))
    found = loan.books()
    assert found["interest_receivable"] == running + penalty
    first = half_up(bears(600_000, 31, 365))
    assert found["interest_income"] == -(first + interest + running + penalty)
    assert found["loan"] == 880_000 - (may - interest)


def test_at_will_by_the_day(opened: Callable[[str], Lend]) -> None:
    """5,000.00 for 10 days, 8,000.00 for 20, 4,000.00 for 62: interest for days used alone."""
    loan = opened("2026-03-02")(**AT_WILL, first=500_000, servicing=REVOLVING, months=3)
    loan.to("2026-03-12")
    drawn(loan, 300_000)
    loan.to("2026-04-01")
    used = half_up(bears(500_000, 10, 360)) + half_up(bears(800_000, 20, 360))
    paid = loan.pay(500_000 + used)
    assert (paid.interest_minor, paid.principal_minor) == (used, 500_000)
    over = {"amount_minor": 900_001}
    with pytest.raises(Refused) as refused:
        loan.do("draw", **over)
    assert refused.value.code == "lending.over_agreed"
    drawn(loan, 100_000)
    loan.to("2026-06-02")
    rest = half_up(bears(400_000, 62, 360))
    state = loan.state()
    assert (state.owed_today_minor, len(state.rows)) == (400_000 + rest, 1)
    loan.pay(400_000 + rest)
    loan.to("2026-06-02", closes=True)
    assert loan.stored.status == "paid_off"
    loan.owes(loan=0, interest_income=-(used + rest))


def test_less_a_down_payment(opened: Callable[[str], Lend]) -> None:
    """20 % is asked for on the first day; eleven-twelfths of the rest bear interest from April."""
    loan = opened("2026-03-02")(f"down_payment = {share('0.2')}", **SHARES)
    rows = loan.rows()
    assert rows[0] == ("2026-03-02", 240_000, 0)
    assert [row[1] for row in rows[1:]] == [80_000] * 12
    assert rows[1][2] == half_up(bears(960_000, 31, 365))
    loan.pay(240_000)
    loan.to("2026-03-31", closes=True)
    found = loan.books()
    assert (found["loan"], found["interest_receivable"]) == (
        LENT - 240_000, half_up(bears(960_000, 29, 365)),
    )  # fmt: skip
    assert loan.stored.days_past_due == 0


def test_a_down_payment_that_does_not_come_is_late(opened: Callable[[str], Lend]) -> None:
    loan = opened("2026-03-02")(f"down_payment = {share('0.2')}", **SHARES)
    loan.to("2026-03-12", closes=True)
    assert (loan.stored.days_past_due, loan.stored.arrears_minor) == (10, 240_000 + 1_200)
    penalty = half_up(bears(240_000, 10, 360, Fraction(18, 100)))
    assert penalty == 1_200
    assert loan.books()["interest_receivable"] == half_up(bears(960_000, 10, 365)) + penalty
    assert loan.today == date(2026, 3, 12)
