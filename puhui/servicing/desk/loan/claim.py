"""Claims 代位追偿 of guarantors who paid on a loan: they follow what becomes of those payments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.servicing.nouns import PlanEvent, Share
from puhui.servicing.tables import collect as tables


def moved_claims(
    act: Act, changes: Sequence[Share], events: Mapping[str, PlanEvent]
) -> list[dict[str, object]]:
    """What guarantors are owed of calls, and no more once one was undone or taken back: new values
    for ``CALL_GUARANTEE``, whose rows are locked.

    Refused: ``servicing.guarantor_repaid`` where the borrower has paid for more than is left.
    """
    moved: dict[str, int] = defaultdict(int)
    for share in changes:
        event = events[share.event_id]
        paid = events.get(event.undoes, event)
        if paid.guarantee_id:
            moved[paid.guarantee_id] += share.total_minor
    columns: list[dict[str, object]] = []
    for guarantee_id, amount in sorted(moved.items()):
        if not amount:
            continue
        row = act.tx.one(tables.LOCK_GUARANTEE, id=guarantee_id)
        assert row is not None, guarantee_id
        called = row.called_minor + amount
        if called < row.recovered_minor:
            raise Refused("servicing.guarantor_repaid", "The borrower has paid the guarantor back.")
        columns.append({"id_": guarantee_id, "called_minor_": called})
    return columns
