"""The bank of tests, on each kind of store."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from tests.lending.bank import Bank, open_bank


@pytest.fixture
def bank(node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank with a model in force, on SQLite and on PostgreSQL in turn."""
    return open_bank(node, operator, tmp_path)


@pytest.fixture
def sqlite_bank(sqlite_node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank on SQLite alone, for what no store makes a difference to."""
    return open_bank(sqlite_node, operator, tmp_path)
