"""Over-lending: one view of all debts, one check at application, drawdown and limit rise."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.data import foresee
from puhui.kernel import Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import verify
from puhui.lending.formats.capacity import load_caps
from puhui.lending.nouns.obligation import (
    Caps,
    Obligation,
    ObligationKind,
    Obligations,
    Standing,
)
from puhui.lending.rules.capacity import check_capacity, check_offer, monthly_of
from puhui.lending.window import Obligations as WindowObligations
from puhui.lending.window import obligations_of
from puhui.party import find_parties
from tests.lending.bank import Bank
from tests.lending.test_desk_guard import DAY_US, POOR_ROW, code_of, second_product

RATES = (("CNY", Decimal(1)), ("USD", Decimal(7)), ("JPY", Decimal("0.05")))
CAPS = Caps(Decimal(3), Decimal("0.5"), ("shop",), 2, 30, 90, 36, 18, 365, RATES)
amounts = st.integers(0, 10**9)


def standing(*items: tuple[ObligationKind, int, int], own: int | None = None) -> Standing:
    found = tuple(Obligation(kind, "x", "", "CNY", debt, monthly) for kind, debt, monthly in items)
    limits = () if own is None else (("CNY", own),)
    return Standing(Obligations("p", found, limits), CAPS)


def judge(given: Standing, product: str = "home", **more: Any) -> str | None:
    asked: dict[str, Any] = {
        "yearly_income_minor": 1_200, "wanted_minor": 0, "wanted_monthly_minor": 0, **more,
    }  # fmt: skip
    return check_capacity(given, product=product, currency="CNY", **asked).reason


def test_worked_cases() -> None:
    """By hand: 1,200 a year carries 3,600 of debt and 50 of instalments a month."""
    loan, guarantee = ObligationKind.LOAN, ObligationKind.GUARANTEE
    assert judge(standing((loan, 3_600, 50))) is None
    assert judge(standing((loan, 3_601, 50))) == "debt_over_income"
    assert judge(standing((guarantee, 3_000, 0)), wanted_minor=601) == "debt_over_income"
    assert judge(standing((loan, 100, 51))) == "instalments_over_income"
    assert judge(standing((loan, 100, 51)), product="shop") is None
    assert judge(standing((loan, 90, 1), own=100), wanted_minor=10) is None
    assert judge(standing((loan, 90, 1), own=100), wanted_minor=11) == "own_limit_reached"
    assert judge(standing((guarantee, 900, 1), own=100), wanted_minor=100) is None
    assert judge(standing((loan, 10**9, 10**9)), yearly_income_minor=None) is None
    assert judge(standing(), yearly_income_minor=-5, wanted_minor=1) == "debt_over_income"


@given(amounts, amounts, amounts, amounts)
def test_more_debt_never_helps(income: int, debt: int, wanted: int, more: int) -> None:
    """What passes with more debt passes with less; and what passes is within three incomes."""
    after = judge(
        standing((ObligationKind.BUREAU, debt + more, 0)),
        yearly_income_minor=income,
        wanted_minor=wanted,
    )
    if after is None:
        assert debt + more + wanted <= 3 * income
        before = standing((ObligationKind.BUREAU, debt, 0))
        assert judge(before, yearly_income_minor=income, wanted_minor=wanted) is None


@given(st.integers(1, 10**10), st.integers(1, 360), st.integers(0, 36))
def test_a_month_is_never_counted_too_low(owed: int, months: int, percent: int) -> None:
    """At least the principal's share, and all months together repay everything."""
    assert monthly_of(owed, months, Decimal(percent) / 100) * months >= owed


@pytest.mark.parametrize(
    ("amount", "need", "before", "code"),
    [
        (100, None, 0, "lending.no_stated_need"),
        (101, 100, 0, "lending.offer_over_need"),
        (100, 100, 2, "lending.too_many_offers"),
    ],
)
def test_inducement_is_refused(amount: int, need: int | None, before: int, code: str) -> None:
    quiet = {"declined_lately": 0, "wants_offers": True, "caps": CAPS}
    asked = {"amount_minor": amount, "need_minor": need, "offers_before": before, **quiet}
    assert code_of(check_offer, **asked) == code
    right = {"amount_minor": 100, "need_minor": 100, "offers_before": 1}
    check_offer(**right | quiet)  # type: ignore[arg-type]
    assert code_of(check_offer, **right | quiet | {"declined_lately": 1}) == (
        "lending.offer_declined"
    )
    assert code_of(check_offer, **right | quiet | {"wants_offers": False}) == (
        "lending.no_offers_wanted"
    )


