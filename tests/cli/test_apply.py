"""``puhui apply``: decision with reasons, price and contract; then signing, then money."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Ended, Program, facts

pytestmark = pytest.mark.xdist_group("cli")

WORDS = ("apply", "--reference", "shop-7", "--product", "small_loan", "--amount", "20,000",
         "--mapping", "small_loans")  # fmt: skip
CONSENT = ("--consent", "form signed on paper")


def test_one_loan_step_by_step(lender: Program) -> None:
    """From facts to money: nothing is signed before its digest was shown, nothing paid twice."""
    shown = lender(*WORDS, *CONSENT, *facts(), "--json")
    assert shown.code == 0
    found = shown.figures
    assert found["outcome"] == "approved"
    assert found["principal_minor"] == 2_000_000
    assert found["apply_to_decision_ms"] > 0
    assert 0.065 < found["apr"] < 0.24
    for words in ("Guards: consent passed", "cost_of_funds", "annual rate", "total cost", "APR"):
        assert words in shown.out
    assert f"--accept {found['contract_digest']}" in shown.out
    assert "contract_id" not in found
    again = lender(*WORDS, *CONSENT, *facts(), "--json").figures
    assert again["application_id"] == found["application_id"]

    on = ("apply", "--application", found["application_id"])
    early = lender(*on, "--disburse", "--json")
    assert "disbursed_minor" not in early.figures
    assert "not signed" in early.err
    wrong = lender(*on, "--accept", "0" * 64)
    assert (wrong.code, "(lending.contract_changed)" in wrong.err) == (2, True)
    signed = lender(*on, "--accept", found["contract_digest"])
    assert "Signed: contract-" in signed.out
    paid = lender(*on, "--disburse", "--json")
    assert paid.figures["disbursed_minor"] == 2_000_000
    assert paid.figures["accept_to_money_ms"] > 0
    once_more = lender(*on, "--disburse", "--json")
    assert once_more.figures["contract_id"] == paid.figures["contract_id"]
    assert "it is current" in once_more.out
    assert lender("ledger", "verify", "--json").figures["trial_balance_minor"] == 0


def test_the_contract_can_be_read_in_both_languages(lender: Program) -> None:
    shown = lender(*WORDS, *CONSENT, *facts(), "--text", "--language", "en", "--json")
    assert "LOAN CONTRACT" in shown.out
    assert f"--language en --accept {shown.figures['contract_digest']}" in shown.out
    chinese = lender(*WORDS, *CONSENT, *facts(), "--text", "--json")
    assert "合同" in chinese.out
    assert chinese.figures["contract_digest"] != shown.figures["contract_digest"]


def test_without_consent_nothing_is_read_and_the_reason_is_told(lender: Program) -> None:
    """A fresh source: the facts stay unread, and both languages say what would change it."""
    ended = lender(*WORDS, *facts(), "--json")
    assert ended.code == 0
    assert ended.figures["outcome"] == "refused"
    assert ended.figures["reasons"] == "consent_missing"
    assert ended.figures["points"] is None
    assert "您给出授权后可以马上重新申请" in ended.out
    assert "Give the consent and apply again" in ended.out
    assert "a person reviews this decision" in ended.out


def test_facts_come_from_a_file_too(
    lender: Program, lent: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    """A JSON object of facts is as good as words; --set wins over it."""
    row = tmp_path / "row.json"
    given = dict(word.split("=") for word in facts()[1::2])
    row.write_text(json.dumps({**given, "age": 17}), "utf-8")
    young = lender(*WORDS, *CONSENT, "--row", row, "--json").figures
    assert young["outcome"] == "refused"
    assert "age" in young["reasons"]
    grown = lender(*WORDS, *CONSENT, "--row", row, "--set", "age=45", "--json").figures
    assert (
        grown["application_id"]
        == lender(*WORDS, *CONSENT, *facts(), "--json").figures["application_id"]
    )
    row.write_text("[1]", "utf-8")
    assert lender(*WORDS, *CONSENT, "--row", row).code == 2


def test_what_the_product_does_not_offer_is_refused(lender: Program) -> None:
    for more, code in (
        (("--amount", "lots"), "kernel.bad_amount"),
        (("--months", "7"), "lending.bad_term"),
        (("--method", "never"), "lending.bad_method"),
        (("--product", "yacht"), "lending.no_product"),
        (("--mapping", "sba_case"), "cli.no_model"),
    ):
        ended = lender(*WORDS, *CONSENT, *facts(), *more)
        assert (ended.code, f"({code})" in ended.err) == (2, True), (more, ended.err)
