"""Models that several modules of these tests look at, each trained once."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.score import Model, train
from tests.lending.bank import Bank, open_bank
from tests.score.made import made_mapping, made_table


@pytest.fixture(scope="package")
def card() -> Model:
    """A points card."""
    return train(made_table(), made_mapping(), "points", 7, maker="t", trained_on="2026-01-01")


@pytest.fixture(scope="package")
def trees() -> Model:
    """A model of boosted trees."""
    return train(made_table(), made_mapping(), "trees", 7, maker="t", trained_on="2026-01-01")


@pytest.fixture(scope="package", params=["points", "trees"])
def model(request: pytest.FixtureRequest, card: Model, trees: Model) -> Model:
    """A model of each kind in turn."""
    return card if request.param == "points" else trees


@pytest.fixture
def bank(node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank that decides by a model in force, on SQLite and on PostgreSQL in turn."""
    return open_bank(node, operator, tmp_path)


@pytest.fixture
def sqlite_bank(sqlite_node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """The same on SQLite alone, for what no store makes a difference to."""
    return open_bank(sqlite_node, operator, tmp_path)
