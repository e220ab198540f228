"""Nouns of servicing: plans, schedules, events and the state of a loan; all frozen."""

from __future__ import annotations

from puhui.servicing.nouns.live import DaySums
from puhui.servicing.nouns.plan import (
    PAYMENTS,
    STANDARD_ORDER,
    Basis,
    Early,
    FeeBasis,
    Future,
    Happening,
    Interest,
    Plan,
    PlanEvent,
    Recalculation,
    Servicing,
)
from puhui.servicing.nouns.state import (
    Cost,
    Instalment,
    LoanStatus,
    PlanRow,
    PlanState,
    Schedule,
    Share,
)
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

__all__ = [
    "PAYMENTS",
    "STANDARD_ORDER",
    "Basis",
    "Cost",
    "DayCount",
    "DaySums",
    "Direction",
    "Early",
    "FeeBasis",
    "Frequency",
    "Future",
    "Happening",
    "Instalment",
    "Interest",
    "LoanStatus",
    "Method",
    "Overpayment",
    "Part",
    "Plan",
    "PlanEvent",
    "PlanRow",
    "PlanState",
    "Recalculation",
    "Schedule",
    "Servicing",
    "Share",
    "Shift",
    "Timing",
    "YearCut",
]
