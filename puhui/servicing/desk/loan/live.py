"""Live loans as other rooms hand them over: opened, changed by events, read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.servicing.arrays.columns import allocation_text, columns_of, owing_of, plan_of
from puhui.servicing.arrays.live import LIVE_FIELDS
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.book import (
    Book,
    columns_of_event,
    event_of,
    plan_in,
    plan_text,
    read_book,
)
from puhui.servicing.desk.loan.burden import (
    Given,
    burden_of_loan,
    burdens_of,
    guarantees_given,
    share_of,
)
from puhui.servicing.desk.loan.claim import moved_claims
from puhui.servicing.desk.loan.joint import (
    lent_by_others,
    lost_of_ours,
    moved_of,
    share_booked,
    share_changes,
)
from puhui.servicing.desk.loan.post import loan_account, parts_of_changes, post_own, transfer_chain
from puhui.servicing.desk.loan.read import (
    changed_ends,
    changed_loans,
    closed_through,
    count_live,
    events_of,
    has_loan,
    loans_of_act,
)
from puhui.servicing.desk.loan.spread import (
    defer_fee,
    deferral_of,
    deferred_sums,
    follow_fee,
    return_fee,
)
from puhui.servicing.nouns import (
    Happening,
    LoanStatus,
    Plan,
    PlanEvent,
    PlanState,
    Recalculation,
    Share,
)
from puhui.servicing.rules.age import Pause, days_counted, has_risen, judge_loan
from puhui.servicing.rules.day import add_sums
from puhui.servicing.rules.expected import MILLION, grade_of
from puhui.servicing.rules.replay import deltas
from puhui.servicing.tables import live as tables
from puhui.servicing.tables.collect import CALL_GUARANTEE

__all__ = [
    "Book",
    "Changed",
    "Given",
    "LoanIdentity",
    "add_sums",
    "burden_of_loan",
    "burdens_of",
    "change_loan",
    "changed_ends",
    "changed_loans",
    "check_charge_off",
    "closed_through",
    "count_live",
    "defer_fee",
    "deferral_of",
    "deferred_sums",
    "end_books",
    "events_of",
    "forget_chance",
    "guarantees_given",
    "has_loan",
    "loans_of_act",
    "loan_account",
    "open_loan",
    "plan_in",
    "plan_text",
    "read_book",
    "regrade",
    "return_fee",
    "share_of",
    "take_live",
    "take_loan",
    "transfer_chain",
    "try_events",
    "watch_loan",
]

PD_UNKNOWN = Decimal("0.02")
"""What a chance of default counts as where none is known, or where it was erased."""


@dataclass(frozen=True, slots=True)
class LoanIdentity:
    """Whose loan it is, of which product, and how likely and bad a default was thought to be;
    ``credit_minor`` is up to what may be drawn at will, 0 of other loans.
    """

    id: str
    party_id: str
    product: str
    currency: str
    pd: Decimal | None = None
    lgd: Decimal | None = None
    credit_minor: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """A loan before and after event ``number``, and what each event's money came to differently."""

    number: int
    before: PlanState
    after: PlanState
    shares: tuple[Share, ...]

    @property
    def new(self) -> Share:
        """What the newest event came to; all nought where it moved no money."""
        return self.shares[-1] if self.shares else Share("", self.after.on, 0, 0, 0, 0)


def open_loan(
    act: Act, loan: LoanIdentity, plan: Plan, *, on: date, amount_minor: int, by: date
) -> None:
    """Take a loan into servicing as it stands on ``by``: ``amount_minor`` drawn on ``on``.

    Events that are on record already are taken over. The days to come read a loan by columns, and
    their ``ahead_minor``, the balance that bears interest, is principal of rows not due yet: true
    of plans that follow payments to the day alone.
    Refused: ``servicing.bad_plan`` for other plans, and those of ``replay``.
    """
    if plan.recalculation is not Recalculation.TO_THE_DAY:
        raise Refused("servicing.bad_plan", "Interest of a loan follows payments to the day.")
    figures = risk_figures()
    rows = act.tx.all(tables.READ_EVENTS, loan_id=loan.id)
    events = tuple(event_of(row) for row in rows)
    if not events or events[0].kind is not Happening.DRAWN:
        drawn = PlanEvent("0", Happening.DRAWN, on, amount_minor)
        act.tx.put(tables.INSERT_EVENT, **columns_of_event(drawn, loan.id, act.key))
        events = (drawn, *events)
    columns = dict.fromkeys(LIVE_FIELDS, 0)
    columns["grade"] = grade_of(figures, loan.pd if loan.pd is not None else PD_UNKNOWN)
    columns["lgd_millionths"] = int((loan.lgd if loan.lgd is not None else figures.lgd) * MILLION)
    columns["base_lgd_millionths"] = columns["lgd_millionths"]
    columns["first_grade"], columns["credit_minor"] = columns["grade"], loan.credit_minor
    columns["stage"] = 1
    columns["closed_on"] = by.toordinal() - 1
    columns["events"] = len(events) - 1
    _put(act, loan, Book(loan.id, plan, events).state(by), columns, status="live")


