"""Attempts to act for somebody else, alone where two are needed, or without having been asked."""

from __future__ import annotations

from typing import Any

import pytest

from puhui import lending
from puhui.kernel.clock import FixedClock
from puhui.worker import deliver
from tests.lending.bank import BAD_ROW, FIELDS, GOOD_ROW, PRODUCT, Bank
from tests.lending.test_desk_guard import DAY_US, code_of, propose, second_product
from tests.lending.test_loan import in_wallet


def own(bank: Bank, party_id: str) -> Bank:
    """The bank as a customer meets it."""
    return bank.by(party_id, "customer")


def refused_case(bank: Bank, party_id: str, key: str = "1") -> str:
    """An application that the score refused, though nothing else stands against it."""
    second_product(bank, "0.01")
    application_id = bank.apply(party_id, key, product="smallfirm", wanted=1_000_000)
    assert bank.decide(application_id).reasons == ("score_below_cut_off",)
    return application_id


def test_a_customer_acts_for_nobody_else(bank: Bank) -> None:
    victim, thief = bank.person(), bank.person()
    them = own(bank, thief)
    application_id = bank.apply(victim, "1")
    assert code_of(them.apply, victim, "2") == "party.not_yours"
    assert code_of(them.decide, application_id) == "party.not_yours"
    named: dict[str, Any] = {"application_id": application_id}
    assert code_of(them.act, "lending.withdraw", "w", **named) == "party.not_yours"
    assert bank.act("lending.decide", "by the bank", **named).outcome == "approved"
    assert code_of(them.accept, application_id) == "party.not_yours"
    contract = {
        "contract_id": bank.act(
            "lending.accept", "a", **named, contract_digest=digest_of(bank, application_id)
        ).contract_id
    }
    assert code_of(them.act, "lending.void_contract", "v", **contract) == "party.not_yours"
    assert code_of(them.act, "lending.disburse", "m", **contract) == "party.not_yours"
    bank.act("lending.disburse", "pay", **contract)
    assert code_of(them.repay, contract["contract_id"], 1_000, "r") == "party.not_yours"
    assert in_wallet(bank, victim) == 3_000_000
    refused = bank.apply(victim, "3", row=BAD_ROW)
    bank.decide(refused)
    assert code_of(them.act, "lending.request_review", "q", application_id=refused) == (
        "party.not_yours"
    )


def digest_of(bank: Bank, application_id: str) -> str:
    """The digest of the contract as it may be signed today."""
    from puhui.kernel.clock import business_date

    with bank.node.read() as tx:
        today = business_date(bank.node.clock.now_us())
        return lending.draft_contract(tx, application_id, today, "zh")[0].digest


@pytest.mark.parametrize(
    "use_case",
    [
        "lending.propose_review",
        "lending.confirm_review",
        "lending.write_off",
        "lending.set_cut_off",
        "lending.open_books",
        "lending.expire_offers",
        "lending.age_loans",
        "lending.void_stale_contracts",
        "lending.withdraw_for_consent",
        "lending.forget_party",
    ],
)
def test_what_customers_may_never_do(sqlite_bank: Bank, use_case: str) -> None:
    them = own(sqlite_bank, sqlite_bank.person())
    assert code_of(them.act, use_case, "x") == "kernel.role_missing"


