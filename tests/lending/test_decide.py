"""Decisions: every way to yes, no and a person; profit and cut-off by hand; texts complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from puhui.kernel.errors import Refused
from puhui.lending.formats.shelf import load_law, load_product, load_reasons, product_names
from puhui.lending.nouns import (
    CutOff,
    Decision,
    DecisionOutcome,
    GuardResult,
    Method,
    Outcome,
    Product,
    Request,
    ScoreFacts,
)
from puhui.lending.rules import decide, guard, profit
from puhui.lending.rules.plan import plan_of
from puhui.servicing import build_schedule

ON = date(2026, 11, 22)
LAW = load_law()
MERCHANT = load_product("merchant_310")
FIRM = load_product("smallfirm")
WANTED = Request(5_000_000, 12, Method.EQUAL_INSTALMENT, ON)
PASSED = (GuardResult("consent", Outcome.PASSED),)


def decided(
    pd: float = 0.04,
    request: Request = WANTED,
    guards: tuple[GuardResult, ...] = PASSED,
    product: Product = MERCHANT,
    **facts: Any,
) -> Decision:
    """A decision on a clean case, changed where a test asks for it."""
    return decide.decide(request, ScoreFacts(600, pd, ("inflow",)), guards, product, LAW, **facts)


def test_a_clean_case_is_approved_in_full() -> None:
    decision = decided()
    assert decision.outcome is DecisionOutcome.APPROVED
    assert decision.reasons == ()
    assert decision.score_reasons == ("inflow",)
    offer = decision.offer
    assert offer is not None
    assert (offer.principal_minor, offer.is_capped) == (5_000_000, False)
    assert offer.annual_rate == Decimal("0.0740")
    assert decision.expected is not None
    assert decision.expected.net_minor > 0


def test_a_row_over_the_credit_limit_gets_a_capped_offer() -> None:
    sba = load_product("sba_term")
    request = Request(75_000_000, 84, Method.EQUAL_INSTALMENT, ON)
    offer = decided(0.05, request, product=sba).offer
    assert offer is not None
    assert (offer.principal_minor, offer.is_capped) == (50_000_000, True)


@pytest.mark.parametrize(
    "changes,reason",
    [
        ({"pd": 0.13}, "score_below_cut_off"),
        ({"pd": 0.31, "cut_off": CutOff(Decimal("0.5"), Decimal(0), True)}, "price_over_cap"),
        ({"request": replace(WANTED, wanted_minor=49_900)}, "wanted_below_smallest"),
        ({"monthly_inflow_minor": 10_000}, "credit_limit_below_smallest"),
        (
            {"guards": (GuardResult("age", Outcome.FAILED, "age_below"),)},
            "age_below",
        ),
    ],
    ids=str,
)
def test_each_reason_refuses(changes: dict[str, Any], reason: str) -> None:
    decision = decided(**changes)
    assert decision.outcome is DecisionOutcome.REFUSED
    assert decision.reasons == (reason,)
    assert decision.offer is None
    assert decision.expected is None


def test_a_fee_counts_against_the_law() -> None:
    """23 % and a fee of 3 % kept back cost over 24 % a year."""
    dear = replace(
        MERCHANT.pricing, margin=Decimal("0.171"), upfront_fee_share=Decimal("0.03"),
        rate_max=Decimal("0.24"),
    )  # fmt: skip
    assert decided(product=replace(MERCHANT, pricing=dear)).reasons == ("apr_over_cap",)
    free = replace(dear, upfront_fee_share=Decimal(0))
    assert decided(product=replace(MERCHANT, pricing=free)).reasons == ()


def test_near_the_cut_off_a_person_decides() -> None:
    """The firm product's 8 % has a band of a tenth: 7.2 % to 8.8 %."""
    outcomes = [
        decided(pd, replace(WANTED, method=Method.INTEREST_FIRST), product=FIRM).outcome.value
        for pd in (0.0719, 0.072, 0.088, 0.0881)
    ]
    assert outcomes == ["approved", "review", "review", "refused"]


def test_a_guard_that_asks_for_a_person_sends_to_review() -> None:
    asks = (GuardResult("overdue", Outcome.FAILED, "overdue_active", asks_person=True),)
    decision = decided(guards=asks)
    assert decision.outcome is DecisionOutcome.REVIEW
    assert decision.reasons == ("overdue_active",)
    assert decision.offer is not None


