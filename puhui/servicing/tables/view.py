"""Statements that only pages ask of loans that live: lists with filters, sorting and histories."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, func, or_, select, update

from puhui.kernel.store import sum_int
from puhui.kernel.store.listing import in_orders, matches
from puhui.servicing.tables.collect import CONTACT, GUARANTEE, PROMISE, RELIEF, TASK
from puhui.servicing.tables.live import LIVE_STATUSES, LOAN, PLAN, PROVISION, ROLL

_loan, _task, _relief = LOAN.c, TASK.c, RELIEF.c
_is_live = _loan.status.in_(LIVE_STATUSES)


_open_task = and_(_task.loan_id == _loan.id, _task.status == "open")
_owner = func.coalesce(_task.taken_by, "")
_ARREARS = (
    select(_loan.id, _loan.party_id, _loan.product, _loan.currency, _loan.status,
           _loan.outstanding_minor, _loan.arrears_minor, _loan.days_past_due, _loan.bucket,
           _loan.risk_class, _loan.stage, _loan.oldest_due_on, _loan.counted_on,
           func.coalesce(_task.step, "").label("step"), _owner.label("taken_by"))
    .select_from(LOAN)
    .join(TASK, _open_task, isouter=True)
    .where(
        _is_live,
        _loan.arrears_minor > 0,
        matches("product", _loan.product),
        or_(bindparam("bucket") < 0, _loan.bucket == bindparam("bucket")),
        _loan.days_past_due >= bindparam("days_least"),
        or_(bindparam("any_by") == 1, _owner == bindparam("by")),
    )
)  # fmt: skip
LIST_ARREARS = in_orders(
    _ARREARS,
    {
        "days": _loan.days_past_due,
        "arrears": _loan.arrears_minor,
        "outstanding": _loan.outstanding_minor,
        "product": _loan.product,
        "class": _loan.risk_class,
    },
    _loan.id,
)
SUM_ARREARS = (
    select(_loan.currency, func.count().label("loans"),
           sum_int(_loan.arrears_minor).label("arrears_minor"),
           sum_int(_loan.outstanding_minor).label("outstanding_minor"))
    .where(_is_live, _loan.arrears_minor > 0)
    .group_by(_loan.currency)
    .order_by(_loan.currency)
)  # fmt: skip

_TASKS = (
    select(*_task, _loan.product, _loan.currency, _loan.outstanding_minor)
    .select_from(TASK)
    .join(LOAN, _loan.id == _task.loan_id)
    .where(
        matches("status", _task.status),
        matches("step", _task.step),
        matches("product", _loan.product),
        or_(bindparam("any_by") == 1, _task.taken_by == bindparam("by")),
    )
)
LIST_TASKS = in_orders(
    _TASKS,
    {
        "days": _task.days_past_due,
        "arrears": _task.arrears_minor,
        "opened": _task.opened_on,
        "step": _task.step,
    },
    _task.loan_id,
)
COUNT_TASKS = (
    select(_task.step, func.count().label("tasks"), sum_int(_task.arrears_minor).label("minor"))
    .where(_task.status == "open")
    .group_by(_task.step)
    .order_by(_task.step)
)
READ_TASK = select(*_task).where(_task.loan_id == bindparam("loan_id"))
CLOSE_TASK = (
    update(TASK).where(_task.loan_id == bindparam("id_")).values(status="closed", taken_by="")
)
COUNT_CONTACTS_SINCE = select(func.count().label("found")).where(
    CONTACT.c.loan_id == bindparam("loan_id"), CONTACT.c.at_us >= bindparam("since_us")
)
COUNT_PROMISES_ON = select(func.count().label("found")).where(
    PROMISE.c.loan_id == bindparam("loan_id"), PROMISE.c.made_on == bindparam("day")
)
LIST_TAKERS = (
    select(_task.taken_by)
    .where(_task.status == "open", _task.taken_by != "")
    .distinct()
    .order_by(_task.taken_by)
    .limit(bindparam("count"))
)

_RELIEFS = (
    select(*_relief, _loan.product, _loan.currency, _loan.outstanding_minor, _loan.arrears_minor,
           _loan.days_past_due)
    .select_from(RELIEF)
    .join(LOAN, _loan.id == _relief.loan_id)
    .where(matches("status", _relief.status), matches("reason_class", _relief.reason_class))
)  # fmt: skip
LIST_RELIEFS = in_orders(
    _RELIEFS,
    {"asked": _relief.asked_us, "days": _relief.days, "arrears": _loan.arrears_minor},
    _relief.id,
)
READ_RELIEFS = (
    select(*_relief)
    .where(_relief.loan_id == bindparam("loan_id"))
    .order_by(_relief.asked_us.desc(), _relief.id)
)
READ_RELIEF = select(*_relief).where(_relief.id == bindparam("id"))
READ_GUARANTEES = (
    select(*GUARANTEE.c).where(GUARANTEE.c.loan_id == bindparam("loan_id")).order_by(GUARANTEE.c.id)
)

SUM_PERIODS = (
    select(
        PROVISION.c.period, PROVISION.c.currency, PROVISION.c.stage, PROVISION.c.risk_class,
        sum_int(PROVISION.c.loans).label("loans"),
        sum_int(PROVISION.c.exposure_minor).label("exposure_minor"),
        sum_int(PROVISION.c.expected_loss_minor).label("expected_loss_minor"),
        sum_int(PROVISION.c.posted_minor).label("posted_minor"),
    )
    .where(matches("product", PROVISION.c.product))
    .group_by(PROVISION.c.period, PROVISION.c.currency, PROVISION.c.stage, PROVISION.c.risk_class)
    .order_by(PROVISION.c.period.desc(), PROVISION.c.currency, PROVISION.c.stage,
              PROVISION.c.risk_class)
)  # fmt: skip
ROLL_PERIODS = select(ROLL.c.period).distinct().order_by(ROLL.c.period.desc())

_plain = (
    LOAN.c.id, LOAN.c.product, LOAN.c.currency, LOAN.c.outstanding_minor, LOAN.c.days_past_due,
    LOAN.c.matures_on, LOAN.c.counted_on, LOAN.c.number, LOAN.c.owing_principal_minor,
    LOAN.c.owing_interest_minor, LOAN.c.owing_fee_minor, LOAN.c.owing_penalty_minor,
    LOAN.c.next_principal_minor, LOAN.c.next_interest_minor, LOAN.c.next_interest_paid_minor,
    LOAN.c.next_fee_minor, LOAN.c.next_penalty_minor, PLAN.c.rows,
)  # fmt: skip
_with_plan = LOAN.join(PLAN, PLAN.c.loan_id == LOAN.c.id)
_lives = LOAN.c.status.in_(LIVE_STATUSES)
READ_BURDENS = (
    select(*_plain)
    .select_from(_with_plan)
    .where(LOAN.c.party_id == bindparam("party_id"), _lives)
    .order_by(LOAN.c.id)
)
READ_BURDEN = (
    select(*_plain).select_from(_with_plan).where(LOAN.c.id == bindparam("loan_id"), _lives)
)
READ_GIVEN = (
    select(*_plain, GUARANTEE.c.id.label("guarantee_id"), GUARANTEE.c.share_millionths)
    .select_from(_with_plan.join(GUARANTEE, GUARANTEE.c.loan_id == LOAN.c.id))
    .where(GUARANTEE.c.guarantor_id == bindparam("party_id"), _lives)
    .order_by(GUARANTEE.c.id)
)
