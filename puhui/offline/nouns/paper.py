"""The papers that go from device to device: allowances, requests, vouchers, revocations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator lets a wallet spend without a network (离线额度), signed by the operator.

    ``id`` and ``pseudonym`` have 16 bytes, ``wallet_key`` the 32 of an Ed25519 public key.
    Amounts are minor units of ``currency``, times microseconds UTC. ``allowance_limit_minor`` is
    what all vouchers may sum to, ``single_cap_minor`` what one may pay, ``count_max`` how many.
    After ``expires_us`` nothing is paid; vouchers that come in after ``sync_until_us`` are not
    paid out any more. ``clock_tolerance_s`` is how far clocks of devices may be apart. ``digest``
    is SHA-256 of the signed bytes, ``signature`` what the operator made of them (64 bytes).
    """

    id: bytes
    wallet_key: bytes
    pseudonym: bytes
    epoch: int
    currency: str
    tier: int
    allowance_limit_minor: int
    single_cap_minor: int
    count_max: int
    clock_tolerance_s: int
    issued_us: int
    expires_us: int
    sync_until_us: int
    digest: bytes = b""
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Request:
    """What a payee asks for (收款请求): into which ledger account (128 bits), and how much.

    ``nonce`` are 16 bytes that nobody can guess, used for one payment; not signed.
    """

    payee_account_id: int
    currency: str
    amount_minor: int
    nonce: bytes
    time_us: int


@dataclass(frozen=True, slots=True)
class OfflineVoucher:
    """A payment made without a network (离线支付凭证), signed by the payer's wallet, spent once.

    ``counter`` begins at 1 in each allowance; ``spent_before_minor`` is what the vouchers before
    it sum to; ``previous`` is the digest of the voucher before, of the allowance for the first.
    ``nonce`` is the payee's, ``time_us`` the payer's clock. ``digest`` is SHA-256 of the signed
    bytes without the signature: who signs the same bytes again has made no second voucher.
    """

    allowance_id: bytes
    payee_account_id: int
    amount_minor: int
    counter: int
    spent_before_minor: int
    previous: bytes
    nonce: bytes
    time_us: int
    digest: bytes = b""
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Payment:
    """What a payer shows: a voucher with the allowance it rests on, enough to check it alone."""

    allowance: Allowance
    voucher: OfflineVoucher


@dataclass(frozen=True, slots=True)
class Purse:
    """What a payer's device keeps of one allowance: how far its chain of vouchers has come."""

    allowance: Allowance
    counter: int
    spent_minor: int
    previous: bytes

    @property
    def left_minor(self) -> int:
        """What may still be spent, in minor units."""
        return self.allowance.allowance_limit_minor - self.spent_minor


@dataclass(frozen=True, slots=True)
class Revocation:
    """Allowances of ``pseudonym`` with an epoch below ``epoch_valid`` are to be refused."""

    pseudonym: bytes
    epoch_valid: int


@dataclass(frozen=True, slots=True)
class RevocationList:
    """Wallets that payees must refuse (吊销名单), as of ``issued_us``, signed by the operator."""

    issued_us: int
    entries: tuple[Revocation, ...]
    signature: bytes = b""

    def covers(self, allowance: Allowance) -> bool:
        """Whether ``allowance`` was taken back."""
        return any(
            entry.pseudonym == allowance.pseudonym and allowance.epoch < entry.epoch_valid
            for entry in self.entries
        )
