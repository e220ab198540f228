"""Wallets of the county: their numbers, and what a transfer tells beside its amount."""

from __future__ import annotations

from puhui.ledger import Account

CURRENCY = "CNY"
CLEARING = Account.id_of("demo-county/clearing")
"""The account through which buyers with other banks pay, and to which money leaves the county."""

LOW_64 = 2**64 - 1
DAY_US = 86_400_000_000
ZONE_US = 8 * 3_600_000_000


def wallet_of(party_id: str) -> int:
    """The number of a party's wallet, as lending knows it."""
    return Account.id_of(f"wallet:{party_id}:{CURRENCY}")


def packed(payer: int, tickets: int, payers: int) -> int:
    """What a QR transfer tells beside its amount, as its 128-bit user data.

    ``payer`` is the pseudonym of a named buyer (0: walk-in customers), ``tickets`` and ``payers``
    count the sales and the different buyers that the transfer bundles.
    """
    assert 0 <= payer <= LOW_64 >> 1, payer
    return payer << 64 | tickets << 32 | payers
