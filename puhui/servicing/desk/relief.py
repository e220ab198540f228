"""Relief and loss: pauses of ageing, hardship, charge-off, guarantees and pledges."""

from __future__ import annotations

from datetime import timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.ledger import Transfer, chart, create_transfers, lookup_accounts
from puhui.party import check_actor, take_party
from puhui.payment import wallet_account
from puhui.servicing.desk.day import post_own
from puhui.servicing.desk.live import change_loan, read_book, take_loan, watch_loan
from puhui.servicing.nouns import Happening, PlanEvent
from puhui.servicing.nouns.collect import (
    AddGuarantee,
    AddPledge,
    AgePaused,
    AskRelief,
    DecideRelief,
    GuaranteeKey,
    GuaranteeMoved,
    LoanKey,
    LoanMoved,
    PauseAge,
    PledgeKey,
    PledgeMoved,
    ReliefMoved,
)
from puhui.servicing.rules.relief import relief_event
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import live

RELIEF_DAYS_MAX = 180
REASONS = ("illness", "unemployment", "disaster", "market")
KINDS = ("land_right", "house", "vehicle", "machine", "livestock", "receivable", "deposit")


def _take_live(act: Act, loan_id: str) -> Row:
    row = take_loan(act.tx, loan_id)
    if row.status not in live.LIVE_STATUSES:
        raise Refused("servicing.loan_over", f"This loan is {row.status}.")
    return row


