"""What pages show of complaints; words stay sealed until the room data opens them."""

from __future__ import annotations

from datetime import date

from puhui.complaint import tables
from puhui.complaint.nouns import Complaint
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.listing import filled, ordered

COMPLAINTS_MAX = 200


def noun_of(row: Row) -> Complaint:
    """The noun of a row."""
    return Complaint(
        id=row.id,
        number=row.number,
        party_id=row.party_id,
        subject=row.subject,
        about=row.about,
        status=row.status,
        filed_us=row.filed_us,
        due_on=date.fromisoformat(row.due_on),
        answered_us=row.answered_us,
        answered_by=row.answered_by,
        closed_us=row.closed_us,
        words=row.words,
        answer=row.answer,
    )


def complaint_of(tx: Transaction, complaint_id: str) -> Complaint:
    """One complaint. Refused: ``complaint.unknown``."""
    row = tx.one(tables.READ_COMPLAINT, id=complaint_id)
    if row is None:
        raise Refused("complaint.unknown", f"There is no complaint {complaint_id[:60]}.")
    return noun_of(row)


def complaints_of(tx: Transaction, party_id: str) -> tuple[Complaint, ...]:
    """The complaints of a party, newest first, up to 200."""
    rows = tx.all(tables.READ_COMPLAINTS_OF, party_id=party_id, count=COMPLAINTS_MAX)
    return tuple(noun_of(row) for row in rows)


def list_complaints(
    tx: Transaction,
    *,
    status: str = "",
    subject: str = "",
    order: str = "due",
    skip: int = 0,
    count: int = 50,
) -> tuple[Complaint, ...]:
    """A page of complaints; an empty word takes every one.

    ``order`` is due, number, subject, status or filed, with "-" before it the other way round.
    Refused: ``complaint.bad_order``.
    """
    statement = ordered(tables.LIST_COMPLAINTS, order, code="complaint.bad_order")
    words = filled(status=status, subject=subject)
    rows = tx.all(statement, **words, skip=skip, count=count)
    return tuple(noun_of(row) for row in rows)
