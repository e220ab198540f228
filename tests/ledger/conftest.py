"""Accounts to move money between."""

from __future__ import annotations

import pytest

from puhui import ledger
from puhui.kernel import Node
from puhui.ledger import Account
from tests.ledger.books import ALICE, BOB, DEPOSIT, FUND, OTHER, create_accounts


@pytest.fixture
def books(node: Node) -> Node:
    """A funding account without a balance row, two deposits that cannot be overdrawn, one more."""
    deposit, funding = ledger.chart().account("customer_deposit"), ledger.chart().account("funding")
    statuses = create_accounts(
        node,
        Account(FUND, "CNY", funding),
        Account(ALICE, "CNY", deposit, DEPOSIT),
        Account(BOB, "CNY", deposit, DEPOSIT | Account.HISTORY),
        Account(OTHER, "CNY", funding),
    )
    assert statuses == ["created"] * 4
    return node
