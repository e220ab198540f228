"""Relief 困难帮扶: which new plan a loan gets by what was granted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.servicing.nouns import Happening, PlanEvent, PlanState
from puhui.servicing.nouns.collect import ReliefKind, ReliefTerms

FIRST_AFTER_DAYS = 30
LONGER_MAX = 60
"""The most instalments that a term is made longer by."""

NUMBERS_MAX = {ReliefKind.PAUSE: 180, ReliefKind.INTEREST_ONLY: 12, ReliefKind.LONGER: LONGER_MAX}
"""The largest number of each kind: days, and instalments."""

Try = Callable[[Sequence[PlanEvent]], PlanState]
"""The loan as it would stand after some events."""


def check_terms(terms: ReliefTerms) -> None:
    """Refused: ``servicing.bad_relief`` where a kind has no number, or one that is too large."""
    if terms.kind is ReliefKind.LOWER:
        if terms.amount_minor <= 0:
            raise Refused("servicing.bad_relief", "Say what could be paid each time.")
    elif not 1 <= terms.number <= NUMBERS_MAX[terms.kind]:
        raise Refused(
            "servicing.bad_relief", f"This kind of relief is for up to {NUMBERS_MAX[terms.kind]}."
        )


def relief_events(state: PlanState, terms: ReliefTerms, try_out: Try) -> tuple[PlanEvent, ...]:
    """The events by which a loan is laid out anew as ``terms`` say, from ``state.on`` on.

    ``PAUSE``: with arrears, or with no instalment to come, it starts anew in as many instalments
    as are not paid, the first due after those days; else the instalments within those days, at
    least the next one, ask for no principal and as many are added at the end. ``INTEREST_ONLY``:
    the next ``number`` instalments ask for interest alone, as many are added. ``LONGER``:
    ``number`` instalments are added, each gets smaller. ``LOWER``: as many are added as bring
    every instalment to come down to ``amount_minor`` at most, as ``try_out`` works it out (the next
    one may be more, where interest was past due). What
    is past due is spread over the instalments to come first; where none is to come, the loan
    starts anew. Refused: ``servicing.bad_relief``.
    """
    check_terms(terms)
    if terms.kind is ReliefKind.PAUSE:
        return (_paused(state, terms.number),)
    if terms.kind is ReliefKind.LOWER:
        return _lowered(state, terms.amount_minor, try_out)
    is_grace = terms.kind is ReliefKind.INTEREST_ONLY
    return _laid_out(state, terms.number, is_grace=is_grace)


def _coming(state: PlanState) -> date | None:
    """The next due day of an instalment with principal, or None."""
    return next(
        (row.due_on for row in state.rows if row.due_on > state.on and row.principal_owed_minor),
        None,
    )


def _paused(state: PlanState, days: int) -> PlanEvent:
    on, until = state.on, state.on + timedelta(days=days)
    coming = [row for row in state.rows if row.due_on > on and row.principal_owed_minor]
    if state.arrears_minor or not coming:
        unpaid = sum(row.owed_minor > 0 for row in state.rows)
        return PlanEvent("", Happening.RE_AGED, on, due_on=until, count=max(1, unpaid))
    grace = max(1, sum(row.due_on <= until for row in coming))
    first = next(row for row in state.rows if row.due_on > on)
    return PlanEvent("", Happening.RESCHEDULED, on, due_on=first.due_on, grace=grace)


def _laid_out(state: PlanState, number: int, *, is_grace: bool) -> tuple[PlanEvent, ...]:
    on = state.on
    coming = next((row.due_on for row in state.rows if row.due_on > on), None)
    if coming is None or _coming(state) is None:
        if is_grace:
            raise Refused("servicing.bad_relief", "Every instalment is due; ask for a longer term.")
        due_on = on + timedelta(days=FIRST_AFTER_DAYS)
        return (PlanEvent("", Happening.RE_AGED, on, due_on=due_on, count=number),)
    more = PlanEvent(
        "", Happening.RESCHEDULED, on, due_on=coming,
        count=0 if is_grace else number, grace=number if is_grace else 0,
    )  # fmt: skip
    if not state.owed_today_minor:
        return (more,)
    return (PlanEvent("", Happening.RE_AMORTISED, on), more)


def _lowered(state: PlanState, most_minor: int, try_out: Try) -> tuple[PlanEvent, ...]:
    """The fewest instalments more that bring each to ``most_minor``; found by halving."""

    def events(number: int) -> tuple[PlanEvent, ...]:
        return _laid_out(state, number, is_grace=False)

    def is_enough(number: int) -> bool:
        return largest_coming(try_out(events(number)), is_late=is_late) <= most_minor

    is_late = state.owed_today_minor > 0

    low, high = 1, LONGER_MAX
    if not is_enough(high):
        raise Refused(
            "servicing.bad_relief", f"Even {LONGER_MAX} instalments more do not bring it so low."
        )
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return events(low)


def largest_coming(state: PlanState, *, is_late: bool) -> int:
    """The largest instalment still to come, minor units.

    The next one is left out of a loan that was late: what was past due of interest and charges
    falls due with it.
    """
    owed = [row.owed_minor for row in state.rows if row.due_on > state.on]
    return max(owed[1:] if is_late else owed, default=0)
