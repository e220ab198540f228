"""What reads of guarantees and offers are asked with and answer, in minor units and ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuaranteesQuery:
    """Every guarantee that a person was asked for."""

    party_id: str


@dataclass(frozen=True, slots=True)
class GuaranteeItem:
    """A guarantee that was asked for: ``status`` is asked, signed, declined or withdrawn.

    Loan and borrower are named once the borrower agreed (``is_shown``), or it was signed.
    """

    ask_id: str
    contract_id: str
    borrower_id: str
    share_millionths: int
    call_after_days: int
    status: str
    guarantee_id: str | None
    is_shown: bool


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

    Empty, and nought, where the borrower did not agree, or no more, that it is shown
    (``is_shown``), and where it was declined or taken back; a signed text stays.
    """

    ask_id: str
    status: str
    is_shown: bool
    language: str
    text: str
    text_digest: str
    currency: str
    outstanding_minor: int = 0
    share_minor: int = 0
    monthly_minor: int = 0
    days_past_due: int = 0


@dataclass(frozen=True, slots=True)
class OffersQuery:
    """Every credit that a person was offered."""

    party_id: str


@dataclass(frozen=True, slots=True)
class OfferItem:
    """Credit that was offered: ``status`` is open, lapsed, taken or declined.

    ``need_minor`` is what the person last asked for of this product, the reason why it is shown;
    None where nothing is known of it any more. ``annual_rate_max`` is a decimal, the highest that a
    contract of the product may bear; None where it is on the shelf no more. It may be answered
    until ``until_us``, microseconds UTC.
    """

    offer_id: str
    product: str
    currency: str
    amount_minor: int
    annual_rate_max: str | None
    need_minor: int | None
    channel: str
    made_us: int
    until_us: int
    status: str
    answered_us: int | None


@dataclass(frozen=True, slots=True)
class OffersAnswer:
    """The newest first, and whether the person wants to be offered credit at all."""

    items: tuple[OfferItem, ...]
    is_wanted: bool
