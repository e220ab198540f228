"""From the first missed day to a recovery: age, class, stage, suspended interest, losses, books.

12,000.00 yuan at 12 % a year, interest alone each month by actual days over 365, nothing paid:
1,200,000 x 0.12 / 365 = 394.52 fen a day; months of 31 days bear 12,230 fen, of 30 days 11,836.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from puhui.kernel import Refused
from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import expected_loss

FIRST = {"offered": 'interest_first = "act/365"'}
LOSS = "0.60"
GRADES = ("0.005", "0.010", "0.020", "0.040", "0.080", "0.160")


def judged(loan: Loan) -> tuple[int, int, int, int]:
    """Days past due, bucket, class (0 is normal), stage."""
    row = loan.stored
    return row.days_past_due, row.bucket, row.risk_class, row.stage


def test_a_loan_that_nobody_pays(opened: Callable[[str], Lend]) -> None:
    """Due since 2 April 2026: 1 day late on the 3rd, 90 on 1 July, 271 on 29 December."""
    loan = opened("2026-03-02")(**FIRST)
    loan.to("2026-03-31", closes=True)
    yearly = GRADES[loan.stored.grade - 1]
    assert judged(loan) == (0, 0, 0, 1)
    lost = expected_loss(
        LENT + 11_441, yearly=yearly, loss=LOSS, horizon=12, months=12, rate="0.12", falls=False
    )
    loan.owes(
        interest_receivable=11_441, interest_income=-11_441, loan_loss=lost,
        loan_loss_allowance=-lost,
    )  # fmt: skip
    told = {
        "2026-04-02": (0, 0, 0, 1), "2026-04-03": (1, 1, 1, 1), "2026-05-02": (30, 3, 1, 1),
        "2026-05-03": (31, 3, 1, 2), "2026-06-30": (89, 4, 1, 2), "2026-07-01": (90, 5, 1, 2),
        "2026-07-02": (91, 5, 2, 3), "2026-07-31": (120, 6, 2, 3), "2026-09-30": (181, 8, 2, 3),
    }  # fmt: skip
    for day, wanted in told.items():
        loan.to(day, closes=True)
        assert judged(loan) == wanted, day
        found = loan.books()
        if day == "2026-06-30":
            assert found["interest_receivable"] == 12_230 + 11_836 + 12_230 + 11_047
        elif day >= "2026-07-01":
            assert found["interest_receivable"] == found["interest_income"] == 0, "suspended"
        if day == "2026-07-31":
            assert found["loan_loss_allowance"] == -720_000, "60 % of the principal"
        if day == "2026-09-30":
            assert found["loan_loss_allowance"] == -900_000, "75 % from 181 days on"


def given_up(opened: Callable[[str], Lend]) -> Loan:
    """The same loan on 1 October, charged off: all of it is provided for."""
    loan = opened("2026-03-02")(**FIRST)
    loan.to("2026-09-30", closes=True)
    loan.to("2026-10-01")
    loan.do("charge_off")
    loan.owes(loan=LENT, loan_loss=LENT, loan_loss_allowance=-LENT)
    return loan


def test_a_payment_after_the_charge_off_is_undone(opened: Callable[[str], Lend]) -> None:
    loan = given_up(opened)
    loan.to("2026-10-05")
    paid = loan.pay(20_000)
    assert (paid.interest_minor, paid.principal_minor) == (20_000, 0)
    loan.to("2026-10-06", closes=True)
    loan.owes(loan=LENT, interest_income=-20_000, loan_loss=LENT, loan_loss_allowance=-LENT)
    number = loan.stored.events
    loan.to("2026-10-10")
    loan.do("undo_event", number=number)
    assert loan.books()["wallet"] == -20_000, "the money is back"
    loan.fund(-20_000)
    loan.to("2026-10-10", closes=True)
    loan.owes(loan=LENT, loan_loss=LENT, loan_loss_allowance=-LENT)
    loan.do("undo_event", number=number - 1)
    loan.to("2026-10-31", closes=True)
    loan.owes(loan=LENT, loan_loss=900_000, loan_loss_allowance=-900_000)


def test_a_written_off_loan_that_is_recovered(opened: Callable[[str], Lend]) -> None:
    """On 20 October seven months of interest and 18 days are owed: 91,529 fen."""
    loan = given_up(opened)
    loan.to("2026-10-20")
    lost = loan.do("write_off")
    months = (12_230, 11_836, 12_230, 11_836, 12_230, 12_230, 11_836)
    assert (lost.written_off_minor, lost.claim_minor) == (LENT, LENT + sum(months) + 7_101)
    loan.owes(loan=0, loan_loss=LENT)
    loan.to("2026-11-02", closes=True)
    assert loan.pay(500_000).recovered_minor == 500_000
    loan.to("2026-11-30", closes=True)
    loan.owes(loan=0, loan_loss=LENT - 500_000)
    loan.fund(2_000_000)
    assert loan.do("repay", amount_minor=2_000_000).returned_minor == 2_000_000 - 791_529
    loan.owes(loan=0, loan_loss=LENT - 1_291_529)
    with pytest.raises(Refused):
        loan.do("repay", amount_minor=1)


def test_a_pause_spares_only_the_debt_that_was_due_in_it(opened: Callable[[str], Lend]) -> None:
    """Sixty days from 3 March on, of which thirty lie after the first due day."""
    loan = opened("2026-03-02")(**FIRST)
    loan.to("2026-03-03")
    loan.serve("pause_age", until="2026-05-02")
    loan.to("2026-05-01", closes=True)
    assert judged(loan) == (29, 0, 0, 1), "nothing counts while it is paused"
    loan.to("2026-07-10", closes=True)
    assert judged(loan) == (99, 4, 1, 2), "99 days late, 30 of them paused"
    loan.to("2026-08-01", closes=True)
    assert judged(loan)[3] == 3, "121 less 30 are 91"


def test_a_pause_before_anything_was_late_spares_nothing(opened: Callable[[str], Lend]) -> None:
    """Thirty days in March; the instalment of 2 May goes unpaid, that of April was paid."""
    loan = opened("2026-03-02")(**FIRST)
    loan.to("2026-03-03")
    loan.serve("pause_age", until="2026-04-02")
    loan.to("2026-04-02")
    loan.pay(12_230)
    loan.to("2026-06-02", closes=True)
    assert judged(loan) == (31, 3, 1, 2)
    loan.to("2026-08-01", closes=True)
    assert judged(loan) == (91, 5, 2, 3)


def test_a_debt_that_was_paused_and_paid_spares_not_the_next(
    opened: Callable[[str], Lend],
) -> None:
    """April's interest was late and paused for 20 days; the day's debit pays it, May's is late."""
    loan = opened("2026-03-02")(**FIRST)
    loan.to("2026-04-10", closes=True)
    loan.serve("pause_age", until="2026-04-30")
    loan.to("2026-05-03", closes=True)
    assert judged(loan) == (31, 2, 1, 1), "20 of 31 days were paused"
    loan.fund(12_230)
    loan.to("2026-05-09", closes=True)
    assert loan.books()["wallet"] == 0, "past 30 days it is asked each week: on the 37th"
    assert judged(loan) == (7, 2, 1, 1), "7 days of May's own"
