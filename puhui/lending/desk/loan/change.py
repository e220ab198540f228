"""Changes of loans that run: payments put right, charges and waivers, new plans."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending.desk.loan.contract import take_contract
from puhui.lending.desk.loan.happen import change_checked, happen
from puhui.lending.desk.loan.repay import SERVICED, read_book, take_serviced
from puhui.lending.formats.shelf import load_law, load_product
from puhui.lending.nouns import Happening, PlanEvent
from puhui.lending.nouns.ask_loan import (
    ChangeRate,
    ChargeBack,
    ChargeFee,
    LoanChanged,
    MoveDueDay,
    PaymentsTaken,
    ReAge,
    RecordPayment,
    RefundCredit,
    Reschedule,
    TakePayments,
    UndoEvent,
    Waive,
)
from puhui.lending.nouns.request import ContractKey, WrittenOff
from puhui.lending.rules.price import legal_cap
from puhui.party import check_actor
from puhui.payment import admit
from puhui.servicing import live, plan, security

OFFICERS = ("loan_officer", "operator")
DECIDERS = ("loan_officer", "risk_analyst")
TAKEN_BACK = (Happening.REPAID, Happening.RECOVERED)
REFERENCE_MAX = 80
FINAL = (Happening.DRAWN, Happening.PAID_OFF, Happening.UNDONE)
"""Kinds that are never undone: money that went out, a loan that was given back with its fee."""


def take_changed(act: Act, contract_id: str, *, is_over: bool = False) -> Row:
    """A contract that runs, or (``is_over``) is paid off, for somebody who is not its borrower."""
    row = take_contract(act, contract_id)
    statuses = (*SERVICED, "paid_off") if is_over else SERVICED
    if row.status not in statuses:
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    check_actor(act.tx, act.actor, second_to=row.party_id)
    return row


@use_case("lending.record_payment", roles=OFFICERS)
def record_payment(act: Act, input: RecordPayment) -> LoanChanged:
    """Record a payment on the day it came, though others were recorded since.

    The loan is recomputed as if it had been known all along: penalties go, later payments are
    shared out anew, and what is too much then is owed back. The books get the differences.
    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.bad_amount``,
    ``lending.other_currency``, ``lending.payment_known``, ``lending.bad_reference``,
    ``lending.wallet_short``, ``servicing.day_ahead``, ``servicing.before_loan``,
    ``party.four_eyes``, and those of a replay.
    """
    row = take_changed(act, input.contract_id, is_over=True)
    check_amount(input.amount_minor)
    if input.currency not in ("", row.currency):
        raise Refused("lending.other_currency", f"This loan is in {row.currency}.")
    _check_reference(act, row, input.reference)
    event = PlanEvent(
        "",
        Happening.REPAID,
        input.paid_on,
        input.amount_minor,
        payer_id="" if input.payer_id == row.party_id else input.payer_id,
        reference=input.reference,
    )
    return happen(act, row, event)


def _check_reference(act: Act, row: Row, reference: str) -> None:
    """Under one number a loan takes one payment, until that is undone.

    Refused: ``lending.payment_known``, ``lending.bad_reference``.
    """
    if not reference:
        return
    if len(reference) > REFERENCE_MAX or not reference.isprintable():
        raise Refused("lending.bad_reference", f"A number has up to {REFERENCE_MAX} characters.")
    events = read_book(act.tx, row).events
    undone = {event.undoes for event in events if event.kind is Happening.UNDONE}
    if any(one.reference == reference and one.event_id not in undone for one in events):
        raise Refused("lending.payment_known", "This payment was taken for this loan before.")


@use_case("lending.take_payments", roles=OFFICERS, batch="payments")
def take_payments(act: Act, input: TakePayments) -> PaymentsTaken:
    """Take payments of a file: each is recorded as by itself, or refused by itself.

    What each may be refused for is what ``lending.record_payment`` says.
    """
    taken = total = 0
    refused: list[tuple[int, str]] = []
    for place, payment in enumerate(input.payments):
        try:
            record_payment(act, payment)
        except Refused as no:
            refused.append((place, no.code))
        else:
            taken, total = taken + 1, total + payment.amount_minor
    return PaymentsTaken(taken, total, tuple(refused))


@use_case("lending.undo_event", roles=OFFICERS)
def undo_event(act: Act, input: UndoEvent) -> LoanChanged:
    """Undo what happened to a loan: it is recomputed as if it never had.

    Money of a payment goes back to the wallet it came from; a loan that was paid off or written
    off by it runs again. Refused: ``lending.no_contract``, ``lending.not_running``,
    ``lending.not_undone`` for money drawn, a loan given back, an undoing, and what was undone or
    taken back already,
    ``servicing.unknown_event``, ``lending.needs_second``,
    ``party.four_eyes``, and those of a replay.
    """
    row = take_changed(act, input.contract_id, is_over=True)
    events = read_book(act.tx, row).events
    name = str(input.number)
    wanted = next((event for event in events if event.event_id == name), None)
    if wanted is None:
        raise Refused("servicing.unknown_event", "There is no such event to undo.")
    undone = {event.undoes for event in events if event.kind is Happening.UNDONE}
    taken_back = {
        event.undoes
        for event in events
        if event.kind is Happening.CHARGED_BACK and event.event_id not in undone
    }
    is_given_back = any(event.kind is Happening.PAID_OFF for event in events)
    is_final = wanted.kind in FINAL or (is_given_back and wanted.kind is Happening.CLOSED)
    if is_final or name in undone | taken_back:
        raise Refused("lending.not_undone", "This cannot be undone, or it was already.")
    return happen(act, row, PlanEvent("", Happening.UNDONE, act.today, undoes=name))


@use_case("lending.charge_back", roles=OFFICERS)
def charge_back(act: Act, input: ChargeBack) -> LoanChanged:
    """A payer took money of a payment back: its parts are owed again from today on.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``servicing.unknown_event``,
    ``servicing.bad_event`` for more than was paid, ``lending.needs_second``,
    ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id, is_over=True)
    name = str(input.number)
    events = read_book(act.tx, row).events
    paid = next((one for one in events if one.event_id == name), None)
    if paid is None or paid.kind not in TAKEN_BACK:
        raise Refused("servicing.unknown_event", "There is no such payment to take back.")
    event = PlanEvent(
        "", Happening.CHARGED_BACK, act.today, input.amount_minor, undoes=name,
        payer_id=paid.payer_id,
    )  # fmt: skip
    return happen(act, row, event)


