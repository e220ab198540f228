"""Ends of months that nobody closed: what they debit stands in the contract too."""

from __future__ import annotations

from datetime import date, datetime

from puhui.kernel.clock import FixedClock, time_us_of
from puhui.lending import list_loans
from puhui.worker import close_day
from tests.conftest import check_books
from tests.lending.bank import Bank


def test_a_contract_follows_debits_of_ends_of_months_that_were_made_up(
    bank: Bank, clock: FixedClock
) -> None:
    party_id = bank.person()
    bank.lend(party_id, "1", wanted=3_000_000)
    for day in (date(2026, 3, 31), date(2026, 8, 1)):
        clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
        close_day(bank.node, day)
    with bank.node.read() as tx:
        (loan,) = list_loans(tx)
    assert loan.outstanding_minor < loan.principal_minor, "the wallet paid what fell due"
    check_books(bank.node)
