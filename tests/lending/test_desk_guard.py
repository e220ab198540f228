"""Attempts to borrow more than is allowed: debts out of sight, false figures, old decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from puhui import lending
from puhui.kernel import Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.worker import close_day, deliver
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.second import do_with_second

DAY_US = 86_400_000_000
POOR_ROW = {**GOOD_ROW, "income": "10000"}
"""Whoever earns 10,000 yuan a year carries 30,000 in all."""


def code_of(call: Any, *given: Any, **named: Any) -> str:
    """The code of the refusal that a call ends in."""
    with pytest.raises(Refused) as caught:
        call(*given, **named)
    return caught.value.code


def second_product(bank: Bank, pd_max: str = "0.2") -> None:
    """Put a second product in force for the same persons."""
    bank.act("score.register_model", "model-2", name="smallfirm", digest=bank.model_digest)
    bank.act(
        "lending.set_cut_off",
        "cut-off-2",
        product="smallfirm",
        model_digest=bank.model_digest,
        pd_max=pd_max,
        reason="for a test",
    )


@pytest.mark.parametrize("later_first", [False, True])
def test_two_products_together_stay_within_three_incomes(bank: Bank, later_first: bool) -> None:
    second_product(bank)
    party_id = bank.person()
    one = bank.apply(party_id, "1", row=POOR_ROW, wanted=2_000_000)
    two = bank.apply(party_id, "2", row=POOR_ROW, wanted=2_000_000, product="smallfirm")
    first, second = (two, one) if later_first else (one, two)
    assert bank.decide(first).outcome == "approved"
    refused = bank.decide(second)
    assert refused.outcome == "refused"
    assert "debt_over_income" in refused.reasons
    bank.accept(first)
    third = bank.apply(party_id, "3", row=POOR_ROW, wanted=1_100_000, product="smallfirm")
    assert "debt_over_income" in bank.decide(third).reasons


@pytest.mark.parametrize(
    ("told", "wanted", "reason"),
    [
        ({"income": "10000", "debt": "-270000"}, 3_000_100, "debt_over_income"),
        ({"income": "-10000"}, 100_000, "debt_over_income"),
        ({"income": "0"}, 100_000, "debt_over_income"),
        ({"overdue_days": "90"}, 100_000, "overdue_active"),
        ({"overdue": "12.50"}, 100_000, "overdue_active"),
        ({"overdue": "5", "overdue_days": "1"}, 100_000, "overdue_active"),
        ({"age": "17.999"}, 100_000, "age_below"),
        ({"income": " 10,000 ", "debt": "￥29,500.00"}, 100_000, "debt_over_income"),
    ],
)
def test_what_is_told_never_helps_past_a_guard(
    sqlite_bank: Bank, told: dict[str, str], wanted: int, reason: str
) -> None:
    bank = sqlite_bank
    decided = bank.decide(bank.apply(bank.person(), "1", row={**GOOD_ROW, **told}, wanted=wanted))
    assert decided.outcome == "refused"
    assert decided.reasons[0] == reason


@pytest.mark.parametrize("told", ["", "nan", "n/a"])
def test_who_does_not_say_the_income_meets_a_person(sqlite_bank: Bank, told: str) -> None:
    bank = sqlite_bank
    decided = bank.decide(bank.apply(bank.person(), "1", row={**GOOD_ROW, "income": told}))
    assert decided.outcome == "review"
    assert decided.reasons == ("income_unknown",)


def test_a_fact_that_cannot_be_read_is_not_told_to_anybody(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    for number, wrong in enumerate(({"income": "secret-7"}, {"flow": "1e400"}, {"age": "1e300"})):
        application_id = bank.apply(bank.person(), f"{number}", row={**GOOD_ROW, **wrong})
        with pytest.raises(Refused) as caught:
            bank.decide(application_id)
        assert caught.value.code == "lending.bad_facts"
        assert "secret" not in caught.value.reason
        bank.act("lending.withdraw", f"w-{number}", application_id=application_id)


@pytest.mark.parametrize("wanted", [0, -1, 2**62, 2**63, 10**40])
def test_amounts_that_nobody_can_ask_for(sqlite_bank: Bank, wanted: int) -> None:
    bank = sqlite_bank
    assert code_of(bank.apply, bank.person(), "1", wanted=wanted) == "lending.bad_amount"


def test_amounts_over_the_product_are_capped_and_under_it_refused(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    row = {**GOOD_ROW, "income": "9000000"}
    capped = bank.decide(bank.apply(bank.person(), "1", wanted=2**61, row=row))
    assert (capped.outcome, capped.principal_minor, capped.is_capped) == (
        "approved",
        30_000_000,
        True,
    )
    small = bank.decide(bank.apply(bank.person(), "2", wanted=49_999))
    assert small.reasons == ("wanted_below_smallest",)
    assert code_of(bank.apply, bank.person(), "3", term_months=7) == "lending.bad_term"
    assert code_of(bank.apply, bank.person(), "4", method="balloon") == "lending.bad_method"
    assert code_of(bank.apply, bank.person(), "5", product="gold") == "lending.no_product"
    assert code_of(bank.apply, bank.person(), "6", row={"a": "b" * 100_001}) == (
        "lending.row_too_large"
    )


def test_a_review_looks_at_the_debts_of_its_own_day(bank: Bank) -> None:
    """Refused on the score, borrowed elsewhere up to the brim, then overridden: not more."""
    second_product(bank, "0.01")
    party_id = bank.person()
    refused = bank.apply(party_id, "1", row=POOR_ROW, wanted=3_000_000, product="smallfirm")
    assert bank.decide(refused).reasons == ("score_below_cut_off",)
    bank.lend(party_id, "2", row=POOR_ROW, wanted=3_000_000)
    bank.act("lending.request_review", "ask", application_id=refused, statement="")
    propose(bank, refused)
    maker = bank.by("second", "loan_officer")
    confirm = {"application_id": refused, "agree": True, "reason": "well known"}
    assert code_of(maker.act, "lending.confirm_review", "c", **confirm) == (
        "lending.not_overridable"
    )


def propose(bank: Bank, application_id: str, approve: bool = True) -> None:
    """Have a first officer propose."""
    bank.by("first", "loan_officer").act(
        "lending.propose_review",
        f"propose-{application_id}-{approve}",
        application_id=application_id,
        approve=approve,
        reason="seen the shop",
    )


def test_a_written_off_debt_is_still_a_debt(bank: Bank, clock: FixedClock) -> None:
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    do_with_second(bank, "write_off", "off", contract_id=contract_id)
    assert code_of(bank.act, "lending.write_off", "again", contract_id=contract_id) == (
        "lending.written_off"
    )
    decided = bank.decide(bank.apply(party_id, "2", wanted=100_000))
    assert decided.reasons == ("overdue_active",)
    assert code_of(bank.act, "party.erase_person", "e", party_id=party_id) == "party.has_holds"
    repaid = bank.repay(contract_id, 3_000_000, "claim")
    assert repaid.recovered_minor == 3_000_000
    with bank.node.read() as tx:
        left = lending.quote_pay_off(tx, contract_id, business_date(clock.now_us()))
    assert left.total_minor == 0
    assert bank.decide(bank.apply(party_id, "3", wanted=100_000)).outcome == "approved"
    assert code_of(bank.repay, contract_id, 1, "more") == "lending.nothing_owed"


def test_an_offer_ends_with_or_without_the_closing_of_days(bank: Bank, clock: FixedClock) -> None:
    party_id = bank.person()
    late, kept = bank.apply(party_id, "1"), bank.apply(bank.person(), "2")
    clock.set_us(clock.now_us() + 20 * DAY_US)
    assert bank.decide(late).outcome == bank.decide(kept).outcome == "approved"
    clock.set_us(clock.now_us() + 30 * DAY_US)
    close_day(bank.node, business_date(clock.now_us()) - timedelta(days=1))
    bank.accept(kept)
    clock.set_us(clock.now_us() + DAY_US)
    assert code_of(bank.accept, late) == "lending.offer_expired"
    close_day(bank.node, business_date(clock.now_us()))
    with bank.node.read() as tx:
        assert lending.read_case(tx, late)[0].status == "expired"
        assert lending.read_case(tx, kept)[0].status == "expired"
    assert code_of(bank.accept, late) == "lending.not_offered"
    assert bank.decide(bank.apply(party_id, "3")).outcome == "approved"


def test_a_contract_left_overnight_is_undone_and_its_offer_stands(
    bank: Bank, clock: FixedClock
) -> None:
    party_id = bank.person()
    application_id = bank.apply(party_id, "1")
    bank.decide(application_id)
    contract_id = bank.accept(application_id).contract_id
    clock.set_us(clock.now_us() + DAY_US)
    day = business_date(clock.now_us())
    close_day(bank.node, day)
    with bank.node.read() as tx:
        assert lending.contract_of(tx, application_id) is None
        contract, _, _ = lending.draft_contract(tx, application_id, day, "zh")
    assert code_of(bank.act, "lending.disburse", "m", contract_id=contract_id) == (
        "lending.not_signed"
    )
    assert code_of(bank.act, "party.erase_person", "e", party_id=party_id) == "party.has_holds"
    again = bank.act(
        "lending.accept", "again", application_id=application_id, contract_digest=contract.digest
    )
    assert bank.act("lending.disburse", "m2", contract_id=again.contract_id).amount_minor > 0


def test_consent_taken_back_ends_what_is_undecided(bank: Bank) -> None:
    second_product(bank)
    party_id = bank.person(consent=False)
    consent_id = bank.consent(party_id)
    offered = bank.apply(party_id, "1", wanted=100_000)
    bank.decide(offered)
    waiting = bank.apply(party_id, "2", wanted=100_000, product="smallfirm")
    bank.act("data.revoke_consent", "revoke", consent_id=consent_id)
    assert bank.decide(bank.apply(party_id, "3", wanted=100_000)).reasons == (
        "consent_missing",
        "application_open",
    )
    deliver(bank.node)
    with bank.node.read() as tx:
        assert lending.read_case(tx, offered)[0].status == "offered"
        assert lending.read_case(tx, waiting)[0].status == "withdrawn"
    assert code_of(bank.decide, waiting) == "lending.not_open"
