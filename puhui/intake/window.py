"""The window of the intake (窗口): the drawings that reports and pages share."""

from puhui.intake.report.chart import line_chart, svg_of

__all__ = ["line_chart", "svg_of"]
