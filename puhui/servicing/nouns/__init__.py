"""Nouns of servicing: terms, schedules, events and the state of a loan; all frozen."""

from __future__ import annotations

from puhui.servicing.nouns.loan import (
    Allocation,
    AllocationLine,
    Cost,
    EventKind,
    Instalment,
    InstalmentState,
    LoanEvent,
    LoanState,
    LoanStatus,
    PayOffQuote,
    Schedule,
)
from puhui.servicing.nouns.terms import (
    DayCount,
    Direction,
    Drawdown,
    Frequency,
    Method,
    Overpayment,
    Part,
    Servicing,
    Terms,
    Timing,
    YearCut,
)

__all__ = [
    "Allocation",
    "AllocationLine",
    "Cost",
    "DayCount",
    "Direction",
    "Drawdown",
    "EventKind",
    "Frequency",
    "Instalment",
    "InstalmentState",
    "LoanEvent",
    "LoanState",
    "LoanStatus",
    "Method",
    "Overpayment",
    "Part",
    "PayOffQuote",
    "Schedule",
    "Servicing",
    "Terms",
    "Timing",
    "YearCut",
]
