"""The smallest and the largest loans, none of the interest, and money used in the order agreed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from puhui.kernel import Refused
from tests.lending.bank import GOOD_ROW
from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import RATE, bears, half_up, level_of, level_rows

SHARES = {"offered": 'equal_principal = "act/365"'}
SMALL = (
    ("smallest = { value = 500,", "smallest = { value = 0.01,"),
    ("step = { value = 100,", "step = { value = 0.01,"),
)
RICH = {**GOOD_ROW, "income": "1200000", "flow": "200000"}
THIRTY = [Fraction(1, 100)] * 12


def to_the_end(loan: Loan, fund: int) -> None:
    """Money enough in the wallet, each due day closed."""
    loan.fund(fund)
    for row in loan.state().rows:
        loan.to(max(row.due_on, loan.today), closes=True)


def test_one_fen(opened: Callable[[str], Lend]) -> None:
    """A level of a ninth of a fen rounds to nought: the one fen falls due with the last row."""
    loan = opened("2026-03-02")(lent=1, servicing=SMALL)
    assert [row[1:] for row in loan.rows()] == [(0, 0)] * 11 + [(1, 0)]
    to_the_end(loan, 1)
    assert loan.stored.status == "paid_off"
    loan.owes(loan=0, wallet=0)


def test_without_interest(opened: Callable[[str], Lend]) -> None:
    """A level of 1,000.00; what is late bears no penalty, as one and a half times nought is."""
    loan = opened("2026-03-02")()
    loan.do("change_rate", annual_rate="0")
    assert [row[1:] for row in loan.rows()] == [(100_000, 0)] * 12
    loan.to("2026-05-12", closes=True)
    state = loan.state()
    assert (state.arrears_minor, state.days_past_due) == (200_000, 40)
    loan.pay(250_000)
    assert loan.state().outstanding_minor == LENT - 250_000
    to_the_end(loan, LENT - 250_000)
    assert loan.stored.status == "paid_off"
    assert loan.books()["interest_income"] == 0


def test_the_largest(opened: Callable[[str], Lend]) -> None:
    """300,000.00: the level is that of fractions, and so is every row."""
    loan = opened("2026-03-02")(lent=30_000_000, row=RICH)
    level = half_up(level_of(30_000_000, THIRTY))
    wanted = level_rows(30_000_000, THIRTY, level)
    assert [row[1:] for row in loan.rows()] == wanted
    to_the_end(loan, 13 * level)
    loan.owes(loan=0, interest_income=-sum(row[1] for row in wanted))


def late_twice(loan: Loan) -> tuple[int, int, int, int]:
    """To 12 May: two rows late, a fee of 3.00 with April's; interest and penalty of both."""
    loan.to("2026-03-20")
    loan.do("charge_fee", amount_minor=300)
    loan.to("2026-05-12", closes=True)
    april, may = half_up(bears(LENT, 31, 365)), half_up(bears(1_100_000, 30, 365))
    first = half_up(bears(100_000, 40, 360, RATE * 3 / 2))
    second = half_up(bears(100_000, 10, 360, RATE * 3 / 2))
    state = loan.state()
    assert [row.penalty_minor for row in state.rows[:2]] == [first, second]
    assert [row.interest_minor for row in state.rows[:2]] == [april, may]
    return april, may, first, second


def test_the_oldest_row_first(opened: Callable[[str], Lend]) -> None:
    """Row by row: penalty, fee, interest and principal of April, then May's."""
    loan = opened("2026-03-02")(**SHARES)
    april, may, first, second = late_twice(loan)
    paid = loan.pay(first + 300 + april + 100_000 + second + 1_000)
    assert (paid.penalty_minor, paid.fee_minor) == (first + second, 300)
    assert (paid.interest_minor, paid.principal_minor) == (april + 1_000, 100_000)
    state = loan.state()
    assert (state.rows[1].interest_owed_minor, state.days_past_due) == (may - 1_000, 10)


ACROSS = (('direction = "horizontal"', 'direction = "vertical"'),)


def test_part_by_part_over_all_rows(opened: Callable[[str], Lend]) -> None:
    """All penalties, the fee, all interest, and then principal of April."""
    loan = opened("2026-03-02")(**SHARES, servicing=ACROSS)
    april, may, first, second = late_twice(loan)
    paid = loan.pay(first + second + 300 + april + may + 7_000)
    assert (paid.penalty_minor, paid.fee_minor) == (first + second, 300)
    assert (paid.interest_minor, paid.principal_minor) == (april + may, 7_000)
    loan.to("2026-05-13", closes=True)
    third = half_up(bears(93_000, 1, 360, RATE * 3 / 2) + bears(100_000, 40, 360, RATE * 3 / 2))
    state = loan.state()
    assert state.rows[0].penalty_minor == third
    found = loan.books()
    assert found["fee_income"] == -300
    running = half_up(bears(1_000_000, 11, 365))
    fourth = half_up(bears(100_000, 11, 360, RATE * 3 / 2))
    assert found["interest_receivable"] == running + third + fourth - first - second
    assert found["interest_income"] == -(april + may + running + third + fourth)


@pytest.mark.parametrize("part", ["penalty", "fee", "interest", "principal"])
def test_each_part_is_waived(opened: Callable[[str], Lend], part: str) -> None:
    """No more than is owed of it; principal is a loss, interest and penalty were no income."""
    loan = opened("2026-03-02")(**SHARES)
    april, may, first, second = late_twice(loan)
    running = half_up(bears(1_000_000, 10, 365))
    owed = {
        "penalty": first + second, "fee": 300, "interest": april + may + running,
        "principal": LENT,
    }[part]  # fmt: skip
    with pytest.raises(Refused) as refused:
        loan.do("waive", part=part, amount_minor=owed + 1)
    assert refused.value.code == "servicing.over_waived"
    some = 50_000 if part == "principal" else owed
    before = loan.books()
    loan.do("waive", part=part, amount_minor=some)
    assert loan.state().owed_minor < LENT + april + may + running + first + second + 90_000
    loan.to("2026-05-13", closes=True)
    now = loan.books()
    day = half_up(bears(1_000_000, 11, 365))
    late = half_up(bears(100_000, 41, 360, RATE * 3 / 2))
    early = half_up(bears(100_000, 11, 360, RATE * 3 / 2))
    expected = april + may + day + late + early
    if part == "principal":
        assert (now["loan"], now["loan_loss"] - before["loan_loss"]) == (LENT - 50_000, 50_000)
        # April's principal, the oldest, is half gone: it bears half the penalty of the last day.
        expected -= late - half_up(
            bears(100_000, 40, 360, RATE * 3 / 2) + bears(50_000, 1, 360, RATE * 3 / 2)
        )
        # What lies ahead is laid out anew: interest is fixed on that day, and rounded twice.
        expected += running + half_up(bears(1_000_000, 1, 365)) - day
    else:
        assert (now["loan"], now["loan_loss"]) == (LENT, before["loan_loss"])
        expected -= 0 if part == "fee" else some
    assert now["interest_receivable"] == -now["interest_income"] == expected
    assert now["fee_income"] == 0
