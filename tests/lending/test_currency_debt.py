"""Debts of several currencies are one person's debts."""

from __future__ import annotations

from datetime import date

import pytest

from puhui.kernel.money import DIGITS
from puhui.lending.formats.capacity import load_caps
from puhui.lending.nouns.obligation import Obligation, ObligationKind, Obligations, Standing
from puhui.lending.rules.capacity import check_capacity, in_currency
from tests.lending.bank import Bank
from tests.lending.test_capacity import CAPS
from tests.lending.test_desk_guard import POOR_ROW, code_of
from tests.lending.test_race import signed


@pytest.mark.parametrize(
    ("amount", "of", "to", "found"),
    [
        (100, "USD", "CNY", 700),
        (100, "CNY", "USD", 15),
        (100, "JPY", "CNY", 500),
        (501, "CNY", "JPY", 101),
        (7, "EUR", "EUR", 7),
    ],
)
def test_amounts_by_hand(amount: int, of: str, to: str, found: int) -> None:
    """A dollar is seven yuan, a yen five fen and has no cents; what is left over counts up."""
    assert in_currency(amount, of, to=to, caps=CAPS) == found


def test_every_currency_has_a_figure() -> None:
    rates = dict(load_caps(date(2026, 11, 28)).yuan_per_unit)
    assert set(rates) == set(DIGITS) and rates["CNY"] == 1 and min(rates.values()) > 0


@pytest.mark.parametrize(
    ("dollars", "wanted", "reason"),
    [(400, 800, None), (400, 801, "debt_over_income"), (0, 3_600, None)],
)
def test_to_the_fen_on_either_side(dollars: int, wanted: int, reason: str | None) -> None:
    """1,200 a year carries 3,600: 400 cents are 2,800 fen, which leaves 800."""
    items = (Obligation(ObligationKind.BUREAU, "x", "", "USD", dollars, 0),)
    found = check_capacity(
        Standing(Obligations("p", items), CAPS),
        product="shop",
        currency="CNY",
        yearly_income_minor=1_200,
        wanted_minor=wanted,
        wanted_monthly_minor=0,
    )
    assert found.reason == reason


def test_arrears_of_several_currencies_are_told_in_one() -> None:
    """Three dollars late are 21 yuan, and five yuan late make it 26."""
    items = (
        Obligation(ObligationKind.LOAN, "x", "sba", "USD", 400, 0, arrears_minor=300),
        Obligation(ObligationKind.LOAN, "y", "home", "CNY", 900, 0, arrears_minor=500),
    )
    found = check_capacity(
        Standing(Obligations("p", items), CAPS),
        product="shop",
        currency="CNY",
        yearly_income_minor=10**6,
        wanted_minor=1,
        wanted_monthly_minor=0,
    )
    assert dict(found.facts)["arrears_minor"] == 2_600


def test_a_limit_in_one_currency_is_not_got_around_in_another() -> None:
    """Who wants to owe no more than 700 fen owes 100 cents at most, other loans here included."""
    items = (Obligation(ObligationKind.LOAN, "x", "home", "CNY", 350, 0),)
    owed = Obligations("p", items, (("CNY", 700),))
    told = {"product": "sba", "currency": "USD", "yearly_income_minor": 10**6}
    for wanted, reason in ((50, None), (51, "own_limit_reached")):
        found = check_capacity(
            Standing(owed, CAPS), **told, wanted_minor=wanted, wanted_monthly_minor=0
        )  # type: ignore[arg-type]
        assert found.reason == reason


def test_a_debt_in_dollars_counts_at_the_application_and_the_drawdown(bank: Bank) -> None:
    """Mrs Chen earns 10,000 yuan, which carry 30,000; 5,000 dollars are more than that."""
    asks, draws = bank.person(), bank.person()
    contract_id = signed(bank, draws, "d", row=POOR_ROW, wanted=1_000_000)
    for one in (asks, draws):
        bank.act("lending.record_obligation", f"o-{one}", party_id=one, kind="bureau",
                 currency="USD", debt_minor=500_000, source="a report")  # fmt: skip
    refused = bank.decide(bank.apply(asks, "a", row=POOR_ROW, wanted=100_000))
    assert "debt_over_income" in refused.reasons
    assert code_of(bank.act, "lending.disburse", "m", contract_id=contract_id) == (
        "lending.over_capacity"
    )
