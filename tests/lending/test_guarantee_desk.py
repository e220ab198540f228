"""A borrower without a login agrees at a desk that a guarantor sees the loan, with evidence."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from puhui.data import consents_of
from puhui.lending.window import guarantee
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_desk_guard import code_of
from tests.lending.test_guarantee import HIDDEN, ask, read, seen, sign_ask
from tests.lending.test_hostile import do

NAME = "lending.record_guarantee_consent"
SCAN = sha256(b"a signed paper").hexdigest()


def record(bank: Bank, ask_id: str, *, by: str = "clerk", way: str = "paper", **more: Any) -> Any:
    """A clerk records the borrower's yes."""
    told = {"ask_id": ask_id, "way": way, "evidence": SCAN} | more
    return do(bank.by(by, "loan_officer"), NAME, **told)


@pytest.mark.parametrize("way", ["paper", "voice"])
def test_a_yes_on_paper_or_tape_shows_the_loan(bank: Bank, way: str) -> None:
    borrower, parent = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    bank.decide(bank.apply(parent, "2", row={**GOOD_ROW, "income": "9000000"}))
    ask_id = ask(bank, contract_id, parent, is_shown=False)
    assert code_of(read, bank, ask_id) == "data.no_consent"
    done = record(bank, ask_id, way=way)
    text = read(bank, ask_id, "en")
    assert text.share_minor > 0
    assert done.until >= bank.today() + timedelta(days=30), "to the last instalment"
    with bank.node.read() as tx:
        (kept,) = (
            one for one in consents_of(bank.node, tx, party_id=borrower) if one.terms.recipient
        )
    told = json.loads(kept.receipt.text)
    assert (kept.way.value, told["evidence_sha256"], told["recorded_by"]) == (way, SCAN, "clerk")
    assert (told["recipient"], told["sources"]) == (parent, [contract_id])
    assert kept.receipt.digest == done.receipt_digest
    sign_ask(bank, ask_id, parent)
    desk = bank.by("clerk", "loan_officer")
    do(desk, "data.revoke_consent", consent_id=done.consent_id)
    assert code_of(read, bank, ask_id) == "data.consent_revoked", "taken back at the desk too"


def test_nobody_alone_shows_a_loan_to_a_friend(bank: Bank) -> None:
    """Not who asked, by whichever login; not the guarantor; not without evidence."""
    borrower, friend = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    ask_id = ask(bank, contract_id, friend, is_shown=False)
    assert code_of(record, bank, ask_id, by="officer") == "party.four_eyes"
    assert code_of(record, bank, ask_id, by=friend) == "party.four_eyes"
    assert code_of(record, bank, ask_id, by=borrower) == "party.four_eyes"
    for wrong in ({"way": "page"}, {"way": "file"}, {"way": ""}, {"evidence": ""},
                  {"evidence": "0" * 63}, {"evidence": SCAN.upper()}):  # fmt: skip
        assert code_of(record, bank, ask_id, **wrong) == "data.bad_evidence", wrong
    assert code_of(record, bank, "guarantee_ask-x") == "lending.no_guarantee_ask"
    customer = bank.by(borrower, "customer")
    told = {"ask_id": ask_id, "way": "paper", "evidence": SCAN}
    assert code_of(do, customer, NAME, **told) == "kernel.role_missing"
    assert code_of(read, bank, ask_id) in HIDDEN
    assert seen(bank, friend).contract_id == ""


def test_who_has_a_login_agrees_there(bank: Bank) -> None:
    borrower, parent = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    ask_id = ask(bank, contract_id, parent, is_shown=False)
    made = do(
        bank.by("admin", "administrator"),
        "party.register_user",
        login="borrower",
        password="ein-langes-Wort-1954",
        party_id=borrower,
    )
    assert code_of(record, bank, ask_id) == "data.own_consent_only"
    do(bank.by("admin", "administrator"), "party.disable_user", user_id=made.user_id)
    record(bank, ask_id)
    assert read(bank, ask_id).share_minor > 0, "a login that was closed is none"


def test_a_yes_is_for_an_asking_that_waits(bank: Bank) -> None:
    borrower, parent = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    first = ask(bank, contract_id, parent, is_shown=False)
    record(bank, first)
    do(bank.by(parent, "customer"), "lending.decline_guarantee", ask_id=first)
    assert code_of(record, bank, first) == "lending.guarantee_answered"
    bank.node.clock.set_us(bank.node.clock.now_us() + 60_000_000)  # type: ignore[attr-defined]
    again = ask(bank, contract_id, parent, is_shown=False)
    assert code_of(read, bank, again) == "data.no_consent", "asked anew, agreed to anew"
    with bank.node.read() as tx:
        assert not guarantee.is_shown(bank.node, tx, guarantee.ask_row(tx, again))


def test_what_was_taken_back_is_not_shown_by_the_same_paper(bank: Bank) -> None:
    """One yes at a time, and each paper once: neither a spare one nor the old one outlives a no."""
    borrower, parent = bank.person(), bank.person()
    contract_id = bank.lend(borrower, "1")
    ask_id = ask(bank, contract_id, parent, is_shown=False)
    done = record(bank, ask_id)
    other = sha256(b"another paper").hexdigest()
    assert code_of(record, bank, ask_id, evidence=other) == "lending.guarantee_shown"
    do(bank.by("clerk", "loan_officer"), "data.revoke_consent", consent_id=done.consent_id)
    assert code_of(read, bank, ask_id) == "data.consent_revoked"
    assert code_of(record, bank, ask_id) == "data.bad_evidence"
    assert code_of(read, bank, ask_id) == "data.consent_revoked"
    do(bank.by(parent, "customer"), "lending.decline_guarantee", ask_id=ask_id)
    bank.node.clock.set_us(bank.node.clock.now_us() + 60_000_000)  # type: ignore[attr-defined]
    again = ask(bank, contract_id, parent, is_shown=False)
    assert code_of(record, bank, again) == "data.bad_evidence", "another asking, another paper"
    record(bank, again, evidence=other)
    assert read(bank, again).share_minor > 0


def test_other_consents_on_paper_name_their_evidence(bank: Bank) -> None:
    person = bank.person()
    told = {
        "party_id": person,
        "purpose": "marketing",
        "fields": ("name",),
        "until": (bank.today() + timedelta(days=30)).isoformat(),
        "way": "paper",
    }
    clerk = bank.by("clerk", "operator")
    done = do(clerk, "data.grant_consent", **told, evidence=SCAN)
    assert json.loads(done.receipt.text)["evidence_sha256"] == SCAN
    assert code_of(do, clerk, "data.grant_consent", **told, evidence="x") == "data.bad_evidence"
    page = told | {"way": "page", "evidence": SCAN}
    assert code_of(do, clerk, "data.grant_consent", **page) == "data.bad_evidence"