@use_case("servicing.pause_age", roles=("loan_officer", "risk_analyst"))
def pause_age(act: Act, input: PauseAge) -> AgePaused:
    """Let the age of a loan stand still for some days; what is owed goes on as agreed.

    A pause with ``until`` today ends one that runs. Refused: ``servicing.no_loan``,
    ``servicing.loan_over``, ``servicing.bad_pause``.
    """
    row = _take_live(act, input.loan_id)
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
    ``servicing.not_impaired``.
    """
    row = _take_live(act, input.loan_id)
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
    row = _take_live(act, input.loan_id)
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
    if found.asked_by == act.actor:
        raise Refused("party.four_eyes", "Somebody else decides on what you asked for.")
    check_actor(act.tx, act.actor, second_to=found.party_id)
    status = "granted" if input.is_granted else "declined"
    if input.is_granted:
        if not 1 <= input.days <= RELIEF_DAYS_MAX:
            raise Refused("servicing.bad_relief", f"Relief is for up to {RELIEF_DAYS_MAX} days.")
        row = _take_live(act, found.loan_id)
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


@use_case("servicing.add_guarantee", roles=("loan_officer", "operator"))
def add_guarantee(act: Act, input: AddGuarantee) -> GuaranteeMoved:
    """Put a guarantee on record; its premium goes from the borrower's wallet to the guarantor's.

    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.bad_guarantee``,
    ``servicing.wallet_short``, ``party.unknown``, ``party.erased``.
    """
    row = _take_live(act, input.loan_id)
    given = act.tx.one(tables.SUM_GUARANTEES, loan_id=row.id)
    assert given is not None
    is_over = given.millionths + input.share_millionths > 1_000_000
    if input.share_millionths < 1 or is_over or input.premium_minor < 0:
        raise Refused("servicing.bad_guarantee", "All guarantees of a loan are up to the whole.")
    guarantor = take_party(act, input.guarantor_id)
    if guarantor.id == row.party_id:
        raise Refused("servicing.bad_guarantee", "Nobody guarantees a loan of their own.")
    guarantee_id = act.new_id("guarantee")
    act.tx.put(
        tables.INSERT_GUARANTEE,
        id=guarantee_id,
        loan_id=row.id,
        guarantor_id=guarantor.id,
        share_millionths=input.share_millionths,
        premium_minor=input.premium_minor,
        called_minor=0,
    )
    _pay(act, row.party_id, guarantor.id, row.currency, input.premium_minor, "fee")
    return GuaranteeMoved(guarantee_id, 0)


@use_case("servicing.call_guarantee", roles=("loan_officer", "risk_analyst"))
def call_guarantee(act: Act, input: GuaranteeKey) -> GuaranteeMoved:
    """Call a guarantee for its share of the arrears of an impaired loan.

    The money goes from the guarantor's wallet to the borrower's, from where the close of the day
    takes it for the loan. Refused: ``servicing.no_guarantee``, ``servicing.loan_over``,
    ``servicing.not_impaired``, ``servicing.nothing_owed``, ``servicing.wallet_short``.
    """
    found = act.tx.one(tables.LOCK_GUARANTEE, id=input.guarantee_id)
    if found is None:
        raise Refused("servicing.no_guarantee", "There is no such guarantee.")
    row = _take_live(act, found.loan_id)
    if row.stage != 3:
        raise Refused("servicing.not_impaired", "A guarantee is called when a loan is impaired.")
    owed = row.arrears_minor * found.share_millionths // 1_000_000
    if owed <= 0:
        raise Refused("servicing.nothing_owed", "Nothing of this loan is past due.")
    _pay(act, found.guarantor_id, row.party_id, row.currency, owed, "payment")
    called = found.called_minor + owed
    act.tx.put(tables.CALL_GUARANTEE, id_=found.id, called_minor_=called)
    payload = {"loan": row.id, "amount_minor": owed}
    act.emit("servicing.guarantee_called", found.guarantor_id, payload)
    return GuaranteeMoved(found.id, called)


def _pay(
    act: Act, payer_id: str, payee_id: str, currency: str, amount_minor: int, reason: str
) -> None:
    """Move money between two wallets. Refused: ``servicing.wallet_short``."""
    if not amount_minor:
        return
    wallets = [wallet_account(party_id, currency) for party_id in (payer_id, payee_id)]
    if None in lookup_accounts(act.tx, wallets):
        raise Refused("servicing.wallet_short", "One of the two has no wallet in this currency.")
    codes = chart()
    transfer = Transfer(
        act.new_number(), wallets[0], wallets[1], amount_minor, currency, codes.transfer(reason)
    )
    (status,) = create_transfers(act, [transfer], are_new=True)
    if status.value != "created":
        raise Refused("servicing.wallet_short", "There is too little in the wallet.")


@use_case("servicing.add_pledge", roles=("loan_officer", "operator"))
def add_pledge(act: Act, input: AddPledge) -> PledgeMoved:
    """Put something that is pledged for a loan on record, with what it is worth.

    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.bad_pledge``.
    """
    row = _take_live(act, input.loan_id)
    if input.kind not in KINDS or input.value_minor <= 0:
        raise Refused("servicing.bad_pledge", f"A pledge is one of {', '.join(KINDS)}.")
    pledge_id = act.new_id("pledge")
    act.tx.put(
        tables.INSERT_PLEDGE,
        id=pledge_id,
        loan_id=row.id,
        kind=input.kind,
        value_minor=input.value_minor,
        valued_on=act.today.isoformat(),
        status="held",
    )
    return PledgeMoved(pledge_id, "held")


@use_case("servicing.release_pledge", roles=("loan_officer", "operator"))
def release_pledge(act: Act, input: PledgeKey) -> PledgeMoved:
    """Give a pledge back when the loan is over.

    Refused: ``servicing.no_pledge``, ``servicing.pledge_needed`` while the loan lives.
    """
    found = act.tx.one(tables.LOCK_PLEDGE, id=input.pledge_id)
    if found is None or found.status != "held":
        raise Refused("servicing.no_pledge", "There is no such pledge, or it was given back.")
    if take_loan(act.tx, found.loan_id).status != "paid_off":
        raise Refused("servicing.pledge_needed", "The loan it is pledged for is not paid off.")
    act.tx.put(tables.RELEASE_PLEDGE, id_=found.id)
    return PledgeMoved(found.id, "released")
