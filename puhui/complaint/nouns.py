"""What the room of complaints speaks of, and the inputs and outcomes of its use cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ComplaintClock:
    """How long an answer may take: open days promised, and the longest by law in plain days.

    ``subjects`` are (name, zh, en): what a complaint may be about.
    """

    business_days: int
    calendar_days_max: int
    soon_business_days: int
    subjects: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint (投诉); ``words`` and ``answer`` are sealed under the person's key.

    ``number`` is what the person is told; ``about`` names a contract or an application, or is
    empty. Status: filed, answered, closed.
    """

    id: str
    number: str
    party_id: str
    subject: str
    about: str
    status: str
    filed_us: int
    due_on: date
    answered_us: int | None
    answered_by: str | None
    closed_us: int | None
    words: str
    answer: str


@dataclass(frozen=True, slots=True)
class FileComplaint:
    """What somebody complains of, in their own words; ``words`` is kept sealed."""

    party_id: str
    subject: str
    words: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class ComplaintFiled:
    """The case number, and the day by which an answer is due."""

    complaint_id: str
    number: str
    due_on: date


@dataclass(frozen=True, slots=True)
class AnswerComplaint:
    """The lender's answer; ``words`` is kept sealed."""

    complaint_id: str
    words: str


@dataclass(frozen=True, slots=True)
class CloseComplaint:
    """The person is content, or takes the complaint back."""

    complaint_id: str


@dataclass(frozen=True, slots=True)
class ComplaintMoved:
    """Where a complaint stands now."""

    complaint_id: str
    status: str


@dataclass(frozen=True, slots=True)
class ComplaintsForgotten:
    """How many complaints of an erased person were emptied of their words."""

    party_id: str
    complaints: int