@use_case("lending.refund_credit", roles=OFFICERS)
def refund_credit(act: Act, input: RefundCredit) -> LoanChanged:
    """Give money that was more than the loan back to the wallets it came from, the first payment
    first: a guarantor is owed as much less, and what the borrower has paid a guarantor back is the
    borrower's.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.bad_amount``,
    ``servicing.over_credit``, ``payment.wallet_closed``, ``payment.tier_balance``,
    ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id, is_over=True)
    check_amount(input.amount_minor)
    book = read_book(act.tx, row)
    refunds = plan.refunds_of(
        book.events,
        book.state(max(act.today, book.last_on)).shares,
        on=act.today,
        amount_minor=input.amount_minor,
        claims=security.claims_of(act.tx, row.id),
    )
    for one in refunds:
        admit(act.tx, one.payer_id or row.party_id, row.currency, one.amount_minor)
    return happen(act, row, *refunds)


@use_case("lending.waive", roles=DECIDERS)
def waive(act: Act, input: Waive) -> LoanChanged:
    """Give up a part of what is owed; principal that is waived is a loss.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``servicing.bad_event``,
    ``servicing.over_waived``, ``lending.written_off``,
    ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    return happen(
        act,
        row,
        PlanEvent("", Happening.WAIVED, act.today, input.amount_minor, part=input.part),
    )


@use_case("lending.charge_fee", roles=OFFICERS)
def charge_fee(act: Act, input: ChargeFee) -> LoanChanged:
    """Charge a fee or a penalty.

    One charge is never more than the loan: nobody types a fee like that on purpose. Refused:
    ``lending.no_contract``, ``lending.not_running``, ``lending.bad_amount``,
    ``servicing.bad_event``, ``lending.written_off``, ``lending.needs_second``,
    ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    if input.amount_minor > row.principal_minor:
        raise Refused("lending.bad_amount", "A charge is at most as much as was lent.")
    kind = Happening.PENALTY_CHARGED if input.is_penalty else Happening.FEE_CHARGED
    event = PlanEvent("", kind, act.today, input.amount_minor, due_on=input.due_on)
    return happen(act, row, event)


@use_case("lending.reschedule", roles=DECIDERS)
def reschedule(act: Act, input: Reschedule) -> LoanChanged:
    """Lay a loan out anew from an instalment on: more of them, without principal, another rate.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``servicing.bad_event`` where none
    falls due on that day, ``lending.bad_terms``, ``lending.rate_over_cap``,
    ``lending.rate_over_signed``, ``lending.written_off``,
    ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    if input.annual_rate is not None:
        check_rate(act, row, input.annual_rate)
    return happen(
        act,
        row,
        PlanEvent(
            "",
            Happening.RESCHEDULED,
            act.today,
            due_on=input.due_on,
            count=input.count,
            grace=input.grace,
            annual_rate=input.annual_rate,
        ),
    )


