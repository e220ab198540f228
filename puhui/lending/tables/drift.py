"""The one statement that measuring drift asks."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from puhui.lending.tables import APPLICATION, DECISION

READ_SCORED = (
    select(
        APPLICATION.c.id,
        APPLICATION.c.party_id,
        APPLICATION.c.sealed,
        APPLICATION.c.fields,
        APPLICATION.c.mapping,
    )
    .join(DECISION, DECISION.c.id == APPLICATION.c.decision_id)
    .where(
        DECISION.c.model_digest == bindparam("model_digest"),
        DECISION.c.decided_us >= bindparam("from_us"),
        DECISION.c.decided_us < bindparam("before_us"),
    )
    .order_by(DECISION.c.decided_us.desc(), DECISION.c.id)
    .limit(bindparam("count"))
)
