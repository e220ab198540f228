"""Terms 借款条件: how a loan is repaid, what interest counts, how repayments are taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from puhui.kernel.money import Rounding


class Method(Enum):
    """How principal and interest come back (还款方式)."""

    EQUAL_INSTALMENT = "equal_instalment"
    EQUAL_PRINCIPAL = "equal_principal"
    INTEREST_FIRST = "interest_first"
    DRAW_AT_WILL = "draw_at_will"


class DayCount(Enum):
    """How many days a period and a year count for interest."""

    THIRTY_360 = "30/360"
    ACT_360 = "act/360"
    ACT_364 = "act/364"
    ACT_365 = "act/365"
    ACT_ACT = "act/act"


class Frequency(Enum):
    """The calendar unit between two due days."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class Part(Enum):
    """What a repayment pays; also the parts of an instalment."""

    PENALTY = "penalty"
    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


class Timing(Enum):
    """When a part is paid, seen from its due day."""

    PAST_DUE = "past_due"
    DUE = "due"
    IN_ADVANCE = "in_advance"


class Direction(Enum):
    """Allocation across instalments: the oldest first with all its parts, or part by part."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


class Overpayment(Enum):
    """What happens to money beyond the pay-off amount."""

    REFUSED = "refused"
    RETURNED = "returned"


class YearCut(Enum):
    """Where act/act splits a period between two years; see ``rules.period``."""

    LAST_DAY = "31 December"
    FIRST_DAY = "1 January"


@dataclass(frozen=True, slots=True)
class Servicing:
    """How repayments are taken: order of allocation, grace, penalty, shift of due days."""

    rounding: Rounding
    grace_days: int
    penalty_multiplier: Decimal
    penalty_year_days: int
    allocation: tuple[tuple[Timing, Part], ...]
    direction: Direction
    overpayment: Overpayment
    shifts_due_days: bool
    cooling_off_days: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a schedule follows from. Amounts in minor units, ``annual_rate`` a share per year.

    ``count`` instalments, one each ``every`` ``frequency``; ``anchor_day`` keeps the day of the
    month; ``due_days`` (if not empty) replaces the computed due days. ``adjusts_instalment`` tries
    once to make the last instalment more equal (Fineract's rule).
    """

    principal_minor: int
    currency: str
    annual_rate: Decimal
    method: Method
    count: int
    starts_on: date
    day_count: DayCount
    every: int = 1
    frequency: Frequency = Frequency.MONTHS
    anchor_day: int | None = None
    due_days: tuple[date, ...] = ()
    rounding: Rounding = Rounding.HALF_UP
    year_cut: YearCut = YearCut.LAST_DAY
    adjusts_instalment: bool = False
    shifts_due_days: bool = False
    upfront_fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Money taken on a day under the same terms (提款)."""

    on: date
    amount_minor: int
