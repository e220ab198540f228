"""Relief and loss: pauses of ageing, hardship, charge-off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.party import check_actor
from puhui.servicing.desk.arrears.reason import (
    REASON_CLASSES,
    REASONS,
    check_reason,
    open_reason,
    seal_reason,
)
from puhui.servicing.desk.loan.live import (
    change_loan,
    check_charge_off,
    read_book,
    take_live,
    watch_loan,
)
from puhui.servicing.nouns import Happening, PlanEvent, PlanState
from puhui.servicing.nouns.collect import (
    AgePaused,
    AskRelief,
    DecideRelief,
    LoanKey,
    LoanMoved,
    PauseAge,
    ReliefKind,
    ReliefMoved,
    ReliefPreview,
    ReliefTerms,
)
from puhui.servicing.rules.relief import check_terms, relief_events
from puhui.servicing.tables import collect as tables

__all__ = [
    "REASONS",
    "REASON_CLASSES",
    "ReliefKind",
    "ReliefTerms",
    "ask_relief",
    "charge_off",
    "decide_relief",
    "open_reason",
    "pause_age",
    "preview_relief",
    "terms_of",
]

RELIEF_DAYS_MAX = 180


@use_case("servicing.pause_age", roles=("loan_officer", "risk_analyst"))
def pause_age(act: Act, input: PauseAge) -> AgePaused:
    """Let the age of a loan stand still for some days; what is owed goes on as agreed.

    A pause with ``until`` today ends one that runs. Refused: ``servicing.no_loan``,
    ``servicing.loan_over``, ``servicing.bad_pause``, ``party.four_eyes``.
    """
    row = take_live(act, input.loan_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    days = (input.until - act.today).days
    if not 0 <= days <= RELIEF_DAYS_MAX:
        raise Refused("servicing.bad_pause", f"A pause lasts up to {RELIEF_DAYS_MAX} days.")
    today = act.today.toordinal()
    pauses = change_loan(act, row.id, _pause(act, days)).after.pauses
    before = sum(until - since for since, until in pauses if since < today)
    return AgePaused(row.id, input.until, before)


def _pause(act: Act, days: int) -> PlanEvent:
    if not days:
        return PlanEvent("", Happening.RESUMED, act.today)
    return PlanEvent("", Happening.PAUSED, act.today, due_on=act.today + timedelta(days=days))


@use_case("servicing.charge_off", roles=("system",))
def charge_off(act: Act, input: LoanKey) -> LoanMoved:
    """Give a loan up in the books: provided for in full, its interest not booked any more.

    The debt lives and is still collected; a write-off takes it off the books later. It is an event
    of the loan, and may be undone as others. People do it by ``lending.charge_off``, two of them.
    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.charged_off``,
    ``servicing.not_impaired``, ``party.four_eyes``.
    """
    row = take_live(act, input.loan_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    check_charge_off(row)
    change_loan(act, row.id, PlanEvent("", Happening.CHARGED_OFF, act.today))
    rest = row.outstanding_minor - row.booked_loss_minor
    act.emit("servicing.charged_off", row.party_id, {"loan": row.id, "amount_minor": rest})
    return LoanMoved(row.id, "charged_off")


@use_case("servicing.ask_relief", roles=("customer", "loan_officer"), api=True,
          prepare=seal_reason)  # fmt: skip
def ask_relief(act: Act, input: AskRelief) -> ReliefMoved:
    """Ask for relief in hardship; an officer decides, and collectors see that it was asked for.

    It is tried out on the loan as it stands: what cannot be is not asked for. The reason is kept
    sealed under the borrower's key. Refused:
    ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.bad_relief``,
    ``servicing.relief_asked``, ``party.not_yours``, those of ``seal_reason`` and of a replay.
    """
    row = take_live(act, input.loan_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    terms = terms_of(input.kind, input.days, input.count, input.amount_minor)
    check_reason(input.reason, input.reason_class)
    if act.tx.all(tables.READ_ASKED, loan_id=row.id):
        raise Refused("servicing.relief_asked", "Relief was asked for and is being looked at.")
    _events(act, row.id, terms)
    relief_id = act.new_id("relief")
    act.tx.put(
        tables.INSERT_RELIEF,
        id=relief_id,
        loan_id=row.id,
        party_id=row.party_id,
        reason=input.reason,
        reason_class=input.reason_class,
        days=terms.number if terms.kind is ReliefKind.PAUSE else 0,
        status="asked",
        asked_by=act.actor,
        asked_us=act.now_us,
        decided_by=None,
        decided_us=None,
        kind=terms.kind.value,
        instalments=0 if terms.kind is ReliefKind.PAUSE else terms.number,
        amount_minor=terms.amount_minor,
    )
    act.emit("servicing.relief_asked", row.party_id, {"loan": row.id, "relief": relief_id})
    return ReliefMoved(relief_id, "asked")


def terms_of(kind: ReliefKind, days: int, count: int, amount_minor: int) -> ReliefTerms:
    """What is asked for, checked. Refused: ``servicing.bad_relief``."""
    number = days if kind is ReliefKind.PAUSE else count
    terms = ReliefTerms(kind, number, amount_minor if kind is ReliefKind.LOWER else 0)
    check_terms(terms)
    return terms


def _events(act: Act, loan_id: str, terms: ReliefTerms) -> tuple[PlanEvent, ...]:
    """The events of a relief, tried out on the loan. Refused as ``relief_events`` and a replay."""
    book = read_book(act.tx, loan_id)

    def try_out(events: Sequence[PlanEvent]) -> PlanState:
        return book.after(events).state(act.today)

    events = relief_events(book.state(act.today), terms, try_out)
    try_out(events)
    return events


def preview_relief(tx: Transaction, loan_id: str, terms: ReliefTerms, on: date) -> ReliefPreview:
    """How a loan would be paid after a relief, beside how it is paid now; nothing changes.

    Refused: ``servicing.no_loan``, ``servicing.bad_relief``, and those of a replay.
    """
    book = read_book(tx, loan_id)

    def try_out(events: Sequence[PlanEvent]) -> PlanState:
        return book.after(events).state(on)

    before = book.state(on)
    after = try_out(relief_events(before, terms, try_out))
    open_before = tuple(row for row in before.rows if row.owed_minor > 0)
    open_after = tuple(row for row in after.rows if row.owed_minor > 0)
    return ReliefPreview(open_before, open_after, before.owed_minor, after.owed_minor)


@use_case("servicing.decide_relief", roles=("loan_officer", "risk_analyst"))
def decide_relief(act: Act, input: DecideRelief) -> ReliefMoved:
    """Grant or decline relief. Granted, the loan is laid out anew, and watched.

    How, ``rules.relief`` says; the age of a loan that is paused stands still meanwhile. A watched
    loan is at least special mention and in stage two, for the time that
    the rules on restructured assets say. Refused: ``servicing.no_relief``,
    ``servicing.relief_decided``, ``servicing.bad_relief``, ``servicing.loan_over``,
    ``party.four_eyes`` where the officer asked for it.
    """
    found = act.tx.one(tables.LOCK_RELIEF, id=input.relief_id)
    if found is None:
        raise Refused("servicing.no_relief", f"There is no request {input.relief_id[:60]}.")
    if found.status != "asked":
        raise Refused("servicing.relief_decided", f"This request is {found.status} already.")
    check_actor(act.tx, act.actor, second_to=found.asked_by)
    check_actor(act.tx, act.actor, second_to=found.party_id)
    status = "granted" if input.is_granted else "declined"
    kind = ReliefKind(found.kind)
    days, count, amount = (
        given or asked
        for given, asked in (
            (input.days, found.days),
            (input.count, found.instalments),
            (input.amount_minor, found.amount_minor),
        )
    )
    if input.is_granted:
        terms = terms_of(kind, days, count, amount)
        row = take_live(act, found.loan_id)
        watch_loan(act, row.id)
        events = _events(act, row.id, terms)
        if kind is ReliefKind.PAUSE:
            events = (*events, _pause(act, days))
        change_loan(act, row.id, *events)
    act.tx.put(
        tables.DECIDE_RELIEF,
        id_=found.id,
        status_=status,
        days_=days if input.is_granted else found.days,
        instalments_=count if input.is_granted else found.instalments,
        amount_minor_=amount if input.is_granted else found.amount_minor,
        by_=act.actor,
        now_us_=act.now_us,
    )
    act.emit(f"servicing.relief_{status}", found.party_id, {"relief": found.id})
    return ReliefMoved(found.id, status)
