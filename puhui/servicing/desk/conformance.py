"""Conformance of schedules: an open corpus run through the engine, then held to its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from puhui.kernel.errors import Refused
from puhui.servicing.formats import emi_case, fineract
from puhui.servicing.nouns.plan import Happening, Plan, PlanEvent
from puhui.servicing.nouns.state import PlanRow, PlanState
from puhui.servicing.rules.replay.run import replay

TABLE = "Loan Repayment schedule has "
AMOUNTS = {
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
    scenario_at: int = 0


def run_features(path: Path) -> list[Found]:
    """Every table of every scenario. The interpreter sees steps, never the rows of a table."""
    scenarios = json.loads(path.read_text(encoding="utf-8"))
    found: list[Found] = []
    for place, scenario in enumerate(scenarios):
        found += [replace(table, scenario_at=place) for table in run_scenario(scenario)]
    return found


def run_scenario(scenario: Mapping[str, Any]) -> list[Found]:
    """The tables of one scenario, in order."""
    book = fineract.Book()
    name = str(scenario["scenario"])
    found: list[Found] = []
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
    on = book.recalculated_on
    if not known and book.proposed is not None:
        known, on = [book.proposed], book.proposed.on
    try:
        state = replay(book.plan, known, on)
    except Refused as refused:
        return f"refused: {refused.code}"
    wanted = [row for row in rows if row.get("Nr")]
    if len(wanted) != len(state.rows):
        return f"{len(state.rows)} rows, not {len(wanted)}"
    drawn = [(fineract.day_of(row["Date"]), row) for row in rows if not row.get("Nr")]
    if [(day, fineract.cents(row["Balance of loan"])) for day, row in drawn] != list(state.drawn):
        return f"draws {state.drawn}"
    for row, ours, balance in zip(wanted, state.rows, _balances(state), strict=True):
        difference = _row(row, ours, state, balance)
        if difference:
            return difference
    return ""


def _balances(state: PlanState) -> list[int]:
    """What the corpus calls the balance after each row: money counts once it was drawn."""
    found, balance, drawn = [], 0, list(state.drawn)
    for row in state.rows:
        joins = row.is_down_payment or state.plan.joins_due_day
        while drawn and (drawn[0][0] < row.due_on or (joins and drawn[0][0] == row.due_on)):
            balance += drawn.pop(0)[1]
        balance -= row.principal_minor
        found.append(balance)
    return found


def _paid_on(row: PlanRow, state: PlanState) -> date | None:
    """The corpus calls a row without anything to pay paid on the day of the first draw."""
    return row.paid_on if row.due_minor else state.drawn[0][0]


def _row(row: Mapping[str, str], ours: PlanRow, state: PlanState, balance: int) -> str:
    at = f"row {ours.number}"
    due = fineract.day_of(row["Date"])
    if due != ours.due_on:
        return f"{at}: due {ours.due_on}, not {due}"
    days = 0 if ours.is_down_payment else (ours.due_on - ours.starts_on).days
    if row.get("Days") not in (None, "", str(days)):
        return f"{at}: {days} days, not {row['Days']}"
    paid_on: date | None = fineract.day_of(row["Paid date"]) if row.get("Paid date") else None
    if row.get("Balance of loan") and fineract.cents(row["Balance of loan"]) != balance:
        return f"{at}: Balance of loan {balance / 100:.2f}, not {row['Balance of loan']}"
    for column, name in AMOUNTS.items():
        value = getattr(ours, name)
        if row.get(column) and fineract.cents(row[column]) != value:
            return f"{at}: {column} {value / 100:.2f}, not {row[column]}"
    if "Paid date" in row and paid_on != _paid_on(ours, state):
        return f"{at}: paid on {_paid_on(ours, state)}, not {paid_on}"
    return ""


def run_cases(path: Path) -> list[Found]:
    """Every case of the progressive instalment test, each held to all its rows."""
    return [
        Found(case["id"], 1, not difference, difference)
        for case in json.loads(path.read_text(encoding="utf-8"))
        for difference in [_case(case)]
    ]


def _case(case: Mapping[str, Any]) -> str:
    """The first difference of one case: interest, principal, total and balance of each period."""
    plan, events = emi_case.read_case(case)
    book: list[PlanEvent] = []
    for event in events:
        book += _on_their_days(plan, book, event.on)
        book.append(event)
    state = replay(plan, book, events[-1].on)
    for row, wanted in zip(state.rows, case["expected"], strict=True):
        drawn = sum(amount for on, amount in state.drawn if on <= row.due_on)
        asked = sum(other.principal_minor for other in state.rows[: row.number])
        ahead = sum(
            other.principal_paid_minor
            for other in state.rows[row.number :]
            if state.on <= row.due_on
        )
        ours = {
            "interest": row.interest_minor,
            "principal": row.principal_minor,
            "emi": row.interest_minor + row.principal_minor,
            "balance": drawn - asked - ahead,
        }
        for name, value in ours.items():
            if fineract.cents(wanted[name]) != value:
                return f"row {row.number}: {name} {value / 100:.2f}, not {wanted[name]}"
    return ""


def _on_their_days(plan: Plan, book: list[PlanEvent], until: date) -> list[PlanEvent]:
    """Payments of the instalments that fall due by ``until``, each on its day."""
    paid: list[PlanEvent] = []
    for row in replay(plan, book, book[-1].on).rows if book else ():
        if book[-1].on <= row.due_on <= until:
            owed = replay(plan, [*book, *paid], row.due_on).owed_today_minor
            if owed:
                name = f"due {row.due_on}"
                paid.append(PlanEvent(name, Happening.REPAID, row.due_on, owed))
    return paid


LEFT_OUT: dict[str, str] = {}
"""Scenarios that are not counted as ours, by the start of their name, each with its reason."""


def summary(folder: Path) -> dict[str, int]:
    """Counts of both corpora under ``folder``, which holds ``lending/*.json``.

    ``left_out`` are tables of the scenarios of ``LEFT_OUT``; they are run all the same.
    """
    cases = run_cases(folder / "lending" / "schedules.json")
    tables = run_features(folder / "lending" / "fineract_features_simple.json")
    return {
        "cases": len(cases),
        "exact": sum(found.is_exact for found in cases),
        "feature_scenarios": len({(found.scenario, found.scenario_at) for found in tables}),
        "feature_schedules": len(tables),
        "feature_exact": sum(found.is_exact for found in tables),
        "left_out": sum(found.scenario.startswith(tuple(LEFT_OUT)) for found in tables),
    }


def differences(folder: Path) -> list[Found]:
    """The cases and tables under ``folder`` that do not agree, with where they differ first."""
    found = run_cases(folder / "lending" / "schedules.json")
    found += run_features(folder / "lending" / "fineract_features_simple.json")
    return [table for table in found if not table.is_exact]
