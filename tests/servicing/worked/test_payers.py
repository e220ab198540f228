"""Money that comes by a file, and from others than the borrower, by hand, on both stores.

12,000.00 yuan at 12 % a year by actual days over 365, in twelve shares of 1,000.00. The first is
due on 2 April 2026 with 31 days of interest: 1,000.00 and 122.30. His sister pays for the borrower,
who has nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from puhui import ledger
from puhui.kernel import Refused
from puhui.payment import own_account, wallet_account
from tests.servicing.worked.loan import KEYS, LENT, Lend, Loan
from tests.servicing.worked.reckon import bears, half_up

SHARES = {"offered": 'equal_principal = "act/365"'}
FIRST = 112_230


def with_wallet(loan: Loan, amount_minor: int) -> str:
    """Somebody else with money in a wallet."""
    party_id = loan.bank.person()
    loan.bank.act("payment.open_wallet", f"open-{party_id}", party_id=party_id, currency="CNY")
    told = {
        "id": 10**8 + next(KEYS), "debit_account_id": own_account("funding", "CNY"),
        "credit_account_id": wallet_account(party_id, "CNY"), "amount_minor": amount_minor,
        "ledger": "CNY", "code": ledger.chart().transfer("deposit"),
    }  # fmt: skip
    loan.bank.act("ledger.create_transfers", f"fund-{party_id}", transfers=[told])
    return party_id


def held(loan: Loan, party_id: str) -> int:
    """What is in a wallet."""
    with loan.bank.node.read() as tx:
        (found,) = ledger.lookup_accounts(tx, [wallet_account(party_id, "CNY")])
    assert found is not None
    return found.credits_posted_minor - found.debits_posted_minor


def say(of: Loan, /, **wanted: int) -> None:
    """The books are as said, but for what is provided for since the end of March."""
    found = of.books()
    assert {name: found[name] for name in wanted} == wanted
    assert found["loan_loss"] == -found["loan_loss_allowance"] > 0


def file_of(loan: Loan, sister: str) -> list[dict[str, Any]]:
    """Eight rows, of which the first and the last can be taken on 5 April."""
    own = {"contract_id": loan.id, "currency": "CNY"}
    hers = own | {"payer_id": sister}
    return [
        hers | {"amount_minor": FIRST, "paid_on": "2026-04-02", "reference": "B-1"},
        hers | {"amount_minor": FIRST, "paid_on": "2026-04-02", "reference": "B-1"},
        own | {"amount_minor": 50_000, "paid_on": "2026-04-04"},
        hers | {"amount_minor": 100, "paid_on": "2026-04-06"},
        hers | {"amount_minor": 100, "paid_on": "2026-04-05", "currency": "USD"},
        hers | {"amount_minor": 100, "paid_on": "2026-04-05", "contract_id": "x"},
        hers | {"amount_minor": 100, "paid_on": "2026-03-01"},
        hers | {"amount_minor": 7_770, "paid_on": "2026-04-05", "reference": "B-2"},
    ]


@pytest.fixture
def paid(opened_each: Callable[[str], Lend]) -> tuple[Loan, str]:
    """The loan on the evening of 5 April, three days late, and then the file."""
    loan = opened_each("2026-03-02")(**SHARES)
    loan.close_through("2026-04-04")
    assert (loan.stored.days_past_due, loan.stored.arrears_minor) == (2, FIRST)
    sister = with_wallet(loan, 120_000)
    loan.to("2026-04-05")
    found = loan.bank.act("lending.take_payments", "file", payments=file_of(loan, sister))
    assert (found.taken, found.amount_minor) == (2, FIRST + 7_770)
    assert dict(found.refused) == {
        1: "lending.payment_known", 2: "lending.wallet_short", 3: "servicing.day_ahead",
        4: "lending.other_currency", 5: "lending.no_contract", 6: "servicing.before_loan",
    }  # fmt: skip
    return loan, sister


def test_a_file_of_payments(paid: tuple[Loan, str]) -> None:
    """Of 2 April: all that was due, in time. Of 5 April: interest of three days on 11,000.00 first,
    1,084.93 fen; the other 6,685 are principal. Her wallet is empty, his never had anything.
    """
    loan, sister = paid
    state = loan.state()
    assert (state.arrears_minor, state.days_past_due) == (0, 0)
    assert state.outstanding_minor == LENT - 100_000 - 6_685
    assert (held(loan, sister), held(loan, loan.party_id)) == (0, 0)
    loan.to("2026-04-05", closes=True)
    say(loan, loan=LENT - 106_685, interest_receivable=0, interest_income=-(12_230 + 1_085))
    assert (loan.stored.days_past_due, loan.stored.risk_class) == (0, 0)
    again = loan.bank.act("lending.take_payments", "again", payments=file_of(loan, sister)[::7])
    assert (again.taken, dict(again.refused)) == (0, dict.fromkeys((0, 1), "lending.payment_known"))
    loan.to("2026-04-06", closes=True)
    day = half_up(bears(LENT - 106_685, 1, 365))
    say(loan, loan=LENT - 106_685, interest_receivable=day, interest_income=-(13_315 + day))


def test_money_that_is_undone_goes_back_to_whoever_paid_it(paid: tuple[Loan, str]) -> None:
    """On the 6th her first payment is undone. The 77.70 of the 5th then were for April's interest,
    of which 44.60 are left; 1,000.00 are four days late, past the three of grace: 2.00 of penalty.
    The 11,000.00 that are not due yet bear four days of interest.
    """
    loan, sister = paid
    loan.to("2026-04-06")
    loan.do("undo_event", number=1)
    assert (held(loan, sister), held(loan, loan.party_id)) == (FIRST, 0)
    first = loan.state().rows[0]
    assert (first.principal_owed_minor, first.interest_owed_minor) == (100_000, 4_460)
    assert first.penalty_owed_minor == 200
    loan.to("2026-04-06", closes=True)
    running = half_up(bears(1_100_000, 4, 365))
    assert loan.stored.days_past_due == 4
    receivable, income = 4_460 + 200 + running, -(12_230 + 200 + running)
    say(loan, loan=LENT, interest_receivable=receivable, interest_income=income)
    told = {"amount_minor": FIRST, "paid_on": "2026-04-02", "payer_id": sister}
    loan.do("record_payment", **told, reference="B-1")
    assert held(loan, sister) == 0, "its number is free again, and it is taken as before"
    assert loan.state().outstanding_minor == LENT - 106_685


def test_what_she_paid_too_much_is_hers(opened_each: Callable[[str], Lend]) -> None:
    """13,000.00 on the first due day: 12,122.30 end the loan, 877.70 are owed to her."""
    loan = opened_each("2026-03-02")(**SHARES)
    sister = with_wallet(loan, 1_300_000)
    loan.to("2026-04-02")
    loan.do("record_payment", amount_minor=1_300_000, paid_on="2026-04-02", payer_id=sister)
    loan.owes(loan=0, wallet=0, interest_income=-12_230, loan_credit=-87_770)
    assert loan.stored.status == "paid_off"
    loan.do("refund_credit", amount_minor=87_770)
    assert (held(loan, sister), held(loan, loan.party_id)) == (87_770, 0)
    loan.owes(loan=0, wallet=0, interest_income=-12_230)
    with pytest.raises(Refused) as refused:
        loan.do("refund_credit", amount_minor=1)
    assert refused.value.code == "servicing.over_credit"
