"""What came up since the decision counts when money is drawn: late loans, a product's own cap."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from puhui.kernel.clock import FixedClock
from puhui.lending import shelf
from puhui.lending.desk.ask import decide as deciding
from tests.lending.bank import PRODUCT, Bank
from tests.lending.test_capacity import owe
from tests.lending.test_change import do, move
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import fund
from tests.lending.test_hostile import empty
from tests.lending.test_race import signed


def test_nothing_is_drawn_while_another_loan_is_late(bank: Bank, clock: FixedClock) -> None:
    """The attack: let one loan go, and live on the line of another product."""
    second_product(bank)
    party_id = bank.person()
    line = signed(bank, party_id, "1", product="smallfirm", method="draw_at_will",
                  wanted=2_000_000)  # fmt: skip
    do(bank, "disburse", contract_id=line, amount_minor=500_000)
    bank.repay(line, 500_000, "line")
    loan = bank.lend(party_id, "2", wanted=1_200_000)
    empty(bank, party_id)
    move(bank, clock, 35, closes=True)
    told = {"contract_id": line, "amount_minor": 300_000}
    assert code_of(do, bank, "draw", **told) == "lending.past_due"
    fund(bank, party_id, 500_000)
    bank.repay(loan, 150_000, "late")
    assert do(bank, "draw", **told).outstanding_minor == 300_000


@pytest.mark.parametrize(("debt", "is_paid"), [(7_000_000, True), (7_000_001, False)])
def test_a_product_keeps_its_own_cap_at_the_drawdown(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, debt: int, is_paid: bool
) -> None:
    """The product lets all debt be one yearly income, 120,000: of that 50,000 are this loan."""
    product = shelf.load_product(PRODUCT)
    guards = tuple(
        replace(one, values=(("multiple_max", Decimal(1)),))
        if one.code == "debt_to_income"
        else one
        for one in product.guards
    )
    monkeypatch.setattr(deciding, "load_product", lambda _: replace(product, guards=guards))
    contract_id = signed(bank, party_id := bank.person(), "1", wanted=5_000_000)
    owe(bank, party_id, "1", debt)
    told = {"contract_id": contract_id}
    if is_paid:
        assert do(bank, "disburse", **told).amount_minor
    else:
        assert code_of(do, bank, "disburse", **told) == "lending.over_capacity"
