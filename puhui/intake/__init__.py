"""Intake (进件): applications arrive as a file, and a report says what became of them."""

from puhui.intake.cost import cost_of_application
from puhui.intake.county import PlayedDay, report_played
from puhui.intake.evaluate import evaluate
from puhui.intake.job import lend_file
from puhui.intake.read import open_data_path, read_file
from puhui.intake.report import write_report
from puhui.intake.summary import LendRun

__all__ = [
    "lend_file",
    "LendRun",
    "report_played",
    "PlayedDay",
    "open_data_path",
    "read_file",
    "evaluate",
    "cost_of_application",
    "write_report",
]
