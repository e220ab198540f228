"""Expected losses of IFRS 9 by hand: twelve months and lifetime, changes posted, stages and back.

12,000.00 yuan at 12 % a year. Figures that are dated data: chances of default within a year of
loans past due are 0.05 from 1 day on, 0.10 from 3, 0.30 from 30, 0.55 from 60; 60 % are lost.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.servicing.worked.loan import LENT, Lend
from tests.servicing.worked.reckon import expected_loss

FIRST = {"offered": 'interest_first = "act/365"'}
GRADES = ("0.005", "0.010", "0.020", "0.040", "0.080", "0.160")


def lost(exposure: int, yearly: str, horizon: int, months: int, *, falls: bool = False) -> int:
    return expected_loss(
        exposure, yearly=yearly, loss="0.60", horizon=horizon, months=months, rate="0.12",
        falls=falls,
    )  # fmt: skip


def test_what_is_past_due_outlives_the_last_due_day(opened: Callable[[str], Lend]) -> None:
    """Three months of interest are paid, the principal of 2 June is not.

    It bears 1.5 x 12 % / 360 x 1,200,000 = 600 fen a day. On 30 June it is 28 days late, on 31
    July 59: its chance of default within a year is looked at, not a twelfth of it because the
    contract has run out.
    """
    loan = opened("2026-03-02")(**FIRST, months=3)
    for day, interest in (("2026-04-02", 12_230), ("2026-05-02", 11_836), ("2026-06-02", 12_230)):
        loan.to(day)
        loan.pay(interest)
    loan.to("2026-06-30", closes=True)
    assert (loan.stored.days_past_due, loan.stored.stage) == (28, 1)
    yearly = max(GRADES[loan.stored.grade - 1], "0.10")
    first = lost(LENT + 16_800, yearly, 12, 12)
    assert loan.books()["loan_loss_allowance"] == -first
    loan.to("2026-07-31", closes=True)
    assert (loan.stored.days_past_due, loan.stored.stage) == (59, 2)
    second = lost(LENT + 35_400, "0.30", 12, 12)
    assert loan.books()["loan_loss_allowance"] == -second
    assert second > LENT // 6, "with three in ten expected to default"


def test_stages_go_up_and_back_and_only_changes_are_posted(opened: Callable[[str], Lend]) -> None:
    """Twelve equal shares of 100,000; two are missed, then paid: stage two, and one again."""
    loan = opened("2026-03-02")(offered='equal_principal = "act/365"')
    loan.to("2026-03-31", closes=True)
    own = GRADES[loan.stored.grade - 1]
    march = lost(LENT + 11_441, own, 12, 12, falls=True)
    assert loan.books()["loan_loss_allowance"] == -march
    loan.to("2026-04-30", closes=True)
    # Due on 2 April: 100,000 and 12,230; 28 days of 1,100,000, and of 50 fen penalty a day.
    exposure = LENT + 12_230 + 10_126 + 28 * 50
    april = lost(exposure, max(own, "0.10"), 12, 12, falls=True)
    assert loan.books()["loan_loss_allowance"] == -april
    assert (loan.stored.stage, loan.stored.matures_on - loan.today.toordinal()) == (1, 306)
    loan.to("2026-05-31", closes=True)
    assert (loan.stored.days_past_due, loan.stored.stage) == (59, 2)
    before = loan.books()
    may = lost(before["interest_receivable"] + LENT, max(own, "0.30"), 12, 12, falls=True)
    assert before["loan_loss_allowance"] == -may
    loan.to("2026-05-31", closes=True)
    assert loan.books() == before, "a day that is run twice posts nothing"
    loan.to("2026-06-02")
    owed = loan.state().owed_today_minor
    loan.pay(owed)
    loan.to("2026-06-30", closes=True)
    assert (loan.stored.days_past_due, loan.stored.stage, loan.stored.outstanding_minor) == (
        0, 1, LENT - 300_000,
    )  # fmt: skip
    # 28 days of 900,000; 245 days are left, nine months begun.
    june = lost(900_000 + 8_285, own, 9, 9, falls=True)
    found = loan.books()
    assert found["loan_loss_allowance"] == -june
    assert found["loan_loss"] == june, "all that was posted in between comes to that"
    assert june < march < april < may
