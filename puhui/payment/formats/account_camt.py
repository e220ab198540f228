"""Statements of ledger accounts as camt.053.001.08: balances and booked entries, no names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from puhui.kernel.clock import BUSINESS_ZONE, business_date, start_of_day_us, time_of
from puhui.kernel.money import DIGITS
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


class Line(Protocol):
    """What is read of a posting; the ledger's own noun lies behind its door."""

    @property
    def time_us(self) -> int:
        """When it was posted, in microseconds UTC."""

    @property
    def transfer_id(self) -> int:
        """The transfer."""

    @property
    def is_debit(self) -> bool:
        """Whether the account was debited."""

    @property
    def amount_minor(self) -> int:
        """How much, in minor units."""

    @property
    def code(self) -> int:
        """The reason."""


class Period(Protocol):
    """What is read of the ledger's statement of an account; balances in minor units."""

    @property
    def account_id(self) -> int:
        """The account."""

    @property
    def currency(self) -> str:
        """Its currency."""

    @property
    def first(self) -> date:
        """The first day."""

    @property
    def last(self) -> date:
        """The last day."""

    @property
    def is_credit(self) -> bool:
        """Whether credits make the balance grow."""

    @property
    def opening_minor(self) -> int:
        """The balance before."""

    @property
    def closing_minor(self) -> int:
        """The balance after."""

    @property
    def lines(self) -> Sequence[Line]:
        """The postings, in order."""


def account_camt053(
    periods: Sequence[Period],
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


def _statement(period: Period, words: Callable[[int], tuple[str, str]]) -> AccountStatement:
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


def _entry(line: Line, currency: str, words: Callable[[int], tuple[str, str]]) -> Entry:
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
