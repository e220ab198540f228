"""Which allowance a wallet may have, and what the operator sets aside beside it."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, Rounding, round_minor
from puhui.offline.nouns import Allowance, OfflineTier

SECOND_US = 1_000_000


def cover_of(tier: OfflineTier, allowance_limit_minor: int) -> int:
    """What the operator sets aside for double spends of one allowance, in minor units, cut."""
    return round_minor(Decimal(allowance_limit_minor) * tier.cover_share, Rounding.DOWN)


def draft_allowance(
    tier: OfflineTier,
    *,
    allowance_id: bytes,
    wallet_key: bytes,
    pseudonym: bytes,
    epoch: int,
    currency: str,
    allowance_limit_minor: int,
    open_count: int,
    is_identified: bool,
    now_us: int,
) -> Allowance:
    """The allowance as it is to be signed, from the terms of the tier (data/tiers.toml).

    Refused: ``offline.bad_currency``, ``offline.bad_amount``, ``offline.over_tier``,
    ``offline.too_many_open``, ``offline.tier_identity``.
    """
    if currency not in DIGITS:
        raise Refused("offline.bad_currency", f"{currency[:10]!r} is no currency kept here.")
    if allowance_limit_minor < 1:
        raise Refused("offline.bad_amount", "An allowance is of at least one minor unit.")
    if allowance_limit_minor > tier.allowance_limit_minor_max:
        raise Refused("offline.over_tier", f"The tier {tier.name} does not allow that much.")
    if open_count >= tier.open_max:
        raise Refused(
            "offline.too_many_open", f"{open_count} allowances of this wallet are still open."
        )
    if tier.needs_identity and not is_identified:
        raise Refused("offline.tier_identity", f"The tier {tier.name} asks for an identity check.")
    expires_us = now_us + tier.lifetime_s * SECOND_US
    return Allowance(
        id=allowance_id,
        wallet_key=wallet_key,
        pseudonym=pseudonym,
        epoch=epoch,
        currency=currency,
        tier=tier.number,
        allowance_limit_minor=allowance_limit_minor,
        single_cap_minor=min(tier.single_cap_minor, allowance_limit_minor),
        count_max=tier.count_max,
        clock_tolerance_s=tier.clock_tolerance_s,
        issued_us=now_us,
        expires_us=expires_us,
        sync_until_us=expires_us + tier.grace_s * SECOND_US,
    )
