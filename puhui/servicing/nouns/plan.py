"""Plan 还款方案 nouns: how a book of events becomes rows, and what can happen to a loan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from puhui.kernel.money import Rounding
from puhui.servicing.nouns.terms import (
    DayCount,
    Direction,
    Frequency,
    Method,
    Part,
    Timing,
    YearCut,
)


class Interest(Enum):
    """What interest is counted on: the amount lent for the whole term, or what is still owed."""

    FLAT = "flat"
    DECLINING = "declining"


class Basis(Enum):
    """How a period is measured: by its days, or as a whole repayment period."""

    DAILY = "daily"
    WHOLE_PERIOD = "whole_period"


class Recalculation(Enum):
    """What payments off the due day do to interest.

    ``RUNNING_PERIOD``: early principal saves interest at once, overdue principal bears interest in
    the running period only (Fineract's cumulative plan). ``EVERY_PERIOD``: in all periods
    (Fineract's progressive plan). ``NONE``: the plan's interest stands.
    """

    NONE = "none"
    RUNNING_PERIOD = "running_period"
    EVERY_PERIOD = "every_period"


class Early(Enum):
    """What principal paid beyond an instalment does to those that follow."""

    REDUCE_INSTALMENT = "reduce_instalment"
    REDUCE_COUNT = "reduce_count"
    NEXT_REPAYMENT = "next_repayment"


class Future(Enum):
    """Which instalments not due yet a payment goes to first."""

    NEXT = "next"
    LAST = "last"
    REAMORTISE = "reamortise"


class FeeBasis(Enum):
    """What a fee is counted on."""

    FLAT = "flat"
    SHARE_OF_AMOUNT = "share_of_amount"
    SHARE_OF_INTEREST = "share_of_interest"
    SHARE_OF_BOTH = "share_of_both"


class Happening(Enum):
    """What can happen to a loan; each kind says which fields of its event it reads."""

    DRAWN = "drawn"
    REPAID = "repaid"
    PAID_OFF = "paid_off"
    GOODWILL = "goodwill"
    MERCHANT_REFUNDED = "merchant_refunded"
    CREDIT_REFUNDED = "credit_refunded"
    CHARGED_BACK = "charged_back"
    FEE_CHARGED = "fee_charged"
    PENALTY_CHARGED = "penalty_charged"
    WAIVED = "waived"
    RESCHEDULED = "rescheduled"
    RE_AGED = "re_aged"
    RE_AMORTISED = "re_amortised"
    UNDONE = "undone"


PAYMENTS = (
    Happening.REPAID,
    Happening.PAID_OFF,
    Happening.GOODWILL,
    Happening.MERCHANT_REFUNDED,
)
"""The kinds that bring money in."""


@dataclass(frozen=True, slots=True)
class PlanEvent:
    """Something that happened to a loan on a day; events of one day keep the order of the book.

    ``amount_minor`` is the money or the charge. ``due_on``: the due day of a charge, the first day
    that a reschedule touches, or the first due day after re-ageing. ``moved_to``: the new due day.
    ``count``: extra instalments, or how many a re-aged loan gets. ``grace``: instalments without
    principal. ``annual_rate``: a new rate from then on. ``part``: what is waived.
    ``undoes``: the ``event_id`` that never happened.
    """

    event_id: str
    kind: Happening
    on: date
    amount_minor: int = 0
    due_on: date | None = None
    moved_to: date | None = None
    count: int = 0
    grace: int = 0
    annual_rate: Decimal | None = None
    part: Part = Part.INTEREST
    undoes: str = ""


STANDARD_ORDER = tuple(
    (timing, part)
    for timing in (Timing.PAST_DUE, Timing.DUE, Timing.IN_ADVANCE)
    for part in (Part.PENALTY, Part.FEE, Part.INTEREST, Part.PRINCIPAL)
)
"""The twelve keys: past due, due, in advance; each penalty, fee, interest, principal."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a loan is repaid. Minor units; rates and shares as ``Decimal``, a rate per year.

    ``multiple_minor`` rounds instalments to whole multiples, 1 for none. ``grace_principal`` and
    ``grace_interest`` are first instalments that ask for none of it (interest is asked for later,
    all at once); ``interest_free`` first periods bear none. ``fixed_minor`` is an instalment agreed
    beforehand, ``variable_minor`` one total for each instalment, ``balloon_minor`` principal kept
    for the last. ``joins_due_day``: money drawn on a due day is shared over the instalment due
    that day too. ``rests_on_due_day``: payments count for interest from the next due day.
    ``compounds_overdue``: interest that is past due bears interest in the running period.
    ``starts_on``: the first day of the first period, where it is not that of the first draw.
    ``levels_by_first_period`` takes the first period's factor for every period when it works out
    the level; ``shares_whole_term`` spreads flat principal over the whole count even when money is
    drawn late, so that the last instalment is larger. Both are habits of Fineract's cumulative
    plan. A bullet loan has grace on both for all instalments but the last.
    """

    currency: str
    annual_rate: Decimal
    method: Method
    count: int
    every: int = 1
    frequency: Frequency = Frequency.MONTHS
    day_count: DayCount = DayCount.ACT_365
    interest: Interest = Interest.DECLINING
    basis: Basis = Basis.DAILY
    rounding: Rounding = Rounding.HALF_EVEN
    year_cut: YearCut = YearCut.LAST_DAY
    anchor_day: int | None = None
    clamps_month_end: bool = True
    shifts_due_days: bool = False
    multiple_minor: int = 1
    adjusts_instalment: bool = False
    levels_by_first_period: bool = False
    shares_whole_term: bool = False
    grace_principal: int = 0
    grace_interest: int = 0
    interest_free: int = 0
    fixed_minor: int = 0
    variable_minor: tuple[int, ...] = ()
    balloon_minor: int = 0
    down_payment_share: Decimal = Decimal(0)
    pays_down_by_itself: bool = False
    joins_due_day: bool = True
    allocation: tuple[tuple[Timing, Part], ...] = STANDARD_ORDER
    direction: Direction = Direction.HORIZONTAL
    future: Future = Future.NEXT
    recalculation: Recalculation = Recalculation.NONE
    early: Early = Early.REDUCE_INSTALMENT
    rests_on_due_day: bool = False
    compounds_overdue: bool = False
    starts_on: date | None = None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One instalment, down payment or charge row after its events, minor units.

    ``outstanding_after_minor`` is principal once this row is paid. ``in_advance_minor`` and
    ``late_minor`` are the payments that came before and after the due day.
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


@dataclass(frozen=True, slots=True)
class Share:
    """What one payment came to: its parts and what was more than the loan; minor units."""

    event_id: str
    on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int
    credit_minor: int

    @property
    def total_minor(self) -> int:
        """The payment."""
        return (
            self.principal_minor
            + self.interest_minor
            + self.fee_minor
            + self.penalty_minor
            + self.credit_minor
        )


@dataclass(frozen=True, slots=True)
class PlanState:
    """A loan as its events leave it on ``on``: recomputed, never stored.

    ``credit_minor`` is owed to the payer: overpaid and not yet refunded.
    ``is_calendar_published`` is false where a due day was moved by weekends alone.
    """

    plan: Plan
    on: date
    rows: tuple[PlanRow, ...]
    drawn: tuple[tuple[date, int], ...]
    shares: tuple[Share, ...]
    credit_minor: int = 0
    is_calendar_published: bool = True

    @property
    def outstanding_minor(self) -> int:
        """Principal drawn and not repaid."""
        return sum(row.principal_minor - row.principal_paid_minor for row in self.rows)

    @property
    def owed_minor(self) -> int:
        """All that the rows still ask for."""
        return sum(row.owed_minor for row in self.rows)
