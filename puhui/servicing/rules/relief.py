"""Relief 困难帮扶: which new plan a loan gets that is granted so many days."""

from __future__ import annotations

from datetime import timedelta

from puhui.servicing.nouns import Happening, PlanEvent, PlanState


def relief_event(state: PlanState, days: int) -> PlanEvent:
    """The event that relieves a loan for ``days`` days from ``state.on`` on.

    With arrears, or with no instalment to come, it starts anew in as many instalments as are not
    paid, the first due after those days. Else the instalments that fall due within those days, at
    least the next one, ask for no principal; as many are added at the end.
    """
    on, until = state.on, state.on + timedelta(days=days)
    coming = [row for row in state.rows if row.due_on > on and row.principal_owed_minor]
    if state.arrears_minor or not coming:
        unpaid = sum(row.owed_minor > 0 for row in state.rows)
        return PlanEvent("", Happening.RE_AGED, on, due_on=until, count=max(1, unpaid))
    grace = max(1, sum(row.due_on <= until for row in coming))
    first = next(row for row in state.rows if row.due_on > on)
    return PlanEvent("", Happening.RESCHEDULED, on, due_on=first.due_on, grace=grace)
