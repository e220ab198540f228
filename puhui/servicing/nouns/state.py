"""State 贷款状态 nouns: schedules as they are laid out, and what events make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from puhui.servicing.nouns.plan import Plan


@dataclass(frozen=True, slots=True)
class Instalment:
    """One row of a schedule (分期); ``outstanding_after_minor`` is principal after it is paid."""

    number: int
    starts_on: date
    due_on: date
    principal_minor: int
    interest_minor: int
    outstanding_after_minor: int
    fee_minor: int = 0

    @property
    def total_minor(self) -> int:
        """Principal, interest and fee together."""
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule by columns, one entry an instalment; ``instalments`` gives it by rows.

    ``outstanding_minor[i]`` is the principal after instalment i+1. ``is_calendar_published`` is
    false when a due day was shifted by weekends alone because the holidays of that year are not
    published yet. ``fee_minor`` is empty where no instalment bears a fee. A row that falls due on
    ``starts_on`` is a down payment.
    """

    starts_on: date
    due_on: tuple[date, ...]
    principal_minor: tuple[int, ...]
    interest_minor: tuple[int, ...]
    outstanding_minor: tuple[int, ...]
    is_calendar_published: bool = True
    fee_minor: tuple[int, ...] = ()

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
            self.fee_minor or (0,) * len(self.due_on),
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
        return sum(self.principal_minor) + sum(self.interest_minor) + sum(self.fee_minor)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One instalment, down payment or charge row after its events, minor units.

    ``outstanding_after_minor`` is principal once this row is paid. ``in_advance_minor`` and
    ``late_minor`` are the payments that came before and after the due day. ``counted_until`` is
    the day up to which interest is fixed before the due day, and overdue money is counted after
    it, ``overdue_minor_days`` being its sum times days. ``annual_rate`` is that of the period;
    ``is_broken`` says that it is no whole period of the plan, ``periods`` how many it spans.
    """

    number: int
    starts_on: date
    due_on: date
    is_down_payment: bool
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int
    principal_paid_minor: int
    interest_paid_minor: int
    fee_paid_minor: int
    penalty_paid_minor: int
    waived_minor: int
    in_advance_minor: int
    late_minor: int
    outstanding_after_minor: int
    paid_on: date | None
    principal_waived_minor: int = 0
    interest_waived_minor: int = 0
    fee_waived_minor: int = 0
    penalty_waived_minor: int = 0
    penalty_charged_minor: int = 0
    counted_until: date = date.min
    overdue_minor_days: int = 0
    annual_rate: Decimal = Decimal(0)
    is_broken: bool = False
    periods: int = 1

    @property
    def due_minor(self) -> int:
        """All parts together, before waivers."""
        return self.principal_minor + self.interest_minor + self.fee_minor + self.penalty_minor

    @property
    def paid_minor(self) -> int:
        """All that was paid on this row."""
        return (
            self.principal_paid_minor
            + self.interest_paid_minor
            + self.fee_paid_minor
            + self.penalty_paid_minor
        )

    @property
    def owed_minor(self) -> int:
        """What is still to pay of this row."""
        return self.due_minor - self.paid_minor - self.waived_minor

    @property
    def principal_owed_minor(self) -> int:
        """Principal of this row still to pay."""
        return self.principal_minor - self.principal_paid_minor - self.principal_waived_minor

    @property
    def interest_owed_minor(self) -> int:
        """Interest of this row still to pay."""
        return self.interest_minor - self.interest_paid_minor - self.interest_waived_minor

    @property
    def fee_owed_minor(self) -> int:
        """Fees of this row still to pay."""
        return self.fee_minor - self.fee_paid_minor - self.fee_waived_minor

    @property
    def penalty_owed_minor(self) -> int:
        """Penalties of this row still to pay."""
        return self.penalty_minor - self.penalty_paid_minor - self.penalty_waived_minor


@dataclass(frozen=True, slots=True)
class Share:
    """What one event came to in money: its parts, and what was more than the loan; minor units.

    Money taken back or given back has parts below nought. ``recovered_minor`` came in after a
    write-off; ``credit_minor`` is owed to the payer.
    """

    event_id: str
    on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int
    credit_minor: int = 0
    recovered_minor: int = 0

    @property
    def total_minor(self) -> int:
        """All parts together: the payment."""
        return (
            self.principal_minor
            + self.interest_minor
            + self.fee_minor
            + self.penalty_minor
            + self.credit_minor
            + self.recovered_minor
        )


class LoanStatus(Enum):
    """Where a loan stands."""

    CURRENT = "current"
    PAST_DUE = "past_due"
    PAID_OFF = "paid_off"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class PlanState:
    """A loan as its events leave it on ``on``: recomputed, never stored.

    ``credit_minor`` is owed to the payer: overpaid and not yet refunded. ``accruing_minor`` is
    interest of the running row earned by ``on`` and not paid. After a write-off ``claim_minor`` is
    what the obligor still owed that day, all parts together. ``pauses`` of
    ageing that were ordered: the number of the first day of each, and of the day after its last.
    A loan that ``is_charged_off`` is given up in the books; its debt lives.
    ``annual_rate`` is the one last agreed on, ``penalty_annual_rate`` the one that penalties of
    today follow; ``looks_back`` says that rates of other days count for penalties yet.
    ``is_calendar_published`` is false where a due day was moved by weekends alone.
    """

    plan: Plan
    on: date
    rows: tuple[PlanRow, ...]
    drawn: tuple[tuple[date, int], ...]
    shares: tuple[Share, ...]
    credit_minor: int = 0
    is_calendar_published: bool = True
    annual_rate: Decimal = Decimal(0)
    accruing_minor: int = 0
    is_written_off: bool = False
    written_off_minor: int = 0
    claim_minor: int = 0
    recovered_minor: int = 0
    pauses: tuple[tuple[int, int], ...] = ()
    is_closed: bool = False
    is_charged_off: bool = False
    penalty_annual_rate: Decimal = Decimal(0)
    looks_back: bool = False

    @property
    def disbursed_minor(self) -> int:
        """Principal lent."""
        return sum(amount for _, amount in self.drawn)

    @property
    def outstanding_minor(self) -> int:
        """Principal drawn and neither repaid nor given up."""
        return sum(row.principal_owed_minor for row in self.rows) - self.written_off_minor

    @property
    def principal_paid_minor(self) -> int:
        """Principal repaid so far, or waived, less what was taken back."""
        return self.disbursed_minor - self.outstanding_minor - self.written_off_minor

    @property
    def owed_minor(self) -> int:
        """All that the rows still ask for."""
        return sum(row.owed_minor for row in self.rows)

    @property
    def owed_today_minor(self) -> int:
        """All parts of rows due on or before ``on`` and not yet paid."""
        if self.is_written_off:
            return 0
        return sum(row.owed_minor for row in self.rows if row.due_on <= self.on)

    @property
    def arrears_minor(self) -> int:
        """All parts of rows due before ``on`` and not yet paid (逾期金额)."""
        if self.is_written_off:
            return 0
        return sum(row.owed_minor for row in self.rows if row.due_on < self.on)

    @property
    def days_past_due(self) -> int:
        """Days since the oldest due day that is not fully paid, 0 when none (逾期天数)."""
        if self.is_written_off:
            return 0
        for row in self.rows:
            if row.due_on >= self.on:
                break
            if row.owed_minor > 0:
                return (self.on - row.due_on).days
        return 0

    @property
    def status(self) -> LoanStatus:
        """Current, past due, paid off or written off; a revolving loan ends on its last due
        day, or once it was closed."""
        if self.is_written_off:
            return LoanStatus.WRITTEN_OFF
        is_over = not self.plan.is_revolving or self.is_closed or self.rows[-1].due_on <= self.on
        if is_over and all(row.owed_minor == 0 for row in self.rows):
            return LoanStatus.PAID_OFF
        return LoanStatus.PAST_DUE if self.days_past_due else LoanStatus.CURRENT


@dataclass(frozen=True, slots=True)
class Cost:
    """What a credit costs in all: 总成本 and 年化综合成本 (apr, a share per year, 10 decimals).

    ``fee_minor`` is kept back at first, ``instalment_fee_minor`` paid with the instalments.
    """

    principal_minor: int
    interest_minor: int
    fee_minor: int
    apr: Decimal
    effective_rate: Decimal
    instalment_fee_minor: int = 0

    @property
    def all_fees_minor(self) -> int:
        """Fees of both kinds."""
        return self.fee_minor + self.instalment_fee_minor

    @property
    def total_minor(self) -> int:
        """Interest and fees together: the whole cost beside the principal."""
        return self.interest_minor + self.all_fees_minor
