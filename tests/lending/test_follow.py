"""Contracts follow their loans: debited at the close of a day, past due, paid off, taken up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from puhui import lending, servicing
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.store import change
from puhui.ledger import lookup_accounts
from puhui.payment import own_account
from puhui.servicing.tables.live import LOAN
from puhui.worker import close_day
from tests.lending.bank import Bank

FORGET_LOANS = delete(LOAN)


def end_of(bank: Bank, clock: FixedClock, days: int) -> None:
    """Close the day so many days later, at eight in the evening."""
    day = bank.today() + timedelta(days=days)
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
    close_day(bank.node, day)


def receivable(bank: Bank) -> int:
    """What the ledger says is earned and not paid, minor units."""
    with bank.node.read() as tx:
        (found,) = lookup_accounts(tx, [own_account("interest_receivable", "CNY")])
    return 0 if found is None else found.debits_posted_minor - found.credits_posted_minor


def test_a_loan_is_debited_and_ends(bank: Bank, clock: FixedClock) -> None:
    contract_id = bank.lend(bank.person(), "1")
    end_of(bank, clock, 1)
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
        state = lending.loan_state(tx, contract_id, bank.today())
    assert row.booked_minor == row.accrued_minor == receivable(bank) > 0
    assert row.outstanding_minor == state.outstanding_minor
    for _ in range(14):
        end_of(bank, clock, 31)
        with bank.node.read() as tx:
            row = servicing.live.take_loan(tx, contract_id)
            (loan,) = lending.list_loans(tx)
            state = lending.loan_state(tx, contract_id, bank.today())
        assert receivable(bank) == row.booked_minor
        assert loan.outstanding_minor == row.outstanding_minor == state.outstanding_minor
        assert loan.days_past_due == row.days_past_due == state.days_past_due
    assert state.principal_paid_minor > 0
    assert loan.status in ("past_due", "paid_off")


def test_a_loan_paid_early_leaves_nothing_in_the_books(bank: Bank, clock: FixedClock) -> None:
    contract_id = bank.lend(bank.person(), "1")
    end_of(bank, clock, 10)
    other = bank.person()
    bank.lend(other, "2")
    with bank.node.read() as tx:
        quote = lending.quote_pay_off(tx, contract_id, bank.today())
    assert quote.interest_minor > 0
    bank.repay(contract_id, quote.total_minor - quote.interest_minor, "part")
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
        state = lending.loan_state(tx, contract_id, bank.today())
    assert row.outstanding_minor == state.outstanding_minor > 0
    end_of(bank, clock, 1)
    assert receivable(bank) >= 0


def test_loans_paid_out_before_are_taken_up(bank: Bank, clock: FixedClock) -> None:
    contract_id = bank.lend(bank.person(), "1")
    with change(bank.node.store) as tx:
        tx.run(FORGET_LOANS)
    end_of(bank, clock, 2)
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
        state = lending.loan_state(tx, contract_id, bank.today())
    assert row.outstanding_minor == state.outstanding_minor and row.booked_minor > 0
