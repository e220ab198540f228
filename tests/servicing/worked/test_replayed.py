"""What happened in another order than it was told, worked out as if it had been known all along.

12,000.00 yuan at 12 % a year by actual days over 365, from 2 March 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest

from puhui.kernel import Refused
from tests.lending.test_terms import figure
from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import bears, half_up

SHARES = {"offered": 'equal_principal = "act/365"'}
NINE = Fraction(9, 100)


def code(loan: Loan, name: str, **told: object) -> str:
    with pytest.raises(Refused) as refused:
        loan.do(name, **told)
    return refused.value.code


def test_a_payment_before_a_new_rate_on_a_loan_with_grace_and_a_waived_fee(
    opened: Callable[[str], Lend],
) -> None:
    """Two periods without principal. On 20 April 9 % from then on, a fee of 7.00, waived on the
    25th; on 30 April it is found that 1,500.00 came on 10 April, eight days into the second period.

    Then: 8 days of 12,000.00 at 12 % were paid first (3,156 fen), the rest is principal; 10 days of
    what is left at 12 %, 12 days at 9 % fall due on 2 May; then ten shares of what is left.
    """
    loan = opened("2026-03-02")(f"grace_principal = {figure('2', 'period')}", **SHARES)
    loan.to("2026-04-02")
    loan.pay(12_230)
    loan.to("2026-04-20", closes=True)
    loan.do("change_rate", annual_rate="0.09")
    loan.do("charge_fee", amount_minor=700)
    assert loan.state().rows[1].fee_minor == 700
    loan.to("2026-04-25")
    loan.do("waive", amount_minor=700, part="fee")
    loan.to("2026-04-29", closes=True)
    assert loan.books()["interest_receivable"] == 7_101 + half_up(bears(LENT, 9, 365, NINE))
    loan.to("2026-04-30")
    loan.fund(150_000)
    loan.do("record_payment", amount_minor=150_000, paid_on="2026-04-10")
    early = 150_000 - 3_156
    left = LENT - early
    to_rate, after = half_up(bears(left, 10, 365)), half_up(bears(left, 12, 365, NINE))
    second = loan.state().rows[1]
    assert (second.due_minor, second.paid_minor, second.waived_minor) == (
        150_000 + to_rate + after + 700, 150_000, 700,
    )  # fmt: skip
    assert second.owed_minor == to_rate + after
    share, balance = left // 10, left
    start = date(2026, 5, 2)
    for place, row in enumerate(loan.state().rows[2:]):
        principal = share if place < 9 else balance
        bearing = half_up(bears(balance, (row.due_on - start).days, 365, NINE))
        assert (row.principal_minor, row.interest_minor) == (principal, bearing)
        balance, start = balance - principal, row.due_on
    loan.to("2026-04-30", closes=True)
    running = to_rate + half_up(bears(left, 10, 365, NINE))
    found = loan.books()
    assert found["interest_receivable"] == running
    assert found["interest_income"] == -(12_230 + 3_156 + running)
    assert (found["fee_income"], found["loan"], found["wallet"]) == (0, left, 0)
    assert found["loan_loss"] == -found["loan_loss_allowance"]


def test_anew_after_a_payment_that_was_taken_back(opened: Callable[[str], Lend]) -> None:
    """The instalment of April (1,000.00 and 122.30) is charged back on 12 April: 122.30 of interest
    and 1,000.00 fall due on 2 May with May's. On 20 May, 18 days late, six months from 20 June on.

    April's instalment bore no penalty, as it was paid; what falls due again on 2 May does.
    """
    loan = opened("2026-03-02")(**SHARES)
    loan.to("2026-04-02")
    loan.pay(112_230)
    loan.to("2026-04-12")
    number = loan.stored.events
    loan.fund(-loan.books()["wallet"] or 0)
    loan.do("charge_back", number=number, amount_minor=112_230)
    assert loan.books()["wallet"] == -112_230
    loan.fund(-112_230)
    ten = half_up(bears(LENT - 100_000, 10, 365))
    twenty = half_up(bears(LENT, 20, 365))
    may = loan.state().rows[1]
    assert (may.principal_minor, may.interest_minor) == (200_000, 12_230 + ten + twenty)
    loan.to("2026-05-20", closes=True)
    penalty = half_up(bears(200_000, 18, 360, Fraction(18, 100)))
    running = half_up(bears(1_000_000, 18, 365))
    assert loan.books()["interest_receivable"] == may.interest_minor + running + penalty
    loan.do("re_age", due_on="2026-06-20", count=6)
    state = loan.state()
    assert state.arrears_minor == 0
    rows = [row for row in state.rows if row.owed_minor]
    assert [str(row.due_on) for row in rows] == [
        "2026-06-20", "2026-07-20", "2026-08-20", "2026-09-20", "2026-10-20", "2026-11-20",
    ]  # fmt: skip
    assert [row.principal_minor for row in rows] == [200_000] * 6
    kept = may.interest_minor + running
    assert rows[0].interest_minor == kept + half_up(bears(LENT, 31, 365))
    assert rows[0].penalty_minor == penalty
    assert rows[1].interest_minor == half_up(bears(1_000_000, 30, 365))
    before = loan.books()
    loan.to("2026-05-21", closes=True)
    now = loan.books()
    assert now["interest_receivable"] - before["interest_receivable"] == half_up(
        bears(LENT, 1, 365)
    )
    assert (loan.stored.stage, loan.stored.risk_class) == (2, 1), "watched as restructured"
    until = date.fromordinal(loan.stored.watch_until)
    assert until == date(2027, 6, 20), "a year from the first day that it falls due on anew"


def test_more_than_was_paid_is_not_given_back(opened: Callable[[str], Lend]) -> None:
    """13,000.00 come for a loan of which 12,000.00 and 31 days are owed: 877.70 too much."""
    loan = opened("2026-03-02")(**SHARES)
    loan.to("2026-04-02")
    loan.fund(1_300_000)
    tomorrow = {"amount_minor": 1, "paid_on": "2026-04-03"}
    assert code(loan, "record_payment", **tomorrow) == "servicing.day_ahead"
    loan.do("record_payment", amount_minor=1_300_000, paid_on="2026-04-02")
    over = 1_300_000 - LENT - 12_230
    loan.owes(loan=0, interest_income=-12_230, loan_credit=-over, wallet=0)
    assert code(loan, "refund_credit", amount_minor=over + 1) == "servicing.over_credit"
    back = {"number": loan.stored.events, "amount_minor": 1_300_001}
    assert code(loan, "charge_back", **back) == "servicing.bad_event"
    loan.do("refund_credit", amount_minor=over)
    loan.owes(loan=0, interest_income=-12_230, wallet=-over)
    assert code(loan, "refund_credit", amount_minor=1) == "servicing.over_credit"
    back["amount_minor"] = over + 1
    assert code(loan, "charge_back", **back) == "servicing.over_credit", "that much is gone"


def test_a_payment_that_came_in_time_takes_its_late_fee_away(
    opened: Callable[[str], Lend],
) -> None:
    """5.00 for an instalment late for more than three days; the money had come on the due day."""
    fee = f'[[fee]]\nkind = "late"\namount = {figure("5", "CNY")}'
    loan = opened("2026-03-02")(**SHARES, tail=fee)
    loan.to("2026-04-06", closes=True)
    assert loan.state().rows[0].penalty_minor == 500 + 200, "and four days of 50 fen"
    loan.fund(112_230)
    loan.do("record_payment", amount_minor=112_230, paid_on="2026-04-02")
    state = loan.state()
    assert (state.arrears_minor, state.rows[0].penalty_minor, state.outstanding_minor) == (
        0, 0, LENT - 100_000,
    )  # fmt: skip
    loan.to("2026-04-07", closes=True)
    running = half_up(bears(1_100_000, 5, 365))
    found = loan.books()
    assert (found["interest_receivable"], found["interest_income"]) == (
        running, -running - 12_230,
    )  # fmt: skip


def test_what_is_past_due_is_spread_over_what_is_to_come(opened: Callable[[str], Lend]) -> None:
    """April's and May's shares are unpaid on 10 May: ten rows of 1,200.00 instead of 1,000.00.

    What was earned falls due with June's: interest of April and May, 8 days of 10,000.00, then 23
    days of 12,000.00; penalty of 38 and of 8 days, which bears nothing more. All of it stays in the
    books, and what is paid in June pays it.
    """
    loan = opened("2026-03-02")(**SHARES)
    loan.to("2026-05-10", closes=True)
    april, may = half_up(bears(LENT, 31, 365)), half_up(bears(1_100_000, 30, 365))
    running, penalty = half_up(bears(1_000_000, 8, 365)), 50 * 38 + 50 * 8
    assert loan.books()["interest_receivable"] == april + may + running + penalty
    loan.do("re_amortise")
    state = loan.state()
    assert (state.arrears_minor, state.days_past_due) == (0, 0)
    rows = [row for row in state.rows if row.owed_minor]
    assert [row.principal_minor for row in rows] == [120_000] * 10
    june = april + may + running + half_up(bears(LENT, 23, 365))
    assert (rows[0].interest_minor, rows[0].penalty_minor) == (june, penalty)
    assert rows[1].interest_minor == half_up(bears(1_080_000, 30, 365))
    loan.to("2026-05-11", closes=True)
    earned = april + may + running + half_up(bears(LENT, 1, 365)) + penalty
    assert loan.books()["interest_receivable"] == earned
    assert loan.books()["interest_income"] == -earned
    loan.fund(120_000 + june + penalty)
    loan.to("2026-06-02", closes=True)
    found = loan.books()
    assert (found["wallet"], found["loan"], found["interest_receivable"]) == (0, 1_080_000, 0)
    assert found["interest_income"] == -(june + penalty)


def test_flat_interest_is_owed_whole(opened: Callable[[str], Lend]) -> None:
    """12,000 fen a month on all that was lent; earned by the day, and at once by a pay-off.

    On 17 April 15 of 30 days of April's are earned: 6,000. The pay-off asks for all twelve.
    """
    told = {"early": "next_repayment", "days": "0", "offered": 'equal_principal = "30/360"'}
    loan = opened("2026-03-02")('interest = "flat"', **told)
    loan.to("2026-04-02")
    loan.pay(112_000)
    loan.to("2026-04-17", closes=True)
    assert loan.books()["interest_receivable"] == 6_000
    paid = loan.pay(1_100_000 + 11 * 12_000)
    assert (paid.principal_minor, paid.interest_minor, paid.status) == (
        1_100_000, 132_000, "paid_off",
    )  # fmt: skip
    loan.owes(loan=0, wallet=0, interest_income=-144_000)
