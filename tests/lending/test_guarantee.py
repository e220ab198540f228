"""Guarantors: what they stand for is a debt of their own, looked at when they sign."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from puhui.data import consents_of
from puhui.data.window import accesses_of
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.lending import quote_pay_off, tables
from puhui.lending.nouns.obligation import ObligationKind
from puhui.lending.window import contract_row, guarantee, obligations_of
from puhui.servicing import live
from puhui.servicing.rules.burden import monthly_burden
from puhui.worker import close_day
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_hostile import do

SIGN = "lending.sign_guarantee"
CHILD = "11000020150101001X"


def ask(
    bank: Bank,
    contract_id: str,
    guarantor_id: str,
    share: int = 500_000,
    *,
    is_shown: bool = True,
    **more: Any,
) -> str:
    """An officer asks somebody to stand for a loan, and the borrower agrees that they see it; the
    number of the asking.
    """
    told = {"contract_id": contract_id, "guarantor_id": guarantor_id, "share_millionths": share}
    officer = bank.by("officer", "loan_officer")
    ask_id = str(do(officer, "lending.ask_guarantee", **told, **more).ask_id)
    if is_shown:
        agree(bank, contract_id, guarantor_id)
    return ask_id


def agree(bank: Bank, contract_id: str, guarantor_id: str, **more: Any) -> str:
    """The borrower agrees that a guarantor sees the loan; the number of the consent."""
    with bank.node.read() as tx:
        borrower = contract_row(tx, contract_id).party_id
    told = {
        "party_id": borrower,
        "purpose": "guarantee_view",
        "fields": ("loan_standing",),
        "until": (bank.today() + timedelta(days=400)).isoformat(),
        "sources": (contract_id,),
        "recipient": guarantor_id,
    }
    who = bank.by(more.pop("actor", borrower), more.pop("role", "customer"))
    return str(do(who, "data.grant_consent", **told | more).consent_id)


def read(bank: Bank, ask_id: str, language: str = "zh") -> Any:
    """What the guarantor is shown."""
    with bank.node.read() as tx:
        return guarantee.draft_guarantee(bank.node, tx, ask_id, language)


def sign_ask(bank: Bank, ask_id: str, actor: str, *, digest: str = "") -> Any:
    """Read what was asked, and sign it as somebody."""
    digest = digest or read(bank, ask_id).digest
    told = {"ask_id": ask_id, "text_digest": digest}
    return do(bank.by(actor, "customer"), SIGN, **told)


def sign(bank: Bank, contract_id: str, guarantor_id: str, share: int = 500_000) -> Any:
    """Be asked, and sign as oneself."""
    return sign_ask(bank, ask(bank, contract_id, guarantor_id, share), guarantor_id)


def owed(bank: Bank, party_id: str) -> Any:
    """Every obligation of a person today."""
    with bank.node.read() as tx:
        return obligations_of(tx, party_id, on=bank.today())


def test_a_guarantee_stands_among_the_guarantors_debts(bank: Bank) -> None:
    contract_id = bank.lend(bank.person(), "1")
    guarantor = bank.person()
    bank.decide(bank.apply(guarantor, "2"))
    with bank.node.read() as tx:
        left = live.take_loan(tx, contract_id).outstanding_minor
        month = live.burden_of_loan(tx, contract_id)
    given = sign(bank, contract_id, guarantor)
    (one,) = (o for o in owed(bank, guarantor).items if o.kind is ObligationKind.GUARANTEE)
    assert one.reference == given.guarantee_id
    assert (one.debt_minor, one.monthly_minor) == (left // 2, -(-month // 2))
    rich = bank.person()
    bank.decide(bank.apply(rich, "3", row={**GOOD_ROW, "income": "9000000"}))
    assert code_of(sign, bank, contract_id, rich, 600_000) == "servicing.bad_guarantee"
    assert code_of(sign, bank, contract_id, guarantor, 0) == "servicing.bad_guarantee"
    assert code_of(sign, bank, "contract-x", guarantor) == "lending.no_contract"


def test_nobody_signs_for_more_than_the_income_carries(bank: Bank) -> None:
    """Three incomes of 120,000 yuan; without a known income nobody signs at all."""
    contract_id = bank.lend(bank.person(), "1")
    stranger, poor = bank.person(), bank.person()
    assert code_of(sign, bank, contract_id, stranger) == "lending.income_unknown"
    bank.decide(bank.apply(poor, "2", row={**GOOD_ROW, "income": "3000"}))
    assert code_of(sign, bank, contract_id, poor) == "lending.over_capacity"
    with bank.node.read() as tx:
        (first,) = guarantee.asked_of(bank.node, tx, poor)
    assert code_of(sign_ask, bank, first.id, stranger) == "party.not_yours"


def test_an_asking_is_answered_once(bank: Bank) -> None:
    """Declined by whom it was put to, taken back by who asked, and signed by nobody after."""
    borrower, guarantor, other = bank.person(), bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    bank.decide(bank.apply(guarantor, "2"))
    own, asked = bank.by(borrower, "customer"), bank.by(guarantor, "customer")
    told = {"contract_id": contract_id, "guarantor_id": guarantor, "share_millionths": 400_000}
    name = "lending.ask_guarantee"
    first = do(own, name, **told).ask_id
    assert code_of(do, own, name, **told) == "lending.guarantee_asked"
    more = told | {"guarantor_id": other, "verified_income": "9000000"}
    assert code_of(do, own, name, **more) == "lending.bad_amount"
    self_ = told | {"guarantor_id": borrower}
    assert code_of(do, own, name, **self_) == "servicing.bad_guarantee"
    assert code_of(do, bank.by(other, "customer"), name, **told) == "party.not_yours"
    key = {"ask_id": first}
    assert code_of(do, own, "lending.decline_guarantee", **key) == "party.not_yours"
    assert code_of(do, asked, "lending.withdraw_guarantee_ask", **key) == "party.not_yours"
    assert do(asked, "lending.decline_guarantee", **key).status == "declined"
    assert code_of(do, own, "lending.withdraw_guarantee_ask", **key) == "lending.guarantee_answered"
    assert code_of(sign_ask, bank, first, guarantor) == "lending.guarantee_answered"
    second = do(own, name, **told).ask_id
    assert do(own, "lending.withdraw_guarantee_ask", ask_id=second).status == "withdrawn"
    assert code_of(do, own, "lending.decline_guarantee", ask_id="x") == "lending.no_guarantee_ask"
    void = told | {"contract_id": "contract-x"}
    assert code_of(do, own, name, **void) == "lending.no_contract"


def test_what_was_read_is_what_is_signed(bank: Bank) -> None:
    """The text stands with its digest and signature; once the loan moves it is read again."""
    borrower, guarantor = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    bank.decide(bank.apply(guarantor, "2"))
    ask_id = ask(bank, contract_id, guarantor)
    text, digest = read(bank, ask_id, "en"), read(bank, ask_id).digest
    assert "50%" in text.text
    bank.repay(contract_id, 100_000, "early")
    assert code_of(sign_ask, bank, ask_id, guarantor, digest=digest) == "lending.guarantee_changed"
    given = sign_ask(bank, ask_id, guarantor)
    with bank.node.read() as tx:
        row = guarantee.ask_row(tx, ask_id)
    assert (row.status, row.guarantee_id) == ("signed", given.guarantee_id)
    assert hashlib.sha256(row.text.encode()).hexdigest() == row.text_digest == given.text_digest
    assert row.signature == given.signature == bank.node.keys.sign(row.text_digest.encode())


def test_a_guarantor_is_an_adult_whom_the_bank_knows(bank: Bank) -> None:
    """Neither a child nor somebody unverified binds themselves."""
    contract_id = bank.lend(bank.person(), "1")
    child = bank.act("party.register_person", "child", name="少年", id_number=CHILD,
                     phone="13911112222").party_id  # fmt: skip
    ask_id = ask(bank, contract_id, child, verified_income="50000000")
    assert code_of(sign_ask, bank, ask_id, child) == "lending.not_identified"
    bank.act("party.verify_identity", "child-seen", party_id=child, method="synthetic",
             is_passed=True, evidence_digest="0" * 64)  # fmt: skip
    assert code_of(sign_ask, bank, ask_id, child) == "lending.guarantor_minor"


def test_an_income_that_an_officer_saw_carries_a_guarantee(bank: Bank) -> None:
    """Somebody who never borrowed signs by it; it is sealed, and the debt stands from then on."""
    contract_id = bank.lend(bank.person(), "1")
    parent = bank.person()
    assert code_of(sign_ask, bank, ask(bank, contract_id, parent), parent) == (
        "lending.income_unknown"
    )
    with bank.node.read() as tx:
        (first,) = guarantee.asked_of(bank.node, tx, parent)
    do(bank.by("officer", "loan_officer"), "lending.withdraw_guarantee_ask", ask_id=first.id)
    ask_id = ask(bank, contract_id, parent, verified_income="12000000")
    sign_ask(bank, ask_id, parent)
    with bank.node.read() as tx:
        row = guarantee.ask_row(tx, ask_id)
        looks = accesses_of(tx, parent)
    assert "12000000" not in row.verified_income
    assert {one.purpose for one in looks} >= {"debt_check"}
    assert any("birth_date" in one.fields for one in looks)
    assert any(o.kind is ObligationKind.GUARANTEE for o in owed(bank, parent).items)


def test_a_month_follows_the_plan_as_it_is_now(bank: Bank, clock: FixedClock) -> None:
    """Four instalments more make a month lighter, in the view too."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    day = bank.today() + timedelta(days=1)
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
    close_day(bank.node, day)
    (before,) = owed(bank, party_id).items
    with bank.node.read() as tx:
        rows = live.read_book(tx, contract_id).state(day).rows
    level = rows[1].total_minor if hasattr(rows[1], "total_minor") else rows[1].owed_minor
    assert abs(before.monthly_minor - level) <= level // 20
    do(bank, "lending.reschedule", contract_id=contract_id, due_on=rows[1].due_on.isoformat(),
       count=12, grace=0, annual_rate=None)  # fmt: skip
    (after,) = owed(bank, party_id).items
    assert after.monthly_minor < before.monthly_minor * 7 // 10
    assert after.debt_minor == before.debt_minor


