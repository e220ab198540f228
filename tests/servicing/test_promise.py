"""Promises to pay: what was paid in between and stayed keeps them, on both stores."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

import pytest

from puhui.kernel.clock import FixedClock
from puhui.ledger import chart
from puhui.payment import own_account, wallet_account
from puhui.servicing import live, noun, window
from puhui.worker import close_day
from tests.servicing.book import Book
from tests.servicing.test_collect import DAY, act, at, book, late  # noqa: F401  the fixture

PROMISED = 5_000
REPAID, BACK, UNDONE = (
    noun.Happening.REPAID, noun.Happening.CHARGED_BACK, noun.Happening.UNDONE,
)  # fmt: skip


IDS = count(50)


def pay(book: Book, loan: str, amount: int, on: date, *more: noun.PlanEvent) -> None:  # noqa: F811
    """Money from outside into the borrower's wallet, and on to the loan, as of a day."""
    with book.node.read() as tx:
        row = live.take_loan(tx, loan)
    told = {
        "id": next(IDS), "debit_account_id": own_account("funding", "CNY"),
        "credit_account_id": wallet_account(row.party_id, "CNY"), "amount_minor": amount,
        "ledger": "CNY", "code": chart().transfer("deposit"),
    }  # fmt: skip
    act(book, "ledger.create_transfers", transfers=[told])
    for event in (noun.PlanEvent("", REPAID, on, amount), *more):
        act(book, "bench.happen", loan_id=loan, event=event)


@pytest.mark.parametrize(
    ("paid", "back", "is_undone", "status"),
    [
        (PROMISED, 0, False, "kept"),
        (PROMISED - 1, 0, False, "broken"),
        (PROMISED, 1, False, "broken"),
        (PROMISED + 1, 1, False, "kept"),
        (PROMISED, 0, True, "broken"),
    ],
)
def test_what_stayed_keeps_a_promise(
    book: Book,  # noqa: F811
    clock: FixedClock,
    paid: int,
    back: int,
    is_undone: bool,
    status: str,
) -> None:
    loan, day = late(book, stage=3), DAY + timedelta(days=2)
    at(clock, day, 10)
    until = (day + timedelta(days=3)).isoformat()
    act(book, "servicing.promise_to_pay", loan_id=loan, amount_minor=PROMISED, by=until)
    day += timedelta(days=1)
    at(clock, day, 10)
    with book.node.read() as tx:
        row = live.take_loan(tx, loan)
    number = str(row.events + 1)
    events = [noun.PlanEvent("", BACK, day, back, undoes=number)] if back else []
    events += [noun.PlanEvent("", UNDONE, day, undoes=number)] if is_undone else []
    pay(book, loan, paid, day, *events)
    day += timedelta(days=3)
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        (found,) = window.promises_of(tx, loan)
    assert found.status == status


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [(PROMISED, 0, "broken"), (PROMISED, PROMISED - 1, "broken"), (1, PROMISED, "kept")],
)
def test_what_came_earlier_on_the_day_keeps_no_promise(
    book: Book,  # noqa: F811
    clock: FixedClock,
    before: int,
    after: int,
    status: str,
) -> None:
    """Paid at ten, promised at eleven, paid at noon: what came at noon is what was promised."""
    loan, day = late(book, stage=3), DAY + timedelta(days=2)
    at(clock, day, 10)
    pay(book, loan, before, day)
    at(clock, day, 11)
    until = (day + timedelta(days=3)).isoformat()
    act(book, "servicing.promise_to_pay", loan_id=loan, amount_minor=PROMISED, by=until)
    at(clock, day, 12)
    if after:
        pay(book, loan, after, day)
    day += timedelta(days=4)
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        (found,) = window.promises_of(tx, loan)
    assert found.status == status


def test_money_of_days_before_that_is_recorded_late_keeps_none(
    book: Book,  # noqa: F811
    clock: FixedClock,
) -> None:
    """It came the day before the promise, on a statement that was read the day after it."""
    loan, day = late(book, stage=3), DAY + timedelta(days=2)
    at(clock, day, 10)
    until = (day + timedelta(days=3)).isoformat()
    act(book, "servicing.promise_to_pay", loan_id=loan, amount_minor=PROMISED, by=until)
    at(clock, day + timedelta(days=1), 10)
    pay(book, loan, PROMISED, day - timedelta(days=1))
    at(clock, day + timedelta(days=4), 20)
    close_day(book.node, day + timedelta(days=4))
    with book.node.read() as tx:
        (found,) = window.promises_of(tx, loan)
    assert found.status == "broken"
