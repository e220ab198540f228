"""Relief and loss: pauses of ageing, hardship, charge-off."""

from __future__ import annotations

from datetime import timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.party import check_actor
from puhui.servicing.desk.day.close import post_own
from puhui.servicing.desk.loan.live import change_loan, read_book, take_loan, watch_loan
from puhui.servicing.nouns import Happening, PlanEvent
from puhui.servicing.nouns.collect import (
    AgePaused,
    AskRelief,
    DecideRelief,
    LoanKey,
    LoanMoved,
    PauseAge,
    ReliefMoved,
)
from puhui.servicing.rules.relief import relief_event
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import live

RELIEF_DAYS_MAX = 180
REASONS = ("illness", "unemployment", "disaster", "market")


def take_live(act: Act, loan_id: str) -> Row:
    """A loan that lives, locked. Refused: ``servicing.no_loan``, ``servicing.loan_over``."""
    row = take_loan(act.tx, loan_id)
    if row.status not in live.LIVE_STATUSES:
        raise Refused("servicing.loan_over", f"This loan is {row.status}.")
    return row


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
    _, _, before = change_loan(act, row.id, _pause(act, days)).after.paused
    return AgePaused(row.id, input.until, before)


def _pause(act: Act, days: int) -> PlanEvent:
    if not days:
        return PlanEvent("", Happening.RESUMED, act.today)
    return PlanEvent("", Happening.PAUSED, act.today, due_on=act.today + timedelta(days=days))


@use_case("servicing.charge_off", roles=("risk_analyst",))
def charge_off(act: Act, input: LoanKey) -> LoanMoved:
    """Give a loan up in the books: provided for in full, its interest not booked any more.

    The debt lives and is still collected; a write-off takes it off the books later.
    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.charged_off``,
    ``servicing.not_impaired``, ``party.four_eyes``.
    """
    row = take_live(act, input.loan_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if row.status == "charged_off":
        raise Refused("servicing.charged_off", "This loan is charged off already.")
    if row.stage != 3:
        raise Refused("servicing.not_impaired", "Only an impaired loan is charged off.")
    rest = row.outstanding_minor - row.booked_loss_minor
    income, owed = "interest_income", "interest_receivable"
    post_own(
        act,
        [
            (income, owed, row.currency, max(0, row.booked_minor), "interest_suspension"),
            ("loan_loss", "loan_loss_allowance", row.currency, max(0, rest), "provision"),
            ("loan_loss_allowance", "loan_loss", row.currency, max(0, -rest), "provision_release"),
        ],
    )
    act.tx.put(
        live.SET_STATUS,
        id_=row.id,
        status_="charged_off",
        booked_minor_=min(0, row.booked_minor),
        is_suspended_=1,
        booked_loss_minor_=row.outstanding_minor,
    )
    act.emit("servicing.charged_off", row.party_id, {"loan": row.id, "amount_minor": rest})
    return LoanMoved(row.id, "charged_off")


@use_case("servicing.ask_relief", roles=("customer", "loan_officer"), api=True)
def ask_relief(act: Act, input: AskRelief) -> ReliefMoved:
    """Ask for relief in hardship; an officer decides, and collectors see that it was asked for.

    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.bad_relief``,
    ``servicing.relief_asked``, ``party.not_yours``.
    """
    row = take_live(act, input.loan_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if input.reason not in REASONS or not 1 <= input.days <= RELIEF_DAYS_MAX:
        raise Refused(
            "servicing.bad_relief",
            f"Relief is for one of {', '.join(REASONS)} and up to {RELIEF_DAYS_MAX} days.",
        )
    if act.tx.all(tables.READ_ASKED, loan_id=row.id):
        raise Refused("servicing.relief_asked", "Relief was asked for and is being looked at.")
    relief_id = act.new_id("relief")
    act.tx.put(
        tables.INSERT_RELIEF,
        id=relief_id,
        loan_id=row.id,
        party_id=row.party_id,
        reason=input.reason,
        days=input.days,
        status="asked",
        asked_by=act.actor,
        asked_us=act.now_us,
        decided_by=None,
        decided_us=None,
    )
    act.emit("servicing.relief_asked", row.party_id, {"loan": row.id, "relief": relief_id})
    return ReliefMoved(relief_id, "asked")


@use_case("servicing.decide_relief", roles=("loan_officer", "risk_analyst"))
def decide_relief(act: Act, input: DecideRelief) -> ReliefMoved:
    """Grant or decline relief. Granted, the loan is laid out anew, and watched.

    A loan with arrears starts anew: all of it falls due from so many days on, over as many
    instalments as are not paid yet. Any other asks for no principal for as long. Its age stands
    still meanwhile. A watched loan is at least special mention and in stage two, for the time that
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
    if input.is_granted:
        if not 1 <= input.days <= RELIEF_DAYS_MAX:
            raise Refused("servicing.bad_relief", f"Relief is for up to {RELIEF_DAYS_MAX} days.")
        row = take_live(act, found.loan_id)
        watch_loan(act, row.id)
        state = read_book(act.tx, row.id).state(act.today)
        change_loan(act, row.id, relief_event(state, input.days), _pause(act, input.days))
    act.tx.put(
        tables.DECIDE_RELIEF,
        id_=found.id,
        status_=status,
        days_=input.days if input.is_granted else found.days,
        by_=act.actor,
        now_us_=act.now_us,
    )
    act.emit(f"servicing.relief_{status}", found.party_id, {"relief": found.id})
    return ReliefMoved(found.id, status)
