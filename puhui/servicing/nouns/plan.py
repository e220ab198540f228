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
    Overpayment,
    Part,
    Shift,
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

    ``TO_THE_DAY``: early principal bears interest to the day it comes and no longer, overdue
    principal bears penalty interest instead; every loan in the store is of this kind.
    ``RUNNING_PERIOD``: early principal saves interest at once, overdue principal bears interest in
    the running period only (Fineract's cumulative plan). ``EVERY_PERIOD``: in all periods
    (Fineract's progressive plan). ``NONE``: the plan's interest stands.
    """

    NONE = "none"
    TO_THE_DAY = "to_the_day"
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
    LATE_FEE_CHARGED = "late_fee_charged"
    WAIVED = "waived"
    RESCHEDULED = "rescheduled"
    RATE_CHANGED = "rate_changed"
    DUE_DAY_MOVED = "due_day_moved"
    RE_AGED = "re_aged"
    RE_AMORTISED = "re_amortised"
    WRITTEN_OFF = "written_off"
    CHARGED_OFF = "charged_off"
    RECOVERED = "recovered"
    PAUSED = "paused"
    RESUMED = "resumed"
    CLOSED = "closed"
    UNDONE = "undone"


PAYMENTS = (
    Happening.REPAID,
    Happening.PAID_OFF,
    Happening.GOODWILL,
    Happening.MERCHANT_REFUNDED,
)
"""The kinds that bring money in while the loan stands in the books."""


@dataclass(frozen=True, slots=True)
class PlanEvent:
    """Something that happened to a loan on a day; events of one day keep the order of the book.

    ``amount_minor`` is the money or the charge. ``due_on``: the due day of a charge, the due day
    that a reschedule or a move starts at, the first due day after re-ageing, or the last day of a
    pause. ``moved_to``: the new due day. ``count``: extra instalments, or how many a re-aged loan
    gets. ``grace``: instalments without principal. ``annual_rate``: a new rate from then on.
    ``part``: what is waived. ``undoes``: the ``event_id`` that never happened, or the payment that
    was taken back. ``payer_id``: whose wallet the money came from, empty for the borrower's.
    ``guarantee_id``: the guarantee that was called for the money. ``reference``: the number of a
    payment where it came from.
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
    payer_id: str = ""
    guarantee_id: str = ""
    reference: str = ""


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
    plan. ``cuts_shares``: equal shares of principal are cut down, the last takes what is left. A
    bullet loan has grace on both for all instalments but the last; a loan drawn at will has one.

    Overdue principal (and interest, if ``penalty_on_interest``: 复利) bears the loan's rate times
    ``penalty_multiplier`` over ``penalty_year_days``, from the due day on once ``grace_days`` have
    passed. ``is_revolving``: what is repaid may be drawn again until the last due day.

    ``shift`` says where a due day moves if ``shifts_due_days``. The first instalment falls due
    after ``first_periods`` periods, all their interest with it: a grace on everything.
    ``fee_minor`` and ``fee_share`` of all money drawn are asked for with each instalment while
    principal is owed; ``late_fee_minor`` once for an instalment that is past due longer than
    ``grace_days``. ``has_drawings``: the amount agreed on may be drawn in several parts.
    ``flat_counts_all``: after a draw or a change, too, flat interest counts whole periods on all
    that was lent; without it, on what was owed then and from that day on, as plans of
    older releases do. ``regains_rows``: where a fixed instalment needed fewer rows than agreed,
    later drawings get them back; without it the last row takes all that is left.
    ``keeps_due_days``: a due day that was moved holds for all that follow, and instalments added
    count from the day planned for the last one; without it, as in plans of older releases, a due
    day chosen at first comes back, and they count from where closed days moved the last one.
    ``drops_fee_rows``: where a loan ends sooner, rows with nothing but such a fee are dropped;
    without it the last may stay without even that, as in plans of older releases.
    ``counts_each_year``: by act/act each day of a period bears by the length of its own year;
    without it, as in plans of older releases, all days of a period bear alike.
    ``keeps_past_rates``: penalty interest counts each day at the rate of that day; without it, as
    in plans of older releases, days of grace and days without interest count at a later rate.
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
    cuts_shares: bool = False
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
    penalty_multiplier: Decimal = Decimal(0)
    penalty_year_days: int = 360
    penalty_on_interest: bool = False
    grace_days: int = 0
    is_revolving: bool = False
    shift: Shift = Shift.NEXT
    first_periods: int = 1
    fee_minor: int = 0
    fee_share: Decimal = Decimal(0)
    late_fee_minor: int = 0
    has_drawings: bool = False
    flat_counts_all: bool = False
    regains_rows: bool = False
    keeps_due_days: bool = False
    drops_fee_rows: bool = False
    counts_each_year: bool = False
    keeps_past_rates: bool = False


@dataclass(frozen=True, slots=True)
class Servicing:
    """What a product says of repayments beside its method; a plan takes most of it over.

    ``overpayment`` is money beyond the pay-off amount; ``cooling_off_days`` count from the day
    after the money was paid out. ``over_applied_share`` of the amount agreed on may be drawn
    beyond it, where a loan is revolving.
    """

    rounding: Rounding
    grace_days: int
    penalty_multiplier: Decimal
    penalty_year_days: int
    allocation: tuple[tuple[Timing, Part], ...]
    direction: Direction
    overpayment: Overpayment
    shifts_due_days: bool
    cooling_off_days: int
    penalty_on_interest: bool = False
    early: Early = Early.REDUCE_INSTALMENT
    is_revolving: bool = False
    over_applied_share: Decimal = Decimal(0)
    shift: Shift = Shift.NEXT