@use_case("lending.change_rate", roles=DECIDERS)
def change_rate(act: Act, input: ChangeRate) -> LoanChanged:
    """A new rate from today on: interest so far stands, what lies ahead is laid out anew.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.rate_over_cap``,
    ``lending.rate_over_signed``, ``servicing.bad_event`` past the last due day,
    ``lending.written_off``, ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    check_rate(act, row, input.annual_rate)
    event = PlanEvent("", Happening.RATE_CHANGED, act.today, annual_rate=input.annual_rate)
    return happen(act, row, event)


def check_rate(act: Act, row: Row, annual_rate: Decimal) -> None:
    """A rate is never above the one that the borrower signed, nor above the law's of today.

    Refused: ``lending.rate_over_cap``, ``lending.rate_over_signed``.
    """
    cap = legal_cap(load_law(), load_product(row.product).legal_regime, act.today).rate_max
    if not 0 <= annual_rate <= cap:
        raise Refused("lending.rate_over_cap", "The law does not allow a rate like that.")
    if annual_rate > Decimal(row.annual_rate):
        raise Refused("lending.rate_over_signed", "The borrower signed a lower rate.")


@use_case("lending.move_due_day", roles=DECIDERS)
def move_due_day(act: Act, input: MoveDueDay) -> LoanChanged:
    """Move the day on which instalments fall due.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``servicing.bad_event``,
    ``lending.written_off``, ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    event = PlanEvent(
        "", Happening.DUE_DAY_MOVED, act.today, due_on=input.due_on, moved_to=input.moved_to
    )
    return happen(act, row, event)


@use_case("lending.re_age", roles=DECIDERS)
def re_age(act: Act, input: ReAge) -> LoanChanged:
    """Start a loan anew: nothing is past due any more, all of it falls due from a day on.

    A loan that was restructured so is watched as the rules on risk classes say. Refused:
    ``lending.no_contract``, ``lending.not_running``, ``lending.bad_terms``,
    ``lending.nothing_owed``, ``lending.written_off``, ``lending.needs_second``,
    ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    event = PlanEvent("", Happening.RE_AGED, act.today, due_on=input.due_on, count=input.count)
    if not act.kept.get("is_trial"):
        live.watch_loan(act, row.id, input.due_on)
    return happen(act, row, event)


@use_case("lending.re_amortise", roles=DECIDERS)
def re_amortise(act: Act, input: ContractKey) -> LoanChanged:
    """Spread what is past due over the instalments to come, on their days.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``servicing.bad_event`` past the
    last due day, ``lending.written_off``, ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    if not act.kept.get("is_trial"):
        rows = read_book(act.tx, row).state(act.today).rows
        coming = (one.due_on for one in rows if one.due_on > act.today)
        live.watch_loan(act, row.id, next(coming, act.today))
    return happen(act, row, PlanEvent("", Happening.RE_AMORTISED, act.today))


@use_case("lending.write_off", roles=("risk_analyst",))
def write_off(act: Act, input: ContractKey) -> WrittenOff:
    """Take a loan off the books: its principal becomes a loss, the claim on the obligor stays.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.written_off``,
    ``lending.nothing_owed``, ``lending.needs_second``, ``party.four_eyes``.
    """
    row = take_serviced(act, input.contract_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    _, state = change_checked(act, row, PlanEvent("", Happening.WRITTEN_OFF, act.today))
    if not act.kept.get("is_trial"):
        payload = {"contract": row.id, "amount_minor": state.written_off_minor}
        act.emit("lending.written_off", row.party_id, payload)
    return WrittenOff(row.id, state.written_off_minor, state.claim_minor)


@use_case("lending.charge_off", roles=("risk_analyst",))
def charge_off(act: Act, input: ContractKey) -> LoanChanged:
    """Give an impaired loan up in the books: provided for in full, its interest not booked.

    The debt lives, falls due and is collected as before. It is undone as other events are.
    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.written_off``,
    ``servicing.charged_off``, ``servicing.not_impaired``, ``lending.needs_second``,
    ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    if row.status == "written_off":
        raise Refused("lending.written_off", "The loan is written off already.")
    live.check_charge_off(live.take_loan(act.tx, row.id))
    return happen(act, row, PlanEvent("", Happening.CHARGED_OFF, act.today))


def check_amount(amount_minor: int) -> None:
    """Refused: ``lending.bad_amount``."""
    if amount_minor <= 0:
        raise Refused("lending.bad_amount", "An amount must be above nought.")
