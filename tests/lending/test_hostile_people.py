"""What somebody would try who wants to bind, free or look into another person, or themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from puhui import lending
from puhui.kernel import Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.store import change
from puhui.lending.window import contract_row
from puhui.worker import close_day
from tests.lending.bank import GOOD_ROW, PRODUCT, Bank
from tests.lending.second import propose
from tests.lending.test_change import SET_SERVICING, move, state_of
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import together
from tests.lending.test_guarantee import sign
from tests.lending.test_hostile import do, empty, loan_of, quote_of
from tests.party.people import register_user


def test_staff_let_their_own_loans_alone(bank: Bank, clock: FixedClock) -> None:
    """Whoever owes does not pause, give up, secure or collect their own debt."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    empty(bank, party_id)
    move(bank, clock, 40, closes=True)
    own = bank.by(party_id, "loan_officer", "risk_analyst", "collector", "operator")
    loan = {"loan_id": contract_id}
    until = (bank.today() + timedelta(days=30)).isoformat()
    tries: list[tuple[str, dict[str, Any]]] = [
        ("lending.write_off", {"contract_id": contract_id}),
        ("servicing.pause_age", loan | {"until": until}),
        ("lending.charge_off", {"contract_id": contract_id}),
        ("servicing.add_pledge", loan | {"kind": "house", "value_minor": 10**9}),
        ("servicing.take_task", loan),
        ("servicing.record_contact",
         loan | {"person": "borrower", "channel": "phone", "result": "reached"}),
    ]  # fmt: skip
    for name, told in tries:
        assert code_of(do, own, name, **told) == "party.four_eyes", name
    debt = do(bank, "lending.record_obligation", party_id=party_id, kind="bureau", currency="CNY",
              debt_minor=10**6, monthly_minor=10**5, source="bureau")  # fmt: skip
    close = {"obligation_id": debt.obligation_id}
    assert code_of(do, own, "lending.close_obligation", **close) == "party.four_eyes"
    more = {"party_id": party_id, "kind": "bureau", "currency": "CNY", "debt_minor": 1,
            "monthly_minor": 1, "source": "own"}  # fmt: skip
    assert code_of(do, own, "lending.record_obligation", **more) == "party.four_eyes"


def test_a_stranger_makes_no_loan_safer(bank: Bank) -> None:
    """A guarantee by somebody whom nobody looked into lowers no loss, and is called in time."""
    party_id, stranger = bank.person(), bank.person()
    contract_id = bank.lend(party_id, "1")
    before = loan_of(bank, contract_id).lgd_millionths
    bank.decide(bank.apply(stranger, "2", row={**GOOD_ROW, "income": "9000000"}))
    late = {"contract_id": contract_id, "guarantor_id": stranger, "share_millionths": 1_000_000}
    assert code_of(do, bank.by("officer", "loan_officer"), "lending.ask_guarantee", **late,
                   call_after_days=10**9) == "servicing.bad_guarantee"  # fmt: skip
    sign(bank, contract_id, stranger, 1_000_000)
    assert loan_of(bank, contract_id).lgd_millionths == before


def test_nobody_else_draws_or_raises_for_a_person(bank: Bank) -> None:
    """Debt is taken up by who will owe it, whatever staff may do."""
    second_product(bank)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", product="smallfirm", method="draw_at_will",
                            wanted=2_000_000)  # fmt: skip
    officer = bank.by("officer", "loan_officer", "operator")
    own = {"party_id": party_id, "currency": "CNY", "credit_limit_minor": 5}
    for name, told in (
        ("lending.draw", {"contract_id": contract_id, "amount_minor": 1}),
        ("lending.raise_credit_limit", own),
        ("lending.answer_rise", {"change_id": "x", "is_agreed": True}),
    ):
        assert code_of(do, officer, name, **told) == "kernel.role_missing"


