"""Where a person's facts could be read by who should not: store, journal, events, log, errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from puhui import lending
from puhui.kernel import Node
from puhui.kernel.crypto import Keys
from puhui.kernel.dump import digest_store
from puhui.kernel.replay import replay
from puhui.kernel.store import metadata
from puhui.worker import deliver
from tests.lending.bank import BAD_ROW, GOOD_ROW, PRODUCT, Bank
from tests.lending.test_desk_guard import code_of, propose
from tests.lending.test_desk_people import own, refused_case

MARK = "7f3a9c51"
"""Stands in facts of a person and nowhere else."""

MARKED_ROW = {**GOOD_ROW, "id": f"fact-{MARK}", "note": f"note-{MARK}"}


def everything(node: Node) -> str:
    """All that the store holds, as text."""
    parts = []
    with node.read() as tx:
        for table in metadata.sorted_tables:
            parts += [repr(row) for row in tx.all(select(*table.c))]
    return "\n".join(parts)


def test_the_facts_of_a_person_stand_nowhere_in_the_clear(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        party_id = bank.person()
        contract_id = bank.lend(party_id, "1", row=MARKED_ROW)
        bank.repay(contract_id, 1_000, "1")
        code_of(bank.apply, "party-unknown", "2", row=MARKED_ROW)
        code_of(bank.apply, party_id, "3", row=MARKED_ROW, wanted=0)
        code_of(own(bank, bank.person()).apply, party_id, "4", row=MARKED_ROW)
        without = bank.apply(bank.person(consent=False), "5", row=MARKED_ROW)
        bank.decide(without)
    held = everything(bank.node)
    assert contract_id in held
    assert MARK not in held
    assert MARK not in caplog.text
    assert "测试" not in caplog.text
    assert "测试" not in held
    with bank.node.read() as tx:
        shown = tx.all(lending.tables.READ_CONTRACTS, after="", count=10)
    assert all("测试" not in row.text and "110000" not in row.text for row in shown)


def test_sealed_facts_are_opened_for_nobody_without_consent(bank: Bank) -> None:
    party_id = bank.person(consent=False)
    consent_id = bank.consent(party_id)
    application_id = bank.apply(party_id, "1", row=BAD_ROW)
    bank.act("data.revoke_consent", "revoke", consent_id=consent_id)
    decided = bank.decide(application_id)
    assert decided.reasons == ("consent_missing",)
    with bank.node.read() as tx:
        case, decision = lending.read_case(tx, decided.application_id)
    assert (case.points, case.pd, decision) == (None, None, None)
    for fields in ((), ("stated_income", "wages_of_the_neighbour"), ("sex",)):
        told = bank.act(
            "lending.apply",
            f"fields-{fields}",
            party_id=bank.person(),
            product=PRODUCT,
            wanted_minor=100_000,
            mapping=bank.mapping_digest,
            row=GOOD_ROW,
            fields=fields,
            channel="test",
            source_id="x",
        )
        assert bank.decide(told.application_id).reasons == ("consent_missing",)


def test_who_is_erased_is_forgotten_and_the_rest_stays(bank: Bank) -> None:
    row = {**BAD_ROW, "income": "123457", "debt": "1234.56", "age": "43"}
    stays, goes = bank.person(), bank.person()
    bank.lend(stays, "1")
    application_id = refused_case(bank, goes, "2")
    bank.act("lending.request_review", "ask", application_id=application_id, statement="my words")
    propose(bank, application_id, approve=False)
    second = bank.by("second", "loan_officer")
    second.act(
        "lending.confirm_review", "c", application_id=application_id, agree=True, reason="no"
    )
    refused = bank.apply(goes, "3", row=row)
    assert bank.decide(refused).outcome == "refused"
    with bank.node.read() as tx:
        before = lending.portfolio(tx)
        kept = lending.desk.read.loans_of(tx, stays)
    bank.act("party.erase_person", "erase", party_id=goes)
    deliver(bank.node)
    with bank.node.read() as tx:
        assert lending.portfolio(tx) == before
        assert lending.desk.read.loans_of(tx, stays) == kept
        for one in (application_id, refused):
            _, decision = lending.read_case(tx, one)
            assert decision is not None
            assert decision.outcome.value == "refused"
            assert all(not guard.facts for guard in decision.guards)
            assert not decision.credit_limit.steps
        review = tx.one(lending.tables.READ_REVIEW, application_id=application_id)
    assert review is not None
    assert (review.statement, review.proposal_reason, review.confirm_reason) == ("", "", "")
    assert code_of(bank.apply, goes, "4") == "party.erased"


def test_replay_gives_the_same_store_with_and_without_erasure(
    sqlite_bank: Bank, open_at: Callable[..., Node], tmp_path: Path
) -> None:
    bank = sqlite_bank
    stays, goes = bank.person(), bank.person()
    bank.repay(bank.lend(stays, "1"), 500_000, "1")
    bank.decide(bank.apply(goes, "2", row=BAD_ROW))
    code_of(bank.apply, goes, "3", wanted=0)
    reviewed = refused_case(bank, stays, "4")
    bank.act("lending.request_review", "ask", application_id=reviewed)
    propose(bank, reviewed)
    second = bank.by("second", "loan_officer")
    second.act("lending.confirm_review", "c", application_id=reviewed, agree=True, reason="known")
    bank.act("party.erase_person", "erase", party_id=goes)
    deliver(bank.node)
    target = open_at(f"sqlite:///{tmp_path / 'replayed.sqlite'}", writers=1, keys=Keys(b"k" * 32))
    report = replay(bank.node, target)
    assert not report.differences

    assert digest_store(bank.node.store) == digest_store(target.store)
