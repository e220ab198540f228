"""Schedule terms 还款安排 of a product: what its loans ask for beside their method, and fees."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from puhui.lending.nouns.loan import Frequency, Interest, YearCut


class Rhythm(Enum):
    """How often a borrower may choose to pay: 还款频率."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class ScheduleTerms:
    """How instalments follow one another; every default is the plain loan by months.

    Graces and the interest-free time are counted in periods of ``every`` days, weeks or months.
    ``grace_principal`` periods ask for no principal; of these the first ``grace_interest`` ask for
    nothing, and their interest is paid with the first instalment. Shares are of the amount:
    ``balloon_share`` is kept for the last instalment, ``fixed_share`` is each instalment, all parts
    together, ``down_payment_share`` falls due at once. ``is_bullet``: all of it at the end.
    ``has_drawings``: the amount may be paid out in several drawings. ``variable_minor`` are totals
    of the instalments in turn, ``variable_shares`` the same as shares of the amount; the last one
    given stands for all that follow, and the last instalment takes what is left.
    ``multiple_minor`` rounds instalments to whole multiples. ``chooses_due_day``: the borrower
    says on which day of the month instalments fall due. ``rhythms`` are what the borrower may
    choose instead of ``every`` and ``frequency``, which stand where nothing is chosen.
    """

    interest: Interest = Interest.DECLINING
    frequency: Frequency = Frequency.MONTHS
    every: int = 1
    clamps_month_end: bool = True
    is_bullet: bool = False
    balloon_share: Decimal = Decimal(0)
    grace_principal: int = 0
    grace_interest: int = 0
    interest_free: int = 0
    fixed_share: Decimal = Decimal(0)
    down_payment_share: Decimal = Decimal(0)
    year_cut: YearCut = YearCut.LAST_DAY
    adjusts_instalment: bool = False
    has_drawings: bool = False
    variable_minor: tuple[int, ...] = ()
    variable_shares: tuple[Decimal, ...] = ()
    multiple_minor: int = 1
    chooses_due_day: bool = False
    rhythms: tuple[Rhythm, ...] = ()


PLAIN = ScheduleTerms()
"""By months, without extras: what a product has that says nothing else."""


class FeeKind(Enum):
    """When a fee of a product is asked for."""

    UP_FRONT = "up_front"
    EACH_INSTALMENT = "each_instalment"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """A fee of a product: an amount in minor units and a share of the amount lent, together.

    ``is_interest``: it is part of what lending the money brings and is earned over the loan's
    life; otherwise it is for a service and earned when it is asked for.
    """

    kind: FeeKind
    amount_minor: int
    share: Decimal
    is_interest: bool = False
