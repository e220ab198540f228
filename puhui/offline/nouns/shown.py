"""What pages and the command line show of offline payments, and the dated terms of tiers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class OfflineTier:
    """How much may be spent without a network, and how it is paid out (离线等级).

    Amounts are minor units; ``cover_share`` (0..1) of an allowance is set aside by the operator;
    ``open_max`` allowances may be open at once. With ``pays_at_sync`` a payee has the money with
    the synchronisation, otherwise when the allowance closes.
    """

    name: str
    number: int
    allowance_limit_minor_max: int
    single_cap_minor: int
    count_max: int
    cover_share: Decimal
    lifetime_s: int
    grace_s: int
    clock_tolerance_s: int
    open_max: int
    pays_at_sync: bool
    needs_identity: bool


class FraudKind(StrEnum):
    """What a wallet's own signatures prove against it."""

    DOUBLE_SPEND = "double_spend"
    FALSE_SUM = "false_sum"


@dataclass(frozen=True, slots=True)
class FraudCase:
    """Two signatures of one wallet that cannot both be honest (双花案件).

    ``counter`` is the place in the chain; ``digests`` are the vouchers held for that place, and
    those that later ones name as such, in order; hex.
    """

    allowance_id: str
    party_id: str
    counter: int
    kind: FraudKind
    opened_us: int
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllowanceState:
    """An allowance as the node keeps it; amounts in minor units."""

    id: str
    party_id: str
    currency: str
    tier: str
    epoch: int
    allowance_limit_minor: int
    cover_minor: int
    claimed_minor: int
    paid_minor: int
    issued_us: int
    expires_us: int
    sync_until_us: int
    is_closed: bool
    text: str


@dataclass(frozen=True, slots=True)
class VoucherState:
    """A voucher as the node keeps it: what it asks for, and what was paid; minor units."""

    digest: str
    allowance_id: str
    counter: int
    payee_account_id: int
    amount_minor: int
    paid_minor: int
    status: str
    time_us: int
    received_us: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """What offline payments can cost, of one currency (离线风险敞口); minor units.

    ``allowance_limit_minor`` is the sum of the limits of open allowances, all of it set aside
    already; ``cover_minor`` what the operator set aside beside it: the most that open allowances
    can cost the operator. ``escrow_minor`` is what the ledger holds for both; ``difference_minor``
    what it differs from them less what was paid: nought. ``fund_minor`` is what the cover fund
    holds now, ``aside_minor`` what is kept aside for payees whose wallets had no room,
    ``cover_used_minor`` what closed allowances took of it, ``unpaid_minor`` what double
    spenders left payees without.
    """

    currency: str
    allowances: int
    allowance_limit_minor: int
    cover_minor: int
    paid_minor: int
    escrow_minor: int
    difference_minor: int
    fund_minor: int
    cover_used_minor: int
    unpaid_minor: int
    waiting_minor: int
    cases: int
    wallets_revoked: int
    aside_minor: int = 0