@pytest.mark.parametrize(
    ("owed_minor", "days", "month"),
    [(1200, 365, 100), (1200, 0, 1200), (1200, -40, 1200), (1201, 365, 101), (0, 10, 0),
     (1000, 31, 500)],
)  # fmt: skip
def test_a_burden_is_spread_over_the_months_left(owed_minor: int, days: int, month: int) -> None:
    assert monthly_burden(owed_minor, days) == month


def test_a_reviewed_loan_states_the_income_that_was_verified(bank: Bank) -> None:
    """Nobody told it: a yes without one is refused; drawdown goes by the one that was seen."""
    first, second = bank.by("first", "loan_officer"), bank.by("second", "risk_analyst")
    party_id = bank.person()
    application_id = bank.apply(party_id, "1", row={**GOOD_ROW, "income": ""})
    assert bank.decide(application_id).outcome == "review"
    told = {"application_id": application_id, "approve": True, "reason": "receipts seen"}
    name = "lending.propose_review"
    assert code_of(first.act, name, "p1", **told) == "lending.income_unknown"
    assert code_of(first.act, name, "p2", **told, verified_income="much") == "lending.bad_amount"
    first.act(name, "p3", **told, verified_income="12000000")
    yes = {"application_id": application_id, "agree": True, "reason": "so have I"}
    assert second.act("lending.confirm_review", "c1", **yes).outcome == "approved"
    bank.accept(application_id)
    with bank.node.read() as tx:
        texts = tx.all(tables.LOCK_REVIEW, application_id=application_id)
    assert "12000000" not in (texts[0].verified_income or ""), "sealed under the person's key"


