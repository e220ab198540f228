"""Contracts: what must stand in them, in which order, and that the hash is of what was shown."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

import pytest

from puhui.lending.formats.shelf import load_product, load_template
from puhui.lending.nouns import Contract, ContractFacts, Method, Offer
from puhui.lending.rules.contract import percent, render_contract
from puhui.lending.rules.plan import plan_of
from puhui.servicing import build_schedule, cost

ON = date(2026, 11, 22)
FACTS = ContractFacts(
    "loan-7", "party-borrower", "party-lender", ON, "account-9", "1945 7640", "6221 88"
)


def rendered(language: str, principal_minor: int = 4_300_000) -> Contract:
    """The contract over 43,000 yuan at 7.8 % for a year."""
    product = load_product("merchant_310")
    offer = Offer(principal_minor, "CNY", Decimal("0.078"), 12, Method.EQUAL_INSTALMENT, 0, False)
    plan = plan_of(offer, product)
    schedule = build_schedule(plan, offer.principal_minor, ON)
    template = load_template(language)
    total = cost(plan, schedule, offer.upfront_fee_minor)
    return render_contract(template, language, FACTS, product, offer, plan, schedule, total)


@pytest.mark.parametrize("language,consent", [("zh", "九、同意"), ("en", "9. Consent")])
def test_cost_and_apr_stand_before_the_consent(language: str, consent: str) -> None:
    text = rendered(language).text
    assert 0 < text.index("1,838.34 元") < text.index("7.8%") < text.index(consent)
    assert text.index("43,000.00 元") < text.index(consent)
    for part in ("loan-7", "party-borrower", "party-lender", "account-9", "11.7%", "12378"):
        assert part in text
    assert "{" not in text
    read, _, checked = text.partition("编号\n" if language == "zh" else "for checking\n")
    assert "1945 7640\n" in read
    assert "6221 88" in read
    for long in ("loan-7", "party-borrower", "party-lender", "account-9"):
        assert long not in read, "ids of machines stand at the end"
        assert long in checked
    assert text.count("2027-") == 11
    assert "12 | 2027-11-22 | 3,736.51 | 3,712.38 | 24.13 | 0.00" in text


def test_the_digest_is_of_the_text_and_moves_with_it() -> None:
    contract = rendered("zh")
    assert contract.digest == hashlib.sha256(contract.text.encode()).hexdigest()
    assert rendered("zh") == contract
    assert rendered("zh", 4_300_001).digest != contract.digest
    assert rendered("en").digest != contract.digest


def test_percent_is_written_as_people_read_it() -> None:
    shares = ("0.078", "0.1", "0", "0.0800000225", "0.12345678")
    assert [percent(Decimal(share)) for share in shares] == [
        "7.8%", "10%", "0%", "8%", "12.3457%",
    ]  # fmt: skip
