"""A limit is for a person: what was lent counts, into however many applications it is cut."""

from __future__ import annotations

import pytest

from puhui.lending import shelf
from puhui.lending.rules.credit_limit import size_credit
from puhui.lending.window import contract_row
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_change import do
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet
from tests.lending.test_race import signed

FIRM, MERCHANT = (shelf.load_product(name) for name in ("smallfirm", "merchant_310"))


@pytest.mark.parametrize(
    ("lent", "amount"), [(0, 30_000_000), (12_000_000, 18_000_000), (40_000_000, 0)]
)
def test_a_share_by_score_is_given_once(lent: int, amount: int) -> None:
    """By hand: a score of 600 carries six tenths of 500,000, which is 300,000 in all."""
    assert size_credit(FIRM, 600, lent_minor=lent, owed_here_minor=lent).amount_minor == amount


@pytest.mark.parametrize(("owed", "amount"), [(0, 3_000_000), (1_250_000, 1_750_000), (10**8, 0)])
def test_takings_repay_one_loan_or_another(owed: int, amount: int) -> None:
    """By hand: takings of 10,000 a month carry 30,000, by whatever product it is owed."""
    found = size_credit(MERCHANT, 600, monthly_inflow_minor=1_000_000, owed_here_minor=owed)
    assert (found.amount_minor, found.bound_by) == (amount, "inflow")


def test_two_lines_are_no_more_than_one(bank: Bank) -> None:
    """The attack: take the line that the score allows, draw a little, and ask for it again."""
    second_product(bank)
    party_id = bank.person()
    rich = {"product": "smallfirm", "row": {**GOOD_ROW, "income": "900000"}}
    first = signed(bank, party_id, "1", method="draw_at_will", wanted=50_000_000, **rich)
    with bank.node.read() as tx:
        whole = contract_row(tx, first).principal_minor
    assert whole < 50_000_000, "the score carries less than was asked for"
    do(bank, "disburse", contract_id=first, amount_minor=100_000)
    again = bank.decide(bank.apply(party_id, "2", wanted=10_000_000, **rich))
    assert again.outcome == "refused"
    assert "credit_limit_below_smallest" in again.reasons


def test_a_line_is_given_back_once_and_its_fee_with_it(bank: Bank) -> None:
    """The attack: give a line back, draw it anew, and have the fee returned a second time."""
    second_product(bank)
    party_id = bank.person()
    line = signed(bank, party_id, "1", product="smallfirm", method="draw_at_will",
                  wanted=2_000_000)  # fmt: skip
    do(bank, "disburse", contract_id=line, amount_minor=500_000)
    fund(bank, party_id, 100_000)
    before = in_wallet(bank, party_id)
    do(bank, "cool_off", contract_id=line)
    assert in_wallet(bank, party_id) == before - 500_000
    codes = (
        code_of(do, bank, "draw", contract_id=line, amount_minor=500_000),
        code_of(do, bank, "cool_off", contract_id=line),
    )
    assert codes == ("lending.not_running", "lending.not_running")
    assert code_of(do, bank, "undo_event", contract_id=line, number=2) == "lending.not_undone"


def test_a_loan_drawn_in_parts_is_given_back_for_good(bank: Bank) -> None:
    bank.act("score.register_model", "m", name="build_stages", digest=bank.model_digest)
    party_id = bank.person()
    loan = signed(bank, party_id, "1", product="build_stages", wanted=2_000_000)
    do(bank, "disburse", contract_id=loan, amount_minor=1_000_000)
    fund(bank, party_id, 100_000)
    do(bank, "cool_off", contract_id=loan)
    assert code_of(do, bank, "draw", contract_id=loan, amount_minor=5) == "lending.not_running"
    assert code_of(do, bank, "cool_off", contract_id=loan) == "lending.not_running"
