"""Credit lines: drawn in parts under every cap, closed by the borrower, ended by the bank."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from puhui import lending
from puhui.kernel.clock import FixedClock
from puhui.lending.formats.line import load_line_figures
from puhui.lending.window import contract_row, line
from tests.lending.bank import Bank
from tests.lending.books import check_books
from tests.lending.test_capacity import owe, set_limit
from tests.lending.test_change import do, move, state_of
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet
from tests.lending.test_race import at_once, signed

DAYS = load_line_figures().notice_days


def open_line(bank: Bank, key: str, *, first: int = 500_000, wanted: int = 2_000_000) -> Any:
    """A line of which a part was drawn, and its borrower."""
    party_id = bank.person()
    contract_id = signed(
        bank, party_id, key, product="smallfirm", method="draw_at_will", wanted=wanted
    )
    do(bank, "disburse", contract_id=contract_id, amount_minor=first)
    return contract_id, party_id


@pytest.fixture
def a_line(bank: Bank) -> tuple[str, str]:
    second_product(bank)
    found: tuple[str, str] = open_line(bank, "line")
    return found


def test_a_first_draw_may_be_less_than_the_line(
    bank: Bank, clock: FixedClock, a_line: tuple[str, str]
) -> None:
    contract_id, party_id = a_line
    told = {"contract_id": contract_id}
    assert in_wallet(bank, party_id) == 500_000
    assert state_of(bank, contract_id).outstanding_minor == 500_000
    move(bank, clock, 10, closes=True)
    assert do(bank, "draw", **told, amount_minor=1_500_000).outstanding_minor == 2_000_000
    assert code_of(do, bank, "draw", **told, amount_minor=1) == "lending.over_agreed"
    move(bank, clock, 5)
    with bank.node.read() as tx:
        quote = lending.quote_pay_off(tx, contract_id, bank.today())
        rate = lending.loan_state(tx, contract_id, bank.today()).annual_rate
    bearing = 500_000 * 15 + 1_500_000 * 5
    assert quote.interest_minor == round(bearing * rate / 360), "for the money and days used"
    check_books(bank.node)


def test_what_is_no_line_is_paid_out_whole(bank: Bank) -> None:
    second_product(bank)
    plain = signed(bank, bank.person(), "plain", wanted=1_000_000)
    for amount, code in ((5, "not_revolving"), (1_000_001, "not_revolving"), (-5, "not_revolving")):
        told = {"contract_id": plain, "amount_minor": amount}
        assert code_of(do, bank, "disburse", **told) == f"lending.{code}"
    assert code_of(do, bank, "close_line", contract_id=plain) == "lending.not_running"
    assert do(bank, "disburse", contract_id=plain, amount_minor=1_000_000).amount_minor
    assert code_of(do, bank, "close_line", contract_id=plain) == "lending.not_revolving"
    revolving = signed(
        bank, bank.person(), "r", product="smallfirm", method="draw_at_will", wanted=1_000_000
    )
    for amount, code in ((-5, "bad_amount"), (1_000_001, "over_agreed")):
        told = {"contract_id": revolving, "amount_minor": amount}
        assert code_of(do, bank, "disburse", **told) == f"lending.{code}"


def test_a_borrower_closes_a_line_by_one_tap(bank: Bank, a_line: tuple[str, str]) -> None:
    contract_id, party_id = a_line
    own = bank.by(party_id, "customer")
    told = {"contract_id": contract_id}
    assert code_of(do, own, "close_line", **told) == "lending.still_owed"
    other = bank.by(bank.person(), "customer")
    assert code_of(do, other, "close_line", **told) == "party.not_yours"
    bank.repay(contract_id, 500_000, "all")
    assert do(own, "close_line", **told).status == "paid_off"
    assert code_of(do, own, "draw", **told, amount_minor=5) == "lending.not_running"
    bank.act("party.erase_person", "erase", party_id=party_id)


def test_a_closed_line_that_is_opened_again_is_drawn_again(
    bank: Bank, a_line: tuple[str, str]
) -> None:
    contract_id, _ = a_line
    bank.repay(contract_id, 500_000, "all")
    number = do(bank, "close_line", contract_id=contract_id).number
    assert do(bank, "undo_event", contract_id=contract_id, number=number).status == "current"
    drawn = do(bank, "draw", contract_id=contract_id, amount_minor=700_000)
    assert drawn.outstanding_minor == 700_000


def test_the_bank_ends_a_line_with_notice(
    bank: Bank, clock: FixedClock, a_line: tuple[str, str]
) -> None:
    contract_id, party_id = a_line
    told = {"contract_id": contract_id}
    assert code_of(do, bank, "give_notice", **told, reason="mood") == "lending.bad_notice"
    assert code_of(do, bank, "withdraw_notice", **told) == "lending.no_notice"
    mine = bank.by(party_id, "loan_officer")
    assert code_of(do, mine, "give_notice", **told, reason="risk") == "party.four_eyes"
    given = do(bank, "give_notice", **told, reason="risk")
    assert given.closes_on == bank.today() + timedelta(days=DAYS)
    assert code_of(do, bank, "give_notice", **told, reason="risk") == "lending.notice_given"
    assert do(bank, "withdraw_notice", **told).contract_id == contract_id
    do(bank, "give_notice", **told, reason="unused")
    with bank.node.read() as tx:
        found = line.notice_of(tx, contract_id)
    assert found is not None and found.reason == "unused"
    assert do(bank, "draw", **told, amount_minor=100_000).outstanding_minor == 600_000
    move(bank, clock, DAYS)
    assert code_of(do, bank, "draw", **told, amount_minor=100) == "lending.line_closed"
    move(bank, clock, 0, closes=True)
    assert state_of(bank, contract_id).status.value == "current", "something is owed"
    fund(bank, party_id, 1_000_000, 91)
    with bank.node.read() as tx:
        owed = lending.quote_pay_off(tx, contract_id, bank.today()).total_minor
    assert bank.repay(contract_id, owed, "all").status == "current"
    move(bank, clock, 1, closes=True)
    with bank.node.read() as tx:
        assert contract_row(tx, contract_id).status == "paid_off"
        assert line.notice_of(tx, contract_id) is None
    check_books(bank.node)


def test_caps_hold_at_each_draw(bank: Bank, a_line: tuple[str, str]) -> None:
    contract_id, party_id = a_line
    told = {"contract_id": contract_id}
    set_limit(bank, "lower", "l", party_id, 800_000)
    assert code_of(do, bank, "draw", **told, amount_minor=300_001) == "lending.own_limit_reached"
    assert do(bank, "draw", **told, amount_minor=300_000).outstanding_minor == 800_000
    set_limit(bank, "raise", "r", party_id, 2_000_000)
    owe(bank, party_id, "elsewhere", 35_000_000)
    assert code_of(do, bank, "draw", **told, amount_minor=300_000) == "lending.over_capacity"


def test_two_draws_at_once_stay_within_a_limit(bank: Bank) -> None:
    """Each of the two draws is within the limit that the person set, both together are not."""
    second_product(bank)
    for number in range(3):
        contract_id, party_id = open_line(bank, f"{number}", first=100_000)
        set_limit(bank, "lower", f"l-{number}", party_id, 1_500_000)
        calls = [
            lambda one=contract_id: do(bank, "draw", contract_id=one, amount_minor=900_000).number
        ] * 2
        assert sorted(map(str, at_once(*calls))) == ["1", "lending.own_limit_reached"]
        assert state_of(bank, contract_id).outstanding_minor == 1_000_000
    check_books(bank.node)


def test_a_draw_and_a_lower_limit_take_turns(bank: Bank) -> None:
    second_product(bank)
    for number in range(3):
        contract_id, party_id = open_line(bank, f"{number}", first=100_000)
        _, drawn = at_once(
            lambda party_id=party_id, n=number: set_limit(
                bank, "lower", f"t-{n}", party_id, 500_000
            ),
            lambda one=contract_id: do(bank, "draw", contract_id=one, amount_minor=900_000).number,
        )
        assert drawn in (1, "lending.own_limit_reached")
        again = at_once(
            lambda one=contract_id: do(bank, "draw", contract_id=one, amount_minor=900_000)
        )
        assert again == ["lending.own_limit_reached"]


def test_the_figures_of_notice_are_data() -> None:
    assert load_line_figures().notice_days == 30
    assert line.notice_reasons() == ("risk", "unused", "product_ended", "purpose")
    assert date(2026, 11, 27) + timedelta(days=DAYS) == date(2026, 12, 27)