def test_who_stands_for_a_loan_is_kept_until_it_is_over(bank: Bank) -> None:
    """Erasure waits while the guarantee may be called; a loan that lives again keeps them again."""
    borrower, parent = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    sign_ask(bank, ask(bank, contract_id, parent, verified_income="12000000"), parent)
    erase = {"party_id": parent}
    assert code_of(bank.act, "party.erase_person", "e1", **erase).startswith("party.")
    with bank.node.read() as tx:
        owed_minor = quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed_minor, "all")
    with bank.node.read() as tx:
        number = len(live.read_book(tx, contract_id).events) - 1
    do(bank, "lending.undo_event", contract_id=contract_id, number=number)
    assert code_of(bank.act, "party.erase_person", "e2", **erase).startswith("party.")
    with bank.node.read() as tx:
        owed_minor = quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed_minor, "again")
    bank.act("party.erase_person", "e3", **erase)


@pytest.mark.parametrize("answer", ["decline_guarantee", "withdraw_guarantee_ask"])
def test_whoever_does_not_stand_sees_nothing_of_the_loan(bank: Bank, answer: str) -> None:
    """Said no, or taken back: what is owed later is nobody else's; a stranger learns no state."""
    borrower, asked, stranger = bank.person(), bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    ask_id = ask(bank, contract_id, asked)
    actor = asked if answer.startswith("decline") else borrower
    do(bank.by(actor, "customer"), f"lending.{answer}", ask_id=ask_id)
    assert code_of(read, bank, ask_id) == "lending.guarantee_answered"
    other = bank.by(stranger, "customer")
    assert code_of(do, other, f"lending.{answer}", ask_id=ask_id) == "party.not_yours"


