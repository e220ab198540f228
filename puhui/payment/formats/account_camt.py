"""Statements of ledger accounts as camt.053.001.08: balances and booked entries, no names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from puhui.kernel.clock import BUSINESS_ZONE, business_date, start_of_day_us, time_of
from puhui.kernel.money import DIGITS
from puhui.ledger.nouns import Posting
from puhui.ledger.nouns.export import AccountPeriod
from puhui.payment.formats.iso20022 import write_camt053
from puhui.payment.nouns.message import (
    AccountNumber,
    AccountStatement,
    Balance,
    Entry,
    EntryDetail,
    MessageAmount,
    StatementMessage,
)


def account_camt053(
    periods: Sequence[AccountPeriod],
    words: Callable[[int], tuple[str, str]],
    *,
    message_id: str,
    created: datetime,
) -> bytes:
    """One message with a statement for each of ``periods``; accounts by the ledger's numbers.

    Refused: as ``write_camt053`` does.
    """
    statements = tuple(_statement(period, words) for period in periods)
    return write_camt053(StatementMessage(message_id, created, statements))


def _statement(period: AccountPeriod, words: Callable[[int], tuple[str, str]]) -> AccountStatement:
    sign = 1 if period.is_credit else -1
    begins = time_of(start_of_day_us(period.first)).astimezone(BUSINESS_ZONE)
    ends = time_of(start_of_day_us(period.last + timedelta(days=1)) - 1_000_000)
    balances = tuple(
        Balance(
            code,
            MessageAmount(abs(minor), period.currency),
            is_credit=sign * minor >= 0,
            on=on,
        )
        for code, minor, on in (
            ("OPBD", period.opening_minor, period.first),
            ("CLBD", period.closing_minor, period.last),
        )
    )
    account = f"{period.account_id:032x}"
    return AccountStatement(
        statement_id=f"{account[:16]}-{period.first:%Y%m%d}-{period.last:%m%d}",
        account=AccountNumber(other_id=account, currency=period.currency),
        begins=begins,
        ends=ends.astimezone(BUSINESS_ZONE),
        balances=balances,
        entries=tuple(_entry(line, period.currency, words) for line in period.lines),
    )


def _entry(line: Posting, currency: str, words: Callable[[int], tuple[str, str]]) -> Entry:
    assert currency in DIGITS, currency
    day = business_date(line.time_us)
    return Entry(
        amount=MessageAmount(line.amount_minor, currency),
        is_credit=not line.is_debit,
        booked_on=day,
        value_on=day,
        servicer_reference=f"{line.transfer_id:032x}",
        code=str(line.code),
        details=(EntryDetail(servicer_reference=f"{line.transfer_id:032x}"),),
        words=" ".join(words(line.code)),
    )
