"""Payments across currencies with the ledger in a log beside the store: the same tests, once more.

One act moves two currencies, holds and fees there as one chain, and pendings end by the same words.
"""

from __future__ import annotations

import pytest

from puhui.kernel import Node
from tests.exchange.test_leg import (
    test_a_leg_past_its_time_is_paid_no_more,
    test_an_exchange_pays_both_legs_at_once,
    test_an_exchange_that_the_provider_refuses_changes_nothing,
    test_the_fee_of_a_leg_is_held_paid_and_given_back_with_it,
    test_the_net_debit_cap_stops_a_payment,
)
from tests.exchange.test_remit import (
    test_both_sides_move_and_the_cheapest_quote_is_taken,
    test_neither_side_moves_when_one_cannot,
)
from tests.exchange.test_settlement import (
    test_deferred_net_settles_what_is_left_over,
    test_gross_settles_every_payment_at_once,
    test_who_is_short_keeps_nobody_from_being_settled,
)
from tests.exchange.test_whole import (
    test_many_at_once_never_pass_a_cap,
    test_many_at_once_take_each_quote_once,
    test_wallets_keep_to_their_limits,
)

TESTS = (
    test_a_leg_past_its_time_is_paid_no_more,
    test_an_exchange_pays_both_legs_at_once,
    test_an_exchange_that_the_provider_refuses_changes_nothing,
    test_the_fee_of_a_leg_is_held_paid_and_given_back_with_it,
    test_the_net_debit_cap_stops_a_payment,
    test_both_sides_move_and_the_cheapest_quote_is_taken,
    test_neither_side_moves_when_one_cannot,
    test_deferred_net_settles_what_is_left_over,
    test_gross_settles_every_payment_at_once,
    test_who_is_short_keeps_nobody_from_being_settled,
    test_many_at_once_never_pass_a_cap,
    test_many_at_once_take_each_quote_once,
    test_wallets_keep_to_their_limits,
)


@pytest.fixture
def node(node_beside: Node) -> Node:
    """A node whose ledger is a log."""
    return node_beside


@pytest.fixture
def sqlite_node(node: Node) -> Node:
    """The same."""
    return node
