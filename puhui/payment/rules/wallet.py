"""Rules of wallets: which tier a holder is entitled to, and what a tier lets a wallet do.

Limits are those of data/tiers.toml, in minor units. Single and daily limits bound what a wallet
pays (payments, shares, requests, standing orders, money held); what its holder withdraws to the
own bank account and what a loan takes back is no payment. The balance limit bounds what comes in;
a refund is let in always, as the money was there before.
"""

from __future__ import annotations

from collections.abc import Set

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.payment.nouns.wallet import Tier, Tiers, Wallet

AMOUNT_MAX = 2**62 - 1


def check_amount(amount_minor: int) -> None:
    """An amount to move, in minor units: above nought. Refused: ``payment.bad_amount``."""
    if not 0 < amount_minor <= AMOUNT_MAX:
        raise Refused("payment.bad_amount", f"{amount_minor} is no amount that can be paid.")


def check_currency(currency: str) -> None:
    """A currency that is kept here. Refused: ``payment.no_currency``."""
    if currency not in DIGITS:
        raise Refused("payment.no_currency", f"There is no currency {currency[:10]!r} here.")


def best_tier(tiers: Tiers, methods: Set[str], *, has_bank_card: bool) -> int:
    """The best tier that identity checks entitle to: the lowest number.

    ``methods`` are those of checks that passed and are in force; empty also where the latest check
    failed. Source: data/tiers.toml.
    """
    return min(
        number
        for number, tier in tiers.by_number.items()
        if (not tier.methods or tier.methods & methods)
        and (has_bank_card or not tier.needs_bank_card)
    )


def check_entitled(tiers: Tiers, wanted: int, best: int) -> Tier:
    """The tier with the number ``wanted``, where ``best`` allows it.

    Refused: ``payment.no_tier``, ``payment.not_entitled``.
    """
    tier = tiers.by_number.get(wanted)
    if tier is None:
        raise Refused("payment.no_tier", f"There is no tier {wanted}.")
    if wanted < best:
        raise Refused(
            "payment.not_entitled",
            f"Tier {wanted} asks for a stronger identity check; tier {best} is possible now.",
        )
    return tier


def check_open(wallet: Wallet) -> None:
    """A wallet that takes and pays. Refused: ``payment.wallet_closed``."""
    if wallet.status != "open":
        raise Refused("payment.wallet_closed", "This wallet is closed.")


def check_balance(tier: Tier, balance_minor: int, more_minor: int = 0) -> None:
    """Whether a wallet may hold ``more_minor`` beside what it holds, both in minor units.

    Refused: ``payment.tier_balance``.
    """
    most = tier.balance_minor_max
    if most is not None and balance_minor + more_minor > most:
        raise Refused(
            "payment.tier_balance",
            f"A wallet of tier {tier.number} may not hold so much; raise its tier first.",
        )


def room(tier: Tier, balance_minor: int) -> int | None:
    """How much more a wallet may hold that holds so much, minor units; None without a limit."""
    most = tier.balance_minor_max
    return None if most is None else max(0, most - balance_minor)
