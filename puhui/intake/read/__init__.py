"""Reading applications from a file: every good row, and every bad one with its line and reason."""

from puhui.intake.read.file import Reading, open_data_path, read_file
from puhui.intake.read.number import minor_of, number_of
from puhui.intake.read.row import FileFacts, FileRow, RefusedRow, row_key

__all__ = [
    "FileFacts",
    "FileRow",
    "Reading",
    "RefusedRow",
    "minor_of",
    "number_of",
    "open_data_path",
    "read_file",
    "row_key",
]