def test_a_payment_is_undone_though_the_guarantor_was_erased(bank: Bank) -> None:
    """The loan was over, so the guarantor could go; that the payment bounced is no less true."""
    borrower, parent = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    sign_ask(bank, ask(bank, contract_id, parent, verified_income="12000000"), parent)
    with bank.node.read() as tx:
        owed_minor = quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed_minor, "all")
    bank.act("party.erase_person", "e1", party_id=parent)
    with bank.node.read() as tx:
        number = len(live.read_book(tx, contract_id).events) - 1
    do(bank, "lending.undo_event", contract_id=contract_id, number=number)
    with bank.node.read() as tx:
        assert live.take_loan(tx, contract_id).outstanding_minor > 0


def test_what_may_still_be_drawn_counts_before_it_is(bank: Bank) -> None:
    """A line that is hardly used: who signs stands for all of it, and is told, and looked at."""
    second_product(bank)
    borrower, poor, rich = bank.person(), bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1", product="smallfirm", method="draw_at_will",
                            wanted=2_000_000)  # fmt: skip
    bank.repay(contract_id, 1_900_000, "most")
    ask_id = ask(bank, contract_id, poor, 1_000_000, verified_income="300000")
    assert code_of(sign_ask, bank, ask_id, poor) == "lending.over_capacity"
    told = ask(bank, contract_id, rich, 1_000_000, verified_income="50000000")
    text = read(bank, told, "en")
    assert text.outstanding_minor == 100_000
    assert text.share_minor >= 2_000_000 > text.monthly_minor > 0
    assert "19,000.00" in text.text
    sign_ask(bank, told, rich)


HIDDEN = ("data.no_consent", "data.consent_revoked")


def seen(bank: Bank, guarantor_id: str) -> Any:
    """The newest asking as the guarantor sees it."""
    with bank.node.read() as tx:
        return guarantee.asked_of(bank.node, tx, guarantor_id)[0]


def test_an_officer_shows_no_loan_without_the_borrowers_yes(bank: Bank) -> None:
    """The attack: an officer asks a friend, to learn of a customer's loan. Nothing is told."""
    borrower, friend = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    ask_id = ask(bank, contract_id, friend, is_shown=False, verified_income="12000000")
    assert code_of(read, bank, ask_id) == "data.no_consent"
    one = seen(bank, friend)
    assert (one.is_shown, one.contract_id, one.borrower_id) == (False, "", "")
    assert (one.share_millionths, one.call_after_days, one.status) == (0, 0, "asked")
    assert code_of(sign_ask, bank, ask_id, friend, digest="0" * 64) == "data.no_consent"
    look = {"party_id": borrower, "purpose": "guarantee_view", "fields": ("loan_standing",)}
    agree(bank, contract_id, friend)
    for actor, role in (("officer", "loan_officer"), (friend, "customer"), ("desk", "operator")):
        found = code_of(do, bank.by(actor, role), "data.record_access", **look)
        assert found in ("data.role_not_allowed", "data.no_consent"), actor


