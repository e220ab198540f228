"""Penalty interest while the rate changes: each day bears the rate of that day.

12,000.00 yuan at 12 % a year by actual days over 365 in twelve shares of 1,000.00; those of 2 April
2026 and later are not paid. Penalty is one and a half times the rate, over 360 days: of 1,000.00
fifty fen a day at 12 %, twenty-five at 6 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from puhui.servicing.nouns import Happening, PlanEvent
from puhui.servicing.rules.replay import replay
from tests.servicing.kinds import kinds
from tests.servicing.worked.loan import LENT, Lend, Loan

SHARES = {"offered": 'equal_principal = "act/365"'}
GRACE = (("grace = { value = 3,", "grace = { value = 10,"),)


def penalties(loan: Loan, through: str) -> dict[str, int]:
    """What is owed of penalties at the end of each day, as the day's run has it: the same that the
    loan's events lead to."""
    found = {}
    while loan.today < date.fromisoformat(through):
        loan.to(loan.today + timedelta(days=1), closes=True)
        owed = loan.stored.owing_penalty_minor
        assert owed == sum(row.penalty_owed_minor for row in loan.state().rows), loan.today
        found[loan.today.isoformat()[5:]] = owed
    return found


def test_lowered_before_and_raised_back_in_the_days_of_grace(opened: Callable[[str], Lend]) -> None:
    """6 % from 1 April, 12 % again from the 6th; ten days of grace are over on the 13th.

    Four days at 25 fen and seven at 50 then, not eleven at 50.
    """
    loan = opened("2026-03-02")(**SHARES, servicing=GRACE)
    loan.to("2026-04-01")
    loan.do("change_rate", annual_rate="0.06")
    loan.to("2026-04-06")
    loan.do("change_rate", annual_rate="0.12")
    found = penalties(loan, "2026-04-16")
    assert {day for day, owed in found.items() if not owed} == {f"04-{n:02}" for n in range(7, 13)}
    assert [found[f"04-{day}"] for day in (13, 14, 15, 16)] == [450, 500, 550, 600]
    assert loan.stored.looks_back == 0


def test_lowered_in_the_days_of_grace(opened: Callable[[str], Lend]) -> None:
    """12 % to 5 April, 6 % to the 8th, nothing to the 10th, 3 % from then on: 150, 75, 0 and 12.5 a
    day; the borrower paid the interest and half of the principal on the 11th, within the grace.
    """
    loan = opened("2026-03-02")(**SHARES, servicing=GRACE)
    for day, rate in (("05", "0.06"), ("08", "0"), ("10", "0.03")):
        loan.to(f"2026-04-{day}")
        loan.do("change_rate", annual_rate=rate)
    loan.to("2026-04-11")
    loan.pay(12_230 + 50_000)
    found = penalties(loan, "2026-04-20")
    assert found["04-12"] == 0
    assert found["04-13"] == 75 + 38 + 0 + 19, "halves of 150, 75, 0, 37.5: rounded by rate"
    assert found["04-20"] == 75 + 38 + 63, "ten days at 6.25"


def test_days_without_interest_are_not_asked_for_later(opened: Callable[[str], Lend]) -> None:
    """Three days of grace. To 10 April eight days at 50 fen; none to the 30th, then 50 again."""
    loan = opened("2026-03-02")(**SHARES)
    loan.to("2026-04-10", closes=True)
    loan.do("change_rate", annual_rate="0")
    found = penalties(loan, "2026-04-30")
    assert set(found.values()) == {400}
    loan.do("change_rate", annual_rate="0.12")
    found = penalties(loan, "2026-05-02")
    assert found == {"05-01": 450, "05-02": 500}


def test_a_rate_of_a_later_instalment_waits_for_it(opened: Callable[[str], Lend]) -> None:
    """At 6 % since 1 April; agreed on the 10th: 12 % again from the period on that ends on 2 June.

    So penalties are 25 fen a day to 2 May, when that period begins, and 50 a day from then on. The
    day's run raises them by itself.
    """
    loan = opened("2026-03-02")(**SHARES)
    loan.to("2026-04-01")
    loan.do("change_rate", annual_rate="0.06")
    loan.to("2026-04-10")
    loan.do("reschedule", due_on="2026-06-02", annual_rate="0.12")
    found = penalties(loan, "2026-05-05")
    assert (found["04-11"], found["05-01"], found["05-02"]) == (225, 725, 750)
    assert (found["05-03"], found["05-05"]) == (800, 900)
    assert loan.stored.looks_back == 0
    assert loan.stored.penalty_numerator * 2_000 == loan.stored.penalty_denominator, "18 % of 360"
    loan.do("change_rate", annual_rate="0.06")
    found = penalties(loan, "2026-05-06")
    assert found == {"05-06": 900 + 25 + 3 * 50 + 25}, "and May's share, past its grace"


def test_what_is_agreed_later_takes_the_place_of_what_was_to_come(
    opened: Callable[[str], Lend],
) -> None:
    """12 % from July on; then 9 % from June on; then 3 % at once, for all of them."""
    loan = opened("2026-03-02")(**SHARES)
    loan.to("2026-04-10", closes=True)
    loan.do("change_rate", annual_rate="0.06")
    loan.do("reschedule", due_on="2026-07-02", annual_rate="0.12")
    loan.do("reschedule", due_on="2026-06-02", annual_rate="0.09")
    assert loan.stored.looks_back == 1
    found = penalties(loan, "2026-05-03")
    assert found["05-03"] == 400 + 22 * 25 + 38, "37.5 on the first day at 9 %"
    loan.do("change_rate", annual_rate="0.03")
    assert loan.stored.looks_back == 1, "May's share is in its days of grace"
    found = penalties(loan, "2026-06-02")
    assert loan.stored.looks_back == 0
    april, may = 988 + 375, 38 + 375
    assert found["06-02"] == april + may, "thirty days at 12.5 from 3 May on, for either"


@pytest.mark.parametrize("is_new", [True, False])
def test_plans_of_older_releases_stay_as_they_are(is_new: bool) -> None:
    """Due on 28 March with ten days of grace; 6 % from the 20th on, 12 % again from 1 April on.

    On 12 April they let all fifteen days bear the last rate: that is in their books.
    """
    plan = replace(kinds(LENT)["rates"], keeps_past_rates=is_new)
    start = date(2026, 2, 28)
    rates = (("2026-03-20", "0.06"), ("2026-04-01", "0.12"))
    events = [PlanEvent("0", Happening.DRAWN, start, LENT)]
    events += [
        PlanEvent(str(n), Happening.RATE_CHANGED, date.fromisoformat(day),
                  annual_rate=Decimal(rate))
        for n, (day, rate) in enumerate(rates, start=1)
    ]  # fmt: skip
    row = replay(plan, events, date(2026, 4, 12)).rows[0]
    assert row.due_on == date(2026, 3, 28)
    principal = row.principal_minor
    early, late = (4, 11) if is_new else (0, 15)
    wanted = principal * Decimal("0.09") * early / 360, principal * Decimal("0.18") * late / 360
    assert row.penalty_minor == sum(int(one + Decimal("0.5")) for one in wanted)
