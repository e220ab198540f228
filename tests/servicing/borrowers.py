"""Borrowers of a small book, on record by a reference alone."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.kernel import Node
from puhui.kernel.store import change
from puhui.party.tables import INSERT_PARTY

BORROWERS_MAX = 5_000


def know_borrowers(node: Node, party_ids: Sequence[str]) -> None:
    """Put them on record; those of a large book are for the day, which asks for none."""
    if len(party_ids) > BORROWERS_MAX:
        return
    with change(node.store) as tx:
        for party_id in party_ids:
            tx.put(
                INSERT_PARTY, id=party_id, kind="person", source="book", reference=party_id,
                subject=None, identity="unchecked", registered_us=0, erased_us=None,
            )  # fmt: skip
