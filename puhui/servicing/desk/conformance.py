"""Conformance of schedules: an open corpus run through the engine, then held to its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from puhui.kernel.errors import Refused
from puhui.servicing.formats import fineract
from puhui.servicing.nouns.plan import PlanRow, PlanState
from puhui.servicing.rules.replay.run import replay

TABLE = "Loan Repayment schedule has "
AMOUNTS = {
    "Balance of loan": "outstanding_after_minor",
    "Principal due": "principal_minor",
    "Interest": "interest_minor",
    "Fees": "fee_minor",
    "Penalties": "penalty_minor",
    "Due": "due_minor",
    "Paid": "paid_minor",
    "In advance": "in_advance_minor",
    "Late": "late_minor",
    "Outstanding": "owed_minor",
}
"""Columns of the corpus and what they are here."""


@dataclass(frozen=True, slots=True)
class Found:
    """One table of a scenario: whether all its cells are ours, and the first that is not."""

    scenario: str
    table: int
    is_exact: bool
    difference: str = ""


def run_features(path: Path) -> list[Found]:
    """Every table of every scenario. The interpreter sees steps, never the rows of a table."""
    scenarios = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for scenario in scenarios:
        found += run_scenario(scenario)
    return found


def run_scenario(scenario: Mapping[str, Any]) -> list[Found]:
    """The tables of one scenario, in order."""
    book = fineract.Book()
    name, found = str(scenario["scenario"]), []
    for step in scenario["steps"]:
        text = str(step["step"])
        if text.startswith(TABLE) and "periods" in text:
            difference = _table(book, step["rows"])
            found.append(Found(name, len(found) + 1, not difference, difference))
        else:
            expected_free = () if text.startswith("Loan ") else step.get("rows", ())
            fineract.take_step(book, text, expected_free)
    return found


def _table(book: fineract.Book, rows: Sequence[Mapping[str, str]]) -> str:
    """The first difference from one table, or nothing."""
    assert book.plan is not None, book
    known = [event for event in book.events if event.on <= book.on]
    try:
        state = replay(book.plan, known, book.recalculated_on)
    except Refused as refused:
        return f"refused: {refused.code}"
    wanted = [row for row in rows if row.get("Nr")]
    if len(wanted) != len(state.rows):
        return f"{len(state.rows)} rows, not {len(wanted)}"
    drawn = [(fineract.day_of(row["Date"]), row) for row in rows if not row.get("Nr")]
    if [(day, fineract.cents(row["Balance of loan"])) for day, row in drawn] != list(state.drawn):
        return f"draws {state.drawn}"
    for row, ours in zip(wanted, state.rows, strict=True):
        difference = _row(row, ours, state)
        if difference:
            return difference
    return ""


def _row(row: Mapping[str, str], ours: PlanRow, state: PlanState) -> str:
    at = f"row {ours.number}"
    due = fineract.day_of(row["Date"])
    if due != ours.due_on:
        return f"{at}: due {ours.due_on}, not {due}"
    days = 0 if ours.is_down_payment else (ours.due_on - ours.starts_on).days
    if row.get("Days") not in (None, "", str(days)):
        return f"{at}: {days} days, not {row['Days']}"
    paid_on: date | None = fineract.day_of(row["Paid date"]) if row.get("Paid date") else None
    for column, name in AMOUNTS.items():
        value = getattr(ours, name)
        if row.get(column) and fineract.cents(row[column]) != value:
            return f"{at}: {column} {value / 100:.2f}, not {row[column]}"
    if "Paid date" in row and paid_on != ours.paid_on:
        return f"{at}: paid on {ours.paid_on}, not {paid_on}"
    return ""
