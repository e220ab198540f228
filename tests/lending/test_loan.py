"""A loan from application to the last repayment, with what is refused on the way."""

from __future__ import annotations

import pytest

from puhui import ledger, lending
from puhui.kernel import Refused
from puhui.kernel.clock import FixedClock
from puhui.lending.desk.loan.contract import own_account, wallet_account
from tests.lending.bank import BAD_ROW, GOOD_ROW, Bank

DAY_US = 86_400_000_000


def in_wallet(bank: Bank, party_id: str) -> int:
    with bank.node.read() as tx:
        (account,) = ledger.lookup_accounts(tx, [wallet_account(party_id, "CNY")])
    return 0 if account is None else account.credit_balance_minor


def test_a_good_application_becomes_money_in_the_wallet(bank: Bank) -> None:
    party_id = bank.person()
    application_id = bank.apply(party_id, "1")
    decided = bank.decide(application_id)
    assert (decided.outcome, decided.reasons) == ("approved", ())
    assert decided.principal_minor == 3_000_000
    assert decided.annual_rate > 0
    accepted = bank.accept(application_id)
    done = bank.act("lending.disburse", "m", contract_id=accepted.contract_id)
    assert done.amount_minor == in_wallet(bank, party_id) == 3_000_000


def test_the_borrower_repays_on_time_to_the_last_fen(bank: Bank, clock: FixedClock) -> None:
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", term_months=3)
    other = bank.lend(bank.person(), "2", term_months=12)
    with bank.node.read() as tx:
        state = lending.loan_state(tx, contract_id, bank_day(clock))
    paid = 0
    for row in state.rows[:-1]:
        move_to(clock, row.due_on)
        repaid = bank.repay(contract_id, row.owed_minor, f"{row.number}")
        assert repaid.status == "current"
        paid += row.owed_minor
    last = state.rows[-1]
    move_to(clock, last.due_on)
    bank.act(
        "ledger.create_transfers",
        "top-up",
        transfers=[
            {
                "id": 77,
                "debit_account_id": own_account("funding", "CNY"),
                "credit_account_id": wallet_account(party_id, "CNY"),
                "amount_minor": 1_000_000,
                "ledger": "CNY",
                "code": ledger.chart().transfer("deposit"),
            }
        ],
    )
    with pytest.raises(Refused) as caught:
        bank.repay(other, 99_999_999, "too much for the wallet")
    assert caught.value.code == "lending.wallet_short"
    repaid = bank.repay(contract_id, last.owed_minor, "last")
    assert (repaid.status, repaid.outstanding_minor) == ("paid_off", 0)
    with pytest.raises(Refused) as caught:
        bank.repay(contract_id, 100, "after")
    assert caught.value.code == "lending.not_running"


def bank_day(clock: FixedClock) -> object:
    from puhui.kernel.clock import business_date

    return business_date(clock.now_us())


def move_to(clock: FixedClock, day: object) -> None:
    from puhui.kernel.clock import start_of_day_us

    clock.set_us(start_of_day_us(day) + 9 * 3_600_000_000)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (BAD_ROW, "score_below_cut_off"),
        ({**GOOD_ROW, "age": "17"}, "age_below"),
        ({**GOOD_ROW, "debt": "400000"}, "debt_over_income"),
    ],
)
def test_a_refusal_names_its_reasons(bank: Bank, row: dict[str, str], reason: str) -> None:
    decided = bank.decide(bank.apply(bank.person(), "1", row=row))
    assert decided.outcome == "refused"
    assert reason in decided.reasons
    texts = lending.shelf.load_reasons()
    for code in decided.reasons:
        text = texts.text(code)
        assert text.reason_zh
        assert text.reason_en
        assert text.change_zh
        assert text.change_en


def test_nothing_is_read_without_consent(bank: Bank) -> None:
    decided = bank.decide(bank.apply(bank.person(consent=False), "1"))
    assert decided.outcome == "refused"
    assert "consent_missing" in decided.reasons
    with bank.node.read() as tx:
        case, decision = lending.read_case(tx, decided.application_id)
    assert (case.points, case.pd, decision) == (None, None, None)


def test_a_person_who_is_not_identified_is_refused(bank: Bank) -> None:
    decided = bank.decide(bank.apply(bank.person(verified=False), "1"))
    assert "identity_not_verified" in decided.reasons


def test_a_second_application_while_one_is_open_is_refused(bank: Bank) -> None:
    party_id = bank.person()
    first, second = bank.apply(party_id, "1"), bank.apply(party_id, "2")
    assert bank.decide(first).outcome == "approved"
    assert "application_open" in bank.decide(second).reasons


def test_a_person_cannot_be_erased_while_a_loan_runs(bank: Bank) -> None:
    party_id = bank.person()
    bank.lend(party_id, "1")
    with pytest.raises(Refused) as caught:
        bank.act("party.erase_person", "erase", party_id=party_id)
    assert caught.value.code == "party.has_holds"


def test_a_contract_that_changed_since_it_was_read_is_not_signed(
    bank: Bank, clock: FixedClock
) -> None:
    application_id = bank.apply(bank.person(), "1")
    bank.decide(application_id)
    with pytest.raises(Refused) as caught:
        bank.act("lending.accept", "a", application_id=application_id, contract_digest="0" * 64)
    assert caught.value.code == "lending.contract_changed"
    accepted = bank.accept(application_id)
    clock.set_us(clock.now_us() + DAY_US)
    with pytest.raises(Refused) as caught:
        bank.act("lending.disburse", "m", contract_id=accepted.contract_id)
    assert caught.value.code == "lending.contract_stale"
