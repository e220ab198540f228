"""Inputs and outcomes of what changes a loan that runs: payments put right, charges, new plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from puhui.lending.nouns.loan import Part


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """A payment that came on an earlier day and was not recorded then; minor units.

    ``payer_id`` is whose wallet paid, the borrower's where it is empty. ``reference`` is the
    payment's number where it comes from: under one number a loan takes one payment. ``currency``,
    where it is told, must be the loan's.
    """

    contract_id: str
    amount_minor: int
    paid_on: date
    payer_id: str = ""
    reference: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class RecordDrawing:
    """A part of a loan drawn on ``drawn_on``, today or before; minor units."""

    contract_id: str
    amount_minor: int
    drawn_on: date


@dataclass(frozen=True, slots=True)
class ChargeLateFees:
    """Contracts that may owe a late fee on ``day``."""

    day: date
    contract_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LateFeesCharged:
    """How many instalments were charged, and the sum in minor units of all currencies."""

    charged: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class TakePayments:
    """Payments of a file, each as it would be recorded alone."""

    payments: tuple[RecordPayment, ...]


@dataclass(frozen=True, slots=True)
class PaymentsTaken:
    """How many were taken, their sum in minor units, and of the others place (from 0) and code."""

    taken: int
    amount_minor: int
    refused: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class UndoEvent:
    """Event ``number`` of a loan never happened."""

    contract_id: str
    number: int


@dataclass(frozen=True, slots=True)
class ChargeBack:
    """``amount_minor`` of the payment with this ``number`` was taken back by its payer."""

    contract_id: str
    number: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefundCredit:
    """Give ``amount_minor`` of what is owed back on a loan to its borrower."""

    contract_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Waive:
    """Take ``amount_minor`` of a part off what is owed, the oldest first."""

    contract_id: str
    part: Part
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ChargeFee:
    """A fee, due with the instalment on or after ``due_on`` (today where it is empty).

    A penalty is owed at once.
    """

    contract_id: str
    amount_minor: int
    due_on: date | None = None
    is_penalty: bool = False


@dataclass(frozen=True, slots=True)
class Reschedule:
    """From the instalment due on ``due_on``: ``count`` more, ``grace`` of them without principal.

    ``annual_rate``, a share per year, holds from there on.
    """

    contract_id: str
    due_on: date
    count: int = 0
    grace: int = 0
    annual_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AgreeChanges:
    """Several changes that were agreed on together: all of them, or none.

    From the instalment due on ``due_on`` on: another day (``moved_to``), a new rate (a share per
    year; without ``due_on`` from today on), ``count`` more of them, ``grace`` without principal.
    ``waived_minor`` of ``part`` is taken off what is owed today, before anything else.
    """

    contract_id: str
    due_on: date | None = None
    moved_to: date | None = None
    annual_rate: Decimal | None = None
    count: int = 0
    grace: int = 0
    part: Part = Part.INTEREST
    waived_minor: int = 0


@dataclass(frozen=True, slots=True)
class ChangeRate:
    """A new rate from today on, a share per year."""

    contract_id: str
    annual_rate: Decimal


@dataclass(frozen=True, slots=True)
class MoveDueDay:
    """The instalment due on ``due_on`` falls due on ``moved_to``, the later ones follow it."""

    contract_id: str
    due_on: date
    moved_to: date


@dataclass(frozen=True, slots=True)
class ReAge:
    """Everything owed starts anew in ``count`` instalments, the first due on ``due_on``."""

    contract_id: str
    due_on: date
    count: int


@dataclass(frozen=True, slots=True)
class DrawMore:
    """Draw ``amount_minor`` of a loan whose repaid money may be drawn again."""

    contract_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LineFigures:
    """How many days before its end a borrower is told, and for which reasons a line is ended."""

    notice_days: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GiveNotice:
    """Tell that the bank ends a credit line, with the reason by its word."""

    contract_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """The first day on which nothing is drawn any more."""

    contract_id: str
    closes_on: date


@dataclass(frozen=True, slots=True)
class CloseLines:
    """Lines whose notice has passed by a day."""

    day: date
    contract_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinesClosed:
    """The lines that ended."""

    contract_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoanChanged:
    """A loan after something happened to it, which is its event ``number``; minor units."""

    contract_id: str
    number: int
    outstanding_minor: int
    owed_today_minor: int
    credit_minor: int
    status: str
    next_due_on: date | None
    next_due_minor: int
