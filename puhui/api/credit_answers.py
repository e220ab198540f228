"""What reads of guarantees are asked with and what they answer, in minor units and ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuaranteesQuery:
    """Every guarantee that a person was asked for."""

    party_id: str


@dataclass(frozen=True, slots=True)
class GuaranteeItem:
    """A guarantee that was asked for: ``status`` is asked, signed, declined or withdrawn."""

    ask_id: str
    contract_id: str
    borrower_id: str
    share_millionths: int
    call_after_days: int
    status: str
    guarantee_id: str | None


@dataclass(frozen=True, slots=True)
class GuaranteesAnswer:
    """The newest asking first."""

    items: tuple[GuaranteeItem, ...]


@dataclass(frozen=True, slots=True)
class GuaranteeQuery:
    """One guarantee that was asked for, in a language."""

    ask_id: str
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class GuaranteeAnswer:
    """What would be signed today, to be signed by its digest; once signed, the text of that day.

    Empty, and nought, where it was declined or taken back.
    """

    ask_id: str
    status: str
    language: str
    text: str
    text_digest: str
    outstanding_minor: int
    share_minor: int
    monthly_minor: int
    days_past_due: int
    currency: str
