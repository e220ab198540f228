"""Books as Beancount text, with a balance assertion for each account, so that others can check.

The syntax follows the Beancount language (version 2 and 3): ``open``, transactions with two
postings, ``balance``. Account names have the roots that its options have by default.
Source: https://beancount.github.io/docs/beancount_language_syntax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from puhui.kernel.clock import business_date
from puhui.kernel.money import DIGITS
from puhui.ledger.nouns import Transfer
from puhui.ledger.nouns.export import Book, ExportedAccount, Words

OPENING = "Equity:Opening-Balances"
_NOT_POSTING = Transfer.PENDING | Transfer.VOID
_OUTSIDE = re.compile(r"[^A-Za-z0-9]+")


def account_name(account: ExportedAccount) -> str:
    """``Liabilities:2011-Customer-deposits:00AB...``: root, general account, the account's id."""
    kind = _OUTSIDE.sub("-", account.name).strip("-")
    return f"{account.root}:{account.number:04d}-{kind}:{account.id:032X}"


def amount_of(minor: int, currency: str) -> str:
    """An amount in major units with all its decimals, and its currency."""
    digits = DIGITS.get(currency, 0)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f} {currency}"


def beancount_lines(book: Book) -> Iterator[str]:
    """The posted transfers of a book; pending and voided ones move nothing and are left out.

    What accounts held before comes as one opening entry each; at the end each account is asserted
    to hold what the ledger says it holds.
    """
    yield f"; Transfers from {book.first} to {book.last}.\n"
    yield 'option "title" "Ledger"\n'
    yield 'option "booking_method" "NONE"\n\n'
    names: dict[int, str] = {}
    closing: list[tuple[str, str]] = []
    has_opening = False
    for page in book.pages:
        for account in page.accounts:
            name = names[account.id] = account_name(account)
            closing.append((name, amount_of(account.closing_minor, account.ledger)))
            yield f"{account.created_on} open {name} {account.ledger}\n"
            if account.opening_minor:
                if not has_opening:
                    has_opening = True
                    yield f"1970-01-01 open {OPENING}\n"
                yield _entry(
                    book,
                    account.opening_minor,
                    account.ledger,
                    name,
                )
        for transfer in page.transfers:
            if not transfer.flags & _NOT_POSTING:
                yield _posted_text(transfer, names, book.words)
    yield "\n"
    after = book.last + timedelta(days=1)
    for name, amount in closing:
        yield f"{after} balance {name} {amount}\n"


def _entry(book: Book, opening_minor: int, currency: str, name: str) -> str:
    return (
        f'\n{book.first} * "Opening balance" "期初余额"\n'
        f"  {name} {amount_of(opening_minor, currency)}\n"
        f"  {OPENING} {amount_of(-opening_minor, currency)}\n"
    )


def _posted_text(transfer: Transfer, names: dict[int, str], words: Words) -> str:
    english, chinese = (_quoted(text) for text in words(transfer.code))
    debit, credit = names[transfer.debit_account_id], names[transfer.credit_account_id]
    return (
        f"\n{business_date(transfer.time_us)} * {english} {chinese}\n"
        f'  transfer: "{transfer.id:032x}"\n'
        f"  {debit} {amount_of(transfer.amount_minor, transfer.ledger)}\n"
        f"  {credit} {amount_of(-transfer.amount_minor, transfer.ledger)}\n"
    )


def _quoted(text: str) -> str:
    kept = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{kept}"'
