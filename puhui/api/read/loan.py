"""Reads of applications, loans and wallets, object by object for customers."""

from __future__ import annotations

from datetime import date
from typing import Any

from puhui import ledger, lending
from puhui.api import answers
from puhui.api.caller import Caller
from puhui.api.problem import Problem
from puhui.kernel import Node, Transaction
from puhui.kernel.clock import business_date
from puhui.kernel.money import DIGITS
from puhui.lending import window
from puhui.payment import wallet_account

COUNT_MAX = 200


def today_of(node: Node) -> date:
    """The business day now."""
    return business_date(node.clock.now_us())


def check_count(count: int) -> int:
    """How many items a page may have. Problem: ``api.bad_request``."""
    if not 1 <= count <= COUNT_MAX:
        raise Problem("api.bad_request", f"count is 1 to {COUNT_MAX}.")
    return count


def _own(caller: Caller) -> str:
    """The party whose things alone are listed; "" for staff, who see all."""
    if caller.is_staff:
        return ""
    if caller.party_id is None:
        raise Problem("api.not_found", "There is no such thing, or it is not yours.")
    return caller.party_id


def list_applications(
    node: Node, caller: Caller, asked: answers.ApplicationsQuery
) -> answers.ApplicationPage:
    """List applications by id, oldest first; customers see their own."""
    count, party = check_count(asked.count), _own(caller)
    with node.read() as tx:
        rows = window.applications_after(
            tx,
            asked.after,
            status=asked.status,
            product=asked.product,
            party=party,
            count=count + 1,
        )
    items = tuple(
        answers.ApplicationItem(
            row.id,
            row.party_id,
            row.product,
            row.status,
            row.wanted_minor,
            row.currency,
            row.applied_us,
            row.outcome,
        )
        for row in rows[:count]
    )
    is_last = len(rows) <= count
    return answers.ApplicationPage(items, None if is_last else items[-1].application_id)


def read_application(
    node: Node, caller: Caller, asked: answers.ApplicationQuery
) -> answers.ApplicationItem:
    """Read one application. Refused: ``lending.no_application``."""
    with node.read() as tx:
        row = _application(tx, caller, asked.application_id)
        case, _ = lending.read_case(tx, row)
        applied_us = window.application_row(tx, row).applied_us
    return answers.ApplicationItem(
        case.application_id,
        case.party_id,
        case.product,
        case.status,
        case.wanted_minor,
        case.currency,
        applied_us,
        case.decision,
    )


def _application(tx: Transaction, caller: Caller, application_id: str) -> str:
    """The id of an application that the caller may see."""
    caller.check_sees(window.application_row(tx, application_id).party_id)
    return application_id


def _loan(tx: Transaction, caller: Caller, contract_id: str) -> str:
    """The id of a contract that the caller may see."""
    caller.check_sees(window.contract_row(tx, contract_id).party_id)
    return contract_id


def read_decision(
    node: Node, caller: Caller, asked: answers.ApplicationQuery
) -> answers.DecisionAnswer:
    """Read the newest decision with its reasons in plain words.

    Refused: ``lending.no_application``.
    """
    with node.read() as tx:
        case, decision = lending.read_case(tx, _application(tx, caller, asked.application_id))
    if decision is None:
        raise Problem("api.not_found", "There is no such thing, or it is not yours.")
    book = lending.shelf.load_reasons()
    texts = [book.text(code) for code in decision.reasons]
    offer = decision.offer
    short = answers.DecisionAnswer(
        application_id=case.application_id,
        outcome=decision.outcome.value,
        reasons=tuple(
            answers.ReasonAnswer(
                one.code, one.reason_zh, one.reason_en, one.change_zh, one.change_en
            )
            for one in texts
        ),
        offer=None
        if offer is None
        else answers.OfferAnswer(
            offer.principal_minor,
            offer.currency,
            offer.annual_rate,
            offer.term_months,
            offer.method.value,
            offer.upfront_fee_minor,
        ),
    )
    if not caller.is_staff:
        return short
    return answers.DecisionAnswer(
        short.application_id,
        short.outcome,
        short.reasons,
        short.offer,
        points=case.points,
        guards=tuple(
            answers.GuardAnswer(one.code, one.outcome.value, one.reason) for one in decision.guards
        ),
        price=tuple(answers.StepAnswer(one.code, one.share, None) for one in decision.price.steps),
        credit_limit=tuple(
            answers.StepAnswer(code, None, amount_minor)
            for code, amount_minor in decision.credit_limit.steps
        ),
    )


def read_contract(
    node: Node, caller: Caller, asked: answers.ContractQuery
) -> answers.ContractAnswer:
    """Read the contract as it would be signed today, with its total cost and APR.

    Refused: ``lending.no_application``, ``lending.not_offered``, ``lending.offer_expired``,
    ``lending.product_changed``, ``lending.no_language``.
    """
    with node.read() as tx:
        application_id = _application(tx, caller, asked.application_id)
        contract, plan, cost = lending.draft_contract(
            tx, application_id, today_of(node), asked.language
        )
    return answers.ContractAnswer(
        application_id=application_id,
        language=contract.language,
        text=contract.text,
        contract_digest=contract.digest,
        principal_minor=cost.principal_minor,
        interest_minor=cost.interest_minor,
        fee_minor=cost.all_fees_minor,
        total_minor=cost.total_minor,
        currency=plan.currency,
        annual_rate=plan.annual_rate,
        apr=cost.apr,
    )