def change_loan(act: Act, loan_id: str, *events: PlanEvent) -> Changed:
    """Let events happen to a loan: recompute it, post what differs, keep its columns.

    Events may lie before others that are on record; they get the next numbers as their ids. Where
    the loan ends by it, interest earned since the last day is booked at once, and what was
    provided for it is released; where it is charged off, all of it is provided for at once, and
    where that is undone the days to come bring books and provisions back; where it lives again,
    it is in the books from today on. A fee that is part of its interest follows what is expected
    of it now. What is refused has changed nothing, so that a batch may go
    on.
    Refused: ``servicing.no_loan``, ``servicing.day_ahead``, ``servicing.before_loan``,
    ``servicing.guarantor_repaid``, ``lending.wallet_short``, ``lending.books_not_open``, and those
    of ``replay``.
    """
    row = take_loan(act.tx, loan_id)
    book = read_book(act.tx, loan_id)
    later = try_events(book, events, act.today)
    before, after = book.state(act.today), later.state(act.today)
    shares = deltas(before, after)
    by_id = {event.event_id: event for event in later.events}
    claims = moved_claims(act, shares, by_id)
    parts, opening = parts_of_changes(row, shares, by_id)
    moved = moved_of(before, after, later.events)
    is_joint = share_changes(act, row, moved, parts=parts, opening=opening)
    act.tx.run_many(CALL_GUARANTEE, claims)
    for event in later.events[len(book.events) :]:
        act.tx.put(tables.INSERT_EVENT, **columns_of_event(event, loan_id, act.key))
    columns = {name: getattr(row, name) for name in LIVE_FIELDS}
    columns["events"] = len(later.events) - 1
    columns["booked_minor"] -= sum(one.interest_minor + one.penalty_minor for one in shares)
    loan = LoanIdentity(row.id, row.party_id, row.product, row.currency)
    if row.status not in tables.LIVE_STATUSES:
        columns["closed_on"] = act.today.toordinal() - 1
    status = "charged_off" if after.is_charged_off else "live"
    _put(act, loan, after, columns, status=status)
    if is_joint:
        share_booked(act, row, columns["booked_minor"])
    follow_fee(act, row, later, after, columns)
    return Changed(columns["events"], before, after, shares)


def try_events(book: Book, events: Sequence[PlanEvent], today: date) -> Book:
    """The book with more events, none of which lies ahead or before the loan.

    Refused: ``servicing.day_ahead``, ``servicing.before_loan``.
    """
    first = book.events[0].on
    for event in events:
        if event.on > today:
            raise Refused("servicing.day_ahead", f"{event.on} has not come yet.")
        if event.on < first:
            raise Refused("servicing.before_loan", f"The loan began on {first}.")
    return book.after(events)


def _put(
    act: Act, loan: LoanIdentity, state: PlanState, columns: dict[str, int], *, status: str
) -> None:
    columns |= columns_of(state)
    if state.is_closed:
        columns["credit_minor"] = 0
    if state.status is LoanStatus.PAID_OFF:
        status = "paid_off"
    elif state.is_written_off:
        status = "written_off"
    if status in ("paid_off", "written_off"):
        _end(act, loan, columns)
    else:
        _judge(act, loan.id, columns, state.pauses)
        if status == "charged_off":
            _give_up(act, loan, columns)
    columns["changed_on"] = columns["counted_on"]
    act.tx.put(
        tables.PUT_LOAN,
        id=loan.id,
        party_id=loan.party_id,
        product=loan.product,
        currency=loan.currency,
        status=status,
        owing=owing_of(state),
        **columns,
    )
    act.tx.put(
        tables.PUT_PLAN,
        loan_id=loan.id,
        rows=plan_of(state),
        allocation=allocation_text(state.plan),
        plan=plan_text(state.plan),
    )


