"""Inputs and outcomes of guarantees that are asked for and signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class AskGuarantee:
    """Ask somebody to stand for a share (millionths) of what is owed on a running loan.

    It is called once the loan is ``call_after_days`` past due. ``verified_income`` is what an
    officer saw proven of the guarantor's income a year, whole minor units as digits; it is sealed
    before the act.
    """

    contract_id: str
    guarantor_id: str
    share_millionths: int
    call_after_days: int = 91
    verified_income: str = ""


@dataclass(frozen=True, slots=True)
class RecordShown:
    """A borrower without a login agreed, on ``paper`` or by ``voice``, that the person of an asking
    sees the loan. ``evidence`` is the SHA-256 of the scan or the recording, 64 small hex digits.
    """

    ask_id: str
    way: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ShownRecorded:
    """The borrower's consent, which lasts until the loan's last instalment is due, and the digest
    of its receipt.
    """

    ask_id: str
    consent_id: str
    until: date
    receipt_digest: str


@dataclass(frozen=True, slots=True)
class GuaranteeAskKey:
    """Names a guarantee that was asked for."""

    ask_id: str


@dataclass(frozen=True, slots=True)
class SignGuarantee:
    """Sign a guarantee whose text was read in ``language``, named by the text's digest."""

    ask_id: str
    text_digest: str
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class GuaranteeAsked:
    """Where an asking stands."""

    ask_id: str
    contract_id: str
    status: str


@dataclass(frozen=True, slots=True)
class GuaranteeSigned:
    """A guarantee that binds, with the lender's signature of the text that was read."""

    guarantee_id: str
    contract_id: str
    text_digest: str
    signature: str


@dataclass(frozen=True, slots=True)
class GuaranteeSeen:
    """An asking as the person sees it who was asked.

    Loan and borrower are named only while the borrower agrees to it (``is_shown``), or in what the
    guarantor signed; else "", and the shares are 0.
    """

    id: str
    status: str
    currency: str
    asked_us: int
    answered_us: int | None
    is_shown: bool
    contract_id: str
    borrower_id: str
    share_millionths: int
    call_after_days: int
    guarantee_id: str | None


@dataclass(frozen=True, slots=True)
class GuaranteeText:
    """What a guarantor is asked to sign, as it stands on a day; amounts are minor units.

    ``share_minor`` is the guarantor's part of all that is owed to the end of the loan,
    ``monthly_minor`` of what the loan asks for a month.
    """

    language: str
    text: str
    digest: str
    outstanding_minor: int
    share_minor: int
    monthly_minor: int
    days_past_due: int


@dataclass(frozen=True, slots=True)
class GuaranteeFacts:
    """What the text of a guarantee is filled from; ``drawable_minor``, what the borrower may still
    draw, is a part of ``owed_minor``.
    """

    ask_id: str
    contract_id: str
    borrower_id: str
    guarantor_id: str
    currency: str
    principal_minor: int
    outstanding_minor: int
    owed_minor: int
    drawable_minor: int
    monthly_minor: int
    share_millionths: int
    days_past_due: int
    call_after_days: int
    annual_rate: str
    last_due: str
    on: str
