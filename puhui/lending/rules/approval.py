"""Four eyes 双人复核: what a change of a loan costs, and whether one officer may do it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

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
    figures: ApprovalFigures,
    name: str,
    costs: Sequence[tuple[str, int]],
    before: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Stop a change that one officer may not do alone. Refused: ``lending.needs_second``.

    ``name`` is that of the use case; one without a figure is free, whatever it costs. ``costs`` are
    its parts by kind, minor units: together they are no more than the least figure of all of them.
    ``before`` is what was done alone by kind for the same borrower in the days that are summed:
    each kind uses up its part of its own figure, and all parts together are no more than one whole.
    So many small changes are one large one, of whatever kinds and on whichever loans. A change
    that costs nothing is free too. The rule is our own.
    """
    whole = sum(minor for _, minor in costs)
    if name not in figures.alone_minor or not whole:
        return
    kinds = {name, *(kind for kind, _ in costs)}
    used = sum(
        (_part(figures, kind, minor) for kind, minor in (*before.items(), *costs)), Fraction(0)
    )
    if whole > min(figures.alone_minor[kind] for kind in kinds) or used > 1:
        raise Refused(
            "lending.needs_second",
            "This is above what one officer decides alone; propose it, and another approves it.",
        )


def _part(figures: ApprovalFigures, kind: str, minor: int) -> Fraction:
    """What part of its figure a sum is; of a kind that nobody does alone more than all."""
    most = figures.alone_minor.get(kind, 0)
    return Fraction(minor, most) if most else Fraction(2 if minor else 0)
