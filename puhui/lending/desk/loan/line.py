"""Credit lines 随借随还: drawn in parts, closed by the borrower, or by the bank with notice."""

from __future__ import annotations

from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.money import Rounding, round_minor
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending.desk.guard.capacity import check_drawdown
from puhui.lending.desk.loan.change import check_amount
from puhui.lending.desk.loan.contract import loan_account, take_contract, transfer_chain
from puhui.lending.desk.loan.happen import happen
from puhui.lending.desk.loan.repay import SERVICED, pay_off, read_book
from puhui.lending.desk.shelf import SERVICING
from puhui.lending.formats.line import load_line_figures
from puhui.lending.nouns import Happening, PlanEvent, PlanState
from puhui.lending.nouns.ask_loan import (
    CloseLines,
    DrawMore,
    GiveNotice,
    LinesClosed,
    LoanChanged,
    NoticeGiven,
)
from puhui.lending.nouns.request import ContractKey
from puhui.lending.tables import line as tables
from puhui.party import check_actor, take_party
from puhui.payment import admit, own_account, wallet_account
from puhui.servicing import live

CHUNK = 1000


@use_case("lending.draw", roles=("customer",), api=True)
def draw(act: Act, input: DrawMore) -> LoanChanged:
    """Draw money of a loan that is drawn in parts, into the borrower's wallet.

    Nobody but the borrower does: it is a new debt. Interest counts for the days it is used. What
    is repaid of a loan drawn at will may be drawn again; of one with several drawings each part of
    the amount is drawn once, and what lies ahead is laid out anew.
    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.not_revolving``,
    ``lending.past_due``, ``lending.line_closed`` once the notice of its end has passed,
    ``lending.bad_amount``, ``lending.over_agreed`` beyond what the contract allows,
    ``lending.bad_terms`` after the last due day, ``lending.over_capacity``,
    ``lending.own_limit_reached``, ``lending.credit_limit_reached``, ``lending.books_not_open``,
    ``payment.tier_balance``, ``payment.wallet_closed``, ``party.not_yours``, ``party.erased``.
    """
    row = take_contract(act, input.contract_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status not in SERVICED or row.status == "written_off":
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    state = read_book(act.tx, row).state(act.today)
    if live.take_loan(act.tx, row.id).status != "live":
        raise Refused("lending.not_running", "Nothing is drawn of a loan that was given up.")
    if not (state.plan.is_revolving or state.plan.has_drawings):
        raise Refused("lending.not_revolving", "What is repaid of this loan is not drawn again.")
    if state.arrears_minor:
        raise Refused("lending.past_due", "Something of this loan is past due; pay that first.")
    notice = act.tx.one(tables.READ_NOTICE, contract_id=row.id)
    if notice is not None and act.today.isoformat() >= notice.closes_on:
        raise Refused("lending.line_closed", f"This line is closed since {notice.closes_on}.")
    check_amount(input.amount_minor)
    check_room(row, state, input.amount_minor)
    owed = state.outstanding_minor + input.amount_minor
    party, last_due = take_party(act, row.party_id), state.rows[-1].due_on
    check_drawdown(act, party, row, owed_minor=owed, last_due=last_due)
    admit(act.tx, row.party_id, row.currency, input.amount_minor)
    pay_out(act, row, input.amount_minor)
    return happen(act, row, PlanEvent("", Happening.DRAWN, act.today, input.amount_minor))


def check_room(row: Row, state: PlanState, amount_minor: int) -> None:
    """Whether so much may still be drawn. Refused: ``lending.over_agreed``."""
    share = SERVICING.validate_json(row.servicing).over_applied_share
    most = round_minor(row.principal_minor * (1 + share), Rounding.DOWN)
    used = state.outstanding_minor if state.plan.is_revolving else state.disbursed_minor
    if used + amount_minor > most:
        left = max(0, most - used)
        raise Refused("lending.over_agreed", f"At most {left} minor units can be drawn now.")


def pay_out(act: Act, row: Row, amount_minor: int) -> None:
    """Money of a loan that runs into its borrower's wallet. Refused: ``lending.books_not_open``."""
    wallet = wallet_account(row.party_id, row.currency)
    funding = own_account("funding", row.currency)
    chain = [
        (loan_account(row.id), funding, amount_minor, "disbursement"),
        (funding, wallet, amount_minor, "disbursement"),
    ]
    transfer_chain(act, chain, row.currency)


def _take_line(act: Act, contract_id: str) -> Row:
    """A running contract that is drawn at will, locked.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.not_revolving``.
    """
    row = take_contract(act, contract_id)
    if row.status not in ("current", "past_due"):
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    if not live.plan_in(row.terms).is_revolving:
        raise Refused("lending.not_revolving", "This is no credit line.")
    return row


@use_case("lending.close_line", roles=("customer", "loan_officer", "operator"), api=True)
def close_line(act: Act, input: ContractKey) -> LoanChanged:
    """End a credit line for its borrower, at once and without a reason, when nothing is owed.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.not_revolving``,
    ``lending.still_owed``, ``party.not_yours``.
    """
    row = _take_line(act, input.contract_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if _owed(act, row):
        raise Refused("lending.still_owed", "Something is owed on this line; pay it off first.")
    return end_line(act, row)


def _owed(act: Act, row: Row) -> int:
    return pay_off(read_book(act.tx, row), act.today).total_minor


def end_line(act: Act, row: Row) -> LoanChanged:
    """End a line on which nothing is owed; a notice that was given has done its work."""
    act.tx.put(tables.END_NOTICE, contract_id_=row.id)
    return happen(act, row, PlanEvent("", Happening.CLOSED, act.today))


@use_case("lending.give_notice", roles=("loan_officer", "risk_analyst"))
def give_notice(act: Act, input: GiveNotice) -> NoticeGiven:
    """Tell a borrower that the bank ends a credit line, so many days from today.

    Until then it is drawn as before; from then on it is not, and it ends once nothing is owed.
    What is owed stays due as agreed. Refused: ``lending.no_contract``, ``lending.not_running``,
    ``lending.not_revolving``, ``lending.notice_given``, ``lending.bad_notice``,
    ``party.four_eyes`` for an own line.
    """
    row = _take_line(act, input.contract_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    figures = load_line_figures()
    if input.reason not in figures.reasons:
        raise Refused("lending.bad_notice", f"A reason is one of {', '.join(figures.reasons)}.")
    before = act.tx.one(tables.READ_NOTICE, contract_id=row.id)
    if before is not None:
        raise Refused("lending.notice_given", f"Notice was given; it ends on {before.closes_on}.")
    closes_on = act.today + timedelta(days=figures.notice_days)
    act.tx.put(
        tables.PUT_NOTICE,
        contract_id=row.id,
        party_id=row.party_id,
        reason=input.reason,
        given_by=act.actor,
        given_us=act.now_us,
        closes_on=closes_on.isoformat(),
        status="open",
    )
    payload = {"contract": row.id, "reason": input.reason, "closes_on": closes_on.isoformat()}
    act.emit("lending.line_notice_given", row.party_id, payload)
    return NoticeGiven(row.id, closes_on)


@use_case("lending.withdraw_notice", roles=("loan_officer", "risk_analyst"))
def withdraw_notice(act: Act, input: ContractKey) -> ContractKey:
    """Take back the notice that a credit line ends; it runs on as agreed.

    Refused: ``lending.no_contract``, ``lending.not_running``, ``lending.not_revolving``,
    ``lending.no_notice``, ``party.four_eyes`` for an own line.
    """
    row = _take_line(act, input.contract_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if act.tx.one(tables.READ_NOTICE, contract_id=row.id) is None:
        raise Refused("lending.no_notice", "No notice was given.")
    act.tx.put(tables.WITHDRAW_NOTICE, contract_id_=row.id)
    act.emit("lending.line_notice_withdrawn", row.party_id, {"contract": row.id})
    return input


@use_case("lending.close_lines", roles=("system",), batch="contract_ids")
def close_lines(act: Act, input: CloseLines) -> LinesClosed:
    """End credit lines whose notice has passed and on which nothing is owed."""
    closed = []
    for contract_id in input.contract_ids:
        row = take_contract(act, contract_id)
        notice = act.tx.one(tables.READ_NOTICE, contract_id=row.id)
        if notice is None or notice.closes_on > input.day.isoformat():
            continue
        if row.status == "current" and not _owed(act, row):
            end_line(act, row)
            closed.append(row.id)
    return LinesClosed(tuple(closed))


def notice_of(tx: Transaction, contract_id: str) -> Row | None:
    """The notice that stands for a credit line: ``reason``, ``closes_on``; None where none does."""
    return tx.one(tables.READ_NOTICE, contract_id=contract_id)


def notice_reasons() -> tuple[str, ...]:
    """The reasons for which the bank may end a line."""
    return load_line_figures().reasons


def notice_days() -> int:
    """How many days before its end a borrower is told."""
    return load_line_figures().notice_days


def ended_chunks(node: Node, day: date) -> list[CloseLines]:
    """Lines whose notice has passed, in chunks."""
    with node.read() as tx:
        ids = [row.contract_id for row in tx.all(tables.READ_PASSED, day=day.isoformat())]
    return [CloseLines(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


day_step(360, "lending.close_lines", ended_chunks)