def list_loans(node: Node, caller: Caller, asked: answers.PageQuery) -> answers.LoanPage:
    """List loans by id; customers see their own."""
    count, party = check_count(asked.count), _own(caller)
    with node.read() as tx:
        if party:
            found = sorted(window.loans_of(tx, party), key=lambda loan: loan.contract_id)
            loans = [loan for loan in found if loan.contract_id > asked.after][: count + 1]
        else:
            loans = list(lending.list_loans(tx, after=asked.after, count=count + 1))
    items = tuple(_item(loan) for loan in loans[:count])
    return answers.LoanPage(items, items[-1].contract_id if len(loans) > count else None)


def _item(loan: Any) -> answers.LoanItem:
    names = answers.LoanItem.__slots__
    return answers.LoanItem(**{name: getattr(loan, name) for name in names})


def read_loan(node: Node, caller: Caller, asked: answers.LoanQuery) -> answers.LoanAnswer:
    """Read a loan as it stands today. Refused: ``lending.no_contract``."""
    with node.read() as tx:
        row = window.contract_row(tx, _loan(tx, caller, asked.contract_id))
        (loan,) = (one for one in window.loans_of(tx, row.party_id) if one.contract_id == row.id)
        state = lending.loan_state(tx, row.id, today_of(node))
    return answers.LoanAnswer(
        loan=_item(loan),
        on=state.on,
        owed_today_minor=state.owed_today_minor,
        principal_paid_minor=state.principal_paid_minor,
        written_off_minor=state.written_off_minor,
    )


def read_schedule(node: Node, caller: Caller, asked: answers.LoanQuery) -> answers.ScheduleAnswer:
    """Read the plan of a loan, instalment by instalment. Refused: ``lending.no_contract``."""
    with node.read() as tx:
        contract_id = _loan(tx, caller, asked.contract_id)
        state = lending.loan_state(tx, contract_id, today_of(node))
    return answers.ScheduleAnswer(
        contract_id,
        state.plan.currency,
        tuple(
            answers.InstalmentAnswer(
                one.number,
                one.due_on,
                one.principal_minor,
                one.interest_minor,
                one.fee_minor,
                one.penalty_minor,
                one.owed_minor,
            )
            for one in state.rows
        ),
    )


def list_loan_events(
    node: Node, caller: Caller, asked: answers.LoanQuery
) -> answers.LoanEventsAnswer:
    """List what happened to a loan with its receipts, the oldest first.

    Refused: ``lending.no_contract``.
    """
    with node.read() as tx:
        row = window.contract_row(tx, _loan(tx, caller, asked.contract_id))
        found = window.loan_events(tx, row.id)
    items = tuple(
        answers.LoanEventItem(
            one.number, one.kind, date.fromisoformat(one.day), one.amount_minor, one.receipt
        )
        for one in found
    )
    return answers.LoanEventsAnswer(row.id, row.currency, items)


def quote_pay_off(node: Node, caller: Caller, asked: answers.PayOffQuery) -> answers.PayOffAnswer:
    """Tell what ends a loan on a day.

    Refused: ``lending.no_contract``, ``lending.back_dated``.
    """
    on = asked.on or today_of(node)
    with node.read() as tx:
        row = window.contract_row(tx, _loan(tx, caller, asked.contract_id))
        quote = lending.quote_pay_off(tx, row.id, on)
    return answers.PayOffAnswer(
        row.id,
        row.currency,
        quote.on,
        quote.principal_minor + quote.recovered_minor,
        quote.interest_minor,
        quote.fee_minor,
        quote.penalty_minor,
        quote.total_minor,
    )


def read_portfolio(
    node: Node, caller: Caller, asked: answers.NothingQuery
) -> answers.PortfolioAnswer:
    """Read contracts and their sums by product, currency and status."""
    names = answers.PortfolioRow.__slots__
    with node.read() as tx:
        rows = lending.portfolio(tx)
    return answers.PortfolioAnswer(
        tuple(answers.PortfolioRow(**{name: getattr(row, name) for name in names}) for row in rows)
    )


def read_wallet(node: Node, caller: Caller, asked: answers.WalletQuery) -> answers.WalletAnswer:
    """Read a wallet's balance and statement, oldest line first."""
    count = check_count(asked.count)
    caller.check_sees(asked.party_id)
    if asked.currency not in DIGITS or asked.after < 0:
        raise Problem("api.bad_request", "currency is like CNY, and after is not negative.")
    account_id = wallet_account(asked.party_id, asked.currency)
    with node.read() as tx:
        (wallet,) = ledger.lookup_accounts(tx, [account_id])
        if wallet is None:
            raise Problem("api.not_found", "There is no such thing, or it is not yours.")
        lines = ledger.account_history(tx, account_id, after=asked.after, count=count + 1)
    return answers.WalletAnswer(
        asked.party_id,
        asked.currency,
        wallet.credits_posted_minor - wallet.debits_posted_minor,
        tuple(
            answers.StatementLine(
                line.position,
                line.time_us,
                not line.is_debit,
                line.amount_minor,
                line.balance_minor,
                f"{line.transfer_id:032x}",
            )
            for line in lines[:count]
        ),
        lines[count - 1].position if len(lines) > count else None,
    )
