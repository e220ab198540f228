"""Loans of an older release replay to the figures they had, to the fen.

``cases/released.json`` holds loans drawn by lot, of every kind of product of that time, as the code
before the one layout of rows ahead replayed them: sixty-four books of two dozen kinds of events.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from puhui.servicing.nouns import Direction, Happening, Part, Plan, PlanEvent
from puhui.servicing.rules.replay import replay
from tests.servicing.kinds import kinds
from tests.servicing.plan import CASES

READERS: dict[str, Any] = {
    "kind": Happening, "on": date.fromisoformat, "due_on": date.fromisoformat,
    "moved_to": date.fromisoformat, "annual_rate": Decimal, "part": Part, "direction": Direction,
    "penalty_multiplier": Decimal,
}  # fmt: skip
KINDS = kinds(1_200_000)
BOOKS = json.loads((CASES / "released.json").read_text(encoding="utf-8"))


def read(told: dict[str, Any]) -> dict[str, Any]:
    """Fields as nouns have them."""
    return {name: READERS.get(name, lambda value: value)(value) for name, value in told.items()}


@pytest.mark.parametrize("place", range(len(BOOKS)))
def test_a_released_loan_replays_to_the_same_figures(place: int) -> None:
    book = BOOKS[place]
    plan: Plan = replace(KINDS[book["kind"]], **read(book["plan"]))
    assert not plan.flat_counts_all, "no plan of that time said so"
    events = [PlanEvent(**read(one)) for one in book["events"]]
    state = replay(plan, events, date.fromisoformat(book["on"]))
    rows = [
        f"{row.due_on} {row.principal_minor} {row.interest_minor} {row.fee_minor} "
        f"{row.penalty_minor} {row.paid_minor} {row.waived_minor}"
        for row in state.rows
    ]
    assert rows == book["rows"]
    found = state.outstanding_minor, state.credit_minor, state.accruing_minor
    assert found == (book["outstanding"], book["credit"], book["accruing"])
