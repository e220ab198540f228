"""What reads of exchange are asked with and what they answer: legs, deals, standing of peers."""

from __future__ import annotations

from dataclasses import dataclass

from puhui.exchange.window import AmountKind, Price


@dataclass(frozen=True, slots=True)
class LegQuery:
    """One leg by its id."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class ReceiptAnswer:
    """What this node says of one of its legs, under its signature (Ed25519, base64)."""

    leg_id: str
    deal_id: str
    condition: str
    state: str
    signature: str


@dataclass(frozen=True, slots=True)
class DealQuery:
    """One deal by its id."""

    deal_id: str


@dataclass(frozen=True, slots=True)
class DealAnswer:
    """How far a deal between two nodes has come, and what moves; amounts in minor units."""

    deal_id: str
    state: str
    source_peer: str
    source_currency: str
    source_minor: int
    source_expires_us: int
    target_peer: str
    target_currency: str
    target_minor: int
    target_expires_us: int
    decided_us: int | None


@dataclass(frozen=True, slots=True)
class StandingAnswer:
    """As whom a peer is known here, on which participants it may draw and with which public keys
    ("" for a bank), this node's time, and the version of what nodes say that it speaks.
    """

    peer_id: str
    draws: tuple[str, ...]
    now_us: int
    draw_keys: tuple[str, ...]
    speaks: int


@dataclass(frozen=True, slots=True)
class PayeeQuery:
    """A payee here ("party:ID", a customer's or a wallet number), and what they would be paid;
    currency "XXX" asks only whether there is such a payee.
    """

    payee: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PayeeAnswer:
    """A payee who may take it in; ``name`` has part of it hidden, and is "" where none is shown."""

    name: str


@dataclass(frozen=True, slots=True)
class PricesQuery:
    """A payment that is thought of; ``amount_minor`` is in the source currency for ``send``, in
    the target currency for ``receive``.
    """

    source_currency: str
    target_currency: str
    amount_minor: int
    amount_kind: AmountKind = AmountKind.SEND


@dataclass(frozen=True, slots=True)
class PricesAnswer:
    """What the payment would cost by each quote that covers it now, the payer's best one first."""

    items: tuple[Price, ...]
    now_us: int
