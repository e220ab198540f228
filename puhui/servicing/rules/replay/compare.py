"""What a loan would take to end, and what a back-dated or undone event changes in its postings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from puhui.servicing.nouns.plan import Happening, Plan, PlanEvent
from puhui.servicing.nouns.state import PlanState, Share
from puhui.servicing.rules.replay.run import replay


def quote(plan: Plan, events: Sequence[PlanEvent], on: date) -> Share:
    """What ends the loan on ``on`` (结清试算), by parts: due amounts, charges, interest to the day.

    It is what a payment of exactly that would come to, so paying it leaves nothing. Refused as
    ``replay``.
    """
    ending = PlanEvent("quote", Happening.PAID_OFF, on)
    found = replay(plan, [*events, ending], on).shares
    return next(share for share in reversed(found) if share.event_id == "quote")


def deltas(before: PlanState, after: PlanState) -> tuple[Share, ...]:
    """For each payment whose parts differ between two replays, the differences (冲正差额).

    These are what must be posted so that the books equal ``after``. The parts of one line sum to
    nought, but for a payment that is new (all of it) or was undone (minus all of it).
    """
    old = {share.event_id: share for share in before.shares}
    new = {share.event_id: share for share in after.shares}
    found = []
    for event_id in [*old, *(name for name in new if name not in old)]:
        was, now = old.get(event_id), new.get(event_id)
        if was == now:
            continue
        known = now or was
        assert known is not None, event_id
        parts = [new - old for new, old in zip(_parts(now), _parts(was), strict=True)]
        found.append(Share(event_id, known.on, *parts))
    return tuple(found)


def _parts(share: Share | None) -> tuple[int, ...]:
    if share is None:
        return 0, 0, 0, 0, 0, 0
    return (
        share.principal_minor,
        share.interest_minor,
        share.fee_minor,
        share.penalty_minor,
        share.credit_minor,
        share.recovered_minor,
    )
