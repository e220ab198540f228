"""A loan that is collected, by hand: lists by age, hours and numbers of contacts, promises, relief.

12,000.00 yuan at 12 % a year by actual days over 365, in twelve shares; nothing is paid. The first
is due on 2 April 2026. Figures as in ``data/collection.toml``: nobody is spoken to before 8:00 or
from 22:00 on, six times a day and fifteen in seven days at most; lists from the 1st, 8th, 31st,
61st and 91st day on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from puhui.kernel import Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import time_us_of
from puhui.servicing import window
from tests.lending.second import SECOND
from tests.servicing.stand import StandFor
from tests.servicing.worked.loan import KEYS, LENT, Lend, Loan
from tests.servicing.worked.reckon import bears, half_up
from tests.servicing.worked.test_payers import SHARES, with_wallet

CALL = {"person": "borrower", "channel": "call", "result": "not_reached"}
LETTER = {"person": "borrower", "channel": "letter", "result": "reached"}


@pytest.fixture
def loan(opened_each: Callable[[str], Lend]) -> Loan:
    """The loan as it was lent, on each kind of store."""
    return opened_each("2026-03-02")(**SHARES)


def hour(loan: Loan, day: str, at: str) -> None:
    """An hour and minute of a day."""
    loan.clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T{at}:00+08:00")))


def refused(loan: Loan, name: str, **told: object) -> str:
    with pytest.raises(Refused) as no:
        loan.serve(name, **told)
    return no.value.code


def task(loan: Loan) -> tuple[str, str] | None:
    """The list that a loan is on, and whether its task is open."""
    with loan.bank.node.read() as tx:
        found = window.task_of(tx, loan.id)
    return None if found is None else (found.step, found.status)


def test_its_task_moves_from_list_to_list(loan: Loan) -> None:
    """3 April is the first day past due, the 10th the eighth, 3 May the 31st, 2 June the 61st, 2
    July the 91st; a task that was finished for a day is there again on the next.
    """
    loan.to("2026-04-02", closes=True)
    assert task(loan) is None, "due today is not past due"
    days = {
        "2026-04-03": "remind", "2026-04-09": "remind", "2026-04-10": "call",
        "2026-05-02": "call", "2026-05-03": "negotiate", "2026-06-01": "negotiate",
        "2026-06-02": "visit", "2026-07-01": "visit", "2026-07-02": "recover",
    }  # fmt: skip
    for day, step in days.items():
        loan.to(day, closes=True)
        assert task(loan) == (step, "open"), day
    hour(loan, "2026-07-03", "10:00")
    loan.serve("take_task")
    loan.serve("record_contact", **CALL)
    loan.serve("finish_task")
    assert task(loan) == ("recover", "closed")
    loan.to("2026-07-03", closes=True)
    assert task(loan) == ("recover", "open")
    owed = loan.state().owed_today_minor
    loan.to("2026-07-04")
    loan.pay(owed + 200)
    assert loan.state().arrears_minor == 0, "a day's penalty on four shares is two yuan"
    loan.to("2026-07-04", closes=True)
    assert task(loan) == ("recover", "closed")


def test_hours_numbers_and_persons(loan: Loan) -> None:
    """Six on Friday the 10th, six on the 11th, three on the 12th are fifteen in seven days; on the
    17th those of the 10th are a week ago, so that six more may be.
    """
    loan.to("2026-04-10", closes=True)
    for at, code in (("07:59", "servicing.quiet_hours"), ("22:00", "servicing.quiet_hours")):
        hour(loan, "2026-04-10", at)
        assert refused(loan, "record_contact", **CALL) == code
    hour(loan, "2026-04-10", "08:00")
    assert loan.serve("record_contact", **CALL).left_today == 5
    hour(loan, "2026-04-10", "21:59")
    assert loan.serve("record_contact", **CALL).left_today == 4
    hour(loan, "2026-04-10", "23:30")
    assert loan.serve("record_contact", **LETTER).left_today == 3, "a letter is read when it is"
    for person in ("neighbour", "employer", "family"):
        told = CALL | {"person": person}
        assert refused(loan, "record_contact", **told) == "servicing.third_party"
    told = CALL | {"person": "guarantor"}
    assert refused(loan, "record_contact", **told) == "servicing.no_guarantor"
    for _ in range(3):
        loan.serve("record_contact", **LETTER)
    assert refused(loan, "record_contact", **LETTER) == "servicing.contacted_enough"
    for day, count in (("11", 6), ("12", 3), ("13", 0), ("16", 0), ("17", 6), ("18", 6)):
        hour(loan, f"2026-04-{day}", "12:00")
        for _ in range(count):
            loan.serve("record_contact", **CALL)
        assert refused(loan, "record_contact", **CALL) == "servicing.contacted_enough", day


def test_one_person_is_one_person_whatever_is_owed(opened_each: Callable[[str], Lend]) -> None:
    """Who guarantees a loan is spoken to about it, and is counted apart from its borrower."""
    loan = opened_each("2026-03-02")(**SHARES)
    uncle = with_wallet(loan, 100)
    stands = StandFor(loan.id, uncle, 1_000_000)
    loan.bank.node.act("bench.stand_for", stands, key="stand", actor=SYSTEM)
    loan.to("2026-04-10", closes=True)
    hour(loan, "2026-04-10", "09:00")
    told = CALL | {"person": "guarantor"}
    for left in (5, 4, 3, 2, 1, 0):
        assert loan.serve("record_contact", **told).left_today == left
    assert refused(loan, "record_contact", **told) == "servicing.contacted_enough"
    assert loan.serve("record_contact", **CALL).left_today == 5
    stranger = loan.bank.person()
    told |= {"guarantor_id": stranger}
    assert refused(loan, "record_contact", **told) == "servicing.third_party"


def test_promises_and_what_becomes_of_them(loan: Loan) -> None:
    """1,122.30 are past due; fourteen days ahead at the most; after two broken ones none."""
    loan.to("2026-04-03", closes=True)
    hour(loan, "2026-04-04", "10:00")
    promise = {"amount_minor": 112_230, "by": "2026-04-10"}
    assert refused(loan, "promise_to_pay", **promise | {"amount_minor": 112_231}) == (
        "servicing.bad_promise"
    )
    assert refused(loan, "promise_to_pay", **promise | {"by": "2026-04-19"}) == (
        "servicing.bad_promise"
    )
    loan.pay(12_230)
    loan.serve("promise_to_pay", amount_minor=100_000, by="2026-04-10")
    assert refused(loan, "promise_to_pay", amount_minor=1, by="2026-04-10") == (
        "servicing.promised_already"
    )
    loan.to("2026-04-10", closes=True)
    with loan.bank.node.read() as tx:
        assert [one.status for one in window.promises_of(tx, loan.id)] == ["open"]
    loan.to("2026-04-11", closes=True)
    with loan.bank.node.read() as tx:
        (broken,) = window.promises_of(tx, loan.id)
    assert broken.status == "broken", "the 122.30 of that day had come before it"
    loan.serve("promise_to_pay", amount_minor=100_000, by="2026-04-12")
    loan.to("2026-04-12")
    loan.pay(100_000)
    loan.to("2026-04-13", closes=True)
    with loan.bank.node.read() as tx:
        found = window.promises_of(tx, loan.id)
    assert sorted(one.status for one in found) == ["broken", "kept"]
    loan.serve("promise_to_pay", amount_minor=100, by="2026-04-13")
    loan.to("2026-04-14", closes=True)
    assert refused(loan, "promise_to_pay", amount_minor=100, by="2026-04-15") == (
        "servicing.promises_broken"
    )


def test_relief_for_one_who_cannot_pay(loan: Loan) -> None:
    """Asked for on 10 April, eight days late: three months of interest alone, by another officer.

    What is past due is spread over what is to come: 12,000.00 over eleven shares, and in May the
    122.30 of April, eight days of 11,000.00, twenty-two of 12,000.00, and 4.00 of penalty. Asked
    for again in August, within the observation of a year from 2 May 2026 on, it makes the loan
    substandard, and the year begins anew on 2 September.
    """
    loan.to("2026-04-10", closes=True)
    asked = loan.serve("ask_relief", reason="illness", kind="interest_only", count=3)
    assert refused(loan, "ask_relief", reason="market", kind="longer", count=3) == (
        "servicing.relief_asked"
    )
    grant(loan, asked.relief_id)
    rows = loan.rows()
    assert [row[1] for row in rows] == [0, 0, 0, 0] + [109_090] * 10 + [109_100]
    interest = 12_230 + half_up(bears(1_100_000, 8, 365)) + half_up(bears(LENT, 22, 365))
    assert rows[1] == ("2026-05-02", 0, interest)
    assert rows[4][:2] == ("2026-08-02", 109_090)
    assert (rows[2][2], loan.state().rows[1].penalty_minor) == (12_230, 400)
    loan.to("2026-04-11", closes=True)
    row = loan.stored
    assert (row.risk_class, row.stage, row.days_past_due) == (1, 2, 0)
    assert date.fromordinal(row.watch_until) == date(2027, 5, 2)
    loan.fund(700_000)
    loan.to("2026-08-10", closes=True)
    assert (loan.stored.risk_class, loan.stored.arrears_minor) == (1, 0)
    asked = loan.serve("ask_relief", reason="market", kind="longer", count=6)
    grant(loan, asked.relief_id)
    row = loan.stored
    assert (row.risk_class, row.stage, row.restructured_again) == (2, 2, 1)
    assert date.fromordinal(row.watch_until) == date(2027, 9, 2)
    loan.to("2026-08-11", closes=True)
    assert (loan.stored.risk_class, loan.stored.days_past_due) == (2, 0)


def grant(loan: Loan, relief_id: str) -> None:
    """Another officer grants what was asked for."""
    told = {"relief_id": relief_id, "is_granted": True}
    loan.bank.node.act("servicing.decide_relief", told, key=f"g-{next(KEYS)}", actor=SECOND)
