"""Every way of repaying, row by row by its formula, debited on each due day until nothing is owed.

12,000.00 yuan at 12 % a year. What each row asks for is worked out here from days and fractions;
the ledger's income in the end is the sum of it, and the loan's account is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.lending.test_terms import figure, share
from tests.servicing.worked.loan import LENT, Lend
from tests.servicing.worked.reckon import RATE, bears, half_up, level_of, level_rows

Rows = list[tuple[int, int]]


def months(start: date, count: int, every: int = 1) -> list[date]:
    """Due days on the day of the month that the loan began on, 28 or less."""
    found = []
    for number in range(every, every * count + 1, every):
        month = start.month - 1 + number
        found.append(date(start.year + month // 12, month % 12 + 1, start.day))
    return found


def by_days(start: date, due: Sequence[date], year: int) -> list[Fraction]:
    """Interest of each period on one fen, by actual days over a year of so many."""
    return [
        RATE * (last - first).days / year for first, last in zip([start, *due], due, strict=False)
    ]


def act_act(start: date, due: Sequence[date], cut: str) -> list[Fraction]:
    """Each day over the length of its year; 31 December belongs to the year before, or after."""
    found = []
    for first, last in zip([start, *due], due, strict=False):
        total = Fraction(0)
        for number in range((last - first).days):
            day = first + timedelta(days=number)
            at = day + timedelta(days=1) if cut == "31 December" else day
            year = at.year
            total += Fraction(1, 366 if year % 4 == 0 and year % 100 else 365)
        found.append(RATE * total)
    return found


def shares(balance: int, factors: Sequence[Fraction]) -> Rows:
    """Equal shares of principal, cut to the fen; the last takes the rest."""
    rows, each = [], balance // len(factors)
    for place, factor in enumerate(factors):
        principal = balance if place == len(factors) - 1 else each
        rows.append((principal, half_up(balance * factor)))
        balance -= principal
    return rows


def level(factors: Sequence[Fraction], balance: int = LENT) -> Rows:
    return level_rows(balance, factors, half_up(level_of(balance, factors)))


def at_end(factors: Sequence[Fraction]) -> Rows:
    return [(0, half_up(LENT * one)) for one in factors[:-1]] + [
        (LENT, half_up(LENT * factors[-1]))
    ]


THIRTY = [Fraction(1, 100)] * 12
"""A month of 30 days of 360 at 12 % a year."""

START = date(2026, 3, 2)
YEAR = months(START, 12)
LEAP = date(2023, 12, 12)
LEAP_DUE = months(LEAP, 12)


def balloon() -> Rows:
    """30 % of the principal is left for the last row: the level pays down the rest."""
    worth = level_of(LENT, THIRTY) / LENT
    wanted = half_up((LENT - 360_000 / Fraction(101, 100) ** 12) * worth)
    rows, left = [], LENT
    for place in range(12):
        interest = half_up(left * THIRTY[0])
        principal = left if place == 11 else wanted - interest
        rows.append((principal, interest))
        left -= principal
    return rows


def after_grace() -> Rows:
    """Two rows of interest alone, then ten equal ones."""
    return [(0, 12_000)] * 2 + level(THIRTY[2:])


def grace_on_all() -> Rows:
    """Nothing for two months; their interest falls due with that of the third, then nine more.

    The first row asks for three months' interest beside the level of ten rows on one month each.
    """
    each = half_up(level_of(LENT, [Fraction(3, 100), *THIRTY[3:]]))
    return level_rows(LENT, [Fraction(3, 100), *THIRTY[3:]], each)


def free() -> Rows:
    """Two periods bear no interest; the level is that of the factors that are left."""
    return level([Fraction(0)] * 2 + THIRTY[2:])


def fixed() -> Rows:
    """1,200.00 each time until nothing is owed."""
    rows, left = [], LENT
    while left:
        interest = half_up(left * THIRTY[0])
        principal = left if len(rows) == 11 else min(left, 120_000 - interest)
        rows.append((principal, interest))
        left -= principal
    return rows


def varied() -> Rows:
    """1,200.00, then 600.00 each time, the last takes what is left."""
    rows, left = [], LENT
    for place in range(12):
        interest = half_up(left * THIRTY[0])
        wanted = (120_000 if not place else 60_000) - interest
        principal = left if place == 11 else wanted
        rows.append((principal, interest))
        left -= principal
    return rows


def tens() -> Rows:
    """Instalments in whole tens of yuan."""
    each = half_up(level_of(LENT, THIRTY) / 1000) * 1000
    return level_rows(LENT, THIRTY, each)


def flat() -> Rows:
    """12,000 fen of interest each month on all that was lent; the last takes what is left."""
    each = LENT // 12
    rows, left = [], LENT
    for place in range(12):
        principal = left if place == 11 else each
        rows.append((principal, 12_000))
        left -= principal
    return rows


EQUAL = 'equal_instalment = "{}"'
WEEKS = [START + timedelta(days=7 * number) for number in range(1, 14)]
TENS = [START + timedelta(days=10 * number) for number in range(1, 10)]
CASES: dict[str, tuple[str, dict[str, Any], list[date], Rows]] = {
    "30/360": ("", {"offered": EQUAL.format("30/360")}, YEAR, level(THIRTY)),
    "act/360": ("", {"offered": EQUAL.format("act/360")}, YEAR, level(by_days(START, YEAR, 360))),
    "act/364": ("", {"offered": EQUAL.format("act/364")}, YEAR, level(by_days(START, YEAR, 364))),
    "act/365": ("", {"offered": EQUAL.format("act/365")}, YEAR, level(by_days(START, YEAR, 365))),
    "shares": (
        "", {"offered": 'equal_principal = "act/360"'}, YEAR,
        shares(LENT, by_days(START, YEAR, 360)),
    ),
    "first": (
        "", {"offered": 'interest_first = "act/365"'}, YEAR, at_end(by_days(START, YEAR, 365)),
    ),
    "bullet": (
        "bullet = true", {"offered": 'interest_first = "act/365"'}, YEAR[-1:],
        [(LENT, half_up(bears(LENT, 365, 365)))],
    ),
    "balloon": (f"balloon = {share('0.3')}", {}, YEAR, balloon()),
    "grace": (f"grace_principal = {figure('2', 'period')}", {}, YEAR, after_grace()),
    "grace_all": (
        f"grace_principal = {figure('2', 'period')}\ngrace_interest = {figure('2', 'period')}", {},
        YEAR[2:], grace_on_all(),
    ),
    "free": (f"interest_free = {figure('2', 'period')}", {}, YEAR, free()),
    "fixed": (f"fixed_instalment = {share('0.1')}", {"early": "reduce_count"}, YEAR, fixed()),
    "varied": (f"variable_shares = {share('[0.1, 0.05]')}", {}, YEAR, varied()),
    "tens": (f"instalment_multiple = {figure('10', 'CNY')}", {}, YEAR, tens()),
    "flat": ('interest = "flat"', {"early": "next_repayment", "days": "0",
             "offered": 'equal_principal = "30/360"'}, YEAR, flat()),
    "weeks": (
        'frequency = "weeks"', {"offered": EQUAL.format("act/365"), "months": 3}, WEEKS,
        level([RATE * 7 / 365] * 13),
    ),
    "days": (
        f'frequency = "days"\nevery = {figure("10", "day")}',
        {"offered": EQUAL.format("act/360"), "months": 3}, TENS, level([RATE * 10 / 360] * 9),
    ),
    "quarters": (
        f"every = {figure('3', 'month')}", {"offered": EQUAL.format("30/360")},
        months(START, 4, 3), level([Fraction(3, 100)] * 4),
    ),
    "leap": (
        "", {"offered": 'equal_principal = "act/act"'}, LEAP_DUE,
        shares(LENT, act_act(LEAP, LEAP_DUE, "31 December")),
    ),
    "leap_cut": (
        'year_cut = "1 January"', {"offered": 'equal_principal = "act/act"'}, LEAP_DUE,
        shares(LENT, act_act(LEAP, LEAP_DUE, "1 January")),
    ),
}  # fmt: skip


def rows_of(due: Sequence[date], rows: Rows) -> Iterator[tuple[str, int, int]]:
    return ((str(day), *row) for day, row in zip(due, rows, strict=False))


@pytest.mark.parametrize("name", CASES)
def test_each_row_and_its_money(opened: Callable[[str], Lend], name: str) -> None:
    schedule, more, due, wanted = CASES[name]
    loan = opened(str(LEAP if name.startswith("leap") else START))(schedule, **more)
    assert loan.rows() == list(rows_of(due, wanted))
    earned, left = 0, LENT
    for day, (principal, interest) in zip(due, wanted, strict=False):
        loan.fund(principal + interest)
        loan.to(day, closes=True)
        earned, left = earned + interest, left - principal
        found = loan.books()
        assert (found["loan"], found["wallet"], found["interest_receivable"]) == (left, 0, 0)
        assert found["interest_income"] == -earned
    assert loan.stored.status == "paid_off"
    loan.owes(loan=0, wallet=0, interest_income=-earned)


def test_both_cuts_of_a_year_are_those_of_the_peer() -> None:
    """12 December 2023 to 12 January 2024: 19/365 + 12/366, or 20/365 + 11/366."""
    for cut, days in (("31 December", 19), ("1 January", 20)):
        assert act_act(LEAP, LEAP_DUE[:1], cut)[0] == RATE * (
            Fraction(days, 365) + Fraction(31 - days, 366)
        )
