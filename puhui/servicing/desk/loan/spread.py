"""Deferred fees of one loan 递延手续费: kept at first, followed through its events, given back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from puhui.kernel.act import Act
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart
from puhui.payment import own_account
from puhui.servicing.arrays.spread import pack
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.book import Book, read_book
from puhui.servicing.desk.loan.post import post_own
from puhui.servicing.nouns import Happening, LoanStatus, PlanState
from puhui.servicing.nouns.spread import Deferral, Rates
from puhui.servicing.rules.age import days_counted, last_month_end
from puhui.servicing.rules.joint import part_of
from puhui.servicing.rules.spread import flows_of, is_by_days, knots_of, left_on, rates_of
from puhui.servicing.tables import collect
from puhui.servicing.tables import spread as tables

DEFERRED = "deferred_fee"
GIVEN_UP = (Happening.WRITTEN_OFF, Happening.CHARGED_OFF)


def deferred_account(currency: str) -> Account:
    """The account of fees that are not earned yet, of all loans in a currency."""
    number = own_account(DEFERRED, currency)
    return Account(number, currency, chart().account(DEFERRED))


def defer_fee(act: Act, loan_id: str, charged_minor: int) -> None:
    """Keep a fee that stands in the deferred account to be earned over the life of its loan, which
    was paid out today: ``charged_minor`` less what joint lenders got of it.
    """
    if not charged_minor:
        return
    book = read_book(act.tx, loan_id)
    shares = act.tx.all(collect.READ_SHARES, loan_id=loan_id)
    given = sum(part_of(charged_minor, one.share_millionths) for one in shares)
    state, rates = book.state(act.today), None
    if not is_by_days(book.plan):
        flows = flows_of(state)
        down = sum(row.principal_minor for row in state.rows if row.due_on <= state.on)
        rates = rates_of(state.disbursed_minor - down, charged_minor, flows)
    deferral = Deferral(charged_minor, charged_minor - given, rates)
    act.tx.put(
        tables.PUT_DEFERRAL,
        loan_id=loan_id,
        charged_minor=charged_minor,
        fee_minor=deferral.fee_minor,
        income_minor=0,
        lost_minor=0,
        contract_rate="" if rates is None else str(rates.contract),
        effective_rate="" if rates is None else str(rates.effective),
        knots=pack(knots_of(state, deferral)),
    )


def deferral_in(row: Row) -> Deferral:
    """A stored row as a noun."""
    rates = None
    if row.effective_rate:
        rates = Rates(Decimal(row.contract_rate), Decimal(row.effective_rate))
    return Deferral(row.charged_minor, row.fee_minor, rates)


def earned_by(book: Book, deferral: Deferral, day: int) -> int:
    """What of a fee is interest in the books once the day with this number is closed, minor units.

    It follows from what happened to the loan and nothing else: the end of each month books what is
    earned by then, but none from the day on which interest is suspended, as that is not booked
    either. What was undone is left out, also where it was undone later.
    """
    undone = {one.undoes for one in book.events if one.kind is Happening.UNDONE}
    kept = tuple(
        one for one in book.events
        if one.kind is not Happening.UNDONE and one.event_id not in undone
    )  # fmt: skip
    clean = replace(book, events=kept)
    figures, opened = risk_figures(), kept[0].on.toordinal()
    first = min(figures.suspended_from, figures.impaired_from)
    month = last_month_end(day)
    while month >= opened:
        state = clean.state(date.fromordinal(month))
        late = days_counted(state.days_past_due, month, state.pauses)
        if late < first:
            return deferral.fee_minor - left_on(knots_of(state, deferral), month)
        month = last_month_end(month - max(1, late - first + 1))
    return 0


def follow_fee(act: Act, loan: Row, book: Book, after: PlanState, columns: dict[str, int]) -> None:
    """Let the deferred fee of a loan follow what happened to it; ``columns`` are as they stand.

    A loan that is paid off has earned all of it. Of one that is given up the rest is set against
    its loss, as it was never worth more than what is owed less that rest (IFRS 9 5.4.4). Of one
    that lives the end of the last month that was closed is held to be as the events now say.
    """
    row = act.tx.one(tables.LOCK_DEFERRAL, loan_id=loan.id)
    if row is None:
        return
    deferral, lost = deferral_in(row), 0
    if after.status is LoanStatus.PAID_OFF:
        income = deferral.fee_minor
    elif after.is_written_off or after.is_charged_off:
        income = earned_by(book, deferral, _given_up_on(book) - 1)
        lost = deferral.fee_minor - income
    else:
        income = earned_by(book, deferral, columns["closed_on"])
        if columns["is_suspended"]:
            income = min(income, row.income_minor)
    _book(act, loan.currency, row, income, lost)
    knots = pack(knots_of(after, deferral))
    told = {"income_minor_": income, "lost_minor_": lost, "knots_": knots}
    act.tx.put(tables.SET_DEFERRAL, loan_id_=loan.id, **told)


def _given_up_on(book: Book) -> int:
    """The number of the day on which a loan was given up first, of what was not undone."""
    undone = {one.undoes for one in book.events if one.kind is Happening.UNDONE}
    return min(
        one.on.toordinal() for one in book.events
        if one.kind in GIVEN_UP and one.event_id not in undone
    )  # fmt: skip


def _book(act: Act, currency: str, row: Row, income: int, lost: int) -> None:
    """Post by how much interest and loss of a fee differ from what the books hold."""
    post_own(act, parts_of_fee(currency, income - row.income_minor, lost - row.lost_minor))


def parts_of_fee(
    currency: str, income_minor: int, lost_minor: int
) -> list[tuple[str, str, str, int, str]]:
    """What moves a deferred fee into interest and against losses, back below nought."""
    found = []
    for name, amount in (("interest_income", income_minor), ("loan_loss", lost_minor)):
        sides = (DEFERRED, name) if amount > 0 else (name, DEFERRED)
        found.append((*sides, currency, abs(amount), "fee_spread"))
    return found


def return_fee(act: Act, loan: Row) -> int:
    """End the deferral of a fee that goes back to the borrower: all of it stands in the deferred
    account again, to be paid from there. How much that is, joint lenders' parts with it, which
    they have still to give; nought where the fee was income at once.
    """
    row = act.tx.one(tables.LOCK_DEFERRAL, loan_id=loan.id)
    if row is None:
        return 0
    _book(act, loan.currency, row, 0, 0)
    act.tx.put(tables.DROP_DEFERRAL, loan_id=loan.id)
    return int(row.charged_minor)


def deferral_of(tx: Transaction, loan_id: str) -> Row | None:
    """The deferred fee of a loan: ``fee_minor``, ``income_minor``, ``lost_minor``; None where it
    has none."""
    return tx.one(tables.READ_DEFERRAL, loan_id=loan_id)


def deferred_sums(tx: Transaction) -> tuple[Row, ...]:
    """Deferred fees by product and currency: charged, booked as interest, set against losses."""
    return tuple(tx.all(tables.SUM_DEFERRED))
