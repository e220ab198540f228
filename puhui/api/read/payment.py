"""Reads of wallets, payments, requests, standing orders and codes, each customer the own ones."""

from __future__ import annotations

from datetime import date

from puhui import ledger, payment
from puhui.api import payment_answers as answers
from puhui.api.caller import Caller
from puhui.api.problem import Problem
from puhui.api.read.loan import check_count
from puhui.kernel import Node
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Transaction
from puhui.lending.window import receipts
from puhui.offline.window import allowances_of
from puhui.payment import window

NOT_THERE = ("api.not_found", "There is no such thing, or it is not yours.")


def _check_currency(currency: str) -> None:
    if currency not in DIGITS:
        raise Problem("api.bad_request", "currency is like CNY.")


def read_terms(node: Node, caller: Caller, asked: answers.TermsQuery) -> answers.TermsAnswer:
    """Read a wallet's kind, its limits and its balance."""
    caller.check_sees(asked.party_id)
    _check_currency(asked.currency)
    with node.read() as tx:
        wallet = window.read_wallet(tx, asked.party_id, asked.currency)
        (account,) = ledger.lookup_accounts(tx, [wallet.account_id])
    if account is None and not wallet.opened_us:
        raise Problem(*NOT_THERE)
    tier = window.tiers().by_number[wallet.tier]
    return answers.TermsAnswer(
        party_id=asked.party_id,
        currency=asked.currency,
        account_id=f"{wallet.account_id:032x}",
        tier=wallet.tier,
        status=wallet.status,
        is_recorded=wallet.opened_us > 0,
        balance_minor=0 if account is None else account.credit_balance_minor,
        held_minor=0 if account is None else account.debits_pending_minor,
        single_minor_max=tier.single_minor_max,
        daily_minor_max=tier.daily_minor_max,
        balance_minor_max=tier.balance_minor_max,
    )


def read_payment(node: Node, caller: Caller, asked: answers.PaymentQuery) -> answers.PaymentAnswer:
    """Read one payment, as its payer or its payee."""
    with node.read() as tx:
        try:
            found = window.payment_of(tx, asked.payment_id)
        except Refused:  # told like another's, so that nobody learns which ids exist
            raise Problem(*NOT_THERE) from None
    own = {caller.party_id or ""}
    if caller.party_id:
        own.add(f"{payment.wallet_account(caller.party_id, found.currency):032x}")
    if not caller.is_staff and not own & {found.payer_id, found.payee_id} - {""}:
        raise Problem(*NOT_THERE)
    return answers.PaymentAnswer(
        payment_id=found.id,
        name=found.payment_id,
        kind=found.kind,
        payer_id=found.payer_id,
        payee_id=found.payee_id,
        amount_minor=found.amount_minor,
        currency=found.currency,
        purpose=found.purpose,
        remark=found.remark,
        original_id=found.original_id,
        refunded_minor=found.refunded_minor,
        made_us=found.made_us,
        receipt=found.receipt,
    )


def list_requests(
    node: Node, caller: Caller, asked: answers.PartyPageQuery
) -> answers.RequestsAnswer:
    """List what a party is asked for and asks for, the newest first."""
    caller.check_sees(asked.party_id)
    with node.read() as tx:
        found = window.requests_of(tx, asked.party_id, count=check_count(asked.count))
    return answers.RequestsAnswer(asked.party_id, found)


def list_orders(node: Node, caller: Caller, asked: answers.PartyPageQuery) -> answers.OrdersAnswer:
    """List a party's standing orders, the oldest first."""
    caller.check_sees(asked.party_id)
    count = check_count(asked.count)
    with node.read() as tx:
        found = window.orders_of(tx, asked.party_id)
    return answers.OrdersAnswer(asked.party_id, found[:count])


def list_codes(node: Node, caller: Caller, asked: answers.PartyPageQuery) -> answers.CodesAnswer:
    """List a merchant's open codes, the newest first."""
    caller.check_sees(asked.party_id)
    with node.read() as tx:
        found = window.codes_of(tx, asked.party_id, count=check_count(asked.count))
    return answers.CodesAnswer(asked.party_id, found)


