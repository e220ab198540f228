"""Guards: a table of worked cases on each side of every border."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from puhui.kernel.errors import Refused
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns import GuardFacts, Outcome
from puhui.lending.rules import guard
from tests.lending import plan

CLEAN = GuardFacts(
    date(2026, 11, 22),
    5_000_000,
    is_identity_verified=True,
    born_on=date(1986, 11, 22),
    is_consent_valid=True,
    overdue_minor=0,
    overdue_days=0,
    yearly_income_minor=6_000_000,
    other_debt_minor=2_000_000,
    product_exposure_minor=0,
    applications_open=0,
)


@pytest.mark.parametrize("case", plan.cases_of("guard"), ids=plan.name_of)
def test_worked_cases(case: dict[str, Any]) -> None:
    unknown = dict.fromkeys(case.get("without", ()))
    facts = replace(CLEAN, **unknown, **case.get("facts", {}))
    results = guard.run_guards(facts, load_product("merchant_310"))
    found = {result.code: result for result in results}
    assert set(found) == set(guard.GUARDS)
    result = found.pop(case["guard"])
    assert result.outcome is Outcome(case["outcome"])
    assert result.reason == case.get("reason")
    assert result.reason is None or result.reason in guard.REASONS
    assert not result.asks_person
    assert all(other.outcome is not Outcome.FAILED for other in found.values())


def test_facts_stand_with_the_finding() -> None:
    product = load_product("merchant_310")
    results = {result.code: result for result in guard.run_guards(CLEAN, product)}
    assert dict(results["age"].facts) == {"age_years": 40}
    assert dict(results["debt_to_income"].facts)["debt_max_minor"] == 18_000_000


def test_a_guard_may_ask_for_a_person() -> None:
    late = replace(CLEAN, overdue_minor=100, overdue_days=2)
    results = guard.run_guards(late, load_product("smallfirm"))
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    assert [(result.code, result.asks_person) for result in failed] == [("overdue", True)]


def test_born_on_29_february() -> None:
    born = date(2008, 2, 29)
    assert guard.years_between(born, date(2026, 2, 28)) == 17
    assert guard.years_between(born, date(2026, 3, 1)) == 18


def test_nothing_is_read_without_consent() -> None:
    product = load_product("merchant_310")
    guard.require_consent(guard.run_guards(CLEAN, product))
    without = guard.run_guards(replace(CLEAN, is_consent_valid=None), product)
    with pytest.raises(Refused) as refused:
        guard.require_consent(without)
    assert refused.value.code == "lending.no_consent"
