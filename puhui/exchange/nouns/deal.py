"""Deals: a payment versus payment between two nodes, as its coordinator keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from puhui.exchange.nouns.quote import AmountKind


class DealState(StrEnum):
    """How far a deal has come; each is durable before the step that it allows.

    ``started``: nothing is known of the legs. ``released``: both are held, and the fulfilment may
    be shown. ``committed``: the target leg is posted, so the source leg must be. ``aborted``: the
    target leg can never be posted, so the source leg must be given up. ``closed_committed`` and
    ``closed_aborted``: both nodes have confirmed.
    """

    STARTED = "started"
    RELEASED = "released"
    COMMITTED = "committed"
    ABORTED = "aborted"
    CLOSED_COMMITTED = "closed_committed"
    CLOSED_ABORTED = "closed_aborted"


@dataclass(frozen=True, slots=True)
class Side:
    """One leg of a deal: on which peer, between which ends there, and until when."""

    peer: str
    payer: str
    payee: str
    currency: str
    amount_minor: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class StartDeal:
    """A payment versus payment (同步收付) between two nodes.

    ``source`` is what the payer gives to the provider, ``target`` what the provider gives to the
    payee; the target leg ends before the source leg does. ``condition`` and
    ``sealed_preimage`` are filled in before the act. ``target_peer_id`` is how the node of the
    source leg knows the node of the target leg. ``quote_id`` names the quote on this node that the
    deal is made by, which it takes; empty for one that was agreed elsewhere. ``fee_minor`` is the
    part of the source's amount that is the fee of the payer's operator.
    """

    source: Side
    target: Side
    target_peer_id: str
    condition: str = ""
    sealed_preimage: str = ""
    quote_id: str = ""
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class SendBetween:
    """Money of a customer here for somebody at another node (跨节点汇款), by a provider's quote.

    ``peer`` is the other node's name, ``payee`` a customer there ("party:ID"). ``amount_minor`` is
    all that leaves (send) or what arrives (receive); ``worst_minor`` the least that must arrive, or
    the most that may leave, as in ``Remit``. The rest is filled in before the act: what this node
    is called, how it knows the other one, which participant there has the provider's key, that
    key, and what fulfils the deal.
    """

    party_id: str
    peer: str
    payee: str
    source_currency: str
    target_currency: str
    amount_kind: AmountKind
    amount_minor: int
    worst_minor: int
    quote_id: str
    own_name: str = ""
    target_peer_id: str = ""
    there: str = ""
    provider_key: str = ""
    condition: str = ""
    sealed_preimage: str = ""


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal on record; ``sealed_preimage`` is opened by the coordinator's node alone.

    ``target_state`` and ``target_signature`` are the last word of the target's node on its leg,
    empty until it was heard.
    """

    id: str
    source: Side
    target: Side
    target_peer_id: str
    condition: str
    sealed_preimage: str
    state: DealState
    decided_us: int | None
    quote_id: str = ""
    target_state: str = ""
    target_signature: str = ""
    fee_minor: int = 0

    @property
    def source_leg_id(self) -> str:
        """The id of the leg that the payer gives."""
        return f"{self.id}-source"

    @property
    def target_leg_id(self) -> str:
        """The id of the leg that the payee gets."""
        return f"{self.id}-target"


@dataclass(frozen=True, slots=True)
class DecideDeal:
    """The next state of a deal, with the state that it is decided from.

    ``target_state`` and ``target_signature`` are what the target's node signed of its leg, where
    the decision rests on that.
    """

    deal_id: str
    from_state: DealState
    to_state: DealState
    target_state: str = ""
    target_signature: str = ""


@dataclass(frozen=True, slots=True)
class DealMoved:
    """Where a deal stands now."""

    deal_id: str
    state: DealState