def test_a_rate_is_not_raised_above_what_was_signed(bank: Bank) -> None:
    contract_id = bank.lend(bank.person(), "1")
    state = state_of(bank, contract_id)
    signed, due = state.annual_rate, state.rows[1].due_on.isoformat()
    told = {"contract_id": contract_id}
    higher = str(signed + Decimal("0.001"))
    assert code_of(do, bank, "lending.change_rate", **told, annual_rate=higher) == (
        "lending.rate_over_signed"
    )
    assert code_of(do, bank, "lending.reschedule", **told, due_on=due, annual_rate=higher) == (
        "lending.rate_over_signed"
    )
    do(bank, "lending.change_rate", **told, annual_rate="0.01")
    do(bank, "lending.change_rate", **told, annual_rate=str(signed))


def test_who_pays_for_another_learns_nothing(
    bank: Bank,
    terms: Any,
) -> None:
    """A stranger without money does not find out what somebody owes by offering too much."""
    product = lending.shelf.load_product(PRODUCT)
    kind = type(product.servicing.overpayment)
    terms(servicing=replace(product.servicing, overpayment=kind("refused")))
    party_id, stranger = bank.person(), bank.person()
    contract_id = bank.lend(party_id, "1")
    do(bank, "payment.open_wallet", party_id=stranger, currency="CNY")
    own = bank.by(stranger, "customer")
    told = {"contract_id": contract_id, "payer_id": stranger}
    for amount in (5, 2_999_999, 10**9):
        assert code_of(do, own, "lending.repay", **told, amount_minor=amount) == (
            "lending.wallet_short"
        )
    assert code_of(bank.repay, contract_id, 10**9, "own") == "lending.overpaid"
    bank.repay(contract_id, quote_of(bank, contract_id), "all")
    with pytest.raises(Refused) as refused:
        do(own, "lending.repay", **told, amount_minor=5)
    assert "paid_off" not in refused.value.reason


def test_draws_are_held_to_all_that_will_be_owed(bank: Bank, clock: FixedClock) -> None:
    """Money beyond what was agreed counts against the own limit; arrears are those of today."""
    second_product(bank)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", product="smallfirm", method="draw_at_will",
                            wanted=2_000_000)  # fmt: skip
    with bank.node.read() as tx:
        text = contract_row(tx, contract_id).servicing
    with change(bank.node.store) as tx:
        share = json.dumps({**json.loads(text), "over_applied_share": "0.05"})
        tx.run(SET_SERVICING, id_=contract_id, servicing_=share)
    told = {"contract_id": contract_id}
    do(bank, "lending.lower_credit_limit", party_id=party_id, currency="CNY",
       credit_limit_minor=2_050_000)  # fmt: skip
    assert do(bank, "lending.draw", **told, amount_minor=50_000).outstanding_minor == 2_050_000
    assert code_of(do, bank, "lending.draw", **told, amount_minor=1) == "lending.own_limit_reached"


def test_two_logins_of_one_person_are_one_pair_of_eyes(bank: Bank) -> None:
    """Who proposes a change does not approve it by another login."""
    staff = bank.person()
    contract_id = bank.lend(bank.person(), "1")
    logins = [register_user(bank.node, name, staff) for name in ("morning", "evening")]
    told = {"contract_id": contract_id}
    first, second = (bank.by(login, "loan_officer", "risk_analyst") for login in logins)
    proposed = propose(first, "write_off", **told)
    key = {"proposal_id": proposed.proposal_id, "is_approved": True}
    assert code_of(do, second, "lending.decide_change", **key) == "party.four_eyes"
    assert do(bank, "lending.decide_change", **key).status == "approved"


def test_contracts_follow_though_payments_come_while_the_day_is_closed(
    bank: Bank, clock: FixedClock
) -> None:
    """Whatever comes first, contract, loan and ledger say the same afterwards."""
    loans = [bank.lend(bank.person(), str(number)) for number in range(4)]
    due = state_of(bank, loans[0]).rows[0].due_on
    move(bank, clock, (due - bank.today()).days)
    calls = [
        partial(bank.act, "lending.repay", f"beside-{n}-{loan}", contract_id=loan, amount_minor=999)
        for loan in loans
        for n in range(4)
    ]
    answers = together([lambda: close_day(bank.node, due), *calls])
    assert not any(isinstance(answer, str) for answer in answers), answers
    for loan in loans:
        state = state_of(bank, loan)
        assert state.arrears_minor == 0
