"""Words of a plan 借款条件: what may be chosen of methods, day counts, orders and roundings."""

from __future__ import annotations

from enum import Enum


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


class Shift(Enum):
    """Where a due day moves on which banks are closed.

    To the next open day, the one before, or the next unless that lies in another month.
    """

    NEXT = "next"
    PREVIOUS = "previous"
    MODIFIED_NEXT = "modified_next"


class YearCut(Enum):
    """Where act/act splits a period between two years; see ``rules.period``."""

    LAST_DAY = "31 December"
    FIRST_DAY = "1 January"
