"""The one engine: a loan is always recomputed from its ordered events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX
from puhui.servicing.nouns.plan import Happening, Plan, PlanEvent
from puhui.servicing.nouns.state import PlanState
from puhui.servicing.rules.replay.draw import foresee
from puhui.servicing.rules.replay.happen import bring_to, take_event
from puhui.servicing.rules.replay.outcome import plan_state
from puhui.servicing.rules.replay.step import Steps


def live(events: Sequence[PlanEvent], on: date) -> list[PlanEvent]:
    """Events up to ``on`` that were not undone, by day; events of one day keep their order.

    Refused: ``servicing.unknown_event`` for an undo of nothing, ``servicing.bad_event``.
    """
    known = {event.event_id for event in events}
    undone = {event.undoes for event in events if event.kind is Happening.UNDONE and event.on <= on}
    if undone - known or len(known) != len(events):
        raise Refused("servicing.unknown_event", "There is no such event to undo.")
    for event in events:
        if event.amount_minor < 0 or event.amount_minor >= MINOR_MAX:
            raise Refused("servicing.bad_event", "An amount must not be below nought.")
    return sorted(
        (
            event
            for event in events
            if event.on <= on
            and event.kind is not Happening.UNDONE
            and event.event_id not in undone
        ),
        key=lambda event: event.on,
    )


def replay(plan: Plan, events: Sequence[PlanEvent], on: date) -> PlanState:
    """The loan after its ``events`` as it stands on ``on``.

    Rows follow from what was drawn, rescheduled and (if interest is recalculated) paid; each
    payment is then shared out by day. A back-dated or undone event needs no reversal: put it into
    the book and replay. Amounts are whole minor units, and every payment equals its parts.
    Refused: ``lending.bad_terms``, ``servicing.nothing_drawn``, ``servicing.unknown_event``,
    ``servicing.bad_event``, ``servicing.over_credit``, and those of ``take_event``.
    """
    loan, timeline = Steps(plan), live(events, on)
    if loan.ways.foresees:
        foresee(loan, timeline)
    for event in timeline:
        take_event(loan, event)
    if not loan.rows:
        raise Refused("servicing.nothing_drawn", "No money has been drawn yet.")
    bring_to(loan, on)
    return plan_state(loan)
