"""Loan 贷款 nouns: terms, schedule 还款计划, events, and the state that events lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from puhui.servicing.nouns.terms import Part, Servicing, Terms, Timing


@dataclass(frozen=True, slots=True)
class Instalment:
    """One row of a schedule (分期); ``outstanding_after_minor`` is principal after it is paid."""

    number: int
    starts_on: date
    due_on: date
    principal_minor: int
    interest_minor: int
    outstanding_after_minor: int

    @property
    def total_minor(self) -> int:
        """Principal and interest together."""
        return self.principal_minor + self.interest_minor


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule by columns, one entry an instalment; ``instalments`` gives it by rows.

    ``outstanding_minor[i]`` is the principal after instalment i+1, a later drawdown on that due
    day included. ``is_calendar_published`` is false when a due day was shifted by weekends alone
    because the holidays of that year are not published yet.
    """

    starts_on: date
    due_on: tuple[date, ...]
    principal_minor: tuple[int, ...]
    interest_minor: tuple[int, ...]
    outstanding_minor: tuple[int, ...]
    is_calendar_published: bool = True

    @property
    def instalments(self) -> tuple[Instalment, ...]:
        """The rows, numbered from 1."""
        starts = (self.starts_on, *self.due_on)
        columns = zip(
            starts,
            self.due_on,
            self.principal_minor,
            self.interest_minor,
            self.outstanding_minor,
            strict=False,
        )
        return tuple(Instalment(number, *row) for number, row in enumerate(columns, start=1))

    @property
    def total_interest_minor(self) -> int:
        """All interest if everything is paid on its due day."""
        return sum(self.interest_minor)

    @property
    def total_minor(self) -> int:
        """All that is repaid if everything is paid on its due day."""
        return sum(self.principal_minor) + sum(self.interest_minor)


class EventKind(Enum):
    """What can happen to a loan after disbursement."""

    REPAID = "repaid"
    CHARGED = "charged"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class LoanEvent:
    """Something that happened to a loan on a day; ``amount_minor`` is 0 for a write-off."""

    kind: EventKind
    on: date
    amount_minor: int = 0


class LoanStatus(Enum):
    """Where a loan stands."""

    CURRENT = "current"
    PAST_DUE = "past_due"
    PAID_OFF = "paid_off"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class InstalmentState:
    """One instalment with what is due and what was paid, in minor units.

    Before its due day, interest is fixed up to ``counted_until``; after it, overdue principal times
    days is summed in ``overdue_minor_days`` up to ``counted_until``, and penalty interest follows
    from that sum exactly, whatever days the loan was looked at.
    """

    number: int
    starts_on: date
    due_on: date
    principal_due_minor: int
    interest_due_minor: int
    counted_until: date
    fee_due_minor: int = 0
    penalty_due_minor: int = 0
    principal_paid_minor: int = 0
    interest_paid_minor: int = 0
    fee_paid_minor: int = 0
    penalty_paid_minor: int = 0
    overdue_minor_days: int = 0

    @property
    def principal_owed_minor(self) -> int:
        """Principal of this instalment not yet paid."""
        return self.principal_due_minor - self.principal_paid_minor

    @property
    def owed_minor(self) -> int:
        """All parts of this instalment not yet paid."""
        return (
            self.principal_due_minor
            - self.principal_paid_minor
            + self.interest_due_minor
            - self.interest_paid_minor
            + self.fee_due_minor
            - self.fee_paid_minor
            + self.penalty_due_minor
            - self.penalty_paid_minor
        )


@dataclass(frozen=True, slots=True)
class AllocationLine:
    """How much of one repayment went to one part of one instalment."""

    number: int
    timing: Timing
    part: Part
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """One repayment of a loan shared out; lines, recovery and return sum to ``amount_minor``.

    ``recovered_minor`` came in after a write-off; ``returned_minor`` goes back to the payer.
    """

    on: date
    amount_minor: int
    lines: tuple[AllocationLine, ...]
    returned_minor: int = 0
    recovered_minor: int = 0

    def sum_minor(self, part: Part) -> int:
        """What went to ``part`` over all instalments."""
        return sum(line.amount_minor for line in self.lines if line.part is part)


@dataclass(frozen=True, slots=True)
class LoanState:
    """A loan as its events leave it on the day ``on``; never stored, always recomputed.

    After a write-off ``claim_minor`` is what the obligor still owed that day, all parts together.
    """

    terms: Terms
    servicing: Servicing
    on: date
    instalments: tuple[InstalmentState, ...]
    written_off_minor: int = 0
    claim_minor: int = 0
    recovered_minor: int = 0
    is_written_off: bool = False

    @property
    def disbursed_minor(self) -> int:
        """Principal lent."""
        return self.terms.principal_minor

    @property
    def principal_paid_minor(self) -> int:
        """Principal repaid so far."""
        return sum(row.principal_paid_minor for row in self.instalments)

    @property
    def outstanding_minor(self) -> int:
        """Principal neither repaid nor written off."""
        return self.disbursed_minor - self.principal_paid_minor - self.written_off_minor

    @property
    def owed_today_minor(self) -> int:
        """All parts of instalments due on or before ``on`` and not yet paid."""
        if self.is_written_off:
            return 0
        return sum(row.owed_minor for row in self.instalments if row.due_on <= self.on)

    @property
    def arrears_minor(self) -> int:
        """All parts of instalments due before ``on`` and not yet paid (逾期金额)."""
        if self.is_written_off:
            return 0
        return sum(row.owed_minor for row in self.instalments if row.due_on < self.on)

    @property
    def days_past_due(self) -> int:
        """Days since the oldest due day that is not fully paid, 0 when none (逾期天数)."""
        if self.is_written_off:
            return 0
        for row in self.instalments:
            if row.due_on >= self.on:
                break
            if row.owed_minor > 0:
                return (self.on - row.due_on).days
        return 0

    @property
    def status(self) -> LoanStatus:
        """Current, past due, paid off or written off."""
        if self.is_written_off:
            return LoanStatus.WRITTEN_OFF
        if all(row.owed_minor == 0 for row in self.instalments):
            return LoanStatus.PAID_OFF
        return LoanStatus.PAST_DUE if self.days_past_due else LoanStatus.CURRENT


@dataclass(frozen=True, slots=True)
class PayOffQuote:
    """What ends the loan on a day (结清试算)."""

    on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int

    @property
    def total_minor(self) -> int:
        """The one amount to pay."""
        return self.principal_minor + self.interest_minor + self.fee_minor + self.penalty_minor


@dataclass(frozen=True, slots=True)
class Cost:
    """What a credit costs in all: 总成本 and 年化综合成本 (apr, a share per year, 10 decimals)."""

    principal_minor: int
    interest_minor: int
    fee_minor: int
    apr: Decimal
    effective_rate: Decimal

    @property
    def total_minor(self) -> int:
        """Interest and fees together: the whole cost beside the principal."""
        return self.interest_minor + self.fee_minor
