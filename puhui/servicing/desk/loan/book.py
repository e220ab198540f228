"""The book of a loan: its plan and its events as they are stored, and what they lead to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.servicing.nouns import Happening, Part, Plan, PlanEvent, PlanState
from puhui.servicing.rules.age import Pause, with_pause
from puhui.servicing.rules.replay import replay
from puhui.servicing.tables import live as tables

PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
DAYS = ("due_on", "moved_to")
COUNTS = ("count", "grace")
WORDS = ("guarantee_id", "reference")


@dataclass(frozen=True, slots=True)
class Book:
    """What a loan follows from: its plan, and its events in the order they were recorded."""

    loan_id: str
    plan: Plan
    events: tuple[PlanEvent, ...]

    @property
    def last_on(self) -> date:
        """The day of the latest event."""
        return max(event.on for event in self.events)

    def state(self, on: date) -> PlanState:
        """The loan as it stands on a day. Refused as ``replay``."""
        return replay(self.plan, self.events, on)

    def after(self, events: Sequence[PlanEvent]) -> Book:
        """The same with more events, which get the next numbers as their ids."""
        first = len(self.events)
        more = [replace(event, event_id=str(first + n)) for n, event in enumerate(events)]
        return Book(self.loan_id, self.plan, (*self.events, *more))


def plan_text(plan: Plan) -> str:
    """The text form of a plan, without what is as everywhere."""
    return PLAN.dump_json(plan, exclude_defaults=True).decode()


@lru_cache(maxsize=1024)
def plan_in(text: str) -> Plan:
    """A stored plan as a noun: the same text is the same plan."""
    return PLAN.validate_json(text)


def read_book(tx: Transaction, loan_id: str) -> Book:
    """The book of a loan. Refused: ``servicing.no_loan``."""
    found = tx.all(tables.READ_PLANS, ids=[loan_id])
    if not found:
        raise Refused("servicing.no_loan", f"There is no loan {loan_id[:60]}.")
    rows = tx.all(tables.READ_EVENTS, loan_id=loan_id)
    return Book(loan_id, plan_in(found[0].plan), tuple(event_of(row) for row in rows))


def read_pauses(tx: Transaction, ids: Sequence[str], day: int) -> dict[str, tuple[Pause, ...]]:
    """The pauses of ageing of some loans as they were ordered up to the day number ``day``."""
    until = date.fromordinal(day).isoformat()
    rows = tx.all(tables.READ_PAUSES, ids=ids, day=until) if ids else []
    undone = {(row.loan_id, row.undoes) for row in rows if row.kind == Happening.UNDONE.value}
    found: dict[str, tuple[Pause, ...]] = {}
    for row in rows:
        if row.kind == Happening.UNDONE.value or (row.loan_id, str(row.number)) in undone:
            continue
        event = event_of(row)
        ends = (event.due_on or event.on).toordinal()
        found[row.loan_id] = with_pause(found.get(row.loan_id, ()), event.on.toordinal(), ends)
    return found


def event_of(row: Row) -> PlanEvent:
    """A stored event as a noun; its number is its id."""
    event = PlanEvent(
        str(row.number),
        Happening(row.kind),
        date.fromisoformat(row.day),
        row.amount_minor,
        undoes=row.undoes,
        payer_id=row.payer_id,
    )
    if not row.details:
        return event
    told: dict[str, Any] = json.loads(row.details)
    for name in DAYS:
        if name in told:
            told[name] = date.fromisoformat(told[name])
    if "annual_rate" in told:
        told["annual_rate"] = Decimal(told["annual_rate"])
    if "part" in told:
        told["part"] = Part(told["part"])
    return replace(event, **told)


def details_of(event: PlanEvent) -> str:
    """What few events say, as text; empty where there is nothing."""
    told: dict[str, Any] = {}
    for name in DAYS:
        day = getattr(event, name)
        if day is not None:
            told[name] = day.isoformat()
    told |= {name: getattr(event, name) for name in COUNTS if getattr(event, name)}
    if event.annual_rate is not None:
        told["annual_rate"] = str(event.annual_rate)
    if event.kind is Happening.WAIVED:
        told["part"] = event.part.value
    told |= {name: getattr(event, name) for name in WORDS if getattr(event, name)}
    return json.dumps(told, sort_keys=True) if told else ""


def columns_of_event(event: PlanEvent, loan_id: str, act_key: str) -> dict[str, Any]:
    """An event as a row of ``servicing_event``."""
    return {
        "loan_id": loan_id,
        "number": int(event.event_id),
        "kind": event.kind.value,
        "day": event.on.isoformat(),
        "amount_minor": event.amount_minor,
        "act_key": act_key,
        "undoes": event.undoes,
        "payer_id": event.payer_id,
        "details": details_of(event),
    }
