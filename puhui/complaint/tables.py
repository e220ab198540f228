"""The table of complaints and every statement on it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata
from puhui.kernel.store.listing import in_orders, matches

COMPLAINT = Table(
    "complaint",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("party_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("filed_us", BigInteger, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("answered_us", BigInteger),
    Column("answered_by", Text),
    Column("closed_us", BigInteger),
    Column("words", Text, nullable=False),
    Column("answer", Text, nullable=False),
    CheckConstraint("status IN ('filed', 'answered', 'closed')"),
    Index("complaint_party", "party_id"),
    Index("complaint_status", "status", "due_on"),
)

_complaint = COMPLAINT.c

INSERT_COMPLAINT = insert_all(COMPLAINT)
READ_COMPLAINT = select(*_complaint).where(_complaint.id == bindparam("id"))
LOCK_COMPLAINT = READ_COMPLAINT.with_for_update()
READ_COMPLAINTS_OF = (
    select(*_complaint)
    .where(_complaint.party_id == bindparam("party_id"))
    .order_by(_complaint.filed_us.desc(), _complaint.id)
    .limit(bindparam("count"))
)
_LISTED = select(*_complaint).where(
    matches("status", _complaint.status), matches("subject", _complaint.subject)
)
LIST_COMPLAINTS = in_orders(
    _LISTED,
    {
        "due": _complaint.due_on,
        "number": _complaint.number,
        "subject": _complaint.subject,
        "status": _complaint.status,
        "filed": _complaint.filed_us,
    },
    _complaint.id,
)
ANSWER = (
    update(COMPLAINT)
    .where(_complaint.id == bindparam("id_"))
    .values(
        status="answered",
        answer=bindparam("answer_"),
        answered_us=bindparam("now_us_"),
        answered_by=bindparam("by_"),
    )
)
CLOSE = (
    update(COMPLAINT)
    .where(_complaint.id == bindparam("id_"))
    .values(status="closed", closed_us=bindparam("now_us_"))
)
BLANK = (
    update(COMPLAINT)
    .where(_complaint.party_id == bindparam("party_id_"))
    .values(words="", answer="")
)
