"""Participants, the currencies they hold positions in, and funds that come in and go out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SettlementKind(StrEnum):
    """How positions of a currency are settled (结算方式): chosen once, without a default."""

    NET_DEFERRED = "net_deferred"
    GROSS_CONTINUOUS = "gross_continuous"


@dataclass(frozen=True, slots=True)
class Participant:
    """A bank, a liquidity provider or another node (参与者).

    ``public_key`` (Ed25519, base64) checks what it signs: quotes of a provider, receipts of a
    peer; empty for a bank that signs nothing. Status: active or suspended.
    """

    id: str
    name: str
    kind: str
    public_key: str
    status: str


@dataclass(frozen=True, slots=True)
class Position:
    """What a participant may owe and owes in one currency (头寸), minor units.

    ``cap_minor`` is the net debit cap (净借记限额) asked for; ``cover_minor`` the funds that stand
    behind it now, which is what bounds the position: the ledger's account of the position holds
    cover less position and cannot fall below nought. ``funds_minor`` is free and may be paid out;
    ``held_minor`` is the part of the position that rests on pendings.
    """

    id: str
    participant_id: str
    currency: str
    settlement_kind: str
    cap_minor: int
    cover_minor: int
    position_minor: int = 0
    held_minor: int = 0
    funds_minor: int = 0


@dataclass(frozen=True, slots=True)
class OpenCurrency:
    """A currency to trade in, with how its positions are settled; both for ever."""

    currency: str
    settlement_kind: SettlementKind


@dataclass(frozen=True, slots=True)
class CurrencyOpened:
    """The currency, and the id of its first window (empty where it settles gross)."""

    currency: str
    window_id: str


@dataclass(frozen=True, slots=True)
class RegisterParticipant:
    """A participant by name; ``kind`` is bank, provider or peer."""

    name: str
    kind: str
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class ParticipantMoved:
    """Where a participant stands."""

    participant_id: str
    status: str


@dataclass(frozen=True, slots=True)
class ChangeParticipant:
    """A participant to suspend or to let in again."""

    participant_id: str


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A position to open; ``settlement_kind`` must be that of the currency and has no default."""

    participant_id: str
    currency: str
    settlement_kind: SettlementKind


@dataclass(frozen=True, slots=True)
class SetCap:
    """The net debit cap of a position, minor units; free funds are its cover."""

    participant_id: str
    currency: str
    cap_minor: int


@dataclass(frozen=True, slots=True)
class PositionMoved:
    """A position's cap and the cover that stands behind it, minor units."""

    position_id: str
    cap_minor: int
    cover_minor: int


@dataclass(frozen=True, slots=True)
class PutFundsIn:
    """Funds that a participant has paid in (minor units), by its own reference."""

    participant_id: str
    currency: str
    amount_minor: int
    reference: str


@dataclass(frozen=True, slots=True)
class ReserveFundsOut:
    """Funds to be paid out to a participant: held first, paid when the outside says so."""

    participant_id: str
    currency: str
    amount_minor: int
    reference: str


@dataclass(frozen=True, slots=True)
class EndFundsOut:
    """A reserved payment out that is to be paid, or to be given back."""

    funds_id: str


@dataclass(frozen=True, slots=True)
class FundsMoved:
    """Where a movement of funds stands: in, reserved, committed or aborted."""

    funds_id: str
    state: str
    amount_minor: int
