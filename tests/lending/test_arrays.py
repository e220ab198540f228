"""Array twins: equal to the single-loan rules to the minor unit, over many loans."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from puhui.lending import arrays
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns import Method
from puhui.lending.rules import profit

PRICING = load_product("merchant_310").pricing
METHODS = (Method.EQUAL_INSTALMENT, Method.EQUAL_PRINCIPAL, Method.INTEREST_FIRST)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("share", [None, Decimal("0.345678")])
def test_profit_equals_the_rule(method: Method, share: Decimal | None) -> None:
    dice = np.random.default_rng(7)
    principal = dice.integers(1, 50_000_000, 200)
    rate = dice.integers(0, 480, 200) * 500
    is_bad = dice.random(200) < 0.3
    pd = dice.random(200)
    realised = arrays.realise_rows(
        PRICING, method, principal_minor=principal, rate_millionths=rate,
        term_months=12, is_bad=is_bad, charged_off_share=share,
    )  # fmt: skip
    expected = arrays.expect_rows(
        PRICING, method, principal_minor=principal, rate_millionths=rate,
        term_months=12, pd=pd, charged_off_share=share,
    )  # fmt: skip
    for row in range(200):
        annual_rate = Decimal(int(rate[row])) / 1_000_000
        one = profit.realise(
            PRICING, method, principal_minor=int(principal[row]), annual_rate=annual_rate,
            term_months=12, is_bad=bool(is_bad[row]), charged_off_share=share,
        )  # fmt: skip
        assert tuple(int(column[row]) for column in realised) == (
            one.interest_minor, one.cost_minor, one.loss_minor,
        )  # fmt: skip
        other = profit.expect(
            PRICING, method, principal_minor=int(principal[row]), annual_rate=annual_rate,
            term_months=12, pd=float(pd[row]), charged_off_share=share,
        )  # fmt: skip
        assert tuple(int(column[row]) for column in expected) == (
            other.interest_minor, other.cost_minor, other.loss_minor,
        )  # fmt: skip


def test_cut_off_equals_the_rule() -> None:
    dice = np.random.default_rng(11)
    for size in (0, 1, 7, 400):
        pd = np.round(dice.random(size), 2)
        net = dice.integers(-1000, 800, size)
        rule = profit.choose_cut_off(pd.tolist(), net.tolist(), Decimal("0.1"))
        assert arrays.choose_cut_off_rows(pd, net, Decimal("0.1")) == rule