def test_caps_are_dated() -> None:
    caps = load_caps(date(2026, 11, 27))
    assert (caps.income_multiple, caps.instalment_share) == (Decimal(3), Decimal("0.5"))
    assert load_caps(date(1999, 1, 1)).income_multiple == 3


def owe(bank: Bank, party_id: str, key: str, debt: int, **more: Any) -> str:
    """Put a debt elsewhere on record."""
    kind = more.pop("kind", "bureau")
    made = bank.act(
        "lending.record_obligation", f"o-{key}", party_id=party_id, kind=kind, currency="CNY",
        debt_minor=debt, source="a report", **more,
    )  # fmt: skip
    obligation_id: str = made.obligation_id
    return obligation_id


def view(bank: Bank, party_id: str) -> WindowObligations:
    """All that a person owes, as one sees it who may look at debts elsewhere."""
    with bank.node.read() as tx:
        (party,) = find_parties(bank.node, tx, party_ids=[party_id])
        now_us = bank.node.clock.now_us()
        made = foresee(tx, party, purpose="debt_check", fields=("bureau_debt",), now_us=now_us)
        return obligations_of(tx, party_id, node=bank.node, made=made)


def test_one_view_of_all_a_person_owes(bank: Bank) -> None:
    second_product(bank)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", wanted=1_200_000)
    offered = bank.decide(bank.apply(party_id, "2", wanted=2_000_000, product="smallfirm"))
    kept = owe(bank, party_id, "a", 360_000)
    owe(bank, party_id, "b", 500_000, kind="guarantee", monthly_minor=1_000)
    found = view(bank, party_id)
    assert {one.kind.value for one in found.items} == {"loan", "offer", "bureau", "guarantee"}
    assert found.debt_minor("CNY") == 1_200_000 + offered.principal_minor + 360_000 + 500_000
    by_kind = {one.kind: one for one in found.items}
    assert by_kind[ObligationKind.BUREAU].monthly_minor == 10_000
    loan = by_kind[ObligationKind.LOAN]
    assert loan.reference == contract_id
    assert 100_000 < loan.monthly_minor < 120_000
    bank.act("lending.close_obligation", "c-a", obligation_id=kept)
    assert view(bank, party_id).debt_minor("CNY") == found.debt_minor("CNY") - 360_000
    assert code_of(bank.act, "lending.close_obligation", "c-b", obligation_id=kept) == (
        "lending.no_obligation"
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"kind": "loan"}, "lending.bad_obligation"),
        ({"debt": 0}, "lending.bad_amount"),
        ({"debt": 10, "monthly_minor": 11}, "lending.bad_amount"),
    ],
)
def test_debts_that_nobody_can_have(sqlite_bank: Bank, more: dict[str, Any], code: str) -> None:
    asked = {"debt": 10, **more}
    assert code_of(owe, sqlite_bank, sqlite_bank.person(), "1", **asked) == code


def test_a_report_and_a_declaration_of_one_debt_count_once(bank: Bank) -> None:
    party_id = bank.person()
    owe(bank, party_id, "1", 2_000_000)
    row = {**POOR_ROW, "debt": "20000"}
    assert bank.decide(bank.apply(party_id, "1", row=row, wanted=1_000_000)).outcome == "approved"
    other = bank.person()
    owe(bank, other, "2", 2_100_000, kind="guarantee")
    refused = bank.decide(bank.apply(other, "2", row=POOR_ROW, wanted=1_000_000))
    assert "debt_over_income" in refused.reasons


def test_a_drawdown_looks_again(bank: Bank) -> None:
    party_id = bank.person()
    application_id = bank.apply(party_id, "1", row=POOR_ROW, wanted=2_000_000)
    bank.decide(application_id)
    contract_id = bank.accept(application_id).contract_id
    owed = owe(bank, party_id, "1", 1_000_001)
    assert code_of(bank.act, "lending.disburse", "m-1", contract_id=contract_id) == (
        "lending.over_capacity"
    )
    bank.act("lending.close_obligation", "c-1", obligation_id=owed)
    bank.act("lending.disburse", "m-2", contract_id=contract_id)
    with bank.node.read() as tx:
        assert verify(tx).is_sound


def test_two_applications_at_once_cannot_both_pass(bank: Bank) -> None:
    """Sent together to the writers of the store; of each pair exactly one is approved."""
    second_product(bank)
    pairs = []
    for number in range(8):
        party_id = bank.person()
        pairs.append(
            [
                bank.apply(
                    party_id, f"{number}-{product}", row=POOR_ROW, wanted=2_000_000, product=product
                )
                for product in ("merchant_310", "smallfirm")
            ]
        )
    waiting = [
        [
            bank.node.submit(
                "lending.decide", {"application_id": one}, key=f"d-{one}", actor=bank.operator
            )
            for one in pair
        ]
        for pair in pairs
    ]
    for pair in waiting:
        outcomes = sorted(one.result().outcome for one in pair)
        assert outcomes == ["approved", "refused"]


