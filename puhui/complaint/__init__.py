"""Complaints (投诉): what somebody is unhappy with, a case number, a clock, and an answer."""

from puhui.complaint.desk.clock import read_clock
from puhui.complaint.desk.filing import complaint_field
from puhui.complaint.desk.read import complaint_of, complaints_of, list_complaints
from puhui.complaint.nouns import Complaint, ComplaintClock

__all__ = [
    "Complaint",
    "ComplaintClock",
    "complaint_field",
    "complaint_of",
    "complaints_of",
    "list_complaints",
    "read_clock",
]
