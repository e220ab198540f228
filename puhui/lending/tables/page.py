"""Statements that only pages ask: lists with filters and sorting, histories, and series."""

from __future__ import annotations

from sqlalchemy import bindparam, case, func, select

from puhui.kernel.store import sum_int
from puhui.kernel.store.listing import in_orders, matches
from puhui.lending.tables import APPLICATION, CONTRACT, DECISION, REVIEW

_application = APPLICATION.c
_contract = CONTRACT.c
_decision = DECISION.c


READ_APPLICATIONS_OF = (
    select(*_application)
    .where(_application.party_id == bindparam("party_id"))
    .order_by(_application.applied_us.desc(), _application.id)
    .limit(bindparam("count"))
)

READ_APPLICATIONS_BETWEEN = (
    select(*_application)
    .where(_application.id >= bindparam("low"), _application.id < bindparam("high"))
    .order_by(_application.id)
    .limit(bindparam("count"))
)

_LISTED = (
    select(
        _application.id,
        _application.party_id,
        _application.product,
        _application.status,
        _application.currency,
        _application.wanted_minor,
        _application.term_months,
        _application.applied_us,
        _application.channel,
        _decision.points,
        _decision.pd,
        _decision.outcome,
    )
    .select_from(APPLICATION)
    .join(DECISION, _decision.id == _application.decision_id, isouter=True)
    .where(
        matches("status", _application.status),
        matches("product", _application.product),
        matches("party", _application.party_id),
    )
)
APPLICATIONS_AFTER = (
    _LISTED.where(_application.id > bindparam("after"))
    .order_by(_application.id)
    .limit(bindparam("count"))
)
LIST_APPLICATIONS = in_orders(
    _LISTED,
    {
        "id": _application.id,
        "applied": _application.applied_us,
        "wanted": _application.wanted_minor,
        "points": func.coalesce(_decision.points, -1),
    },
    _application.id,
)

_LOANS = select(
    _contract.id,
    _contract.application_id,
    _contract.party_id,
    _contract.product,
    _contract.currency,
    _contract.status,
    _contract.principal_minor,
    _contract.outstanding_minor,
    _contract.annual_rate,
    _contract.apr,
    _contract.accepted_us,
    _contract.started_on,
    _contract.days_past_due,
    _contract.arrears_minor,
).where(
    matches("status", _contract.status),
    matches("product", _contract.product),
    matches("party", _contract.party_id),
)
LIST_LOANS = in_orders(
    _LOANS,
    {
        "id": _contract.id,
        "signed": _contract.accepted_us,
        "principal": _contract.principal_minor,
        "outstanding": _contract.outstanding_minor,
        "days": _contract.days_past_due,
        "arrears": _contract.arrears_minor,
    },
    _contract.id,
)

_QUEUE = (
    select(
        REVIEW.c.application_id.label("id"),
        REVIEW.c.status,
        REVIEW.c.opened_us,
        REVIEW.c.proposed_by,
        REVIEW.c.proposal,
        _application.party_id,
        _application.product,
        _application.currency,
        _application.wanted_minor,
        _decision.points,
        _decision.outcome,
    )
    .select_from(REVIEW)
    .join(APPLICATION, _application.id == REVIEW.c.application_id)
    .join(DECISION, _decision.id == _application.decision_id, isouter=True)
    .where(matches("status", REVIEW.c.status), matches("product", _application.product))
)
LIST_REVIEWS = in_orders(
    _QUEUE,
    {
        "id": REVIEW.c.application_id,
        "waiting": REVIEW.c.opened_us,
        "wanted": _application.wanted_minor,
        "points": func.coalesce(_decision.points, -1),
    },
    REVIEW.c.application_id,
)

READ_DECISIONS = (
    select(*_decision)
    .where(_decision.application_id == bindparam("application_id"))
    .order_by(_decision.decided_us, _decision.id)
)
READ_CONTRACTS_FOR = (
    select(*_contract)
    .where(_contract.application_id == bindparam("application_id"))
    .order_by(_contract.accepted_us, _contract.id)
)

COUNT_BY_DAY = (
    select(
        _application.applied_on.label("day"),
        _application.product,
        func.count().label("applications"),
        sum_int(case((_decision.outcome == "approved", 1), else_=0)).label("approved"),
        sum_int(case((_decision.outcome == "refused", 1), else_=0)).label("refused"),
        sum_int(case((_decision.outcome == "review", 1), else_=0)).label("in_review"),
    )
    .select_from(APPLICATION)
    .join(DECISION, _decision.id == _application.decision_id, isouter=True)
    .where(
        matches("product", _application.product),
        _application.applied_on >= bindparam("since"),
        _application.applied_on <= bindparam("until"),
    )
    .group_by(_application.applied_on, _application.product)
    .order_by(_application.applied_on, _application.product)
)

_BUCKET = case(
    (_contract.days_past_due == 0, "0"),
    (_contract.days_past_due <= 30, "1-30"),
    (_contract.days_past_due <= 60, "31-60"),
    (_contract.days_past_due <= 90, "61-90"),
    else_="90+",
)
COUNT_BY_BUCKET = (
    select(
        _BUCKET.label("bucket"),
        func.count().label("loans"),
        sum_int(_contract.outstanding_minor).label("outstanding_minor"),
        sum_int(_contract.arrears_minor).label("arrears_minor"),
    )
    .where(
        _contract.status.in_(["current", "past_due", "written_off"]),
        matches("product", _contract.product),
        matches("currency", _contract.currency),
    )
    .group_by(_BUCKET)
)
COUNT_BY_RATE = (
    select(
        _contract.annual_rate,
        func.count().label("loans"),
        sum_int(_contract.outstanding_minor).label("outstanding_minor"),
    )
    .where(
        _contract.status.in_(["current", "past_due"]),
        matches("product", _contract.product),
        matches("currency", _contract.currency),
    )
    .group_by(_contract.annual_rate)
    .order_by(_contract.annual_rate)
)
