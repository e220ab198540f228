"""Receipts (凭证) of loans: the numbers of what came and what was paid, and what a number means.

Nothing is kept for them: a number follows from the time of the act and the wallet whose money it
moved, as the wallet's statement has it. One act has one number in a wallet, whatever parts it paid.
"""

from __future__ import annotations

import json

from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.browse import browse_journal, position_at, read_act, times_of
from puhui.lending.desk.page import contract_row
from puhui.lending.desk.read import loans_of
from puhui.lending.nouns import Happening
from puhui.lending.nouns.receipt import LoanEvent as LoanEvent
from puhui.lending.tables import page
from puhui.payment import numbers, wallet_account
from puhui.servicing import live

WITH_MONEY = frozenset(
    kind.value
    for kind in (
        Happening.DRAWN,
        Happening.REPAID,
        Happening.PAID_OFF,
        Happening.RECOVERED,
        Happening.MERCHANT_REFUNDED,
        Happening.CREDIT_REFUNDED,
        Happening.CHARGED_BACK,
    )
)
"""Kinds that move money of a wallet: that of who paid, else of the borrower."""

ROOMS = ("lending.", "servicing.")
ACTS_MAX = 20_000
"""So many acts around the second of a receipt are looked through."""

APART_US = 60_000_000
"""By how much acts near one another in the journal may be out of the order of their times."""


def loan_events(tx: Transaction, contract_id: str) -> tuple[LoanEvent, ...]:
    """What happened to a loan, oldest first, with the receipts of what moved money.

    Refused: ``lending.no_contract``.
    """
    contract = contract_row(tx, contract_id)
    rows = live.events_of(tx, contract_id)
    keys = {row.act_key for row in rows if row.kind in WITH_MONEY}
    times = times_of(tx, sorted(keys))
    return tuple(_event(contract, row, times) for row in rows)


def _event(contract: Row, row: Row, times: dict[str, int]) -> LoanEvent:
    made_us = times.get(row.act_key, 0)
    receipt = ""
    if row.kind in WITH_MONEY and row.amount_minor and made_us:
        account = wallet_account(row.payer_id or contract.party_id, contract.currency)
        receipt = numbers.receipt_in(account, made_us)
    return LoanEvent(
        contract.id,
        contract.party_id,
        row.number,
        row.kind,
        row.day,
        row.amount_minor,
        contract.currency,
        receipt,
        made_us,
    )


def events_numbered(tx: Transaction, text: str, *, now_us: int) -> tuple[LoanEvent, ...]:
    """What happened to loans under a receipt number, whosever they are: for staff.

    The acts of that second are looked through; two things may share a number.
    """
    digits = numbers.plain(text)
    found: list[LoanEvent] = []
    for contract_id in _loans_at(tx, *numbers.receipt_span(digits, now_us=now_us)):
        found += [one for one in loan_events(tx, contract_id) if one.receipt == digits]
    return tuple(found)


def own_events_numbered(tx: Transaction, text: str, party_id: str) -> tuple[LoanEvent, ...]:
    """What happened to a borrower's own loans under a receipt number."""
    digits = numbers.plain(text)
    return tuple(
        event
        for loan in loans_of(tx, party_id)
        for event in loan_events(tx, loan.contract_id)
        if event.receipt == digits
    )


def applications_numbered(tx: Transaction, text: str, *, now_us: int) -> tuple[Row, ...]:
    """The applications that have a number, whosever they are: for staff. A loan has the number of
    its application. Those of that second are looked through, in the order of their ids.
    """
    begins_us, ends_us = numbers.receipt_span(text, now_us=now_us)
    low, high = (f"application-{at_us // 1000:011x}" for at_us in (begins_us, ends_us))
    rows = tx.all(page.READ_APPLICATIONS_BETWEEN, low=low, high=high, count=ACTS_MAX)
    return tuple(
        row for row in rows if numbers.plain(numbers.receipt(row.id)) == numbers.plain(text)
    )


def _loans_at(tx: Transaction, from_us: int, until_us: int) -> list[str]:
    """The loans to which acts from ``from_us`` to before ``until_us`` may have done something."""
    acts = browse_journal(
        tx,
        since_us=from_us,
        until_us=until_us,
        is_oldest_first=True,
        beyond=position_at(tx, from_us - APART_US) - 1,
        count=ACTS_MAX,
    )
    loans: dict[str, None] = {}
    for row in acts:
        if row.refusal is None and row.name.startswith(ROOMS):
            loans |= dict.fromkeys(_loans_of(tx, row))
    return list(loans)


def _loans_of(tx: Transaction, found: Row) -> list[str]:
    """The loans that an act names: one of its own, or those of a chunk that it changed."""
    row = read_act(tx, found.position)
    assert row is not None, found
    told = json.loads(row.input)
    if isinstance(told.get("until"), str):
        after = str(told.get("after", ""))
        return live.loans_of_act(tx, row.key, after=after, until=told["until"])
    one = told.get("contract_id") or told.get("loan_id")
    return [one] if isinstance(one, str) and live.has_loan(tx, one) else []
