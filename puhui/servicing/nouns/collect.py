"""Collections 催收, hardship 困难帮扶, guarantees 担保 and pledges 押品: inputs and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from puhui.servicing.nouns.state import PlanRow


@dataclass(frozen=True, slots=True)
class ContactFigures:
    """When and how often somebody may be spoken to; hours of the day in ``zone``, "" for China."""

    first_hour: int
    last_hour: int
    a_day: int
    a_week: int
    channels: tuple[str, ...]
    persons: tuple[str, ...]
    steps: tuple[tuple[int, str], ...]
    promise_days_max: int
    broken_max: int
    zone: str = ""


@dataclass(frozen=True, slots=True)
class LoanKey:
    """One loan."""

    loan_id: str


@dataclass(frozen=True, slots=True)
class LoanMoved:
    """A loan, and how it stands now."""

    loan_id: str
    status: str


@dataclass(frozen=True, slots=True)
class PauseAge:
    """Count no days past due from today to ``until``, that day not included."""

    loan_id: str
    until: date


@dataclass(frozen=True, slots=True)
class AgePaused:
    """Until when the age of a loan stands still, and how many days were left out before."""

    loan_id: str
    until: date
    paused_days: int


@dataclass(frozen=True, slots=True)
class OpenTasks:
    """Loans changed on a day past the id ``after`` up to ``until``."""

    day: date
    after: str
    until: str


@dataclass(frozen=True, slots=True)
class TasksOpened:
    """How many tasks were opened, moved to another list, and closed."""

    opened: int
    moved: int
    closed: int


@dataclass(frozen=True, slots=True)
class TakeTask:
    """A collector takes the task of a loan."""

    loan_id: str


@dataclass(frozen=True, slots=True)
class TaskTaken:
    """Whose task it is, and on which list."""

    loan_id: str
    step: str
    taken_by: str


@dataclass(frozen=True, slots=True)
class FinishTask:
    """A collector has done what was to be done about a loan today."""

    loan_id: str


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """The task that is done, and from which list."""

    loan_id: str
    step: str


@dataclass(frozen=True, slots=True)
class RecordContact:
    """Somebody is spoken to about a loan: ``person`` and ``channel`` by their words.

    ``result`` is reached, not_reached, refused or promised. ``guarantor_id`` says which guarantor
    is spoken to; it may be left out where a loan has one. ``zone`` is whose hours and days count:
    the node fills the house's in, whatever a caller gives; "" is China's.
    """

    loan_id: str
    person: str
    channel: str
    result: str
    guarantor_id: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class SetContactZone:
    """In whose hours a person is spoken to: the name of a zone, "" for the house's."""

    party_id: str
    zone: str


@dataclass(frozen=True, slots=True)
class ContactRecorded:
    """How many more contacts the day allows."""

    contact_id: str
    left_today: int


@dataclass(frozen=True, slots=True)
class PromiseToPay:
    """The borrower promises to pay ``amount_minor`` by ``by``."""

    loan_id: str
    amount_minor: int
    by: date


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """The promise on record."""

    promise_id: str
    by: date


@dataclass(frozen=True, slots=True)
class JudgePromises:
    """Promises whose day has passed."""

    day: date
    promise_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromisesJudged:
    """How many were kept and how many were broken."""

    kept: int
    broken: int


class ReliefKind(Enum):
    """How a borrower in hardship is helped: by time, by interest alone, by a longer term, or by
    instalments no larger than can be paid.
    """

    PAUSE = "pause"
    INTEREST_ONLY = "interest_only"
    LONGER = "longer"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class ReliefTerms:
    """A kind of relief with its number (days of a pause, else instalments), or with the largest
    instalment in minor units.
    """

    kind: ReliefKind
    number: int = 0
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class AskRelief:
    """A borrower in hardship asks for relief: ``reason`` by its word, of a ``kind``.

    ``days`` of a pause, ``count`` instalments of interest alone or more of them, or
    ``amount_minor`` that could be paid each time. ``reason_class`` follows from the reason and is
    put in before the act, whatever is given.
    """

    loan_id: str
    reason: str
    days: int = 0
    kind: ReliefKind = ReliefKind.PAUSE
    count: int = 0
    amount_minor: int = 0
    reason_class: str = ""


@dataclass(frozen=True, slots=True)
class SealReasons:
    """Requests for relief whose reason stands plain and is to be sealed."""

    relief_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealedReasons:
    """Pairs of a request and its sealed reason, and the class of each reason."""

    sealed: tuple[tuple[str, str], ...]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReasonsSealed:
    """How many reasons were sealed."""

    reasons: int


@dataclass(frozen=True, slots=True)
class DecideRelief:
    """An officer decides on what was asked for; a number that is given stands for the one asked."""

    relief_id: str
    is_granted: bool
    days: int = 0
    count: int = 0
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class ReliefPreview:
    """A loan before and after a relief that was not granted yet; amounts in minor units.

    ``before`` and ``after`` are the rows still to pay; the next and the largest instalment, what
    is owed to the end, and its last day stand for each.
    """

    before: tuple[PlanRow, ...]
    after: tuple[PlanRow, ...]
    owed_before_minor: int
    owed_after_minor: int

    @property
    def more_minor(self) -> int:
        """How much more is paid in all, below nought where it is less."""
        return self.owed_after_minor - self.owed_before_minor


@dataclass(frozen=True, slots=True)
class ReliefKey:
    """One request for relief."""

    relief_id: str


@dataclass(frozen=True, slots=True)
class ReliefMoved:
    """A request for relief, and what became of it: asked, granted, declined or withdrawn."""

    relief_id: str
    status: str


@dataclass(frozen=True, slots=True)
class GuaranteeKey:
    """One guarantee."""

    guarantee_id: str


@dataclass(frozen=True, slots=True)
class GuaranteeMoved:
    """A guarantee: what was called from it so far, and what the borrower paid back of that."""

    guarantee_id: str
    called_minor: int
    recovered_minor: int


@dataclass(frozen=True, slots=True)
class CallGuarantees:
    """Guarantees to call at the close of a day."""

    day: date
    guarantee_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuaranteesCalled:
    """How many were paid, and how many guarantors had too little."""

    called: int
    short: int


@dataclass(frozen=True, slots=True)
class RepayGuarantor:
    """The borrower pays ``amount_minor`` back to a guarantor who has paid."""

    guarantee_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AddPledge:
    """Something is pledged for a loan: its kind, and what it is worth in minor units."""

    loan_id: str
    kind: str
    value_minor: int


@dataclass(frozen=True, slots=True)
class PledgeKey:
    """One pledge."""

    pledge_id: str


@dataclass(frozen=True, slots=True)
class PledgeMoved:
    """A pledge: held or released."""

    pledge_id: str
    status: str


@dataclass(frozen=True, slots=True)
class LoanPosting:
    """A posting of a loan, or of a joint lender's part of it: which accounts by word, and why."""

    position: int
    time_us: int
    debit: str
    credit: str
    amount_minor: int
    currency: str
    kind: str
