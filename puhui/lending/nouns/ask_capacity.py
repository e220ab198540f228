"""Inputs and outcomes of the use cases on debts elsewhere, own limits, offers and cooling-off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordObligation:
    """A debt or guarantee elsewhere; ``kind`` is wallet_credit, declared, bureau or guarantee.

    ``debt_minor`` is all that is owed, ``monthly_minor`` what is paid a month (0 where nobody
    tells: it is then counted over the months of ``data/capacity.toml``). ``source`` names the
    report or the paper it was read from, never its content.
    """

    party_id: str
    kind: str
    currency: str
    debt_minor: int
    source: str
    monthly_minor: int = 0


@dataclass(frozen=True, slots=True)
class SealedObligation:
    """What is kept of a debt elsewhere: amounts and source sealed under the person's key.

    Where a party has no key (nothing personal is known of it) ``is_sealed`` is false.
    """

    party_id: str
    kind: str
    currency: str
    sealed: str
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class SealObligations:
    """Debts recorded plain that are to be sealed."""

    obligation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealedObligations:
    """Pairs of a recorded debt and its sealed text."""

    sealed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ObligationsSealed:
    """How many debts were sealed."""

    obligations: int


@dataclass(frozen=True, slots=True)
class ObligationKey:
    """Names a recorded debt."""

    obligation_id: str


@dataclass(frozen=True, slots=True)
class SetOwnLimit:
    """The most, in minor units of a currency, that a person lets itself owe here."""

    party_id: str
    currency: str
    credit_limit_minor: int


@dataclass(frozen=True, slots=True)
class OwnLimitSet:
    """The limit that a person set itself, with the one before (None where there was none)."""

    party_id: str
    currency: str
    credit_limit_minor: int
    before_minor: int | None


@dataclass(frozen=True, slots=True)
class OfferCredit:
    """Credit of a product to tell a person of, in minor units of the product's currency."""

    party_id: str
    product: str
    amount_minor: int
    channel: str


@dataclass(frozen=True, slots=True)
class CreditOffered:
    """An offer that may be told, and how many there were in the period with it."""

    offer_id: str
    offers: int


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """What a person says to credit that was offered; a yes leads to an application, no further."""

    offer_id: str
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """Where an offer stands after the answer."""

    offer_id: str
    product: str
    status: str


@dataclass(frozen=True, slots=True)
class ChooseOffers:
    """Whether a person wants to be offered credit at all."""

    party_id: str
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class OffersChosen:
    """What holds from now on."""

    party_id: str
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class CooledOff:
    """A loan that was given back: what was paid for it, and the fee that was returned."""

    contract_id: str
    principal_minor: int
    interest_minor: int
    fee_returned_minor: int
