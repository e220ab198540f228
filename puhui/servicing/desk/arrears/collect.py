"""Collections 催收: work lists that follow the day, contacts within the rules, promises to pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import check_actor
from puhui.servicing.desk.arrears.zone import zone_of
from puhui.servicing.desk.figures import read_data
from puhui.servicing.desk.loan.live import changed_ends, changed_loans, take_loan
from puhui.servicing.engines.zone import day_starts_us, house_zone, local_time
from puhui.servicing.nouns.collect import (
    ContactFigures,
    ContactRecorded,
    JudgePromises,
    OpenTasks,
    PromiseMade,
    PromisesJudged,
    PromiseToPay,
    RecordContact,
    TakeTask,
    TasksOpened,
    TaskTaken,
)
from puhui.servicing.rules.contact import check_contact, step_of
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import live

COLLECTING = ("collector", "loan_officer", "operator")
CHUNK = 8190


def contact_figures(tx: Transaction | None = None, party_id: str = "") -> ContactFigures:
    """Dated figures of collections, and the zone that hours are of, "" for China's: that of a
    person where one was set, else the house's.
    """
    own = "" if tx is None else zone_of(tx, party_id)
    return replace(_figures(), zone=own or house_zone())


@lru_cache(maxsize=1)
def _figures() -> ContactFigures:
    """What the file says, read once."""
    told = read_data("collection.toml")
    contact, promise = told["contact"], told["promise"]
    return ContactFigures(
        contact["first_hour"]["value"],
        contact["last_hour"]["value"],
        contact["a_day"]["value"],
        contact["a_week"]["value"],
        tuple(contact["channels"]["value"]),
        tuple(contact["persons"]["value"]),
        tuple((first, step) for first, step in told["task"]["steps"]["value"]),
        promise["days_max"]["value"],
        promise["broken_max"]["value"],
    )


@use_case("servicing.open_tasks", roles=("system",))
def open_tasks(act: Act, input: OpenTasks) -> TasksOpened:
    """Put loans that became past due on a work list, move them on by age, close those that paid."""
    figures = contact_figures()
    tasks = act.tx.all(tables.LOCK_TASKS, after=input.after, until=input.until)
    known = {row.loan_id: row for row in tasks}
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    closed = 0
    for loan in changed_loans(act.tx, input.day, after=input.after, until=input.until):
        step = step_of(figures, loan.days_past_due)
        task = known.get(loan.id)
        if not step:
            if task is not None and task.status == "open":
                changed.append((loan.id, task.step, 0, 0, "", "closed", task.opened_on))
                closed += 1
            continue
        facts = (loan.days_past_due, loan.arrears_minor)
        if task is None:
            new.append((loan.id, loan.party_id, step, *facts))
        else:
            is_same = task.status == "open" and task.step == step
            opened_on = task.opened_on if task.status == "open" else input.day.isoformat()
            taken_by = task.taken_by if is_same else ""
            changed.append((loan.id, step, *facts, taken_by, "open", opened_on))
    if new:
        names = ("loan_id", "party_id", "step", "days_past_due", "arrears_minor")
        columns: dict[str, Any] = dict(zip(names, map(list, zip(*new, strict=True)), strict=True))
        columns |= {"opened_on": input.day.isoformat(), "taken_by": "", "status": "open"}
        act.tx.load(tables.TASK, columns)
    if changed:
        changing = ("loan_id", "step", "days_past_due", "arrears_minor", "taken_by", "status",
                 "opened_on")  # fmt: skip
        act.tx.set_many(
            tables.TASK,
            "loan_id",
            dict(zip(changing, map(list, zip(*changed, strict=True)), strict=True)),
        )
    return TasksOpened(len(new), len(changed) - closed, closed)


def task_chunks(node: Node, day: date) -> list[OpenTasks]:
    """The loans that the day changed, in chunks."""
    with node.read() as tx:
        return [OpenTasks(day, after, until) for after, until in changed_ends(tx, day, CHUNK)]


@use_case("servicing.take_task", roles=COLLECTING)
def take_task(act: Act, input: TakeTask) -> TaskTaken:
    """Take the task of a loan from its work list.

    Refused: ``servicing.no_task``, ``servicing.task_taken`` by somebody else, ``party.four_eyes``.
    """
    row = act.tx.one(tables.LOCK_TASK, loan_id=input.loan_id)
    if row is None or row.status != "open":
        raise Refused("servicing.no_task", "Nothing is to be done about this loan.")
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if row.taken_by not in ("", act.actor):
        raise Refused("servicing.task_taken", "Somebody else has this task.")
    act.tx.put(tables.TAKE_TASK, id_=row.loan_id, by_=act.actor)
    return TaskTaken(row.loan_id, row.step, act.actor)


def fill_zone(node: Node, input: RecordContact) -> RecordContact:
    """Put in whose hours count, before the act: a replay goes by what stood there then.

    Refused: ``servicing.bad_zone`` where the setting names no zone.
    """
    zone = contact_figures().zone
    local_time(node.clock.now_us(), zone)
    return replace(input, zone=zone)


@use_case("servicing.record_contact", roles=COLLECTING, prepare=fill_zone)
def record_contact(act: Act, input: RecordContact) -> ContactRecorded:
    """Record that a borrower or guarantor is spoken to, where the rules of contact allow it.

    How often is counted for each person, whatever loan it is about; contacts with one person take
    turns. Hours and days are those of the person's zone, where one was set, else of the house's.
    Refused:
    ``servicing.no_loan``, ``servicing.nothing_owed``, ``servicing.no_guarantor``,
    ``servicing.third_party``, ``servicing.bad_zone``, ``party.four_eyes`` and those of
    ``check_contact``.
    """
    found = act.tx.one(live.READ_LOAN, id=input.loan_id)
    if found is None:
        raise Refused("servicing.no_loan", f"There is no loan {input.loan_id[:60]}.")
    if not found.arrears_minor:
        raise Refused("servicing.nothing_owed", "Nothing of this loan is past due.")
    check_actor(act.tx, act.actor, second_to=found.party_id)
    person_id = _spoken_to(act, found, input)
    act.tx.all(tables.LOCK_LOANS_ABOUT, party_id=person_id)
    row = _take_owing(act, input.loan_id)
    moment = local_time(act.now_us, zone_of(act.tx, person_id) or input.zone)
    day = moment.date()
    today, this_week = (_contacts_since(act, person_id, moment, before) for before in (0, 6))
    left = check_contact(
        contact_figures(),
        person=input.person,
        channel=input.channel,
        result=input.result,
        hour=moment.hour,
        today=today,
        this_week=this_week,
    )
    contact_id = act.new_id("contact")
    act.tx.put(
        tables.INSERT_CONTACT,
        id=contact_id,
        loan_id=row.id,
        party_id=person_id,
        person=input.person,
        channel=input.channel,
        result=input.result,
        day=day.isoformat(),
        at_us=act.now_us,
        made_by=act.actor,
    )
    return ContactRecorded(contact_id, left)


def _contacts_since(act: Act, person_id: str, moment: datetime, days_before: int) -> int:
    """Contacts with a person since a day began, in the zone of now or in that of each contact."""
    since = moment.date() - timedelta(days=days_before)
    since_us = day_starts_us(moment, days_before)
    told = {"party_id": person_id, "since_us": since_us, "since": since.isoformat()}
    found = act.tx.one(tables.COUNT_CONTACTS, **told)
    assert found is not None
    return int(found.contacts)


def _spoken_to(act: Act, row: Row, input: RecordContact) -> str:
    """Whose contact it is: the borrower, or one who stands for this very loan."""
    if input.person != "guarantor":
        if input.guarantor_id:
            raise Refused("servicing.bad_contact", "A guarantor is named where one is spoken to.")
        borrower_id: str = row.party_id
        return borrower_id
    known = {one.guarantor_id for one in act.tx.all(tables.READ_GUARANTEES, loan_id=row.id)}
    if not known:
        raise Refused("servicing.no_guarantor", "Nobody guarantees this loan.")
    if not input.guarantor_id and len(known) > 1:
        raise Refused("servicing.no_guarantor", "Say which guarantor is spoken to.")
    guarantor_id: str = input.guarantor_id or min(known)
    if guarantor_id not in known:
        raise Refused("servicing.third_party", "This person does not guarantee the loan.")
    return guarantor_id


def _take_owing(act: Act, loan_id: str) -> Row:
    row = take_loan(act.tx, loan_id)
    if not row.arrears_minor:
        raise Refused("servicing.nothing_owed", "Nothing of this loan is past due.")
    return row


@use_case("servicing.promise_to_pay", roles=("customer", *COLLECTING))
def promise_to_pay(act: Act, input: PromiseToPay) -> PromiseMade:
    """Take a promise to pay by a day; what was promised is looked at when the day has passed.

    Refused: ``servicing.no_loan``, ``servicing.nothing_owed``, ``servicing.bad_promise``,
    ``servicing.promised_already``, ``servicing.promises_broken``, ``party.not_yours``.
    """
    figures = contact_figures()
    row = _take_owing(act, input.loan_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    last = act.today + timedelta(days=figures.promise_days_max)
    if not act.today <= input.by <= last or not 0 < input.amount_minor <= row.arrears_minor:
        raise Refused(
            "servicing.bad_promise",
            f"A promise is for what is past due at the most, by {last} at the latest.",
        )
    counts = {}
    for status in ("open", "broken"):
        found = act.tx.one(tables.COUNT_BROKEN, loan_id=row.id, status=status)
        assert found is not None
        counts[status] = found.promises
    if counts["open"]:
        raise Refused("servicing.promised_already", "There is a promise for this loan already.")
    if counts["broken"] >= figures.broken_max:
        raise Refused("servicing.promises_broken", "Promises for this loan were broken too often.")
    promise_id = act.new_id("promise")
    act.tx.put(
        tables.INSERT_PROMISE,
        id=promise_id,
        loan_id=row.id,
        amount_minor=input.amount_minor,
        made_on=act.today.isoformat(),
        by_day=input.by.isoformat(),
        taken_by=act.actor,
        status="open",
        after_number=row.events,
    )
    return PromiseMade(promise_id, input.by)


@use_case("servicing.judge_promises", roles=("system",), batch="promise_ids")
def judge_promises(act: Act, input: JudgePromises) -> PromisesJudged:
    """Promises whose day has passed: kept where as much was paid in between, else broken.

    What was recorded before the promise keeps none, not even of the same day. A payment that was
    undone counts for nothing, nor does what was taken back of one.
    """
    kept = broken = 0
    for promise_id in input.promise_ids:
        row = act.tx.one(tables.LOCK_PROMISE, id=promise_id)
        if row is None or row.status != "open":
            continue
        paid = act.tx.one(
            tables.PAID_BETWEEN,
            loan_id=row.loan_id,
            after_number=row.after_number,
            since=row.made_on,
            until=row.by_day,
        )
        assert paid is not None
        is_kept = paid.minor >= row.amount_minor
        kept, broken = kept + is_kept, broken + (not is_kept)
        act.tx.put(tables.SET_PROMISE, id_=row.id, status_="kept" if is_kept else "broken")
    return PromisesJudged(kept, broken)


def promise_chunks(node: Node, day: date) -> list[JudgePromises]:
    """Open promises whose day has passed."""
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_DUE_PROMISES, day=day.isoformat())]
    return [JudgePromises(day, tuple(ids[at : at + 1000])) for at in range(0, len(ids), 1000)]


day_step(360, "servicing.open_tasks", task_chunks)
day_step(370, "servicing.judge_promises", promise_chunks)
