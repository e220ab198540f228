"""Money beyond a loan 多付款退还: who gets it back, of all that paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from puhui.servicing.nouns.plan import Happening, PlanEvent
from puhui.servicing.nouns.state import Share

BORROWER = ("", "")
"""Who pays where nobody is named."""


def refunds_of(
    events: Sequence[PlanEvent],
    shares: Sequence[Share],
    *,
    on: date,
    amount_minor: int,
    claims: Mapping[str, int],
) -> tuple[PlanEvent, ...]:
    """The refunds that ``amount_minor`` of what is owed back comes to: whoever paid it gets it, the
    first payment first, a guarantor for the call that brought it.

    ``claims`` are what guarantors are owed of calls by the borrower still, minor units by
    guarantee: what the borrower has paid them back is the borrower's. What nobody else paid is
    too, and so is more than there is, which a replay refuses. The rule is our own.
    """
    owed: dict[tuple[str, str], int] = defaultdict(int)
    by_id = {event.event_id: event for event in events}
    for share in shares:
        event = by_id[share.event_id]
        paid = by_id.get(event.undoes, event)
        owed[paid.payer_id, paid.guarantee_id] += share.credit_minor
    given: dict[tuple[str, str], int] = {}
    left = amount_minor
    for key, minor in owed.items():
        most = min(minor, claims.get(key[1], 0)) if key[1] else minor
        given[key] = max(0, min(left, most))
        left -= given[key]
    given[BORROWER] = given.get(BORROWER, 0) + left
    return tuple(
        PlanEvent(
            "", Happening.CREDIT_REFUNDED, on, minor, payer_id=payer_id, guarantee_id=guarantee_id
        )
        for (payer_id, guarantee_id), minor in given.items()
        if minor
    )
