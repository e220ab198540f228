"""The window of the demo county (窗口): rows for audits, and months that pass."""

from puhui.demo.desk.fairness import fairness_rows
from puhui.demo.desk.months import MonthsPassed, let_months_pass

__all__ = ["MonthsPassed", "fairness_rows", "let_months_pass"]