def test_a_trained_cut_off_replaces_the_products() -> None:
    strict = CutOff(Decimal("0.03"), Decimal(0), is_trained=True)
    assert decided(cut_off=strict).reasons == ("score_below_cut_off",)


@pytest.mark.parametrize(
    "changes,code",
    [
        ({"wanted_minor": 0}, "lending.bad_amount"),
        ({"term_months": 7}, "lending.bad_term"),
    ],
)
def test_what_is_not_lent_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        decided(request=replace(WANTED, **changes))
    assert refused.value.code == code


def test_a_method_that_is_not_offered_is_refused() -> None:
    request = Request(5_000_000, 84, Method.DRAW_AT_WILL, ON)
    with pytest.raises(Refused) as refused:
        decided(request=request, product=load_product("sba_term"))
    assert refused.value.code == "lending.bad_method"


@pytest.mark.parametrize("name", product_names())
def test_every_offer_has_a_schedule(name: str) -> None:
    product = load_product(name)
    for method, day_count in product.day_counts:
        for months in product.terms_months:
            request = Request(product.largest_minor, months, method, ON)
            offer = decided(0.01, request, product=product).offer
            assert offer is not None
            plan = plan_of(offer, product)
            assert plan.day_count is day_count
            schedule = build_schedule(plan, offer.principal_minor, ON)
            assert sum(schedule.principal_minor) == offer.principal_minor


def test_every_reason_has_words_in_both_languages() -> None:
    book = load_reasons()
    codes = {*guard.REASONS, *decide.REASONS}
    assert {text.code for text in book.texts} == codes
    for language in ("zh", "en"):
        words = decide.explain(sorted(codes), book, language)
        assert len(set(words)) == len(codes)
    assert book.review_zh
    assert book.review_en


def test_profit_by_hand() -> None:
    """100,000 at 12 % over 12 months, paid down: 13/24 balance-years.

    Interest 6,500.00, cost 3.5 % 1,895.83. Default half way: three quarters of both were paid,
    60 % of the half still owed is lost: 30,000.
    """
    good = profit.realise(
        MERCHANT.pricing, Method.EQUAL_INSTALMENT, principal_minor=10_000_000,
        annual_rate=Decimal("0.12"), term_months=12, is_bad=False,
    )  # fmt: skip
    assert (good.interest_minor, good.cost_minor, good.loss_minor) == (650_000, 189_583, 0)
    bad = profit.realise(
        MERCHANT.pricing, Method.EQUAL_INSTALMENT, principal_minor=10_000_000,
        annual_rate=Decimal("0.12"), term_months=12, is_bad=True,
    )  # fmt: skip
    assert (bad.interest_minor, bad.cost_minor, bad.loss_minor) == (487_500, 142_187, 3_000_000)
    assert bad.profit_minor == 487_500 - 3_000_000
    half = profit.expect(
        MERCHANT.pricing, Method.EQUAL_INSTALMENT, principal_minor=10_000_000,
        annual_rate=Decimal("0.12"), term_months=12, pd=0.5,
    )  # fmt: skip
    assert half.profit_minor == (650_000 + 487_500) // 2 - 1_500_000


def test_a_loan_paid_at_the_end_earns_on_all_of_it() -> None:
    bad = profit.realise(
        MERCHANT.pricing, Method.INTEREST_FIRST, principal_minor=10_000_000,
        annual_rate=Decimal("0.12"), term_months=12, is_bad=True,
        charged_off_share=Decimal("0.25"),
    )  # fmt: skip
    assert (bad.interest_minor, bad.loss_minor) == (600_000, 2_500_000)


def test_the_cut_off_makes_most_of_the_training_rows() -> None:
    """Cumulative 5, 9, 3 (both rows of 0.2), 8, 4: the best is at 0.1."""
    pds = [0.2, 0.05, 0.1, 0.2, 0.3, 0.4]
    net = [-8, 5, 4, 2, 5, -4]
    assert profit.choose_cut_off(pds, net) == CutOff(Decimal("0.1"), Decimal(0), True)
    assert profit.choose_cut_off([0.1], [-1]).pd_max == 0
    assert profit.choose_cut_off([], []).pd_max == 0
