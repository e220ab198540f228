"""Guarantors: what they stand for is a debt of their own, looked at when they sign."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from puhui.kernel import Actor
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.lending import tables
from puhui.lending.nouns.obligation import ObligationKind
from puhui.lending.window import obligations_of
from puhui.servicing import live
from puhui.servicing.rules.burden import monthly_burden
from puhui.worker import close_day
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_change import do
from tests.lending.test_desk_guard import code_of

KEYS = count()
SIGN = "lending.sign_guarantee"


def sign(bank: Bank, contract_id: str, guarantor_id: str, share: int = 500_000) -> Any:
    """Sign as oneself."""
    told = {"contract_id": contract_id, "guarantor_id": guarantor_id, "share_millionths": share}
    actor = Actor(guarantor_id, frozenset({"customer"}))
    return bank.node.act(SIGN, told, key=f"sign-{next(KEYS)}", actor=actor)


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
    assert code_of(sign, bank, contract_id, guarantor, 600_000) == "servicing.bad_guarantee"
    assert code_of(sign, bank, contract_id, guarantor, 0) == "servicing.bad_guarantee"
    assert code_of(sign, bank, "contract-x", guarantor) == "lending.no_contract"


def test_nobody_signs_for_more_than_the_income_carries(bank: Bank) -> None:
    """Three incomes of 120,000 yuan; without a known income nobody signs at all."""
    contract_id = bank.lend(bank.person(), "1")
    stranger, poor = bank.person(), bank.person()
    assert code_of(sign, bank, contract_id, stranger) == "lending.income_unknown"
    bank.decide(bank.apply(poor, "2", row={**GOOD_ROW, "income": "3000"}))
    assert code_of(sign, bank, contract_id, poor) == "lending.over_capacity"
    told = {"contract_id": contract_id, "guarantor_id": poor, "share_millionths": 1}
    other = Actor(stranger, frozenset({"customer"}))
    assert code_of(bank.node.act, SIGN, told, key="other", actor=other) == "party.not_yours"


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
    do(bank, "reschedule", contract_id=contract_id, due_on=rows[1].due_on.isoformat(), count=12,
       grace=0, annual_rate=None)  # fmt: skip
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
