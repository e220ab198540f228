"""Models that several modules of these tests look at, each trained once."""

from __future__ import annotations

import pytest

from puhui.score import Model, train
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
