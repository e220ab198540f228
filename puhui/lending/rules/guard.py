"""Guards 准入规则: each looks at a few facts and says passed, failed or not applicable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.money import Rounding, round_minor
from puhui.lending.nouns import (
    GuardFacts,
    GuardResult,
    GuardSetting,
    OnFail,
    Outcome,
    Product,
)
from puhui.lending.nouns.obligation import ObligationKind
from puhui.lending.rules.capacity import check_capacity, monthly_of

DECLARED = ObligationKind.DECLARED
Facts = tuple[tuple[str, int], ...]
Guard = Callable[[GuardFacts, GuardSetting], GuardResult]


def run_guards(facts: GuardFacts, product: Product) -> tuple[GuardResult, ...]:
    """All guards that ``product`` switches on, in its order. Amounts are minor units.

    What is asked for beyond the product's largest amount could never be lent and is not counted.
    """
    if facts.wanted_minor > product.largest_minor:
        facts = replace(facts, wanted_minor=product.largest_minor)
    found = tuple(GUARDS[setting.code](facts, setting) for setting in product.guards)
    reasons = {result.reason for result in found}
    capacity = _check_capacity(facts, product)
    return found if capacity is None or capacity.reason in reasons else (*found, capacity)


def _check_capacity(facts: GuardFacts, product: Product) -> GuardResult | None:
    """What capacity says against the loan whatever the product's own guards are; None if nothing.

    The instalment is counted at the product's highest rate. Reasons: those of ``check_capacity``.
    """
    if facts.standing is None:
        return None
    wanted = max(0, facts.wanted_minor)
    capacity = check_capacity(
        facts.standing,
        product=product.name,
        currency=product.currency,
        yearly_income_minor=facts.yearly_income_minor,
        wanted_minor=wanted,
        wanted_monthly_minor=monthly_of(wanted, facts.term_months, product.pricing.rate_max),
    )
    if capacity.reason is None:
        return None
    return GuardResult("capacity", Outcome.FAILED, capacity.reason, facts=capacity.facts)


def _missing(setting: GuardSetting) -> GuardResult:
    return GuardResult(setting.code, Outcome.NOT_APPLICABLE)


def _result(setting: GuardSetting, is_passed: bool, reason: str, facts: Facts = ()) -> GuardResult:
    if is_passed:
        return GuardResult(setting.code, Outcome.PASSED, facts=facts)
    asks = setting.on_fail is OnFail.REVIEW
    return GuardResult(setting.code, Outcome.FAILED, reason, asks_person=asks, facts=facts)


def check_identity(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """The person's or firm's identity was verified. Reason: ``identity_not_verified``."""
    if facts.is_identity_verified is None:
        return _missing(setting)
    return _result(setting, facts.is_identity_verified, "identity_not_verified")


def check_consent(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """A valid consent covers what was read. Unknown is a failure here: ``consent_missing``."""
    return _result(setting, facts.is_consent_valid is True, "consent_missing")


def years_between(born_on: date, on: date) -> int:
    """Whole years of age on ``on``; who is born on 29 February ages on 1 March in other years."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def check_age(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """Age within ``years_min``..``years_max``; firms have none. Reasons: ``age_below``/``_above``.

    The age is worked out from the day of birth, or taken as stated in whole years.
    """
    if facts.is_firm or (facts.born_on is None and facts.age_years is None):
        return _missing(setting)
    age = facts.age_years or 0
    if facts.born_on is not None:
        age = years_between(facts.born_on, facts.on)
    found = (("age_years", age),)
    if age < setting.value("years_min"):
        return _result(setting, False, "age_below", found)
    return _result(setting, age <= setting.value("years_max"), "age_above", found)


def check_overdue(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """No debt past due by more than ``days_max`` days and ``amount_max`` minor units.

    Where only one of the two is known, that one decides. Reason: ``overdue_active``.
    """
    if facts.overdue_minor is None and facts.overdue_days is None:
        return _missing(setting)
    known, over = [], []
    if facts.overdue_days is not None:
        known.append(("overdue_days", facts.overdue_days))
        over.append(facts.overdue_days > setting.value("days_max"))
    if facts.overdue_minor is not None:
        known.append(("overdue_minor", facts.overdue_minor))
        over.append(facts.overdue_minor > setting.value("amount_max"))
    return _result(setting, not all(over), "overdue_active", tuple(known))


def check_debt(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """All credit of the person, the new loan included, is at most ``multiple_max`` x yearly income.

    Both figures must be known. Who is registered here and does not say the income is looked at by
    a person, whatever the product says: silence must not lend more than the truth would.
    Reasons: ``debt_over_income``, ``income_unknown``.
    """
    if facts.yearly_income_minor is None and facts.is_registered:
        return GuardResult(setting.code, Outcome.FAILED, "income_unknown", asks_person=True)
    if facts.yearly_income_minor is None or facts.other_debt_minor is None:
        return _missing(setting)
    carried = round_minor(facts.yearly_income_minor * setting.value("multiple_max"), Rounding.DOWN)
    found = (
        ("yearly_income_minor", facts.yearly_income_minor),
        ("debt_minor", facts.other_debt_minor),
        ("wanted_minor", facts.wanted_minor),
        ("debt_max_minor", carried),
        ("declared_minor", _declared(facts)),
    )
    total = facts.other_debt_minor + facts.wanted_minor
    return _result(setting, total <= carried, "debt_over_income", found)


def _declared(facts: GuardFacts) -> int:
    """What the person declared beyond what is on record: kept, as drawdowns count it again."""
    if facts.standing is None:
        return 0
    items = facts.standing.obligations.items
    return sum(one.debt_minor for one in items if one.kind is DECLARED and not one.reference)


def check_exposure(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """What the product has lent or promised to the person stays within ``amount_max``.

    Reason: ``exposure_over_product``.
    """
    if facts.product_exposure_minor is None:
        return _missing(setting)
    found = (
        ("exposure_minor", facts.product_exposure_minor),
        ("wanted_minor", facts.wanted_minor),
    )
    total = facts.product_exposure_minor + facts.wanted_minor
    return _result(setting, total <= setting.value("amount_max"), "exposure_over_product", found)


def check_duplicate(facts: GuardFacts, setting: GuardSetting) -> GuardResult:
    """No more than ``open_max`` other applications are under way. Reason: ``application_open``."""
    if facts.applications_open is None:
        return _missing(setting)
    found = (("applications_open", facts.applications_open),)
    is_passed = facts.applications_open <= setting.value("open_max")
    return _result(setting, is_passed, "application_open", found)


GUARDS: dict[str, Guard] = {
    "identity": check_identity,
    "consent": check_consent,
    "age": check_age,
    "overdue": check_overdue,
    "debt_to_income": check_debt,
    "exposure": check_exposure,
    "duplicate": check_duplicate,
}
"""Every guard by its stable code, as products name them."""

REASONS = (
    "identity_not_verified",
    "consent_missing",
    "age_below",
    "age_above",
    "overdue_active",
    "debt_over_income",
    "income_unknown",
    "exposure_over_product",
    "application_open",
    "instalments_over_income",
    "own_limit_reached",
    "credit_limit_reached",
)
"""Every reason a guard can give."""


def require_consent(results: tuple[GuardResult, ...]) -> None:
    """Stop before anything personal is read. Refused: ``lending.no_consent``."""
    for result in results:
        if result.code == "consent" and result.outcome is Outcome.FAILED:
            raise Refused("lending.no_consent", "There is no valid consent for this purpose.")
