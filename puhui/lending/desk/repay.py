"""Repayments and write-off of loans, and what ends of itself."""

from __future__ import annotations

from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables
from puhui.lending.desk.apply import OFFER_DAYS
from puhui.lending.desk.contract import (
    LOAN_HOLD,
    loan_account,
    take_contract,
    transfer_chain,
)
from puhui.lending.desk.shelf import SERVICING, TERMS
from puhui.lending.nouns import (
    EventKind,
    LoanEvent,
    LoanState,
    LoanStatus,
    Part,
    PayOffQuote,
)
from puhui.lending.nouns.request import (
    ContractKey,
    ExpireOffers,
    Repaid,
    Repay,
    VoidStale,
    WrittenOff,
)
from puhui.party import check_actor, release_hold
from puhui.payment import own_account, wallet_account
from puhui.servicing import bring_to, build_schedule, live
from puhui.servicing import repay as rules

CHUNK = 1000
SERVICED = ("current", "past_due", "written_off")
RECEIVERS = {
    Part.INTEREST: ("interest_receivable", "interest_repayment"),
    Part.FEE: ("fee_income", "fee"),
    Part.PENALTY: ("interest_receivable", "penalty"),
}


def read_loan(tx: Transaction, row: Row, on: date) -> LoanState:
    """A loan recomputed from its terms and events, as it stands on ``on``."""
    terms = TERMS.validate_json(row.terms)
    events = [
        LoanEvent(EventKind(event.kind), date.fromisoformat(event.day), event.amount_minor)
        for event in live.events_of(tx, row.id)
    ]
    servicing = SERVICING.validate_json(row.servicing)
    state, _ = rules.replay(terms, build_schedule(terms), servicing, events)
    return bring_to(state, max(on, state.on))


def _take_serviced(act: Act, contract_id: str) -> Row:
    row = take_contract(act, contract_id)
    if row.status not in SERVICED:
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    return row


@use_case("lending.repay", roles=("customer", "loan_officer", "operator", "system"), api=True)
def repay(act: Act, input: Repay) -> Repaid:
    """Take a repayment from the borrower's wallet and share it out.

    What is due goes first, in the product's order; the rest is early repayment; money beyond the
    pay-off amount stays in the wallet or is refused, as the product says.
    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.bad_amount``,
    ``lending.overpaid``, ``lending.wallet_short``, ``lending.nothing_owed``, ``party.not_yours``.
    """
    row = _take_serviced(act, input.contract_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    state, allocation = rules.apply_repayment(
        read_loan(act.tx, row, act.today), input.amount_minor, act.today
    )
    wallet = wallet_account(row.party_id, row.currency)
    principal = allocation.sum_minor(Part.PRINCIPAL)
    parts = []
    if principal:
        parts.append((wallet, loan_account(row.id), principal, "principal_repayment"))
    for part, (account, reason) in RECEIVERS.items():
        if amount := allocation.sum_minor(part):
            parts.append((wallet, own_account(account, row.currency), amount, reason))
    if allocation.recovered_minor:
        loss = own_account("loan_loss", row.currency)
        parts.append((wallet, loss, allocation.recovered_minor, "recovery"))
    if not parts:
        raise Refused("lending.nothing_owed", "Nothing is owed on this loan any more.")
    transfer_chain(act, parts, row.currency)
    taken = input.amount_minor - allocation.returned_minor
    paid = allocation.sum_minor(Part.INTEREST) + allocation.sum_minor(Part.PENALTY)
    live.change_loan(
        act, row.id, state, kind=EventKind.REPAID.value, amount_minor=taken, paid_minor=paid
    )
    _update(act, row, state)
    act.emit("lending.repaid", row.party_id, {"contract": row.id, "amount_minor": taken})
    return Repaid(
        row.id,
        principal,
        allocation.sum_minor(Part.INTEREST),
        allocation.sum_minor(Part.FEE),
        allocation.sum_minor(Part.PENALTY),
        allocation.recovered_minor,
        allocation.returned_minor,
        state.outstanding_minor,
        state.status.value,
    )


@use_case("lending.write_off", roles=("risk_analyst",))
def write_off(act: Act, input: ContractKey) -> WrittenOff:
    """Take a loan off the books: its principal becomes a loss, the claim on the obligor stays.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.written_off``,
    ``lending.nothing_owed``.
    """
    row = _take_serviced(act, input.contract_id)
    before = read_loan(act.tx, row, act.today)
    state = rules.write_off(before, act.today)
    written_off = state.written_off_minor
    loss = own_account("loan_loss", row.currency)
    transfer_chain(act, [(loss, loan_account(row.id), written_off, "charge_off")], row.currency)
    live.change_loan(
        act, row.id, state, kind=EventKind.WRITTEN_OFF.value, amount_minor=0, paid_minor=0
    )
    _update(act, row, state)
    payload = {"contract": row.id, "amount_minor": written_off}
    act.emit("lending.written_off", row.party_id, payload)
    return WrittenOff(row.id, written_off, state.claim_minor)


def _update(act: Act, row: Row, state: LoanState) -> None:
    """Store what lists and guards read of a loan; everything follows from its events.

    After a write-off the claim that is left stands as arrears: the debt lives, all of it overdue.
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
        repaid_minor_=state.principal_paid_minor,
        written_off_minor_=state.written_off_minor,
        outstanding_minor_=state.outstanding_minor,
        days_past_due_=days_past_due,
        arrears_minor_=arrears,
        aged_on_=act.today.isoformat(),
    )
    if is_over:
        release_hold(act, row.party_id, reason=LOAN_HOLD, reference=row.id)
    if state.status is LoanStatus.PAID_OFF and row.status != "paid_off":
        act.emit("lending.paid_off", row.party_id, {"contract": row.id})


def quote_pay_off(tx: Transaction, contract_id: str, on: date) -> PayOffQuote:
    """What ends a loan on a day. Refused: ``lending.no_contract``, ``lending.back_dated``."""
    row = tx.one(tables.READ_CONTRACT, id=contract_id)
    if row is None:
        raise Refused("lending.no_contract", f"There is no contract {contract_id[:60]}.")
    return rules.quote_pay_off(read_loan(tx, row, on), on)


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
