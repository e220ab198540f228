"""Statements of wallets as messages: camt.053 of a month, made of the lines that people read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from puhui.kernel.calendar import add_months
from puhui.kernel.clock import business_date, start_of_day_us, time_of
from puhui.kernel.store import Transaction
from puhui.ledger import Transfer, account_history, lookup_accounts
from puhui.payment.desk.read import statement
from puhui.payment.desk.wallet import wallet_account
from puhui.payment.formats.iso20022 import write_camt053
from puhui.payment.nouns.message import (
    AccountNumber,
    AccountStatement,
    Balance,
    Entry,
    EntryDetail,
    MessageAmount,
    MessageParty,
    StatementMessage,
)
from puhui.payment.nouns.pay import StatementLine

END_US = 2**53
"""A time past all that is kept (microseconds UTC, year 2255)."""

CODE_LENGTH_MAX = 4
"""A purpose of at most so many characters is a code of the external list, else own words."""


def statement_camt053(
    tx: Transaction, party_id: str, currency: str, month: date, *, created: datetime
) -> bytes:
    """The statement of a wallet for the month of ``month`` as camt.053.001.08, made at ``created``.

    Counterparties and owner stand in it by their pseudonyms. Opening and closing balance are those
    of the first and last day. Refused:
    ``payment.message_value`` where a remark has characters that no message carries.
    """
    lines = statement(tx, party_id, currency, month)
    number = wallet_account(party_id, currency)
    first = month.replace(day=1)
    until = add_months(first, 1)
    named = f"{first:%Y%m}-{number:032x}"[:35]
    opening = _opening(tx, number, start_of_day_us(first))
    told = AccountStatement(
        statement_id=named,
        account=AccountNumber(other_id=f"{number:032x}", currency=currency),
        created=created,
        begins=time_of(start_of_day_us(first)),
        ends=time_of(start_of_day_us(until)),
        owner=MessageParty(name=party_id),
        balances=_balances(lines, opening, currency, first, until - timedelta(days=1)),
        entries=entries_of(lines, currency),
    )
    return write_camt053(StatementMessage(named, created, (told,)))


def _balances(
    lines: tuple[StatementLine, ...], opening: int, currency: str, first: date, last: date
) -> tuple[Balance, ...]:
    closing = lines[-1].balance_minor if lines else opening
    return tuple(
        Balance(code, MessageAmount(abs(minor), currency), minor >= 0, on)
        for code, minor, on in (("OPBD", opening, first), ("CLBD", closing, last))
    )


def _opening(tx: Transaction, number: int, from_us: int) -> int:
    """The balance of a wallet when the time ``from_us`` began: what its next line started from."""
    page = account_history(tx, number, after=0, count=1, from_us=from_us, until_us=END_US)
    if page:
        line = page[0]
        is_moved = not line.flags & (Transfer.PENDING | Transfer.VOID)
        moved = (-line.amount_minor if line.is_debit else line.amount_minor) if is_moved else 0
        return line.balance_minor - moved
    (found,) = lookup_accounts(tx, [number])
    return 0 if found is None else found.credit_balance_minor


def entries_of(lines: Iterable[StatementLine], currency: str) -> tuple[Entry, ...]:
    """The entries of lines that people read."""
    return tuple(_entry(line, currency) for line in lines)


def _entry(line: StatementLine, currency: str) -> Entry:
    is_credit = line.amount_minor >= 0
    amount = MessageAmount(abs(line.amount_minor), currency)
    day = business_date(line.time_us)
    other = MessageParty(name=line.other)
    is_code = 0 < len(line.purpose) <= CODE_LENGTH_MAX
    words = line.remark if is_code else f"{line.purpose} {line.remark}".strip()
    detail = EntryDetail(
        amount=amount,
        is_credit=is_credit,
        servicer_reference=line.id,
        transfer_id=line.receipt,
        debtor=other if is_credit else MessageParty(),
        creditor=MessageParty() if is_credit else other,
        purpose=line.purpose if is_code else "",
        remittance=(words[:140],) if words else (),
    )
    return Entry(
        amount=amount,
        is_credit=is_credit,
        booked_on=day,
        value_on=day,
        servicer_reference=line.id,
        code=line.kind,
        details=(detail,),
    )
