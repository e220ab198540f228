"""What is ended by hand: a collector's task for the day, a request that is taken back."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.party import check_actor
from puhui.servicing.desk.arrears.collect import COLLECTING
from puhui.servicing.nouns.collect import FinishTask, ReliefKey, ReliefMoved, TaskFinished
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import view


@use_case("servicing.finish_task", roles=COLLECTING)
def finish_task(act: Act, input: FinishTask) -> TaskFinished:
    """Finish the task of a loan for today; the close of the day opens it anew while arrears stand.

    A promise or a contact of today must be on record, whatever day it was where the person lives.
    Refused: ``servicing.no_task``,
    ``servicing.task_not_yours``, ``servicing.not_contacted``.
    """
    row = act.tx.one(tables.LOCK_TASK, loan_id=input.loan_id)
    if row is None or row.status != "open":
        raise Refused("servicing.no_task", "Nothing is to be done about this loan.")
    if row.taken_by != act.actor:
        raise Refused("servicing.task_not_yours", "Take the task first.")
    since_us, day = start_of_day_us(act.today), act.today.isoformat()
    contacts = act.tx.one(view.COUNT_CONTACTS_SINCE, loan_id=row.loan_id, since_us=since_us)
    promises = act.tx.one(view.COUNT_PROMISES_ON, loan_id=row.loan_id, day=day)
    if not any(one.found for one in (contacts, promises) if one is not None):
        raise Refused("servicing.not_contacted", "Record a contact of today first.")
    act.tx.put(view.CLOSE_TASK, id_=row.loan_id)
    return TaskFinished(row.loan_id, row.step)


@use_case("servicing.withdraw_relief", roles=("customer", "loan_officer"), api=True)
def withdraw_relief(act: Act, input: ReliefKey) -> ReliefMoved:
    """Take a request for relief back that nobody has decided on yet.

    Refused: ``servicing.no_relief``, ``servicing.relief_decided``, ``party.not_yours``.
    """
    found = act.tx.one(tables.LOCK_RELIEF, id=input.relief_id)
    if found is None:
        raise Refused("servicing.no_relief", f"There is no request {input.relief_id[:60]}.")
    check_actor(act.tx, act.actor, acts_for=found.party_id)
    if found.status != "asked":
        raise Refused("servicing.relief_decided", f"This request is {found.status} already.")
    act.tx.put(
        tables.DECIDE_RELIEF,
        id_=found.id,
        status_="withdrawn",
        days_=found.days,
        instalments_=found.instalments,
        amount_minor_=found.amount_minor,
        by_=act.actor,
        now_us_=act.now_us,
    )
    act.emit("servicing.relief_withdrawn", found.party_id, {"relief": found.id})
    return ReliefMoved(found.id, "withdrawn")
