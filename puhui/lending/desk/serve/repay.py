"""Repayments of loans, what ends one on a day, and what ends of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables
from puhui.lending.desk.ask.apply import OFFER_DAYS
from puhui.lending.desk.guarantee.stand import hold_guarantors, release_guarantors
from puhui.lending.desk.lend.contract import LOAN_HOLD, take_contract
from puhui.lending.desk.shelf import SERVICING
from puhui.lending.nouns import (
    Happening,
    LoanStatus,
    Overpayment,
    PlanEvent,
    PlanState,
    Share,
)
from puhui.lending.nouns.request import (
    ExpireOffers,
    Repaid,
    Repay,
    VoidStale,
)
from puhui.party import check_actor, place_hold, release_hold, take_parties
from puhui.servicing import live, plan

CHUNK = 1000
SERVICED = ("current", "past_due", "written_off")


def read_book(tx: Transaction, row: Row) -> live.Book:
    """The plan and the events of a contract; before its money is paid out, as it was signed."""
    if live.has_loan(tx, row.id):
        return live.read_book(tx, row.id)
    drawn = PlanEvent(
        "0", Happening.DRAWN, date.fromisoformat(row.counts_from), row.principal_minor
    )
    return live.Book(row.id, live.plan_in(row.terms), (drawn,))


def read_loan(tx: Transaction, row: Row, on: date) -> PlanState:
    """A loan recomputed from its plan and events, as it stands on ``on``, or after the last."""
    book = read_book(tx, row)
    return book.state(max(on, book.last_on))


def take_serviced(act: Act, contract_id: str) -> Row:
    """A contract whose money went out and is not all back, locked.

    Refused: ``lending.no_contract``, ``lending.not_running``.
    """
    row = take_contract(act, contract_id)
    check_serviced(row)
    return row


def check_serviced(row: Row, *, is_told: bool = True) -> None:
    """Whether a loan takes payments; others than its borrower are not told why it does not.

    Refused: ``lending.not_running``.
    """
    if row.status not in SERVICED:
        why = f"This contract is {row.status}." if is_told else "Nothing can be paid on this loan."
        raise Refused("lending.not_running", why)


@use_case("lending.repay", roles=("customer", "loan_officer", "operator", "system"), api=True)
def repay(act: Act, input: Repay) -> Repaid:
    """Take a repayment from a wallet and share it out; anybody may pay for a borrower.

    What is due goes first, in the product's order; the rest is early repayment; money beyond the
    pay-off amount stays in the wallet or is refused, as the product says. ``payer_id`` is whose
    wallet pays, the borrower's where it is empty; a customer pays from the own wallet, and is not
    told how another's loan stands: what is too much simply stays in the wallet.
    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.bad_amount``,
    ``lending.overpaid``, ``lending.wallet_short``, ``lending.books_not_open``,
    ``lending.nothing_owed``, ``party.not_yours``.
    """
    row = take_contract(act, input.contract_id)
    payer = input.payer_id if input.payer_id != row.party_id else ""
    check_actor(act.tx, act.actor, acts_for=input.payer_id or row.party_id)
    check_serviced(row, is_told=not payer)
    if input.amount_minor <= 0:
        raise Refused("lending.bad_amount", "A repayment must be above nought.")
    owed = pay_off(read_book(act.tx, row), act.today).total_minor
    rest = max(0, input.amount_minor - owed)
    overpayment = SERVICING.validate_json(row.servicing).overpayment
    if not owed:
        raise Refused("lending.nothing_owed", "Nothing is owed on this loan any more.")
    if rest and overpayment is Overpayment.REFUSED and not payer:
        raise Refused(
            "lending.overpaid",
            f"This is {rest} minor units more than ends the loan on {act.today}.",
        )
    taken = input.amount_minor - rest
    kind = Happening.RECOVERED if row.status == "written_off" else Happening.REPAID
    found = receive(act, row, PlanEvent("", kind, act.today, taken, payer_id=payer))
    if payer:
        return Repaid(row.id, 0, 0, 0, 0, 0, rest, 0, "")
    return replace(found, returned_minor=rest)


def receive(act: Act, row: Row, event: PlanEvent) -> Repaid:
    """Take money for a loan of which as much is owed, keep the contract, and tell of it.

    Refused: ``lending.wallet_short``, ``lending.books_not_open``.
    """
    changed = live.change_loan(act, row.id, event)
    update_contract(act, row, changed.after)
    payload = {"contract": row.id, "amount_minor": event.amount_minor}
    act.emit("lending.repaid", row.party_id, payload)
    share, state = changed.new, changed.after
    return Repaid(
        row.id,
        share.principal_minor,
        share.interest_minor,
        share.fee_minor,
        share.penalty_minor,
        share.recovered_minor,
        0,
        state.outstanding_minor,
        state.status.value,
    )


def update_contract(act: Act, row: Row, state: PlanState) -> None:
    """Store what lists and guards read of a loan; everything follows from its events.

    After a write-off the claim that is left stands as arrears: the debt lives, all of it overdue.
    A loan that lives again holds its person again, unless nobody is left to hold: who was erased
    stands in the books by number, and what is undone is still put right there.
    """
    days_past_due, arrears = state.days_past_due, state.arrears_minor
    is_over = state.status is LoanStatus.PAID_OFF
    if state.is_written_off:
        arrears = state.claim_minor - state.recovered_minor
        days_past_due = max(1, row.days_past_due) if arrears else 0
        is_over = not arrears
    act.tx.put(
        tables.SET_CONTRACT,
        id_=row.id,
        status_=state.status.value,
        disbursed_minor_=state.disbursed_minor,
        repaid_minor_=state.principal_paid_minor,
        written_off_minor_=state.written_off_minor,
        outstanding_minor_=state.outstanding_minor,
        days_past_due_=days_past_due,
        arrears_minor_=arrears,
        aged_on_=act.today.isoformat(),
    )
    if is_over:
        release_hold(act, row.party_id, reason=LOAN_HOLD, reference=row.id)
        release_guarantors(act, row.id)
    elif row.status not in ("current", "past_due"):
        party = take_parties(act, [row.party_id])[row.party_id]
        if not (party.is_anonymous or party.is_erased):
            place_hold(act, party, reason=LOAN_HOLD, reference=row.id)
        hold_guarantors(act, row.id)
    if state.status is LoanStatus.PAID_OFF and row.status != "paid_off":
        act.emit("lending.paid_off", row.party_id, {"contract": row.id})


def pay_off(book: live.Book, on: date) -> Share:
    """What ends a loan on a day."""
    return plan.quote(book.plan, book.events, on)


def quote_pay_off(tx: Transaction, contract_id: str, on: date) -> Share:
    """What ends a loan on a day, today or later. After a write-off it is the rest of the claim.

    Refused: ``lending.no_contract``, ``lending.back_dated``.
    """
    row = tx.one(tables.READ_CONTRACT, id=contract_id)
    if row is None:
        raise Refused("lending.no_contract", f"There is no contract {contract_id[:60]}.")
    book = read_book(tx, row)
    if on < book.last_on:
        raise Refused("lending.back_dated", f"The loan has already been counted to {book.last_on}.")
    return pay_off(book, on)


def offer_chunks(node: Node, day: date) -> list[ExpireOffers]:
    """All offers older than an offer lasts, in chunks."""
    last = day - timedelta(days=OFFER_DAYS)
    before_us = start_of_day_us(last + timedelta(days=1))
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_OFFERS_BEFORE, before_us=before_us)]
    return [ExpireOffers(last, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


def stale_chunks(node: Node, day: date) -> list[VoidStale]:
    """All contracts that were signed before a day and never paid out, in chunks."""
    before_us = start_of_day_us(day)
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_STALE_CONTRACTS, before_us=before_us)]
    return [VoidStale(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


day_step(50, "lending.void_stale_contracts", stale_chunks)
day_step(100, "lending.expire_offers", offer_chunks)
