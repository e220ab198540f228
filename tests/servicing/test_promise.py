"""Promises to pay: what was paid in between and stayed keeps them, on both stores."""

from __future__ import annotations

from datetime import timedelta

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
    events = [noun.PlanEvent("", REPAID, day, paid)]
    events += [noun.PlanEvent("", BACK, day, back, undoes=number)] if back else []
    events += [noun.PlanEvent("", UNDONE, day, undoes=number)] if is_undone else []
    told = {
        "id": 5, "debit_account_id": own_account("funding", "CNY"),
        "credit_account_id": wallet_account(row.party_id, "CNY"), "amount_minor": paid,
        "ledger": "CNY", "code": chart().transfer("deposit"),
    }  # fmt: skip
    act(book, "ledger.create_transfers", transfers=[told])
    for event in events:
        act(book, "bench.happen", loan_id=loan, event=event)
    day += timedelta(days=3)
    at(clock, day, 20)
    close_day(book.node, day)
    with book.node.read() as tx:
        (found,) = window.promises_of(tx, loan)
    assert found.status == status
