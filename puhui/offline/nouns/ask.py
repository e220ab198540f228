"""Inputs and outcomes of the use cases of offline. Ids and digests are in hex, texts base45."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrantAllowance:
    """Set money of a wallet aside for payments without a network.

    ``wallet_key`` is the device's Ed25519 public key in hex (64 digits); ``allowance_limit_minor``
    the money, in minor units; ``tier`` a name from data/tiers.toml.
    """

    party_id: str
    currency: str
    allowance_limit_minor: int
    wallet_key: str
    tier: str = "small"


@dataclass(frozen=True, slots=True)
class AllowanceGranted:
    """The signed allowance as text for the device, and what was set aside."""

    allowance_id: str
    text: str
    allowance_limit_minor: int
    cover_minor: int
    expires_us: int
    sync_until_us: int


@dataclass(frozen=True, slots=True)
class SyncVouchers:
    """Vouchers that a device has taken, as texts, in any order, as often as one likes."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedVouchers:
    """The same with signatures checked before the act, and never given by a caller.

    ``verdicts`` has "" for each text whose signature holds, else the code of a refusal.
    """

    texts: tuple[str, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SyncedVoucher:
    """What became of one voucher.

    ``status``: paid, part, unpaid, late, waiting (paid when its allowance closes), or refused
    with ``refusal``. ``paid_minor`` is what the payee has got so far; ``aside_minor`` the part of
    it that the wallet had no room for, and that was kept aside for the payee.
    """

    digest: str
    status: str
    amount_minor: int
    paid_minor: int
    is_new: bool
    refusal: str
    aside_minor: int = 0


@dataclass(frozen=True, slots=True)
class VouchersSynced:
    """One answer for each text, in the order given; how many were new; cases newly opened."""

    vouchers: tuple[SyncedVoucher, ...]
    new_count: int
    paid_minor: int
    case_count: int


@dataclass(frozen=True, slots=True)
class MoveExcess:
    """Of a payee's wallet what was kept aside, to be let in or paid out."""

    party_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class MoveExcessOf:
    """Wallets by their numbers, 32 hexadecimal digits: a chunk of those with something aside."""

    account_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """What is kept aside beside a party's full wallet, minor units, and since when."""

    party_id: str
    currency: str
    amount_minor: int
    since_us: int


@dataclass(frozen=True, slots=True)
class ExcessMoved:
    """What moved on, and what is still kept aside, in minor units."""

    moved_minor: int
    left_minor: int


@dataclass(frozen=True, slots=True)
class CloseAllowance:
    """End an allowance after its last day of synchronisation."""

    allowance_id: str


@dataclass(frozen=True, slots=True)
class AllowanceClosed:
    """What went where, in minor units: to payees, back to the wallet, out of the cover fund."""

    allowance_id: str
    claimed_minor: int
    paid_minor: int
    returned_minor: int
    cover_used_minor: int
    unpaid_minor: int


@dataclass(frozen=True, slots=True)
class CloseDue:
    """A chunk of allowances to close."""

    allowance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllowancesClosed:
    """What closing a chunk came to, in minor units of whichever currencies."""

    allowances: int
    paid_minor: int
    returned_minor: int
    cover_used_minor: int


@dataclass(frozen=True, slots=True)
class RevokeWallet:
    """Take back every allowance of a wallet: a lost phone, or a double spend."""

    party_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class ReinstateWallet:
    """Let a revoked wallet have allowances again, from its new epoch on."""

    party_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class WalletMoved:
    """Where an offline wallet stands: the epoch that new allowances get, and whether any may be."""

    party_id: str
    epoch: int
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class FundCover:
    """Put the operator's own money into the cover fund of a currency."""

    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CoverFunded:
    """What was put into the cover fund, in minor units."""

    currency: str
    amount_minor: int
