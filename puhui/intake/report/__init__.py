"""The report of a lending run: what it says, and the two pages that show it."""

from puhui.intake.report.noun import (
    LendReport,
    ModelCard,
    ReasonCount,
    RefusalCount,
    RefusalTally,
    Timing,
)
from puhui.intake.report.page import render_report, write_report

__all__ = [
    "LendReport",
    "ModelCard",
    "ReasonCount",
    "RefusalCount",
    "RefusalTally",
    "Timing",
    "render_report",
    "write_report",
]
