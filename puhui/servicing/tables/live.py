"""Tables and statements of loans that live: columns of the day, plans ahead, events, provisions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, sum_int, upsert
from puhui.kernel.store.listing import matches
from puhui.servicing.arrays.live import LIVE_FIELDS

LATER = 10
"""How many of the columns came with a later state, at the end of the table."""

LOAN = Table(
    "servicing_loan",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in LIVE_FIELDS[:-LATER]),
    Column("owing", LargeBinary),
    *(Column(name, BigInteger, nullable=False) for name in LIVE_FIELDS[-LATER:]),
    CheckConstraint("status IN ('live', 'charged_off', 'paid_off', 'written_off')"),
    CheckConstraint("outstanding_minor >= 0 AND outstanding_minor <= principal_minor"),
    CheckConstraint("stage IN (1, 2, 3) AND risk_class BETWEEN 0 AND 4"),
    Index("servicing_loan_changed", "changed_on", "id"),
    Index("servicing_loan_party", "party_id"),
)
"""One row a loan: everything that a day needs of it (see ``arrays.live``)."""

PLAN = Table(
    "servicing_plan",
    metadata,
    Column("loan_id", Text, primary_key=True),
    Column("rows", LargeBinary, nullable=False),
    Column("allocation", Text, nullable=False),
    Column("plan", Text, nullable=False),
)
"""The plan agreed on; the instalments ahead when the loan was last laid out, and the order in
which money is used."""

EVENT = Table(
    "servicing_event",
    metadata,
    Column("loan_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("act_key", Text, nullable=False),
    Column("undoes", Text, nullable=False),
    Column("payer_id", Text, nullable=False),
    Column("details", Text, nullable=False),
)
"""What happened to a loan, the money drawn first as number 0; the loan is recomputed from it.

