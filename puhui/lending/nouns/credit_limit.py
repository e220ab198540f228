"""Inputs and outcomes of the monthly review of credit limits 额度复核, and its rows for pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ReviewCreditLimits:
    """Review the credit limits of some borrowers for the month that ends on ``day``."""

    day: date
    party_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReviewedLimit:
    """What a review said of one credit limit: amounts in minor units, and the reason by code."""

    party_id: str
    product: str
    before_minor: int
    after_minor: int
    drawn_minor: int
    reason: str
    notice_days: int
    needs_consent: bool


@dataclass(frozen=True, slots=True)
class CreditLimitsReviewed:
    """What the reviews of a chunk said, in order."""

    reviewed: tuple[ReviewedLimit, ...]

    def count(self, reason: str) -> int:
        """How many reviews gave a reason."""
        return sum(one.reason == reason for one in self.reviewed)


@dataclass(frozen=True, slots=True)
class AnswerRise:
    """What a person says to a higher credit limit that was offered."""

    change_id: str
    is_agreed: bool


@dataclass(frozen=True, slots=True)
class RiseAnswered:
    """The credit limit of a product after the answer, minor units."""

    change_id: str
    product: str
    currency: str
    credit_limit_minor: int
    status: str


@dataclass(frozen=True, slots=True)
class CreditLimitChange:
    """A change of a credit limit as a person is told of it; ``status`` is lowered, offered, agreed,
    declined, lapsed or kept, ``reason`` what moved it, ``counts_from`` the day it holds from.
    """

    id: str
    product: str
    currency: str
    month: str
    before_minor: int
    after_minor: int
    reason: str
    status: str
    counts_from: date
    reviewed_us: int
    party_id: str = ""
    drawn_minor: int = 0
    answered_us: int | None = None


@dataclass(frozen=True, slots=True)
class LateNoted:
    """Who was late with which product; the product is empty where the loan is not known."""

    party_id: str
    product: str
