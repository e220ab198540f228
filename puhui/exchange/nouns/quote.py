"""Quotes that providers sign, what is asked of them, and remittances made by them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class AmountKind(StrEnum):
    """Which amount is fixed: what the payer gives in all, or what the payee gets."""

    SEND = "send"
    RECEIVE = "receive"


class FeeKind(StrEnum):
    """What the operator's own fee is taken of, by its table in ``data/exchange.toml``.

    ``scheme_fee``: a payment on this node; ``deal_fee``: a customer's payment to another node;
    ``none``: what staff arrange between institutions.
    """

    SCHEME = "scheme_fee"
    DEAL = "deal_fee"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Quote:
    """A provider's firm offer for one payment (报价).

    ``rate`` is target currency per unit of source currency, major units, as decimal text;
    ``minimum_minor`` to ``maximum_minor`` bound what is changed (source, without fees);
    ``fee_minor`` is the provider's, in the source currency; ``expires_us`` is the first moment at
    which it no longer holds. ``signature`` (Ed25519, base64) covers all the rest.
    """

    id: str
    provider_id: str
    source_currency: str
    target_currency: str
    rate: str
    minimum_minor: int
    maximum_minor: int
    fee_minor: int
    expires_us: int
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What a payment costs by one quote, minor units of each currency.

    The payer gives ``total_minor``: ``changed_minor`` to the provider, and both fees; the payee
    gets ``target_minor``.
    """

    quote_id: str
    provider_id: str
    source_currency: str
    target_currency: str
    changed_minor: int
    target_minor: int
    provider_fee_minor: int
    scheme_fee_minor: int

    @property
    def total_minor(self) -> int:
        """All that the payer gives."""
        return self.changed_minor + self.provider_fee_minor + self.scheme_fee_minor


@dataclass(frozen=True, slots=True)
class SchemeFee:
    """What the operator takes of a payment: a share of what is changed, between two amounts."""

    share: Decimal
    minimum_minor: int
    maximum_minor: int


@dataclass(frozen=True, slots=True)
class PostQuote:
    """A signed quote on its way in; ``verified_key`` is filled in before the act."""

    quote: Quote
    verified_key: str = ""


@dataclass(frozen=True, slots=True)
class QuotePosted:
    """Where a quote stands: open, taken or withdrawn."""

    quote_id: str
    state: str


@dataclass(frozen=True, slots=True)
class WithdrawQuote:
    """A quote that its provider takes back before anybody took it."""

    quote_id: str


@dataclass(frozen=True, slots=True)
class RecallQuote:
    """A quote that its provider takes back itself; ``signature`` (Ed25519, base64) is over
    ``recall_bytes``, ``verified_key`` is filled in before the act.
    """

    quote_id: str
    signature: str
    verified_key: str = ""


@dataclass(frozen=True, slots=True)
class Remit:
    """Money across currencies, at once (跨境汇款).

    ``payer`` and ``payee`` are "party:ID" (a wallet here) or "participant:ID" (a position here).
    ``amount_minor`` is in the source currency for ``send``, in the target currency for
    ``receive``. ``worst_minor`` protects the payer: the least that must arrive (send) or the most
    that may be paid (receive); nought protects nothing. An empty ``quote_id`` takes the cheapest.
    """

    payer: str
    payee: str
    source_currency: str
    target_currency: str
    amount_kind: AmountKind
    amount_minor: int
    worst_minor: int = 0
    quote_id: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Convert:
    """One party's own money from one currency into another; fields as in ``Remit``."""

    party_id: str
    source_currency: str
    target_currency: str
    amount_kind: AmountKind
    amount_minor: int
    worst_minor: int = 0
    quote_id: str = ""


@dataclass(frozen=True, slots=True)
class Remittance:
    """A payment across currencies that happened (跨境汇款), minor units of each currency."""

    id: str
    quote_id: str
    provider_id: str
    payer: str
    payee: str
    source_currency: str
    changed_minor: int
    provider_fee_minor: int
    scheme_fee_minor: int
    target_currency: str
    target_minor: int
    made_us: int
    remark: str = ""
