"""Prices, legal caps and credit limits: worked by hand from the products' own figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.rules.credit_limit import size_credit
from puhui.lending.rules.price import build_price, legal_cap

ON = date(2026, 11, 22)
MERCHANT = load_product("merchant_310")
FIRM = load_product("smallfirm")
LAW = load_law()


def test_the_rate_is_built_up_step_by_step() -> None:
    """2.0 % funds + 1.5 % operating + 4.1 % x 60 % loss + 1.5 % margin = 7.46 %, up to 7.50 %."""
    price = build_price(MERCHANT, LAW, 0.041, ON)
    shares = {step.code: step.share for step in price.steps}
    assert shares == {
        "cost_of_funds": Decimal("0.020"),
        "operating_cost": Decimal("0.015"),
        "expected_loss": Decimal("0.0246"),
        "margin": Decimal("0.015"),
        "rounding": Decimal("0.0004"),
    }
    assert price.annual_rate == Decimal("0.0750")
    assert price.is_within_cap


def test_a_pd_over_the_whole_term_is_spread_over_its_years() -> None:
    """20 % over 84 months, 60 % of it lost: 12 % in seven years is 1.7143 % a year."""
    price = build_price(load_product("sba_term"), LAW, 0.2, ON)
    assert {step.code: step.share for step in price.steps}["expected_loss"] == Decimal("0.017143")
    assert price.annual_rate == Decimal("0.0825")


def test_a_price_has_a_floor() -> None:
    cheap = replace(MERCHANT.pricing, operating_cost=Decimal(0), margin=Decimal(0))
    price = build_price(replace(MERCHANT, pricing=cheap), LAW, 0.0, ON)
    assert price.annual_rate == MERCHANT.pricing.rate_min
    assert price.steps[-1].code == "floor"


def test_a_needed_rate_above_the_product_is_shown_and_cut() -> None:
    price = build_price(MERCHANT, LAW, 0.5, ON)
    assert not price.is_within_cap
    assert price.needed_rate == Decimal("0.3500")
    assert price.annual_rate == price.rate_cap == Decimal("0.18")
    assert price.capped_by == "product"
    assert price.steps[-1].code == "cap"


def test_the_law_binds_below_the_product() -> None:
    """Four times the one-year loan prime rate: 12.4 % in January 2025, 12.0 % from 20 May."""
    private = replace(MERCHANT, legal_regime="cn_private")
    assert build_price(private, LAW, 0.3, date(2025, 1, 1)).rate_cap == Decimal("0.124")
    assert build_price(private, LAW, 0.3, date(2025, 5, 20)).rate_cap == Decimal("0.12")
    assert build_price(private, LAW, 0.3, ON).capped_by == "law"


@pytest.mark.parametrize("regime,on", [("cn_private", date(2019, 1, 1)), ("nowhere", ON)])
def test_no_price_without_a_known_cap(regime: str, on: date) -> None:
    with pytest.raises(Refused) as refused:
        legal_cap(LAW, regime, on)
    assert refused.value.code == "lending.no_legal_cap"


@given(st.floats(0, 1))
def test_the_steps_sum_to_the_rate_and_never_pass_the_cap(pd: float) -> None:
    price = build_price(MERCHANT, LAW, pd, ON)
    assert sum(step.share for step in price.steps) == price.annual_rate
    assert price.annual_rate <= price.rate_cap
    assert price.is_within_cap == (price.needed_rate == price.annual_rate)


def test_the_lowest_bound_makes_the_credit_limit() -> None:
    """Income 30,000 x 3 less 15,050 of other credit is 74,950, cut to hundreds: 74,900 yuan."""
    found = size_credit(
        MERCHANT,
        600,
        yearly_income_minor=3_000_000,
        other_debt_minor=1_505_000,
        monthly_inflow_minor=9_000_000,
    )
    assert (found.amount_minor, found.bound_by) == (7_490_000, "income")
    assert dict(found.steps) == {
        "product": 30_000_000, "income": 7_495_000, "inflow": 27_000_000,
    }  # fmt: skip


def test_the_score_sizes_by_bands_where_the_product_says_so() -> None:
    amounts = [size_credit(FIRM, score).amount_minor for score in (650, 649, 450, 0)]
    assert amounts == [50_000_000, 30_000_000, 15_000_000, 5_000_000]
    sizing = replace(FIRM.sizing, score_shares=((600, Decimal(1)),))
    assert size_credit(replace(FIRM, sizing=sizing), 599).amount_minor == 0


def test_what_nobody_told_bounds_nothing() -> None:
    found = size_credit(MERCHANT, 0)
    assert (found.amount_minor, found.bound_by) == (MERCHANT.largest_minor, "product")


def test_too_much_debt_leaves_nothing() -> None:
    found = size_credit(MERCHANT, 0, yearly_income_minor=1_000_000, other_debt_minor=4_000_000)
    assert found.amount_minor == 0
