"""The window of the demo county (窗口): rows for audits, months that pass, and its market."""

from puhui.demo.desk.fairness import fairness_rows
from puhui.demo.desk.market import Shop, open_market
from puhui.demo.desk.months import MonthsPassed, let_months_pass

__all__ = ["MonthsPassed", "Shop", "fairness_rows", "let_months_pass", "open_market"]