def test_nobody_agrees_for_the_borrower(bank: Bank) -> None:
    """Neither an officer nor a machine, nor on paper; and a consent names whom and what."""
    borrower, friend = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    ask_id = ask(bank, contract_id, friend, is_shown=False)
    for actor, role in (("officer", "loan_officer"), ("desk", "operator"), ("job", "system")):
        for way in ("page", "paper"):
            told = {"actor": actor, "role": role, "way": way}
            assert code_of(agree, bank, contract_id, friend, **told) == "data.own_consent_only"
    assert code_of(agree, bank, contract_id, friend, actor=friend) == "party.not_yours"
    for wrong in ({"recipient": ""}, {"recipient": borrower}, {"sources": ()}):
        assert code_of(agree, bank, contract_id, friend, **wrong) == "data.bad_recipient", wrong
    assert code_of(agree, bank, contract_id, "party-x") == "party.unknown"
    plain = {"purpose": "marketing", "fields": ("name",)}
    assert code_of(agree, bank, contract_id, friend, **plain) == "data.bad_recipient"
    assert code_of(read, bank, ask_id) == "data.no_consent"


def test_a_yes_is_for_one_guarantor_one_loan_and_one_asking(bank: Bank, clock: FixedClock) -> None:
    borrower, friend, other = bank.person(), bank.person(), bank.person()
    second_product(bank)
    contract_id = bank.lend(borrower, "1", wanted=1_000_000)
    second = bank.lend(borrower, "2", product="smallfirm", wanted=1_000_000)
    mine = ask(bank, contract_id, friend, 200_000)
    assert read(bank, mine).share_minor > 0
    elsewhere = ask(bank, second, friend, 200_000, is_shown=False)
    assert code_of(read, bank, elsewhere) == "data.no_consent", "another loan"
    theirs = ask(bank, contract_id, other, 200_000, is_shown=False)
    assert code_of(read, bank, theirs) == "data.no_consent", "another guarantor"
    do(bank.by(friend, "customer"), "lending.decline_guarantee", ask_id=mine)
    clock.set_us(clock.now_us() + 60_000_000)
    again = ask(bank, contract_id, friend, 200_000, is_shown=False)
    assert code_of(read, bank, again) == "data.no_consent", "asked anew after a no"


def test_taking_the_yes_back_closes_the_view(bank: Bank) -> None:
    """Before the signature nobody signs any more; after it the signed text alone stays."""
    borrower, parent, aunt = bank.person(), bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    first = ask(bank, contract_id, parent, 200_000, verified_income="12000000")
    second = ask(bank, contract_id, aunt, 200_000, is_shown=False, verified_income="12000000")
    consent = agree(bank, contract_id, aunt)
    digest = read(bank, second).digest
    do(bank.by(borrower, "customer"), "data.revoke_consent", consent_id=consent)
    assert code_of(read, bank, second) in HIDDEN
    assert code_of(sign_ask, bank, second, aunt, digest=digest) in HIDDEN
    assert seen(bank, aunt).contract_id == ""
    sign_ask(bank, first, parent)
    with bank.node.read() as tx:
        looks = [one for one in accesses_of(tx, borrower) if one.purpose == "guarantee_view"]
        (own,) = (
            one.terms.consent_id
            for one in consents_of(bank.node, tx, party_id=borrower)
            if one.terms.recipient == parent
        )
    assert [one.actor for one in looks] == [parent], "the borrower reads who signed"
    do(bank.by(borrower, "customer"), "data.revoke_consent", consent_id=own)
    assert code_of(read, bank, first) == "data.consent_revoked"
    one = seen(bank, parent)
    assert (one.is_shown, one.contract_id) == (False, contract_id), "what binds is one's own"
