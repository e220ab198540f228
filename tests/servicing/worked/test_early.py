"""Early repayment and the pay-off by hand: interest to the day, smaller instalments or fewer.

12,000.00 yuan at 12 % a year by actual days over 365, from 2 March 2026, twelve months.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest

from puhui.kernel import Refused
from puhui.lending.desk.loan.repay import quote_pay_off
from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import RATE, bears, half_up, level_of, level_rows

LEVEL = {"offered": 'equal_instalment = "act/365"'}
DUE = [date(2026, month, 2) for month in range(4, 13)]
DUE += [date(2027, month, 2) for month in (1, 2, 3)]


def factors(start: date, due: list[date]) -> list[Fraction]:
    days = [(last - first).days for first, last in zip([start, *due], due, strict=False)]
    return [RATE * one / 365 for one in days]


def planned() -> list[tuple[int, int]]:
    """The plan that was signed."""
    shares = factors(date(2026, 3, 2), DUE)
    return level_rows(LENT, shares, half_up(level_of(LENT, shares)))


def paid_in_time(loan: Loan, count: int) -> int:
    """Pay the first instalments on their days; the principal that is left."""
    left = LENT
    for due, (principal, interest) in zip(DUE[:count], planned(), strict=False):
        loan.to(due)
        loan.pay(principal + interest)
        left -= principal
    return left


def test_the_plan_is_that_of_the_formula(opened: Callable[[str], Lend]) -> None:
    loan = opened("2026-03-02")(**LEVEL)
    assert [row[1:] for row in loan.rows()] == planned()
    assert [row[0] for row in loan.rows()] == [str(day) for day in DUE]


def test_smaller_instalments(opened: Callable[[str], Lend]) -> None:
    """3,000.00 on 20 May: 18 days of interest first, the rest is principal, ten rows less each."""
    loan = opened("2026-03-02")(**LEVEL)
    left = paid_in_time(loan, 2)
    loan.to("2026-05-20")
    paid = loan.pay(300_000)
    interest = half_up(bears(left, 18, 365))
    assert (paid.interest_minor, paid.principal_minor) == (interest, 300_000 - interest)
    left -= 300_000 - interest
    rest = factors(date(2026, 5, 20), DUE[2:])
    wanted = level_rows(left, rest, half_up(level_of(left, rest)))
    found = [(row[1], row[2]) for row in loan.rows()[2:]]
    # The row that runs keeps what was paid on it: 18 days of interest, and the principal.
    assert found[0] == (wanted[0][0] + 300_000 - interest, wanted[0][1] + interest)
    assert found[1:] == wanted[1:]
    loan.to("2026-05-31", closes=True)
    earned = sum(row[1] for row in planned()[:2]) + interest + half_up(bears(left, 11, 365))
    assert loan.books()["interest_income"] == -earned
    assert loan.books()["interest_receivable"] == half_up(bears(left, 11, 365))


FEWER = ('direction = "', 'early = "reduce_count"\ndirection = "')


@pytest.mark.parametrize("early", [300_000, 294_194, 294_196, 294_197])
def test_fewer_instalments(opened: Callable[[str], Lend], early: int) -> None:
    """The instalment stays, the last takes what is left: three fen, one, or there is none."""
    loan = opened("2026-03-02")(**LEVEL, servicing=(FEWER,))
    left = paid_in_time(loan, 2)
    loan.to("2026-05-20")
    loan.pay(early)
    interest = half_up(bears(left, 18, 365))
    left -= early - interest
    level = half_up(level_of(LENT, factors(date(2026, 3, 2), DUE)))
    wanted = []
    for factor in factors(date(2026, 5, 20), DUE[2:]):
        bears_now = half_up(left * factor)
        principal = min(left, level - bears_now)
        wanted.append((principal, bears_now))
        left -= principal
        if not left:
            break
    found = [(row[1], row[2]) for row in loan.rows()[2:]]
    assert found[0] == (wanted[0][0] + early - interest, wanted[0][1] + interest)
    assert found[1:] == wanted[1:]
    assert sum(row[1] for row in loan.rows()) == LENT
    for due in DUE[2 : 2 + len(wanted)]:
        loan.fund(level + 1)
        loan.to(due, closes=True)
    assert loan.stored.status == "paid_off"
    total = sum(row[2] for row in loan.rows())
    loan.owes(loan=0, interest_income=-total)


def test_what_ends_it_on_a_day(opened: Callable[[str], Lend]) -> None:
    """On 12 June, ten days after an instalment that was missed; and told ahead for 1 July.

    Interest to the day runs on what is not due yet; what is past due bears 18 % over 360 days,
    once its three days of grace have passed from its due day on.
    """
    loan = opened("2026-03-02")(**LEVEL)
    left = paid_in_time(loan, 2)
    principal, interest = planned()[2]
    loan.to("2026-06-12", closes=True)
    rest = left - principal

    def ends(days: int) -> tuple[int, int, int]:
        penalty = half_up(bears(principal, days, 360, RATE * 3 / 2))
        return left, interest + half_up(bears(rest, days, 365)), penalty

    with loan.bank.node.read() as tx:
        ahead = quote_pay_off(tx, loan.id, date(2026, 7, 1))
        now = quote_pay_off(tx, loan.id, date(2026, 6, 12))
        with pytest.raises(Refused):
            quote_pay_off(tx, loan.id, date(2026, 4, 1))
    for found, days in ((now, 10), (ahead, 29)):
        assert (found.principal_minor, found.interest_minor, found.penalty_minor) == ends(days)
    paid = loan.pay(now.total_minor)
    assert paid.status == "paid_off"
    income = sum(row[1] for row in planned()[:2]) + ends(10)[1] + ends(10)[2]
    loan.owes(loan=0, interest_income=-income, wallet=0)
    loan.to("2026-06-30", closes=True)
    loan.owes(loan=0, interest_income=-income, wallet=0)
