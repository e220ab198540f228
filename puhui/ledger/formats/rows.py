"""Transfers and statements as rows: CSV (RFC 4180) and JSON, one object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from puhui.kernel.clock import business_date, time_of
from puhui.ledger.nouns import Transfer
from puhui.ledger.nouns.export import AccountPeriod, Book, Words

COLUMNS = (
    "id",
    "date",
    "time",
    "state",
    "debit_account",
    "credit_account",
    "amount_minor",
    "currency",
    "code",
    "reason",
    "reason_zh",
    "pending_id",
    "user_data_128",
    "user_data_64",
    "user_data_32",
)
"""Ids are 32 hexadecimal digits; ``date`` is the day in China, ``time`` is UTC; ``state`` is
posted, pending or voided, and only posted rows move money."""

STATEMENT_COLUMNS = (
    "account",
    "currency",
    "date",
    "time",
    "transfer",
    "other_account",
    "code",
    "reason",
    "reason_zh",
    "debit_minor",
    "credit_minor",
    "balance_minor",
)


def state_of(transfer: Transfer) -> str:
    """What a transfer did: posted (a posted pending too), pending, or voided."""
    if transfer.flags & Transfer.PENDING:
        return "pending"
    return "voided" if transfer.flags & Transfer.VOID else "posted"


def row_of(transfer: Transfer, words: Words) -> tuple[str | int, ...]:
    """A transfer in the order of ``COLUMNS``."""
    english, chinese = words(transfer.code)
    return (
        f"{transfer.id:032x}",
        business_date(transfer.time_us).isoformat(),
        time_of(transfer.time_us).isoformat(timespec="microseconds"),
        state_of(transfer),
        f"{transfer.debit_account_id:032x}",
        f"{transfer.credit_account_id:032x}",
        transfer.amount_minor,
        transfer.ledger,
        transfer.code,
        english,
        chinese,
        f"{transfer.pending_id:032x}" if transfer.pending_id else "",
        f"{transfer.user_data_128:032x}" if transfer.user_data_128 else "",
        transfer.user_data_64,
        transfer.user_data_32,
    )


def csv_lines(book: Book) -> Iterator[str]:
    """The transfers of a book as CSV with a header, a page at a time."""
    yield _csv_text([COLUMNS])
    for page in book.pages:
        yield _csv_text(row_of(transfer, book.words) for transfer in page.transfers)


def json_lines(book: Book) -> Iterator[str]:
    """The transfers of a book as JSON, one object a line."""
    for page in book.pages:
        for transfer in page.transfers:
            named = dict(zip(COLUMNS, row_of(transfer, book.words), strict=True))
            yield json.dumps(named, ensure_ascii=False) + "\n"


def statement_csv(periods: Sequence[AccountPeriod], words: Words) -> Iterator[str]:
    """Statements of accounts as CSV: for each an opening row, its lines, and a closing row."""
    yield _csv_text([STATEMENT_COLUMNS])
    for period in periods:
        yield _csv_text(_statement_rows(period, words))


def _statement_rows(period: AccountPeriod, words: Words) -> Iterator[tuple[str | int, ...]]:
    head = f"{period.account_id:032x}", period.currency
    sign = 1 if period.is_credit else -1

    def mark(day: str, english: str, chinese: str, balance_minor: int) -> tuple[str | int, ...]:
        return (*head, day, "", "", "", "", english, chinese, "", "", balance_minor)

    yield mark(period.first.isoformat(), "Opening balance", "期初余额", period.opening_minor)
    for line in period.lines:
        yield (
            *head,
            business_date(line.time_us).isoformat(),
            time_of(line.time_us).isoformat(timespec="microseconds"),
            f"{line.transfer_id:032x}",
            f"{line.other_account_id:032x}",
            line.code,
            *words(line.code),
            line.amount_minor if line.is_debit else "",
            "" if line.is_debit else line.amount_minor,
            sign * line.balance_minor,
        )
    yield mark(period.last.isoformat(), "Closing balance", "期末余额", period.closing_minor)


def _csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
