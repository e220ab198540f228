"""A node whose lender has books."""

from __future__ import annotations

import pytest

from puhui.kernel import Node
from tests.payment.purse import open_books


@pytest.fixture
def bank(node: Node) -> Node:
    """A node with the lender's own accounts open in yuan, on each kind of store in turn."""
    open_books(node)
    return node
