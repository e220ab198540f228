"""Legs: one side of a payment, held on a condition, and ended by its fulfilment or its time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leg:
    """A conditional payment between two ends in one currency (付款腿).

    ``condition`` is the SHA-256 of 32 bytes, in hex; who shows them fulfils the leg.
    ``expires_us`` is the first moment at which it can no longer be fulfilled. ``awaits`` is empty
    for a leg that is paid when it is fulfilled; "here" or the id of a peer for one that, once
    fulfilled, waits for the other leg of its deal on this node or on that peer, and so cannot
    expire any more. ``fee_minor`` is the part of ``amount_minor`` that is the operator's own fee,
    held, paid and given back with the rest. State: prepared, fulfilled, posted, aborted, expired.
    """

    id: str
    deal_id: str
    payer: str
    payee: str
    currency: str
    amount_minor: int
    condition: str
    awaits: str
    expires_us: int
    state: str
    preimage: str = ""
    reason: str = ""
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class PrepareLeg:
    """A leg to be held: fields as in ``Leg``; the same id with the same terms is the same leg."""

    leg_id: str
    deal_id: str
    payer: str
    payee: str
    currency: str
    amount_minor: int
    condition: str
    expires_us: int
    awaits: str = ""
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class FulfilLeg:
    """The 32 bytes behind a leg's condition, in hex."""

    leg_id: str
    preimage: str


@dataclass(frozen=True, slots=True)
class AbortLeg:
    """A leg to be given up, and why in a word."""

    leg_id: str
    reason: str = "aborted"


@dataclass(frozen=True, slots=True)
class LegReceipt:
    """What a node says of one of its legs under its signature (Ed25519, base64)."""

    leg_id: str
    deal_id: str
    condition: str
    state: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class ResolveLeg:
    """What became of the other leg of a deal, told by the peer that holds it.

    ``verified_key`` is filled in before the act.
    """

    leg_id: str
    receipt: LegReceipt
    verified_key: str = ""


@dataclass(frozen=True, slots=True)
class ExpireLegs:
    """How many legs past their time to end, at most."""

    count: int = 1000


@dataclass(frozen=True, slots=True)
class LegMoved:
    """Where a leg stands now."""

    leg_id: str
    state: str
    expires_us: int


@dataclass(frozen=True, slots=True)
class LegsExpired:
    """The legs that were ended by their time."""

    leg_ids: tuple[str, ...]
