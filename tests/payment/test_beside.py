"""Wallets and payments with the ledger in a log beside the store: the same tests, once more."""

from __future__ import annotations

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.worker import keep_up
from tests.payment.purse import held_by, open_books, pay, person
from tests.payment.test_ask import (
    held,
    test_a_bill_whose_shares_some_decline,
    test_a_request_is_paid_once,
    test_a_standing_order_is_paid_on_its_day_whatever_day_it_is,
    test_an_order_that_lacks_money_is_tried_again_and_then_told_of,
    test_money_held_is_taken_in_part_or_let_go,
)
from tests.payment.test_batch import (
    test_a_batch_posts_what_it_can_and_says_what_it_cannot,
)
from tests.payment.test_code import (
    test_a_dynamic_code_pays_once,
)
from tests.payment.test_pay import (
    test_refunds_never_pass_the_payment,
)
from tests.payment.test_promise import (
    moving,
    test_money_for_a_purpose_goes_to_those_known_for_it,
    test_money_waits_for_a_reading_and_a_wrong_one_never_frees_it,
    test_what_lapses_goes_back,
)
from tests.payment.test_receipt import test_a_receipt_is_found_by_its_payer_its_payee_and_staff
from tests.payment.test_wallet import (
    test_single_daily_and_balance_limits_hold_to_the_fen,
)

TESTS = (
    moving,
    test_a_bill_whose_shares_some_decline,
    test_a_request_is_paid_once,
    test_a_standing_order_is_paid_on_its_day_whatever_day_it_is,
    test_an_order_that_lacks_money_is_tried_again_and_then_told_of,
    test_money_for_a_purpose_goes_to_those_known_for_it,
    test_money_held_is_taken_in_part_or_let_go,
    test_a_batch_posts_what_it_can_and_says_what_it_cannot,
    test_a_dynamic_code_pays_once,
    test_refunds_never_pass_the_payment,
    test_money_waits_for_a_reading_and_a_wrong_one_never_frees_it,
    test_what_lapses_goes_back,
    test_a_receipt_is_found_by_its_payer_its_payee_and_staff,
    test_single_daily_and_balance_limits_hold_to_the_fen,
)


@pytest.fixture
def node(node_beside: Node) -> Node:
    """A node whose ledger is a log."""
    return node_beside


@pytest.fixture
def bank(node: Node) -> Node:
    """The same with the lender's own accounts open."""
    open_books(node)
    return node


def test_money_held_is_free_again_once_upkeep_was_done(bank: Node, clock: FixedClock) -> None:
    """In the store it is free in the second that its time is over; beside it upkeep frees it."""
    anna, shop = person(bank, 1, money=500), person(bank, 2)
    held(bank, anna, shop, 500, 60)
    clock.set_us(clock.now_us() + 61_000_000)
    assert keep_up(bank) == ()
    pay(bank, anna, shop, 500)
    assert held_by(bank, shop) == 500
