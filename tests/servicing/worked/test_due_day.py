"""Due days by the calendar on the wall: month ends, closed days, days that move, rows added.

Holidays of 2026 by the State Council's list (国办发明电 2025 No. 7): Spring Festival from 15 to 23
February with 14 and 28 February worked, May Day from 1 to 5 May, National Day from 1 to 7 October.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import bears, half_up

SHIFTS = ("shifts_due_days = false", "shifts_due_days = true")
ACT = 'equal_instalment = "act/365"'
SHARES = 'equal_principal = "act/365"'


def days_of(loan: Loan) -> list[str]:
    return [row[0] for row in loan.rows()]


def test_a_loan_of_the_last_of_january_keeps_month_ends(opened: Callable[[str], Lend]) -> None:
    """28 February 2026 is a Saturday that is worked; 31 May a Sunday, 31 October a Saturday."""
    loan = opened("2026-01-31")(offered=SHARES, months=9, servicing=(SHIFTS,))
    assert days_of(loan) == [
        "2026-02-28", "2026-03-31", "2026-04-30", "2026-06-01", "2026-06-30", "2026-07-31",
        "2026-08-31", "2026-09-30", "2026-11-02",
    ]  # fmt: skip
    left, started = LENT, date(2026, 1, 31)
    for due_on, principal, interest in loan.rows():
        due = date.fromisoformat(due_on)
        assert interest == half_up(bears(left, (due - started).days, 365))
        left, started = left - principal, due


def test_rolled_month_ends(opened: Callable[[str], Lend]) -> None:
    """A day that a month has not is the first of the next, and the month after has it again."""
    loan = opened("2026-01-31")('month_end = "roll"', offered=SHARES, months=6)
    rolled = ["2026-03-01", "2026-03-31", "2026-05-01", "2026-05-31", "2026-07-01", "2026-07-31"]
    assert days_of(loan) == rolled
    loan.do("reschedule", due_on="2026-07-01", count=2)
    assert days_of(loan) == [*rolled, "2026-08-31", "2026-10-01"]


def test_rows_added_after_a_shift_lose_no_month(opened: Callable[[str], Lend]) -> None:
    """31 May 2026 is a Sunday and falls due on 1 June; June, July and August follow."""
    loan = opened("2026-01-31")(offered=ACT, months=4, servicing=(SHIFTS,))
    assert days_of(loan)[-1] == "2026-06-01"
    loan.do("reschedule", due_on="2026-02-28", count=3)
    assert days_of(loan)[3:] == ["2026-06-01", "2026-06-30", "2026-07-31", "2026-08-31"]


def test_rows_added_after_a_day_brought_forward(opened: Callable[[str], Lend]) -> None:
    """1 August 2026 is a Saturday and falls due on 31 July; 1 September follows, not 3 August."""
    rule = ("shifts_due_days = false", 'shifts_due_days = true\nshift = "previous"')
    loan = opened("2026-04-01")(offered=ACT, months=4, servicing=(rule,))
    assert days_of(loan)[-1] == "2026-07-31"
    loan.do("reschedule", due_on="2026-06-01", count=2)
    assert days_of(loan)[3:] == ["2026-07-31", "2026-09-01", "2026-09-30"]


def test_a_chosen_day_that_is_moved_does_not_come_back(opened: Callable[[str], Lend]) -> None:
    """Paid on the 5th, from March on wanted on the 20th: every row after it is on the 20th."""
    loan = opened("2026-01-12")("chooses_due_day = true", offered=ACT, months=6, due_day=5)
    before = ["2026-02-05", "2026-03-05", "2026-04-05", "2026-05-05", "2026-06-05", "2026-07-05"]
    assert days_of(loan) == before
    first = loan.rows()[0]
    loan.to("2026-02-05")
    loan.pay(first[1] + first[2])
    loan.to("2026-02-10")
    loan.do("move_due_day", due_on="2026-03-05", moved_to="2026-03-20")
    moved = ["2026-03-20", "2026-04-20", "2026-05-20", "2026-06-20", "2026-07-20"]
    assert days_of(loan) == ["2026-02-05", *moved]
    left = LENT - first[1]
    assert loan.rows()[1][2] == sum(
        half_up(bears(left, days, 365))
        for days in (5, (date(2026, 3, 20) - date(2026, 2, 10)).days)
    )
    loan.do("reschedule", due_on="2026-05-20", count=1)
    assert days_of(loan)[-1] == "2026-08-20"
    assert sum(row[1] for row in loan.rows()) == LENT
    assert Fraction(loan.rows()[2][2]) == half_up(bears(left - loan.rows()[1][1], 31, 365))
