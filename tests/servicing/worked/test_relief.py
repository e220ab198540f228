"""Relief in hardship by hand: what is asked for by the new plan, and the age that stands still.

12,000.00 yuan at 12 % a year by actual days over 365 in twelve shares of 1,000.00; the first was
paid on 2 April 2026, relief is granted on the 10th, eight days into the second period.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from puhui.kernel import Refused
from tests.lending.second import SECOND
from tests.servicing.worked.loan import KEYS, LENT, Lend, Loan
from tests.servicing.worked.reckon import bears, half_up

SHARES = {"offered": 'equal_principal = "act/365"'}
LEFT = LENT - 100_000


def granted(loan: Loan, **told: Any) -> None:
    """Asked for by one, granted by another."""
    asked = loan.serve("ask_relief", reason="market", **told)
    loan.bank.node.act(
        "servicing.decide_relief", {"relief_id": asked.relief_id, "is_granted": True},
        key=f"grant-{next(KEYS)}", actor=SECOND,
    )  # fmt: skip


@pytest.fixture
def loan(opened: Callable[[str], Lend]) -> Loan:
    """The loan on 10 April."""
    found = opened("2026-03-02")(**SHARES)
    found.to("2026-04-02")
    found.pay(112_230)
    found.to("2026-04-10")
    return found


def ahead(loan: Loan) -> list[tuple[str, int, int]]:
    return loan.rows()[1:]


def eight_days_and_the_rest() -> int:
    """Interest of April's period, fixed on the day on which the plan changed."""
    return half_up(bears(LEFT, 8, 365)) + half_up(bears(LEFT, 22, 365))


def test_interest_alone_for_a_while(loan: Loan) -> None:
    granted(loan, kind="interest_only", count=2)
    rows = ahead(loan)
    assert [row[1] for row in rows] == [0, 0] + [100_000] * 11
    assert rows[0] == ("2026-05-02", 0, eight_days_and_the_rest())
    assert rows[1] == ("2026-06-02", 0, half_up(bears(LEFT, 31, 365)))
    assert rows[-1] == ("2027-05-02", 100_000, half_up(bears(100_000, 30, 365)))


def test_a_longer_term(loan: Loan) -> None:
    granted(loan, kind="longer", count=11)
    rows = ahead(loan)
    assert [row[1] for row in rows] == [50_000] * 22
    assert rows[0][2] == eight_days_and_the_rest()
    assert (rows[-1][0], rows[1][2]) == ("2028-02-02", half_up(bears(1_050_000, 31, 365)))


def test_lower_instalments(loan: Loan) -> None:
    """800.00 at the most: 15 rows ask for 733.33 and 108.49 of interest first, 16 for 687.50."""
    most, rows = 80_000, 16
    first = eight_days_and_the_rest()
    assert LEFT // 15 + first > most >= LEFT // rows + first
    granted(loan, kind="lower", amount_minor=most)
    found = ahead(loan)
    assert len(found) == rows
    assert [row[1] for row in found[:-1]] == [LEFT // rows] * (rows - 1)
    assert max(row[1] + row[2] for row in found) <= most


def test_a_pause_of_sixty_days(loan: Loan) -> None:
    """To 9 June: the rows of 2 May and 2 June ask for no principal, two more come at the end.

    May's interest is not paid: its age stands still to 9 June, 38 of 40 days on 11 June.
    """
    granted(loan, kind="pause", days=60)
    rows = ahead(loan)
    assert [row[1] for row in rows] == [0, 0] + [100_000] * 11
    assert rows[0][2] == eight_days_and_the_rest()
    loan.to("2026-06-11", closes=True)
    stored = loan.stored
    assert (stored.days_past_due, stored.bucket, stored.risk_class, stored.stage) == (40, 1, 1, 2)
    interest = rows[0][2] + rows[1][2] + half_up(bears(LEFT, 9, 365))
    assert loan.books()["interest_receivable"] == interest
    assert loan.books()["interest_income"] == -(interest + 12_230)


def test_nobody_grants_what_they_asked_for(loan: Loan) -> None:
    asked = loan.serve("ask_relief", reason="market", kind="longer", count=3)
    with pytest.raises(Refused) as refused:
        loan.bank.act("servicing.decide_relief", "own", relief_id=asked.relief_id, is_granted=True)
    assert refused.value.code == "party.four_eyes"
    assert len(ahead(loan)) == 11


def judged(loan: Loan) -> tuple[int, int, int]:
    """Class (0 is normal, 2 substandard), stage, days past due."""
    row = loan.stored
    return row.risk_class, row.stage, row.days_past_due


def test_a_second_relief_while_it_is_watched(loan: Loan) -> None:
    """Granted on 10 April 2026, watched from 2 May on for a year; a second one in August makes the
    loan substandard, and the year begins anew with 2 September.
    """
    granted(loan, kind="interest_only", count=2)
    assert judged(loan) == (1, 2, 0)
    loan.fund(2 * LENT)
    loan.to("2026-08-03", closes=True)
    assert judged(loan) == (1, 2, 0), "all was paid, and it is watched all the same"
    granted(loan, kind="longer", count=8)
    assert judged(loan) == (2, 2, 0), "at once"
    for day in ("2026-08-04", "2027-05-03", "2027-09-01"):
        loan.to(day, closes=True)
        assert judged(loan) == (2, 2, 0), day
        assert loan.state(loan.today).arrears_minor == 0
    loan.to("2027-09-02", closes=True)
    assert judged(loan) == (0, 1, 0), "a year from 2 September 2026"


def test_a_relief_after_the_observation_is_a_first_one(loan: Loan) -> None:
    """The year that began on 2 May 2026 is over on 2 May 2027; that of a third within it is not."""
    granted(loan, kind="longer", count=24)
    loan.fund(LENT)
    loan.to("2027-05-03", closes=True)
    assert judged(loan) == (0, 1, 0)
    granted(loan, kind="longer", count=2)
    assert judged(loan) == (1, 2, 0)
    for _ in range(2):
        granted(loan, kind="longer", count=1)
        assert judged(loan) == (2, 2, 0), "a second one, and a third"


def test_what_is_paid_by_then_is_gone(loan: Loan) -> None:
    """Restructured twice, another way each, by an officer: re-aged, then spread anew."""
    loan.do("re_age", due_on="2026-05-20", count=11)
    assert judged(loan)[:2] == (1, 2)
    loan.to("2026-05-21", closes=True)
    assert judged(loan) == (1, 2, 1)
    loan.do("re_amortise")
    assert judged(loan) == (2, 2, 0)