def test_a_new_debt_and_a_drawdown_at_once_leave_nobody_over(bank: Bank) -> None:
    """Whichever is first, money goes out only where the other debt was not yet on record."""
    for number in range(6):
        party_id = bank.person()
        application_id = bank.apply(party_id, f"{number}", row=POOR_ROW, wanted=2_000_000)
        bank.decide(application_id)
        contract_id = bank.accept(application_id).contract_id
        asked = {
            "party_id": party_id, "kind": "bureau", "currency": "CNY", "debt_minor": 2_000_000,
            "source": "a report",
        }  # fmt: skip
        debt = bank.node.submit(
            "lending.record_obligation", asked, key=f"o-{number}", actor=bank.operator
        )
        paid = bank.node.submit(
            "lending.disburse", {"contract_id": contract_id}, key=f"m-{number}", actor=bank.operator
        )
        debt.result()
        try:
            paid.result()
        except Refused as refused:
            assert refused.code == "lending.over_capacity"


def customer(bank: Bank) -> tuple[Bank, str]:
    return bank, bank.person()


def set_limit(bank: Bank, verb: str, key: str, party_id: str, amount: int) -> Any:
    return bank.act(
        f"lending.{verb}_credit_limit", key, party_id=party_id, currency="CNY",
        credit_limit_minor=amount,
    )  # fmt: skip


def test_a_person_lowers_its_own_limit_and_it_holds(bank: Bank) -> None:
    party_id = bank.person()
    made = set_limit(bank, "lower", "1", party_id, 1_000_000)
    assert (made.before_minor, made.credit_limit_minor) == (None, 1_000_000)
    refused = bank.decide(bank.apply(party_id, "1", wanted=1_000_100))
    assert (refused.outcome, refused.reasons) == ("refused", ("own_limit_reached",))
    assert bank.decide(bank.apply(party_id, "2", wanted=1_000_000)).outcome == "approved"
    assert code_of(set_limit, bank, "lower", "2", party_id, 1_000_000) == "lending.not_lower"
    assert code_of(set_limit, bank, "raise", "3", party_id, 900_000) == "lending.not_higher"
    assert code_of(set_limit, bank, "lower", "4", party_id, -1) == "lending.bad_amount"
    too_much = 36_000_001  # three times the income of 120,000 yuan is 36,000,000 fen
    assert code_of(set_limit, bank, "raise", "5", party_id, too_much) == "lending.over_capacity"
    assert set_limit(bank, "raise", "6", party_id, 12_000_000).before_minor == 1_000_000


def test_a_lower_limit_stops_a_drawdown_too(sqlite_bank: Bank) -> None:
    bank, party_id = customer(sqlite_bank)
    application_id = bank.apply(party_id, "1", wanted=1_000_000)
    bank.decide(application_id)
    contract_id = bank.accept(application_id).contract_id
    set_limit(bank, "lower", "1", party_id, 500_000)
    assert code_of(bank.act, "lending.disburse", "m", contract_id=contract_id) == (
        "lending.own_limit_reached"
    )


def test_a_loan_is_given_back_for_its_interest_alone(bank: Bank) -> None:
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", wanted=1_000_000)
    made = bank.act("lending.cool_off", "c", contract_id=contract_id)
    assert (made.principal_minor, made.interest_minor) == (1_000_000, 0)
    assert view(bank, party_id).debt_minor("CNY") == 0
    with bank.node.read() as tx:
        assert verify(tx).is_sound
    assert code_of(bank.act, "lending.cool_off", "c2", contract_id=contract_id) == (
        "lending.not_running"
    )


def test_after_the_days_it_is_too_late(sqlite_bank: Bank, clock: FixedClock) -> None:
    bank = sqlite_bank
    contract_id = bank.lend(bank.person(), "1", wanted=1_000_000)
    clock.set_us(clock.now_us() + 4 * DAY_US)
    assert code_of(bank.act, "lending.cool_off", "c", contract_id=contract_id) == (
        "lending.cooling_off_over"
    )


def test_others_do_not_set_a_limit_or_give_a_loan_back(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", wanted=1_000_000)
    stranger = bank.by(bank.person(), "customer")
    assert code_of(set_limit, stranger, "lower", "1", party_id, 5) == "party.not_yours"
    assert code_of(stranger.act, "lending.cool_off", "c", contract_id=contract_id) == (
        "party.not_yours"
    )
