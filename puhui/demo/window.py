"""The window of the demo county (窗口): rows for audits, months that pass, and its market."""

from puhui.demo.desk.fairness import fairness_rows
from puhui.demo.desk.market import Shop, open_market
from puhui.demo.desk.months import MonthsPassed, let_months_pass
from puhui.demo.desk.secured import lend_secured

__all__ = [
    "MonthsPassed",
    "Shop",
    "fairness_rows",
    "lend_secured",
    "let_months_pass",
    "open_market",
]