def read_month(node: Node, caller: Caller, asked: answers.MonthQuery) -> answers.MonthAnswer:
    """Read the statement of a month with counterparties and words, the oldest line first."""
    caller.check_sees(asked.party_id)
    _check_currency(asked.currency)
    try:
        month = date.fromisoformat(f"{asked.month}-01")
    except ValueError:
        raise Problem("api.bad_request", "month is like 2026-11.") from None
    with node.read() as tx:
        found = payment.statement(tx, asked.party_id, asked.currency, month)
    return answers.MonthAnswer(
        asked.party_id,
        asked.currency,
        f"{month:%Y-%m}",
        tuple(
            answers.MonthLine(
                transfer_id=one.id,
                time_us=one.time_us,
                kind=one.kind,
                other=one.other,
                purpose=one.purpose,
                remark=one.remark,
                amount_minor=one.amount_minor,
                balance_minor=one.balance_minor,
                receipt=one.receipt,
            )
            for one in found
        ),
    )


def list_promises(
    node: Node, caller: Caller, asked: answers.PartyPageQuery
) -> answers.PromisesAnswer:
    """List what a party promised and was promised, the newest first."""
    caller.check_sees(asked.party_id)
    with node.read() as tx:
        found = window.promises_of(tx, asked.party_id, count=check_count(asked.count))
    return answers.PromisesAnswer(asked.party_id, found)


def list_allowances(
    node: Node, caller: Caller, asked: answers.PartyPageQuery
) -> answers.AllowancesAnswer:
    """List what a party took out to pay without a network, the newest first."""
    caller.check_sees(asked.party_id)
    count = check_count(asked.count)
    with node.read() as tx:
        found = allowances_of(tx, asked.party_id)
    return answers.AllowancesAnswer(asked.party_id, found[:count])


def list_holds(node: Node, caller: Caller, asked: answers.PartyPageQuery) -> answers.HoldsAnswer:
    """List what is or was held of a party's money and for a party, the newest first."""
    caller.check_sees(asked.party_id)
    count = check_count(asked.count)
    with node.read() as tx:
        found = window.holds_of(tx, asked.party_id, now_us=node.clock.now_us(), count=count)
    return answers.HoldsAnswer(asked.party_id, found)


def find_receipt(node: Node, caller: Caller, asked: answers.ReceiptQuery) -> answers.ReceiptsAnswer:
    """Find what has a receipt number: customers among their own, staff among all."""
    numbers, now_us = payment.numbers, node.clock.now_us()
    if not numbers.is_receipt(asked.receipt):
        raise Problem("api.bad_request", "A receipt number has 16 digits; one of these is wrong.")
    with node.read() as tx:
        if caller.is_staff:
            items = [
                answers.ReceiptItem(one.kind, one.id, one.amount_minor, one.currency, one.made_us)
                for one in numbers.receipted(tx, asked.receipt, now_us=now_us)
            ]
            events = receipts.events_numbered(tx, asked.receipt, now_us=now_us)
        else:
            if caller.party_id is None:
                raise Problem(*NOT_THERE)
            items = _own_items(tx, caller.party_id, asked.receipt, now_us)
            events = receipts.own_events_numbered(tx, asked.receipt, caller.party_id)
    items += [
        answers.ReceiptItem(one.kind, one.contract_id, one.amount_minor, one.currency, one.made_us)
        for one in events
    ]
    if not items:
        raise Problem(*NOT_THERE)
    return answers.ReceiptsAnswer(numbers.plain(asked.receipt), tuple(items))


def _own_items(
    tx: Transaction, party_id: str, receipt: str, now_us: int
) -> list[answers.ReceiptItem]:
    """The lines of a party's own wallets, of each currency that is kept here."""
    return [
        answers.ReceiptItem(one.kind, one.id, one.amount_minor, currency, one.time_us)
        for currency in sorted(DIGITS)
        for one in payment.numbers.own_lines(tx, receipt, party_id, currency, now_us=now_us)
    ]
