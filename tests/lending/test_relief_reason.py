"""Why somebody is in hardship: sealed before the act, older ones sealed at the close of a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from puhui.kernel import Node, Refused
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import new_subject_key, open_sealed, seal
from puhui.kernel.dump import digest_store
from puhui.kernel.replay import replay
from puhui.kernel.store import change
from puhui.lending import quote_pay_off
from puhui.servicing import live
from puhui.servicing.desk.arrears.reason import (
    FIELD,
    REASON_CLASSES,
    REASONS,
    WIDTH,
    open_reason,
    plain_chunks,
)
from puhui.servicing.nouns.collect import SealedReasons
from puhui.servicing.tables.collect import RELIEF
from puhui.servicing.window import list_reliefs, reliefs_of
from tests.conftest import KEYS
from tests.lending.bank import Bank
from tests.lending.test_debt import said
from tests.lending.test_desk_erasure import empty_like
from tests.lending.test_desk_guard import code_of
from tests.lending.test_follow import end_of
from tests.lending.test_guarantee import ask, sign_ask
from tests.lending.test_hostile import do

ASK = "servicing.ask_relief"


def asked(bank: Bank, key: str = "1") -> tuple[str, str]:
    """A loan whose borrower is ill and asked for a pause."""
    contract_id = bank.lend(bank.person(), key)
    told = {"loan_id": contract_id, "reason": "illness", "days": 30}
    return contract_id, str(do(bank, ASK, **told).relief_id)


def test_a_reason_is_sealed_and_in_no_journal(bank: Bank) -> None:
    contract_id, _ = asked(bank)
    with bank.node.read() as tx:
        (row,) = reliefs_of(tx, contract_id)
        assert open_reason(bank.node, tx, None, row.reason) == ""
    assert "illness" not in row.reason
    assert "illness" not in said(bank)
    odd = {"loan_id": contract_id, "days": 30}
    assert code_of(do, bank, ASK, **odd, reason="bored") == "servicing.bad_relief"
    nowhere = {"loan_id": "nowhere", "days": 30, "reason": "illness"}
    assert code_of(do, bank, ASK, **nowhere) == "servicing.no_loan"
    with pytest.raises(Refused) as refused:
        bank.node.act("servicing.seal_reasons", SealedReasons(()), key="s", actor=bank.operator)
    assert refused.value.code == "servicing.sealed_input"


def test_a_sealed_reason_does_not_tell_by_its_length(bank: Bank) -> None:
    """Four words of four lengths: each is sealed alike, and read back as it was."""
    subject = new_subject_key(KEYS, "subject-1")
    sealed = {reason: seal(subject, FIELD, reason.ljust(WIDTH)) for reason in REASONS}
    assert len({len(one) for one in sealed.values()}) == 1
    read = {reason: open_sealed(subject, FIELD, one) for reason, one in sealed.items()}
    assert [(one or "").rstrip() for one in read.values()] == list(REASONS)
    loans = [bank.lend(bank.person(), str(n)) for n in range(2)]
    for loan, reason in zip(loans, ("market", "unemployment"), strict=True):
        do(bank, ASK, loan_id=loan, reason=reason, days=30)
    with bank.node.read() as tx:
        first, second = (reliefs_of(tx, loan)[0].reason for loan in loans)
    assert len(first) == len(second)


def test_a_refusal_before_the_sealing_is_one_still(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journals of before hold such acts, which nothing prepares when they are run again."""
    contract_id = bank.lend(bank.person(), "1")
    monkeypatch.setitem(USE_CASES, ASK, replace(USE_CASES[ASK], prepare=None))
    told = {"loan_id": contract_id, "days": 30}
    assert code_of(do, bank, ASK, **told, reason="bored") == "servicing.bad_relief"
    assert do(bank, ASK, **told, reason="illness").relief_id


def test_older_reasons_are_sealed_at_the_close_of_a_day(bank: Bank, clock: FixedClock) -> None:
    contract_id, relief_id = asked(bank)
    made: Any = update(RELIEF).where(RELIEF.c.id == relief_id).values(reason="illness")
    with change(bank.node.store) as tx:
        tx.run(made)
    assert len(plain_chunks(bank.node, bank.today())) == 1
    end_of(bank, clock, 1)
    assert plain_chunks(bank.node, bank.today()) == []
    with bank.node.read() as tx:
        (row,) = reliefs_of(tx, contract_id)
    assert "illness" not in row.reason


def test_an_older_reason_of_an_erased_person_goes(bank: Bank, clock: FixedClock) -> None:
    """There is no key left to seal it under, and no right left to keep it."""
    contract_id, relief_id = asked(bank)
    do(bank, "servicing.withdraw_relief", relief_id=relief_id)
    with bank.node.read() as tx:
        party_id = live.take_loan(tx, contract_id).party_id
        owed_minor = quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed_minor, "all")
    made: Any = update(RELIEF).where(RELIEF.c.id == relief_id).values(reason="illness")
    with change(bank.node.store) as tx:
        tx.run(made)
    bank.act("party.erase_person", "erase", party_id=party_id)
    end_of(bank, clock, 1)
    with bank.node.read() as tx:
        assert [row.reason for row in reliefs_of(tx, contract_id)] == [""]
    assert plain_chunks(bank.node, bank.today()) == []


def test_askings_and_reasons_replay_to_the_same_store(
    bank: Bank, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    contract_id, _ = asked(bank)
    parent = bank.person()
    sign_ask(bank, ask(bank, contract_id, parent, verified_income="12000000"), parent)
    do(bank, "lending.waive", contract_id=contract_id, part="principal", amount_minor=1_000)
    bank.node.store.settle_positions()
    other = empty_like(bank.node, tmp_path, open_at)
    assert replay(bank.node, other).differences == ()
    assert digest_store(bank.node.store) == digest_store(other.store)


def test_requests_are_sorted_by_a_class_that_tells_no_illness(bank: Bank) -> None:
    """The class stands plain, of two reasons each; whatever a caller says of it, it follows."""
    told = {}
    for number, reason in enumerate(REASONS):
        loan = bank.lend(bank.person(), str(number))
        do(bank, ASK, loan_id=loan, reason=reason, days=30, reason_class="trade")
        told[reason] = loan
    with bank.node.read() as tx:
        found = {
            one: {row.loan_id for row in list_reliefs(tx, status="asked", reason_class=one)}
            for one in REASON_CLASSES
        }
        assert len(list_reliefs(tx, status="asked")) == len(REASONS)
    assert found == {
        "household": {told["illness"], told["unemployment"]},
        "trade": {told["disaster"], told["market"]},
    }
    assert all(len(loans) > 1 for loans in found.values()), "no class is one reason alone"
    assert "illness" not in said(bank)
