"""What leaves the ledger: transfers with their words, and an account over a period."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from puhui.ledger.nouns import Posting, Transfer

Words = Callable[[int], tuple[str, str]]
"""The words for a code, English and Chinese; the number itself where the chart has none."""


@dataclass(frozen=True, slots=True)
class ExportedAccount:
    """An account as an export names it; ``opening_minor`` is debits less credits before the
    period, ``closing_minor`` after it, both as the ledger has them; ``created_on`` a day in China.
    """

    id: int
    ledger: str
    code: int
    number: int
    name: str
    root: str
    created_on: date
    opening_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class Page:
    """Transfers in the order of the ledger, and the accounts in them that no page before had."""

    transfers: tuple[Transfer, ...]
    accounts: tuple[ExportedAccount, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """The transfers from ``first`` to ``last`` in pages: only what was posted moves money."""

    first: date
    last: date
    pages: Iterable[Page]
    words: Words


@dataclass(frozen=True, slots=True)
class AccountPeriod:
    """A statement (对账单) of one account: balances, totals and lines, in minor units.

    Balances grow by credits where ``is_credit`` (a deposit), else by debits. Lines are postings
    in the order of the ledger, with the account's balance after each, as credits less debits.
    """

    account_id: int
    currency: str
    code: int
    first: date
    last: date
    is_credit: bool
    opening_minor: int
    closing_minor: int
    debits_minor: int
    credits_minor: int
    lines: tuple[Posting, ...]
