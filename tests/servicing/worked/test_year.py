"""Interest by act/act up to a day within a period that runs over the end of a year.

300,000.00 yuan at 12 % a year from 1 July 2027 to 1 July 2028, interest and principal at the end:
36,000.00 a year, so 98.63 a day of 2027 and 98.36 a day of 2028. What the whole period bears is
the same however its days are counted; who pays early must not pay for days of the other year.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction

import pytest

from puhui import lending
from puhui.servicing.arrays.day import units
from puhui.servicing.nouns import YearCut
from puhui.servicing.rules.period import year_parts
from tests.servicing.worked.loan import Lend, Loan
from tests.servicing.worked.reckon import bears, half_up
from tests.servicing.worked.test_edge import RICH

LENT = 30_000_000
BULLET = {"offered": 'interest_first = "act/act"', "lent": LENT, "row": RICH}
CUTS = {"31 December": 30, "1 January": 31}
"""The last day of December that belongs to 2027."""


def begun(opened: Callable[[str], Lend], cut: str) -> Loan:
    """The loan of every example here."""
    return opened("2027-07-01")(f'bullet = true\nyear_cut = "{cut}"', **BULLET)


def to_day(day: str, cut: str) -> Fraction:
    """Interest from 1 July 2027 on: 184 days to the new year, the last one of either year."""
    days, old = (date.fromisoformat(day) - date(2027, 7, 1)).days, 184 - (cut == "31 December")
    return bears(LENT, min(days, old), 365) + bears(LENT, max(0, days - old), 366)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("day", ["2027-12-29", "2027-12-31", "2028-01-01", "2028-03-01"])
def test_paid_off_early(opened: Callable[[str], Lend], cut: str, day: str) -> None:
    """On 31 December 183 days of 2027 are paid for: 18,049.32, where days alike came to 24.66 less.

    184 at the latest are of 2027; those of 2028 bear a 366th part of a year each.
    """
    loan = begun(opened, cut)
    wanted = half_up(to_day(day, cut))
    with loan.bank.node.read() as tx:
        quoted = lending.quote_pay_off(tx, loan.id, date.fromisoformat(day))
    assert (quoted.interest_minor, quoted.principal_minor) == (wanted, LENT)
    loan.to(day)
    if day == "2027-12-31":
        assert wanted == 1_804_932
        alike = (bears(LENT, 183, 365) + bears(LENT, 183, 366)) * Fraction(183, 366)
        assert cut == "1 January" or wanted - half_up(alike) == 2_466
    assert loan.state().accruing_minor == wanted
    paid = loan.pay(LENT + wanted)
    assert (paid.interest_minor, paid.principal_minor) == (wanted, LENT)
    loan.to(date.fromisoformat(day) + timedelta(days=1), closes=True)
    loan.owes(loan=0, interest_income=-wanted)


def test_each_close_of_a_day_books_that_days_interest(opened: Callable[[str], Lend]) -> None:
    """98.63 on each of the last days of December, 98.36 from the 31st on; the sum stays."""
    loan = begun(opened, "31 December")
    loan.to("2027-12-29", closes=True)
    for day in ("2027-12-30", "2027-12-31", "2028-01-01", "2028-02-29", "2028-06-30"):
        loan.to(day, closes=True)
        booked = half_up(to_day(day, "31 December"))
        found = loan.books()
        assert found["interest_receivable"] == -found["interest_income"] == booked, day
    whole = half_up(bears(LENT, 183, 365) + bears(LENT, 183, 366))
    assert loan.rows() == [("2028-07-01", LENT, whole)]
    loan.fund(LENT + whole)
    loan.to("2028-07-01", closes=True)
    loan.owes(loan=0, interest_income=-whole)


def test_part_of_it_is_paid_early(opened: Callable[[str], Lend]) -> None:
    """100,000.00 of principal on 30 November: 152 days of all of it, then 31 days of 2027 and 183
    of 2028 of what is left. Interest of the first days is rounded, then that of the others.
    """
    loan = begun(opened, "31 December")
    loan.to("2027-11-30")
    first = half_up(bears(LENT, 152, 365))
    paid = loan.pay(first + 10_000_000)
    assert (paid.interest_minor, paid.principal_minor) == (first, 10_000_000)
    left = LENT - 10_000_000
    rest = half_up(bears(left, 31, 365) + bears(left, 183, 366))
    assert loan.rows() == [("2028-07-01", LENT, first + rest)]
    loan.to("2028-01-15", closes=True)
    assert loan.state().accruing_minor == half_up(bears(left, 31, 365) + bears(left, 15, 366))
    loan.fund(left + rest)
    loan.to("2028-07-01", closes=True)
    loan.owes(loan=0, interest_income=-(first + rest))


def test_a_day_counts_the_same_in_columns() -> None:
    """From any day of 1996 to 2105 over every length up to two years, and over the centuries."""
    firsts = [date(1996, 1, 1) + timedelta(days=37 * n) for n in range(1_080)]
    firsts += [date(1899, 12, 30), date(1900, 12, 31), date(2000, 12, 31), date(2399, 12, 31)]
    lengths = (0, 1, 2, 30, 59, 60, 61, 90, 364, 365, 366, 367, 730)
    for first in firsts:
        for days in lengths:
            last = first + timedelta(days=days)
            spans = first.toordinal(), last.toordinal()
            assert units(*spans, 0) == days
            assert units(*spans, 1) == year_parts(first, last, YearCut.LAST_DAY), (first, last)
            assert units(*spans, 2) == year_parts(first, last, YearCut.FIRST_DAY), (first, last)
