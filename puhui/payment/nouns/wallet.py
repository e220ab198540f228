"""Wallets and their tiers, and the inputs of the use cases on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Tier:
    """A kind of wallet (钱包类别) by how well its holder is known; 1 is the best known.

    Amounts are in minor units of any currency; None is no such limit. ``methods`` are the identity
    checks of which one must have passed; empty where none is asked for.
    """

    number: int
    zh: str
    en: str
    single_minor_max: int | None
    daily_minor_max: int | None
    balance_minor_max: int | None
    methods: frozenset[str]
    needs_bank_card: bool

    @property
    def is_bounded(self) -> bool:
        """Whether any limit is to be looked after."""
        return not (self.single_minor_max is self.daily_minor_max is self.balance_minor_max is None)


@dataclass(frozen=True, slots=True)
class Tiers:
    """All tiers by number, the one of wallets without a row, and where they come from."""

    by_number: dict[int, Tier]
    unrecorded: int
    source: str


@dataclass(frozen=True, slots=True)
class Wallet:
    """A party's wallet (钱包) in one currency: a deposit account of the ledger, with a tier.

    ``account_id`` is the account's number in the ledger, ``status`` open or closed. A wallet that
    has no row of its own is open and of the tier that data/tiers.toml names; ``opened_us`` is 0.
    """

    account_id: int
    party_id: str
    currency: str
    tier: int
    status: str
    opened_us: int


@dataclass(frozen=True, slots=True)
class WalletCount:
    """How many wallets of a currency and a tier are on record as open or closed."""

    currency: str
    tier: int
    status: str
    wallets: int


@dataclass(frozen=True, slots=True)
class OpenWallet:
    """Whose wallet in which currency; tier 0 asks for the best that identity checks allow."""

    party_id: str
    currency: str
    tier: int = 0


@dataclass(frozen=True, slots=True)
class SetTier:
    """The tier that a wallet is to have from now on."""

    party_id: str
    currency: str
    tier: int


@dataclass(frozen=True, slots=True)
class CloseWallet:
    """The wallet that is to take and to pay nothing any more."""

    party_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class WalletState:
    """Where a wallet stands after an act; ``account_id`` in 32 hexadecimal digits."""

    account_id: str
    tier: int
    status: str


@dataclass(frozen=True, slots=True)
class ForgetUsage:
    """What wallets paid on days before ``before`` need not be counted any more."""

    before: date


@dataclass(frozen=True, slots=True)
class UsageForgotten:
    """How many wallet days were deleted."""

    days: int


@dataclass(frozen=True, slots=True)
class PartyForgotten:
    """What was emptied of an erased party's words."""

    party_id: str
    wallets: int