def _judge(act: Act, loan_id: str, columns: dict[str, int], pauses: Sequence[Pause]) -> None:
    days = days_counted(columns["days_past_due"], columns["counted_on"], pauses)
    figures, lost = risk_figures(), 0
    if columns["stage"] == 3 or days >= figures.impaired_from:
        lgd, late = columns["lgd_millionths"], columns["days_past_due"]
        lost = lost_of_ours(act.tx, loan_id, figures, lgd_millionths=lgd, days=late)
    judged = judge_loan(
        figures,
        columns["counted_on"],
        days,
        stage_before=columns["stage"],
        cleared_on=columns["cleared_on"],
        watch_until=columns["watch_until"],
        is_again=columns["restructured_again"] == 1,
        has_risen=has_risen(figures, columns["first_grade"], columns["grade"]),
        lost_millionths=lost,
    )
    columns["bucket"], columns["risk_class"] = judged.bucket, int(judged.risk_class)
    columns["stage"], columns["cleared_on"] = judged.stage, judged.cleared_on
    columns["is_suspended"] = int(judged.is_suspended)


def _give_up(act: Act, loan: LoanIdentity, columns: dict[str, int]) -> None:
    """Provide for all that is ours of a loan that was charged off, and book no interest more."""
    columns["is_suspended"] = 1
    own = columns["outstanding_minor"] - lent_by_others(act.tx, loan.id)
    rest = own - columns["booked_loss_minor"]
    income, owed = "interest_income", "interest_receivable"
    post_own(
        act,
        [
            (income, owed, loan.currency, max(0, columns["booked_minor"]), "interest_suspension"),
            ("loan_loss", "loan_loss_allowance", loan.currency, max(0, rest), "provision"),
            ("loan_loss_allowance", "loan_loss", loan.currency, max(0, -rest), "provision_release"),
        ],
    )
    columns["booked_minor"] = min(0, columns["booked_minor"])
    columns["booked_loss_minor"] = columns["expected_loss_minor"] = own


def _end(act: Act, loan: LoanIdentity, columns: dict[str, int]) -> None:
    """Book what was earned since the last day, and release what was provided."""
    end_books(
        act,
        loan.currency,
        booked_minor=columns["booked_minor"],
        provided_minor=columns["booked_loss_minor"],
    )
    columns["booked_minor"] = columns["booked_loss_minor"] = columns["expected_loss_minor"] = 0
    columns["accrued_minor"] = columns["bucket"] = columns["is_suspended"] = 0


def end_books(act: Act, currency: str, *, booked_minor: int, provided_minor: int) -> None:
    """Bring the interest booked and the provision of one loan to nought, minor units."""
    owed, income = "interest_receivable", "interest_income"
    post_own(
        act,
        [
            (owed, income, currency, max(0, -booked_minor), "interest_accrual"),
            (income, owed, currency, max(0, booked_minor), "interest_suspension"),
            ("loan_loss_allowance", "loan_loss", currency, provided_minor, "provision_release"),
        ],
    )


def take_loan(tx: Transaction, loan_id: str) -> Row:
    """A loan in servicing, locked in an act. Refused: ``servicing.no_loan``."""
    row = tx.one(tables.LOCK_LOAN, id=loan_id)
    if row is None:
        raise Refused("servicing.no_loan", f"There is no loan {loan_id[:60]}.")
    return row


def check_charge_off(row: Row) -> None:
    """Whether a loan may be given up in the books.

    Refused: ``servicing.charged_off``, ``servicing.not_impaired``.
    """
    if row.status == "charged_off":
        raise Refused("servicing.charged_off", "This loan is charged off already.")
    if row.stage != 3:
        raise Refused("servicing.not_impaired", "Only an impaired loan is charged off.")


def take_live(act: Act, loan_id: str) -> Row:
    """A loan that lives, locked. Refused: ``servicing.no_loan``, ``servicing.loan_over``."""
    row = take_loan(act.tx, loan_id)
    if row.status not in tables.LIVE_STATUSES:
        raise Refused("servicing.loan_over", f"This loan is {row.status}.")
    return row


def watch_loan(act: Act, loan_id: str, first_due_on: date) -> None:
    """Watch a restructured loan for as long as the rules on classes say, from the first day on
    which something falls due anew. One that is watched already was not helped."""
    until = first_due_on.toordinal() + risk_figures().watch_days
    act.tx.put(tables.SET_WATCH, id_=loan_id, day_=until, today_=act.today.toordinal())


def regrade(act: Act, party_id: str, pd: Decimal) -> None:
    """Let all loans of a person follow a newer chance of default, 0..1, from the next day on."""
    act.tx.put(tables.SET_GRADE, party_id_=party_id, grade_=grade_of(risk_figures(), pd))


def forget_chance(act: Act, party_id: str) -> None:
    """Forget the chance of default of an erased person, none of whose loans runs."""
    act.tx.put(
        tables.FORGET_GRADES, party_id_=party_id, grade_=grade_of(risk_figures(), PD_UNKNOWN)
    )
