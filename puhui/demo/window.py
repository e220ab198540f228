"""The window of the demo county (窗口): rows for audits."""

from puhui.demo.desk.fairness import fairness_rows

__all__ = ["fairness_rows"]
