"""Four eyes 双人复核: what a change of a loan costs, and whether one officer may do it alone."""

from __future__ import annotations

from puhui.kernel.errors import Refused
from puhui.lending.nouns import Happening, PlanEvent, PlanState
from puhui.lending.nouns.approval import ApprovalFigures


def cost_of(event: PlanEvent, before: PlanState, after: PlanState, undone: PlanEvent | None) -> int:
    """What a change costs the bank or the borrower, minor units, the most that can be said of it.

    The money of the event, or of the event it undoes; by how much all that is owed to the end of
    the loan becomes more or less; of a write-off the whole claim, of a charge-off the principal;
    of a loan that is taken out of arrears what they are.
    """
    moved = 0 if undone is None else undone.amount_minor
    owed = abs(after.owed_minor - before.owed_minor)
    claim = 0
    if event.kind is Happening.WRITTEN_OFF:
        claim = after.claim_minor
    elif after.is_written_off != before.is_written_off:
        claim = max(after.claim_minor, before.claim_minor)
    elif after.is_charged_off != before.is_charged_off:
        claim = after.outstanding_minor
    elif event.kind in (Happening.RE_AGED, Happening.RE_AMORTISED):
        claim = before.arrears_minor
    return max(event.amount_minor, moved, owed, claim)


def require_second(
    figures: ApprovalFigures, name: str, cost_minor: int, before_minor: int = 0
) -> None:
    """Stop a change that one officer may not do alone. Refused: ``lending.needs_second``.

    ``name`` is that of the use case; one without a figure is free, whatever it costs.
    ``before_minor`` is what changes of the same kind cost that were made alone on the loan in the
    days that are summed. A change that costs nothing is free too.
    """
    most = figures.alone_minor.get(name)
    if most is not None and cost_minor and cost_minor + before_minor > most:
        raise Refused(
            "lending.needs_second",
            "This is above what one officer decides alone; propose it, and another approves it.",
        )
