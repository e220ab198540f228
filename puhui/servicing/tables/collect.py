"""Tables and statements of collections, hardship, guarantees and pledges."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
    update,
)

from puhui.kernel.store import excluded, insert_all, metadata, sum_int, upsert
from puhui.servicing.tables.live import EVENT, LIVE_STATUSES, LOAN

TASK = Table(
    "servicing_task",
    metadata,
    Column("loan_id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("opened_on", Text, nullable=False),
    Column("days_past_due", BigInteger, nullable=False),
    Column("arrears_minor", BigInteger, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    CheckConstraint("status IN ('open', 'closed')"),
    Index("servicing_task_step", "status", "step"),
)
PROMISE = Table(
    "servicing_promise",
    metadata,
    Column("id", Text, primary_key=True),
    Column("loan_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("made_on", Text, nullable=False),
    Column("by_day", Text, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("after_number", BigInteger, nullable=False),
    CheckConstraint("amount_minor > 0"),
    CheckConstraint("status IN ('open', 'kept', 'broken')"),
    Index("servicing_promise_loan", "loan_id", "status"),
    Index("servicing_promise_day", "status", "by_day"),
)
CONTACT = Table(
    "servicing_contact",
    metadata,
    Column("id", Text, primary_key=True),
    Column("loan_id", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Index("servicing_contact_party", "party_id", "day"),
)
CONTACT_ZONE = Table(
    "servicing_contact_zone",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("zone", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
)
"""In whose hours a person is spoken to; no row where it is the house's."""
RELIEF = Table(
    "servicing_relief",
    metadata,
    Column("id", Text, primary_key=True),
    Column("loan_id", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("days", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_us", BigInteger),
    Column("kind", Text, nullable=False),
    Column("instalments", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reason_class", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('asked', 'granted', 'declined', 'withdrawn')"),
    Index("servicing_relief_loan", "loan_id", "status"),
)
GUARANTEE = Table(
    "servicing_guarantee",
    metadata,
    Column("id", Text, primary_key=True),
    Column("loan_id", Text, nullable=False),
    Column("guarantor_id", Text, nullable=False),
    Column("share_millionths", BigInteger, nullable=False),
    Column("premium_minor", BigInteger, nullable=False),
    Column("called_minor", BigInteger, nullable=False),
    Column("recovered_minor", BigInteger, nullable=False),
    Column("call_after_days", BigInteger, nullable=False),
    CheckConstraint("share_millionths BETWEEN 1 AND 1000000"),
    CheckConstraint("called_minor >= 0"),
    Index("servicing_guarantee_loan", "loan_id"),
    Index("servicing_guarantee_guarantor", "guarantor_id"),
)
PARTNER = Table(
    "servicing_partner",
    metadata,
    Column("name", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
)
"""Who stands behind the names that products give joint lenders and guarantors."""
LENDER_SHARE = Table(
    "servicing_lender_share",
    metadata,
    Column("loan_id", Text, primary_key=True),
    Column("lender_id", Text, primary_key=True),
    Column("share_millionths", BigInteger, nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
    Column("received_minor", BigInteger, nullable=False),
    Column("booked_minor", BigInteger, nullable=False, server_default="0"),
    Column("upfront_minor", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("share_millionths BETWEEN 1 AND 999999"),
    CheckConstraint("outstanding_minor >= 0"),
)
"""What joint lenders have in a loan: principal left, interest and charges passed on so far, what
the books hold of interest due to them, and their part of a fee that was taken at first."""
LENDER_ASIDE = Table(
    "servicing_lender_aside",
    metadata,
    Column("lender_id", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("kept_minor", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    CheckConstraint("kept_minor > 0"),
)
"""What is kept for lenders whose wallets took nothing, as the ledger has it; no row where it is
nothing."""
PLEDGE = Table(
    "servicing_pledge",
    metadata,
    Column("id", Text, primary_key=True),
    Column("loan_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("valued_on", Text, nullable=False),
    Column("status", Text, nullable=False),
    CheckConstraint("status IN ('held', 'released')"),
    CheckConstraint("value_minor > 0"),
    Index("servicing_pledge_loan", "loan_id"),
)

INSERT_PROMISE, INSERT_CONTACT = insert_all(PROMISE), insert_all(CONTACT)
INSERT_RELIEF, INSERT_GUARANTEE = insert_all(RELIEF), insert_all(GUARANTEE)
INSERT_PLEDGE = insert_all(PLEDGE)
LOCK_TASKS = (
    select(*TASK.c)
    .where(TASK.c.loan_id > bindparam("after"), TASK.c.loan_id <= bindparam("until"))
    .order_by(TASK.c.loan_id)
    .with_for_update()
)
LOCK_TASK = select(*TASK.c).where(TASK.c.loan_id == bindparam("loan_id")).with_for_update()
TAKE_TASK = update(TASK).where(TASK.c.loan_id == bindparam("id_")).values(taken_by=bindparam("by_"))
COUNT_CONTACTS = select(func.count().label("contacts")).where(
    CONTACT.c.party_id == bindparam("party_id"),
    or_(CONTACT.c.at_us >= bindparam("since_us"), CONTACT.c.day >= bindparam("since")),
)
"""Since a day began by the clock, or on a day like it or later in the zone of each contact."""
PUT_ZONE = upsert(CONTACT_ZONE, ["party_id"])
READ_ZONE = select(CONTACT_ZONE.c.zone).where(CONTACT_ZONE.c.party_id == bindparam("party_id"))
DROP_ZONE = CONTACT_ZONE.delete().where(CONTACT_ZONE.c.party_id == bindparam("party_id_"))
_stands_for = select(GUARANTEE.c.loan_id).where(GUARANTEE.c.guarantor_id == bindparam("party_id"))
LOCK_LOANS_ABOUT = (
    select(LOAN.c.id)
    .where(or_(LOAN.c.party_id == bindparam("party_id"), LOAN.c.id.in_(_stands_for)))
    .order_by(LOAN.c.id)
    .with_for_update()
)
"""Every loan that a person may be spoken to about: contacts with one person take turns."""

COUNT_BROKEN = select(func.count().label("promises")).where(
    PROMISE.c.loan_id == bindparam("loan_id"), PROMISE.c.status == bindparam("status")
)
READ_DUE_PROMISES = (
    select(PROMISE.c.id)
    .where(PROMISE.c.status == "open", PROMISE.c.by_day < bindparam("day"))
    .order_by(PROMISE.c.id)
)
LOCK_PROMISE = select(*PROMISE.c).where(PROMISE.c.id == bindparam("id")).with_for_update()
SET_PROMISE = (
    update(PROMISE).where(PROMISE.c.id == bindparam("id_")).values(status=bindparam("status_"))
)
UNDOING = EVENT.alias("undoing")
_taken_back = (
    select(sum_int(UNDOING.c.amount_minor))
    .where(
        UNDOING.c.loan_id == EVENT.c.loan_id,
        UNDOING.c.kind == "charged_back",
        UNDOING.c.undoes == cast(EVENT.c.number, Text),
    )
    .scalar_subquery()
)
PAID_BETWEEN = select(sum_int(EVENT.c.amount_minor - _taken_back).label("minor")).where(
    EVENT.c.loan_id == bindparam("loan_id"),
    EVENT.c.kind == "repaid",
    ~exists().where(
        UNDOING.c.loan_id == EVENT.c.loan_id,
        UNDOING.c.kind == "undone",
        UNDOING.c.undoes == cast(EVENT.c.number, Text),
    ),
    EVENT.c.number > bindparam("after_number"),
    EVENT.c.day >= bindparam("since"),
    EVENT.c.day <= bindparam("until"),
)
LOCK_RELIEF = select(*RELIEF.c).where(RELIEF.c.id == bindparam("id")).with_for_update()
READ_ASKED = select(RELIEF.c.id).where(
    RELIEF.c.loan_id == bindparam("loan_id"), RELIEF.c.status == "asked"
)
READ_REASONS = (
    select(RELIEF.c.id, RELIEF.c.party_id, RELIEF.c.reason)
    .where(RELIEF.c.reason.in_(["illness", "unemployment", "disaster", "market"]))
    .order_by(RELIEF.c.id)
)
"""Reasons that stand plain: older than the sealing, or of nobody's name."""

SEAL_REASON = (
    update(RELIEF)
    .where(RELIEF.c.id == bindparam("id_"))
    .values(reason=bindparam("reason_"), reason_class=bindparam("reason_class_"))
)
DECIDE_RELIEF = (
    update(RELIEF)
    .where(RELIEF.c.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        days=bindparam("days_"),
        instalments=bindparam("instalments_"),
        amount_minor=bindparam("amount_minor_"),
        decided_by=bindparam("by_"),
        decided_us=bindparam("now_us_"),
    )
)
LOCK_GUARANTEE = select(*GUARANTEE.c).where(GUARANTEE.c.id == bindparam("id")).with_for_update()
READ_GUARANTEE = select(*GUARANTEE.c).where(GUARANTEE.c.id == bindparam("id"))
SUM_GUARANTEES = select(sum_int(GUARANTEE.c.share_millionths).label("millionths")).where(
    GUARANTEE.c.loan_id == bindparam("loan_id")
)
SUM_BACKED = SUM_GUARANTEES.where(exists().where(PARTNER.c.party_id == GUARANTEE.c.guarantor_id))
"""The same, of registered partners alone."""
READ_CALLABLE = (
    select(GUARANTEE.c.id)
    .join(LOAN, LOAN.c.id == GUARANTEE.c.loan_id)
    .where(
        LOAN.c.status.in_(LIVE_STATUSES),
        LOAN.c.arrears_minor > 0,
        LOAN.c.days_past_due >= GUARANTEE.c.call_after_days,
    )
    .order_by(GUARANTEE.c.id)
)
READ_GUARANTEES = (
    select(*GUARANTEE.c).where(GUARANTEE.c.loan_id == bindparam("loan_id")).order_by(GUARANTEE.c.id)
)
RECOVER_GUARANTEE = (
    update(GUARANTEE)
    .where(GUARANTEE.c.id == bindparam("id_"))
    .values(recovered_minor=bindparam("recovered_minor_"))
)
PUT_PARTNER = upsert(PARTNER, ["name"])
READ_PARTNER = select(PARTNER.c.party_id).where(PARTNER.c.name == bindparam("name"))
LIST_PARTNERS = select(*PARTNER.c).order_by(PARTNER.c.name)
INSERT_SHARE = insert_all(LENDER_SHARE)
LOCK_SHARES = (
    select(*LENDER_SHARE.c)
    .where(LENDER_SHARE.c.loan_id == bindparam("loan_id"))
    .order_by(LENDER_SHARE.c.lender_id)
    .with_for_update()
)
READ_SHARES = (
    select(*LENDER_SHARE.c)
    .where(LENDER_SHARE.c.loan_id == bindparam("loan_id"))
    .order_by(LENDER_SHARE.c.lender_id)
)
LOCK_SHARES_WITHIN = (
    select(*LENDER_SHARE.c)
    .where(
        LENDER_SHARE.c.loan_id > bindparam("after"), LENDER_SHARE.c.loan_id <= bindparam("until")
    )
    .order_by(LENDER_SHARE.c.loan_id, LENDER_SHARE.c.lender_id)
    .with_for_update()
)
SUM_LENT = select(sum_int(LENDER_SHARE.c.outstanding_minor).label("minor")).where(
    LENDER_SHARE.c.loan_id == bindparam("loan_id")
)
SUM_SHARES = select(sum_int(LENDER_SHARE.c.share_millionths).label("millionths")).where(
    LENDER_SHARE.c.loan_id == bindparam("loan_id")
)
SET_SHARE_OF_DAY = (
    update(LENDER_SHARE)
    .where(
        LENDER_SHARE.c.loan_id == bindparam("loan_id_"),
        LENDER_SHARE.c.lender_id == bindparam("lender_id_"),
    )
    .values(
        outstanding_minor=bindparam("outstanding_minor_"),
        received_minor=bindparam("received_minor_"),
        booked_minor=bindparam("booked_minor_"),
    )
)
SET_SHARE = SET_SHARE_OF_DAY.values(upfront_minor=bindparam("upfront_minor_"))
_aside = LENDER_ASIDE.c
_is_aside = and_(
    _aside.lender_id == bindparam("lender_id_"), _aside.currency == bindparam("currency_")
)
LOCK_ASIDES = (
    select(*_aside)
    .where(
        _aside.currency == bindparam("currency"),
        _aside.lender_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(_aside.lender_id)
    .with_for_update()
)
ADD_ASIDE = upsert(
    LENDER_ASIDE,
    ["lender_id", "currency"],
    {"kept_minor": _aside.kept_minor + excluded(LENDER_ASIDE, "kept_minor")},
)
SET_ASIDE = update(LENDER_ASIDE).where(_is_aside).values(kept_minor=bindparam("kept_minor_"))
DROP_ASIDE = LENDER_ASIDE.delete().where(_is_aside)
LIST_ASIDES = select(*_aside).order_by(_aside.lender_id, _aside.currency)
READ_ASIDES_IN = LIST_ASIDES.where(_aside.currency == bindparam("currency"))
READ_LENDS = (
    select(LOAN.c.id)
    .join(LENDER_SHARE, LENDER_SHARE.c.loan_id == LOAN.c.id)
    .where(LENDER_SHARE.c.lender_id == bindparam("party_id"), LOAN.c.status.in_(LIVE_STATUSES))
    .limit(1)
)
CALL_GUARANTEE = (
    update(GUARANTEE)
    .where(GUARANTEE.c.id == bindparam("id_"))
    .values(called_minor=bindparam("called_minor_"))
)
LOCK_PLEDGE = select(*PLEDGE.c).where(PLEDGE.c.id == bindparam("id")).with_for_update()
RELEASE_PLEDGE = update(PLEDGE).where(PLEDGE.c.id == bindparam("id_")).values(status="released")
READ_PLEDGES = select(*PLEDGE.c).where(PLEDGE.c.loan_id == bindparam("loan_id"))
READ_CONTACTS = (
    select(*CONTACT.c)
    .where(CONTACT.c.loan_id == bindparam("loan_id"))
    .order_by(CONTACT.c.at_us.desc())
    .limit(bindparam("count"))
)
READ_PROMISES = (
    select(*PROMISE.c)
    .where(PROMISE.c.loan_id == bindparam("loan_id"))
    .order_by(PROMISE.c.made_on.desc(), PROMISE.c.id)
)
