"""Statements by which audits of models read decisions; they have no table of their own."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, select

from puhui.lending.tables import APPLICATION, CONTRACT, DECISION

_CONTRACT_OF = and_(CONTRACT.c.application_id == APPLICATION.c.id, CONTRACT.c.status != "void")

READ_DECIDED = (
    select(
        APPLICATION.c.party_id,
        DECISION.c.outcome,
        DECISION.c.pd,
        CONTRACT.c.status,
        CONTRACT.c.days_past_due,
    )
    .join_from(DECISION, APPLICATION, APPLICATION.c.decision_id == DECISION.c.id)
    .outerjoin(CONTRACT, _CONTRACT_OF)
    .where(
        DECISION.c.model_digest == bindparam("model_digest"),
        DECISION.c.decided_us >= bindparam("from_us"),
        DECISION.c.decided_us < bindparam("before_us"),
        DECISION.c.outcome.in_(["approved", "refused"]),
    )
    .order_by(DECISION.c.decided_us.desc(), DECISION.c.id.desc())
    .limit(bindparam("count"))
)

READ_SCORED = (
    select(
        APPLICATION.c.party_id,
        APPLICATION.c.wanted_minor,
        DECISION.c.pd,
        DECISION.c.pd_max,
        DECISION.c.model_digest,
        DECISION.c.decision,
        CONTRACT.c.status,
        CONTRACT.c.days_past_due,
    )
    .join_from(APPLICATION, DECISION, APPLICATION.c.decision_id == DECISION.c.id)
    .outerjoin(CONTRACT, _CONTRACT_OF)
    .where(APPLICATION.c.product == bindparam("product"), DECISION.c.pd.is_not(None))
    .order_by(APPLICATION.c.applied_us.desc(), APPLICATION.c.id)
    .limit(bindparam("count"))
)