``undoes`` is the number of another event; ``payer_id`` who paid, empty for the borrower;
``details`` what few kinds say beside, as JSON."""

PROVISION = Table(
    "servicing_provision",
    metadata,
    Column("period", Text, primary_key=True),
    Column("act_key", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("stage", BigInteger, primary_key=True),
    Column("risk_class", BigInteger, primary_key=True),
    Column("loans", BigInteger, nullable=False),
    Column("exposure_minor", BigInteger, nullable=False),
    Column("expected_loss_minor", BigInteger, nullable=False),
    Column("posted_minor", BigInteger, nullable=False),
)
"""Provisions of a month by chunk: what is expected, and the change that was posted."""

ROLL = Table(
    "servicing_roll",
    metadata,
    Column("period", Text, primary_key=True),
    Column("act_key", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("bucket_before", BigInteger, primary_key=True),
    Column("bucket", BigInteger, primary_key=True),
    Column("loans", BigInteger, nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
)
"""How loans moved between buckets from one end of a month to the next, by chunk."""

CLASS_MOVE = Table(
    "servicing_class_move",
    metadata,
    Column("period", Text, primary_key=True),
    Column("act_key", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("class_before", BigInteger, primary_key=True),
    Column("risk_class", BigInteger, primary_key=True),
    Column("loans", BigInteger, nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
)
"""How loans moved between the five classes from one end of a month to the next, by chunk."""

LIVE_STATUSES = ("live", "charged_off")

_loan = LOAN.c
_by_id = _loan.id == bindparam("id")
_is_live = _loan.status.in_(LIVE_STATUSES)
_within = and_(_loan.id > bindparam("after"), _loan.id <= bindparam("until"))

PUT_LOAN = upsert(LOAN, ["id"])
PUT_PLAN = upsert(PLAN, ["loan_id"])
INSERT_EVENT = insert_all(EVENT)
INSERT_PROVISION = insert_all(PROVISION)
INSERT_ROLL = insert_all(ROLL)
INSERT_CLASS_MOVE = insert_all(CLASS_MOVE)
READ_LOAN = select(*_loan).where(_by_id)
LOCK_LOAN = READ_LOAN.with_for_update()
LEAST_CLOSED = select(func.min(_loan.closed_on).label("day")).where(_is_live)
COUNT_LIVE = select(func.count().label("loans")).where(_is_live)
NEXT_END = (
    select(_loan.id)
    .where(_loan.id > bindparam("after"))
    .order_by(_loan.id)
    .limit(1)
    .offset(bindparam("skip"))
)
LAST_ID = select(func.max(_loan.id).label("id"))
LOCK_CHUNK = (
    select(_loan.id, _loan.party_id, _loan.product, _loan.currency, _loan.status, _loan.owing,
           *(_loan[name] for name in LIVE_FIELDS))
    .where(_within, _is_live, _loan.closed_on < bindparam("day"))
    .order_by(_loan.id)
    .with_for_update()
)  # fmt: skip
READ_PLANS = select(*PLAN.c).where(PLAN.c.loan_id.in_(bindparam("ids", expanding=True)))
READ_EVENTS = (
    select(EVENT.c.number, EVENT.c.kind, EVENT.c.day, EVENT.c.amount_minor, EVENT.c.undoes,
           EVENT.c.payer_id, EVENT.c.details, EVENT.c.act_key)
    .where(EVENT.c.loan_id == bindparam("loan_id"))
    .order_by(EVENT.c.number)
)  # fmt: skip
READ_PAUSES = (
    select(*EVENT.c)
    .where(EVENT.c.loan_id.in_(bindparam("ids", expanding=True)), EVENT.c.day <= bindparam("day"),
           EVENT.c.kind.in_(("paused", "resumed", "undone")))
    .order_by(EVENT.c.loan_id, EVENT.c.day, EVENT.c.number)
)  # fmt: skip
READ_LOANS_OF_ACT = (
    select(EVENT.c.loan_id)
    .where(EVENT.c.loan_id > bindparam("after"), EVENT.c.loan_id <= bindparam("until"),
           EVENT.c.act_key == bindparam("act_key"))
    .order_by(EVENT.c.loan_id)
)  # fmt: skip
CHANGED = (
    select(_loan.id, _loan.status, _loan.party_id, _loan.principal_minor, _loan.outstanding_minor,
           _loan.days_past_due, _loan.arrears_minor, _loan.counted_on)
    .where(_within, _loan.changed_on == bindparam("day"))
    .order_by(_loan.id)
)  # fmt: skip
CHANGED_END = (
    select(_loan.id)
    .where(_loan.id > bindparam("after"), _loan.changed_on == bindparam("day"))
    .order_by(_loan.id)
    .limit(1)
    .offset(bindparam("skip"))
)
CHANGED_LAST = select(func.max(_loan.id).label("id")).where(_loan.changed_on == bindparam("day"))
SET_LGD = update(LOAN).where(_loan.id == bindparam("id_")).values(lgd_millionths=bindparam("lgd_"))
SET_WATCH = (
    update(LOAN)
    .where(_loan.id == bindparam("id_"))
    .values(
        watch_until=bindparam("day_"),
        restructured_again=case((_loan.watch_until > bindparam("today_"), 1), else_=0),
    )
)
FORGET_GRADES = (
    update(LOAN)
    .where(_loan.party_id == bindparam("party_id_"))
    .values(grade=bindparam("grade_"), first_grade=bindparam("grade_"))
)
SET_GRADE = (
    update(LOAN).where(_loan.party_id == bindparam("party_id_")).values(grade=bindparam("grade_"))
)


SUM_BY_CLASS = (
    select(_loan.product, _loan.currency, _loan.risk_class, _loan.stage,
           func.count().label("loans"),
           sum_int(_loan.outstanding_minor).label("outstanding_minor"),
           sum_int(_loan.arrears_minor).label("arrears_minor"),
           sum_int(_loan.expected_loss_minor).label("expected_loss_minor"),
           sum_int(_loan.booked_loss_minor).label("booked_loss_minor"))
    .where(_is_live)
    .group_by(_loan.product, _loan.currency, _loan.risk_class, _loan.stage)
    .order_by(_loan.product, _loan.currency, _loan.risk_class, _loan.stage)
)  # fmt: skip
SUM_BY_BUCKET = (
    select(_loan.product, _loan.currency, _loan.bucket, func.count().label("loans"),
           sum_int(_loan.outstanding_minor).label("outstanding_minor"),
           sum_int(_loan.arrears_minor).label("arrears_minor"))
    .where(_is_live)
    .group_by(_loan.product, _loan.currency, _loan.bucket)
    .order_by(_loan.product, _loan.currency, _loan.bucket)
)  # fmt: skip
SUM_PROVISIONS = (
    select(PROVISION.c.period, PROVISION.c.product, PROVISION.c.currency, PROVISION.c.stage,
           PROVISION.c.risk_class, sum_int(PROVISION.c.loans).label("loans"),
           sum_int(PROVISION.c.exposure_minor).label("exposure_minor"),
           sum_int(PROVISION.c.expected_loss_minor).label("expected_loss_minor"),
           sum_int(PROVISION.c.posted_minor).label("posted_minor"))
    .where(PROVISION.c.period == bindparam("period"))
    .group_by(PROVISION.c.period, PROVISION.c.product, PROVISION.c.currency, PROVISION.c.stage,
              PROVISION.c.risk_class)
    .order_by(PROVISION.c.product, PROVISION.c.currency, PROVISION.c.stage, PROVISION.c.risk_class)
)  # fmt: skip
SUM_ROLLS = (
    select(ROLL.c.currency, ROLL.c.bucket_before, ROLL.c.bucket,
           sum_int(ROLL.c.loans).label("loans"),
           sum_int(ROLL.c.outstanding_minor).label("outstanding_minor"))
    .where(ROLL.c.period == bindparam("period"),
           matches("product", ROLL.c.product))
    .group_by(ROLL.c.currency, ROLL.c.bucket_before, ROLL.c.bucket)
    .order_by(ROLL.c.currency, ROLL.c.bucket_before, ROLL.c.bucket)
)  # fmt: skip
SUM_CLASS_MOVES = (
    select(CLASS_MOVE.c.currency, CLASS_MOVE.c.class_before, CLASS_MOVE.c.risk_class,
           sum_int(CLASS_MOVE.c.loans).label("loans"),
           sum_int(CLASS_MOVE.c.outstanding_minor).label("outstanding_minor"))
    .where(CLASS_MOVE.c.period == bindparam("period"), matches("product", CLASS_MOVE.c.product))
    .group_by(CLASS_MOVE.c.currency, CLASS_MOVE.c.class_before, CLASS_MOVE.c.risk_class)
    .order_by(CLASS_MOVE.c.currency, CLASS_MOVE.c.class_before, CLASS_MOVE.c.risk_class)
)  # fmt: skip
