"""What the general ledger speaks of: its accounts, sums of a day or a period, two statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

UNASSIGNED = 0
"""The number under which accounts stand whose code no general account has."""


class GeneralKind(StrEnum):
    """What a general account is; common ones are an asset or a liability by their balance."""

    ASSET = "asset"
    LIABILITY = "liability"
    COMMON = "common"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class GeneralAccount:
    """An account of the general ledger (总账科目): all ledger accounts of its codes together.

    ``line`` names the line of the balance sheet or the income statement that it belongs to;
    ``is_debit`` says which side makes it grow.
    """

    number: int
    name: str
    chinese: str
    kind: GeneralKind
    is_debit: bool
    line: str


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line of a statement by name; ``section`` is assets, liabilities, common, equity, income."""

    name: str
    section: str
    english: str
    chinese: str


@dataclass(frozen=True, slots=True)
class GeneralChart:
    """All general accounts by number, and the lines of the two statements in order."""

    accounts: Mapping[int, GeneralAccount]
    lines: tuple[SheetLine, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """What was debited and credited, in minor units; both never below nought."""

    debits_minor: int = 0
    credits_minor: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.debits_minor + other.debits_minor, self.credits_minor + other.credits_minor
        )

    def __sub__(self, other: Sums) -> Sums:
        return Sums(
            self.debits_minor - other.debits_minor, self.credits_minor - other.credits_minor
        )

    @property
    def net_minor(self) -> int:
        """Debits less credits: the balance where debits make an account grow."""
        return self.debits_minor - self.credits_minor


@dataclass(frozen=True, slots=True)
class Movement:
    """Posted sums of one ledger, account code, day of their time and reason, not yet in the books.

    ``is_carried`` marks the transfers that close a year; ``postings`` counts debits and credits.
    """

    day: date
    ledger: str
    code: int
    is_carried: bool
    sums: Sums
    postings: int


@dataclass(frozen=True, slots=True)
class GeneralRow:
    """One general account of one ledger over a day or a period.

    ``opening`` and ``closing`` are all that was ever posted, before and after; ``moved`` what the
    period's own transfers did; ``adjusted`` what came late for days closed before; ``carried``
    what closed a year. Closing is opening and the three together.
    """

    ledger: str
    number: int
    opening: Sums
    moved: Sums
    adjusted: Sums
    carried: Sums

    @property
    def closing(self) -> Sums:
        """All that was posted to the end of the period."""
        return self.opening + self.moved + self.adjusted + self.carried


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What was booked on ``day`` though its transfers are of ``value_day``, closed by then."""

    day: date
    value_day: date
    ledger: str
    number: int
    sums: Sums
    postings: int


@dataclass(frozen=True, slots=True)
class BookedDay:
    """A day that is closed for ever: how much it holds, and a digest over it and all before it."""

    day: date
    postings: int
    adjusted_postings: int
    closed_us: int
    digest: str


@dataclass(frozen=True, slots=True)
class GeneralBalance:
    """The trial balance of the general ledger (总账试算平衡表) from ``first`` to ``last``.

    Rows by ledger and number. ``is_closed`` says whether each of the days is closed; sums of days
    that are not may still grow.
    """

    first: date
    last: date
    is_closed: bool
    rows: tuple[GeneralRow, ...]

    @property
    def difference_minor(self) -> int:
        """How far debits and credits are apart, over ledgers and kinds of sums: 0."""
        apart: dict[tuple[str, int], int] = {}
        for row in self.rows:
            for place, sums in enumerate((row.opening, row.moved, row.adjusted, row.carried)):
                key = row.ledger, place
                apart[key] = apart.get(key, 0) + sums.net_minor
        return sum(map(abs, apart.values()))


@dataclass(frozen=True, slots=True)
class FinancialLine:
    """A line of a statement for people; totals have no parts of their own below them."""

    name: str
    section: str
    english: str
    chinese: str
    amount_minor: int
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class FinancialStatement:
    """A balance sheet (资产负债表) or an income statement (利润表) of one currency, minor units."""

    kind: str
    currency: str
    first: date
    last: date
    is_closed: bool
    lines: tuple[FinancialLine, ...]

    def amount_of(self, name: str) -> int:
        """The amount of the line called ``name``, nought where there is none."""
        return next((line.amount_minor for line in self.lines if line.name == name), 0)
