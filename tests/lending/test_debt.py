"""Debts elsewhere are sealed in table and journal, opened on record, gone with the person."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from puhui.data import foresee
from puhui.data.window import accesses_of
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.dump import digest_store, dump_store
from puhui.kernel.replay import replay
from puhui.kernel.store import change
from puhui.kernel.store.journal import read_journal
from puhui.lending.desk.guard.debt import plain_chunks
from puhui.lending.nouns.ask_capacity import SealedObligation, SealedObligations
from puhui.lending.tables.capacity import OBLIGATION
from puhui.lending.window import obligations_of
from puhui.party import find_parties
from puhui.worker import deliver
from tests.lending.bank import BAD_ROW, Bank
from tests.lending.test_capacity import owe, set_limit, view
from tests.lending.test_desk_erasure import empty_like
from tests.lending.test_desk_guard import POOR_ROW, code_of
from tests.lending.test_follow import end_of

SOURCE = "central bureau, report 778-19"
AMOUNT = 2_918_273


def owe_marked(bank: Bank, party_id: str, key: str = "m") -> str:
    made = bank.act(
        "lending.record_obligation", f"o-{key}", party_id=party_id, kind="bureau", currency="CNY",
        debt_minor=AMOUNT, source=SOURCE,
    )  # fmt: skip
    obligation_id: str = made.obligation_id
    return obligation_id


def said(bank: Bank) -> str:
    """Everything in the store and in the journal, as text."""
    bank.node.store.settle_positions()
    journal = [f"{row.input} {row.outcome}" for row in read_journal(bank.node.store)]
    return " ".join([*journal, *(line for _, line in dump_store(bank.node.store))])


def test_amount_and_source_stand_nowhere_in_clear(bank: Bank) -> None:
    party_id = bank.person()
    owe_marked(bank, party_id)
    (debt,) = view(bank, party_id).items
    assert (debt.debt_minor, debt.monthly_minor, debt.source) == (AMOUNT, 81_064, SOURCE)
    text = said(bank)
    assert SOURCE not in text
    assert str(AMOUNT) not in text


def test_without_a_right_a_debt_stands_without_amounts(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    party_id, other = bank.person(), bank.person()
    owe_marked(bank, party_id)
    with bank.node.read() as tx:
        (debt,) = obligations_of(tx, party_id).items
        assert (debt.is_sealed, debt.debt_minor, debt.source) == (True, 0, "")
        (stranger,) = find_parties(bank.node, tx, party_ids=[other])
        now_us = bank.node.clock.now_us()
        asked = {"fields": ("bureau_debt",), "now_us": now_us}
        made = foresee(tx, stranger, purpose="debt_check", **asked)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="does not cover"):
            obligations_of(tx, party_id, node=bank.node, made=made)


def test_each_count_of_sealed_debts_is_on_record(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    party_id = bank.person()
    owe_marked(bank, party_id)
    bank.lend(party_id, "1", wanted=1_000_000)
    with bank.node.read() as tx:
        looks = [one for one in accesses_of(tx, party_id) if one.purpose == "debt_check"]
    assert [one.fields for one in looks] == [("bureau_debt",)] * 2, "decision and drawdown"


def test_only_plain_data_comes_in(sqlite_bank: Bank) -> None:
    bank, party_id = sqlite_bank, sqlite_bank.person()
    made_up = SealedObligation(party_id, "bureau", "CNY", "x", is_sealed=True)
    for name, input in (
        ("lending.record_obligation", made_up),
        ("lending.seal_obligations", SealedObligations(())),
    ):
        with pytest.raises(Refused) as caught:
            bank.node.act(name, input, key=name, actor=bank.operator)
        assert caught.value.code == "lending.sealed_input"
    assert code_of(owe_marked, bank, "party-nobody") == "party.unknown"


def lives(bank: Bank) -> str:
    """A person whose debt elsewhere stopped one drawdown and let another limit rise."""
    party_id = bank.person()
    application_id = bank.apply(party_id, "1", row=POOR_ROW, wanted=2_000_000)
    bank.decide(application_id)
    contract_id = bank.accept(application_id).contract_id
    owed = owe_marked(bank, party_id)
    assert code_of(bank.act, "lending.disburse", "m-1", contract_id=contract_id) == (
        "lending.over_capacity"
    )
    set_limit(bank, "lower", "1", party_id, 10_000)
    assert code_of(set_limit, bank, "raise", "2", party_id, 2_500_000) == "lending.over_capacity"
    bank.act("lending.void_contract", "v", contract_id=contract_id)
    bank.act("lending.withdraw", "w", application_id=application_id)
    bank.act("lending.close_obligation", "c", obligation_id=owed)
    owe(bank, party_id, "2", 500_000)
    set_limit(bank, "raise", "3", party_id, 800_000)
    bank.decide(bank.apply(party_id, "3", row=BAD_ROW, wanted=1_000_000))
    return party_id


def test_a_debt_goes_with_its_person_and_the_journal_still_replays(
    bank: Bank, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    party_id = lives(bank)
    bank.act("party.erase_person", "erase", party_id=party_id)
    deliver(bank.node)
    with bank.node.read() as tx:
        assert obligations_of(tx, party_id).items == ()
    bank.node.store.settle_positions()
    other = empty_like(bank.node, tmp_path, open_at)
    report = replay(bank.node, other)
    assert report.differences == ()
    assert report.erased >= 2
    assert digest_store(bank.node.store) == digest_store(other.store)


def make_plain(bank: Bank, obligation_id: str) -> None:
    """As a migration leaves a debt of an older state."""
    text = json.dumps({"debt_minor": AMOUNT, "monthly_minor": 81_064, "source": SOURCE})
    made: Any = update(OBLIGATION).where(OBLIGATION.c.id == obligation_id)
    with change(bank.node.store) as tx:
        tx.run(made.values(sealed=text, is_sealed=0))


def test_older_debts_are_counted_and_then_sealed(bank: Bank, clock: FixedClock) -> None:
    party_id = bank.person()
    make_plain(bank, owe_marked(bank, party_id))
    assert view(bank, party_id).debt_minor("CNY") == AMOUNT
    assert len(plain_chunks(bank.node, bank.today())) == 1
    end_of(bank, clock, 1)
    assert plain_chunks(bank.node, bank.today()) == []
    assert view(bank, party_id).debt_minor("CNY") == AMOUNT
    assert SOURCE not in said(bank)


def test_a_party_without_a_key_has_nothing_to_seal(sqlite_bank: Bank, operator: Actor) -> None:
    bank = sqlite_bank
    batch = {"source": "s", "references": ("a",)}
    (party_id,) = bank.act("party.register_parties", "p", **batch).party_ids
    owe(bank, party_id, "1", 5_000)
    assert obligations_total(bank, party_id) == 5_000
    assert plain_chunks(bank.node, bank.today()) == []


def obligations_total(bank: Bank, party_id: str) -> int:
    with bank.node.read() as tx:
        return obligations_of(tx, party_id).debt_minor("CNY")
