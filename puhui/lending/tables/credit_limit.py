"""Credit limits in force, every review of one, and the last day that a person was late."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, sum_int, upsert
from puhui.kernel.store.listing import in_orders, matches
from puhui.lending.tables import APPLICATION, CONTRACT, DECISION

CREDIT_LIMIT = Table(
    "lending_credit_limit",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("credit_limit_minor", BigInteger, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    CheckConstraint("credit_limit_minor >= 0"),
)
"""The most that the lender lets a person owe by a product, once a review has moved it."""

CHANGE = Table(
    "lending_credit_limit_change",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("before_minor", BigInteger, nullable=False),
    Column("after_minor", BigInteger, nullable=False),
    Column("drawn_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reviewed_us", BigInteger, nullable=False),
    Column("counts_from", Text, nullable=False),
    Column("answered_by", Text),
    Column("answered_us", BigInteger),
    CheckConstraint(
        "status IN ('kept', 'lowered', 'offered', 'agreed', 'declined', 'lapsed')",
    ),
    CheckConstraint("before_minor >= 0 AND after_minor >= 0 AND drawn_minor >= 0"),
    UniqueConstraint("party_id", "product", "month"),
    Index("lending_credit_limit_change_party", "party_id", "reviewed_us"),
)
"""One row a person, product and month: what the review said, and what became of it."""

LATE = Table(
    "lending_late",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("late_on", Text, nullable=False),
)
"""The last day that a person was known to be late with a product's loan."""

PUT_CREDIT_LIMIT = upsert(CREDIT_LIMIT, ["party_id", "product"])
INSERT_CHANGE = insert_all(CHANGE)
PUT_LATE = upsert(LATE, ["party_id", "product"])

_change = CHANGE.c
_contract = CONTRACT.c
_is_live = _contract.status.in_(["current", "past_due"])

READ_BORROWERS = select(_contract.party_id).where(_is_live).distinct().order_by(_contract.party_id)
READ_DRAWN = (
    select(
        _contract.product,
        _contract.currency,
        sum_int(_contract.outstanding_minor).label("drawn_minor"),
        func.min(_contract.started_on).label("started_on"),
        func.max(_contract.days_past_due).label("days_past_due"),
    )
    .where(_contract.party_id == bindparam("party_id"), _is_live)
    .group_by(_contract.product, _contract.currency)
    .order_by(_contract.product)
)
"""What runs of a person, by product."""

READ_PRODUCT_OF = select(_contract.product, _contract.days_past_due).where(
    _contract.id == bindparam("id")
)
READ_LIMIT = select(CREDIT_LIMIT.c.credit_limit_minor).where(
    CREDIT_LIMIT.c.party_id == bindparam("party_id"),
    CREDIT_LIMIT.c.product == bindparam("product"),
)
READ_CUT = (
    select(_change.after_minor)
    .select_from(
        CREDIT_LIMIT.join(
            CHANGE,
            and_(
                _change.party_id == CREDIT_LIMIT.c.party_id,
                _change.product == CREDIT_LIMIT.c.product,
                _change.reviewed_us >= CREDIT_LIMIT.c.set_us,
            ),
        )
    )
    .where(
        CREDIT_LIMIT.c.party_id == bindparam("party_id"),
        CREDIT_LIMIT.c.product == bindparam("product"),
        _change.status == "lowered",
        _change.counts_from <= bindparam("day"),
    )
)
"""The cut of a limit whose notice has ended."""

READ_LAST_LATE = select(func.max(LATE.c.late_on).label("late_on")).where(
    LATE.c.party_id == bindparam("party_id")
)
READ_LAST_APPROVED = (
    select(DECISION.c.decision, DECISION.c.points, DECISION.c.decided_us)
    .join(APPLICATION, APPLICATION.c.decision_id == DECISION.c.id)
    .where(
        APPLICATION.c.party_id == bindparam("party_id"),
        APPLICATION.c.product == bindparam("product"),
        DECISION.c.outcome == "approved",
    )
    .order_by(DECISION.c.decided_us.desc(), DECISION.c.id.desc())
    .limit(1)
)
"""The decision that a credit limit starts from."""

READ_CHANGES = (
    select(*_change)
    .where(_change.party_id == bindparam("party_id"), _change.product == bindparam("product"))
    .order_by(_change.month.desc())
    .limit(bindparam("count"))
)
READ_CHANGES_OF = (
    select(*_change)
    .where(_change.party_id == bindparam("party_id"))
    .order_by(_change.reviewed_us.desc(), _change.id.desc())
    .limit(bindparam("count"))
)
LIST_CHANGES = in_orders(
    select(*_change).where(
        matches("status", _change.status),
        matches("product", _change.product),
        matches("reason", _change.reason),
        matches("party", _change.party_id),
    ),
    {
        "reviewed": _change.reviewed_us,
        "before": _change.before_minor,
        "after": _change.after_minor,
        "drawn": _change.drawn_minor,
    },
    _change.id,
)
COUNT_RISES = select(func.count().label("offers")).where(
    _change.party_id == bindparam("party_id"),
    _change.reason == "rise",
    _change.reviewed_us > bindparam("since_us"),
)
COUNT_RISES_DECLINED = select(func.count().label("offers")).where(
    _change.party_id == bindparam("party_id"),
    _change.status == "declined",
    _change.answered_us > bindparam("since_us"),
)
READ_CHANGE_OF = select(_change.party_id).where(_change.id == bindparam("id"))
LOCK_CHANGE = select(*_change).where(_change.id == bindparam("id")).with_for_update()
ANSWER_CHANGE = (
    update(CHANGE)
    .where(_change.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        answered_by=bindparam("answered_by_"),
        answered_us=bindparam("answered_us_"),
        counts_from=bindparam("counts_from_"),
    )
)
LAPSE_OFFERED = (
    update(CHANGE)
    .where(
        _change.party_id == bindparam("party_id_"),
        _change.product == bindparam("product_"),
        _change.status == "offered",
    )
    .values(status="lapsed")
)
