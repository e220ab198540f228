"""The door of servicing: nouns and rules that rooms to the right build on."""

from __future__ import annotations

import pytest

from puhui.kernel.money import Rounding
from puhui.lending import nouns
from puhui.servicing import divide, noun


def test_lending_speaks_of_the_same_nouns() -> None:
    assert nouns.Plan is noun.Plan
    assert nouns.PlanState is noun.PlanState


@pytest.mark.parametrize(
    ("numerator", "rounding", "found"),
    [(5, Rounding.HALF_UP, 3), (5, Rounding.HALF_EVEN, 2), (7, Rounding.HALF_EVEN, 4)],
)
def test_divide_rounds_halves_by_the_mode(numerator: int, rounding: Rounding, found: int) -> None:
    assert divide(numerator, 2, rounding) == found