def test_a_customer_chooses_neither_model_nor_mapping(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    bank.act("score.register_model", "kind", name="kind_model", digest=bank.model_digest)
    party_id = bank.person()
    them = own(bank, party_id)
    assert code_of(them.apply, party_id, "1", champion="kind_model") == "lending.not_your_model"
    assert bank.apply(party_id, "2", champion="kind_model")
    other = {
        "party_id": party_id,
        "product": PRODUCT,
        "wanted_minor": 100_000,
        "row": GOOD_ROW,
        "fields": FIELDS,
        "channel": "test",
        "source_id": "3",
    }
    for mapping in ("../models/x", "0" * 64, "", "a/b"):
        assert code_of(them.act, "lending.apply", f"m{mapping}", mapping=mapping, **other) == (
            "lending.mapping_missing"
        )
    mapping = demo_mapping(bank)
    applied = them.act("lending.apply", "other mapping", mapping=mapping, **other)
    assert code_of(them.decide, applied.application_id) == "lending.mapping_differs"


def demo_mapping(bank: Bank) -> str:
    """A mapping that is kept on the node and was not what the model learnt from."""
    from puhui import score

    mapping = score.study.read_mapping("small_loans")
    lending.keep_mapping(bank.node.home, mapping, score.study.mapping_text("small_loans"))
    return mapping.digest


def test_an_override_takes_two_persons_who_are_not_the_applicant(bank: Bank) -> None:
    party_id = bank.person()
    application_id = refused_case(bank, party_id)
    named = {"application_id": application_id}
    first, second = bank.by("first", "loan_officer"), bank.by("second", "risk_analyst")
    yes = {"agree": True, "reason": "seen the shop"}
    assert code_of(second.act, "lending.confirm_review", "c0", **named, **yes) == (
        "lending.no_review"
    )
    bank.act("lending.request_review", "ask", **named, statement="please look again")
    assert code_of(bank.act, "lending.request_review", "ask2", **named) == "lending.not_refused"
    assert code_of(second.act, "lending.confirm_review", "c1", **named, **yes) == (
        "lending.not_proposed"
    )
    insider = bank.by(party_id, "loan_officer")
    told = {**named, "approve": True}
    assert code_of(insider.act, "lending.propose_review", "p0", **told, reason="I am fine") == (
        "party.four_eyes"
    )
    assert code_of(first.act, "lending.propose_review", "p1", **told, reason="  ") == (
        "lending.no_reason"
    )
    propose(bank, application_id)
    assert code_of(first.act, "lending.confirm_review", "c2", **named, **yes) == "party.four_eyes"
    assert code_of(insider.act, "lending.confirm_review", "c3", **named, **yes) == (
        "party.four_eyes"
    )
    sent_back = second.act("lending.confirm_review", "c4", **named, agree=False, reason="why?")
    assert sent_back.status == "open"
    first.act("lending.propose_review", "p2", **told, reason="receipts seen")
    done = second.act("lending.confirm_review", "c5", **named, **yes)
    assert (done.status, done.outcome) == ("closed", "approved")
    assert code_of(second.act, "lending.confirm_review", "c6", **named, **yes) == (
        "lending.review_closed"
    )
    bank.accept(application_id)
    with bank.node.read() as tx:
        assert lending.read_case(tx, application_id)[0].status == "accepted"


def test_what_was_withdrawn_cannot_be_approved_afterwards(bank: Bank) -> None:
    party_id = bank.person()
    application_id = refused_case(bank, party_id)
    bank.act("lending.request_review", "ask", application_id=application_id)
    propose(bank, application_id)
    own(bank, party_id).act("lending.withdraw", "w", application_id=application_id)
    second = bank.by("second", "loan_officer")
    yes = {"application_id": application_id, "agree": True, "reason": "fine"}
    assert code_of(second.act, "lending.confirm_review", "c", **yes) == "lending.review_closed"
    bank.act("party.erase_person", "erase", party_id=party_id)
    deliver(bank.node)


def test_a_review_needs_the_consent_it_rests_on(bank: Bank) -> None:
    party_id = bank.person(consent=False)
    consent_id = bank.consent(party_id)
    application_id = refused_case(bank, party_id)
    bank.act("lending.request_review", "ask", application_id=application_id)
    propose(bank, application_id)
    assert code_of(bank.act, "party.erase_person", "e", party_id=party_id) == "party.has_holds"
    bank.act("data.revoke_consent", "revoke", consent_id=consent_id)
    yes = {"application_id": application_id, "agree": True, "reason": "fine"}
    second = bank.by("second", "loan_officer")
    assert code_of(second.act, "lending.confirm_review", "c", **yes) == "lending.no_consent"
    deliver(bank.node)
    assert code_of(second.act, "lending.confirm_review", "d", **yes) == "lending.review_closed"


def test_a_refusal_for_want_of_consent_is_not_reviewed(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    application_id = bank.apply(bank.person(consent=False), "1")
    bank.decide(application_id)
    assert code_of(bank.act, "lending.request_review", "q", application_id=application_id) == (
        "lending.not_overridable"
    )


def test_no_override_of_guards_that_protect(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    for key, row in {
        "young": {**GOOD_ROW, "age": "17"},
        "indebted": {**GOOD_ROW, "debt": "400000"},
        "dear": BAD_ROW,
    }.items():
        application_id = bank.apply(bank.person(), key, row=row)
        assert bank.decide(application_id).outcome == "refused"
        named = {"application_id": application_id}
        bank.act("lending.request_review", f"ask-{key}", **named)
        assert code_of(propose, bank, application_id) == "lending.not_overridable"
        propose(bank, application_id, approve=False)
        second = bank.by("second", "loan_officer")
        done = second.act(
            "lending.confirm_review", f"c-{key}", **named, agree=True, reason="the law"
        )
        assert done.outcome == "refused"


def test_who_fails_an_identity_check_signs_nothing(bank: Bank, clock: FixedClock) -> None:
    party_id = bank.person()
    application_id = bank.apply(party_id, "1")
    bank.decide(application_id)
    clock.set_us(clock.now_us() + DAY_US)
    bank.act(
        "party.verify_identity",
        "found out",
        party_id=party_id,
        method="synthetic",
        is_passed=False,
        evidence_digest="0" * 64,
    )
    assert code_of(bank.accept, application_id) == "lending.not_identified"
