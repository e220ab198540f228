"""The tables of wallets and of what they have paid today, and every statement on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)

from puhui.kernel.store import excluded, insert_all, metadata, upsert

WALLET = Table(
    "payment_wallet",
    metadata,
    Column("account_id", LargeBinary, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    CheckConstraint("status IN ('open', 'closed')"),
    Index("payment_wallet_party", "party_id", "currency", unique=True),
)
"""Wallets whose tier is on record. The ledger holds the money; ``account_id`` is its number there,
16 bytes, highest first."""

USAGE = Table(
    "payment_usage",
    metadata,
    Column("account_id", LargeBinary, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("spent_minor", BigInteger, nullable=False),
    Column("payments", BigInteger, nullable=False),
    CheckConstraint("spent_minor >= 0"),
)
"""What a wallet with a daily limit has paid on a day, in minor units. The wallet's row is locked by
whoever reads this to decide."""

_wallet, _usage = WALLET.c, USAGE.c


def blob(number: int) -> bytes:
    """The 16 bytes of an account's number, as the ledger keeps it."""
    return number.to_bytes(16, "big")


INSERT_WALLET = insert_all(WALLET)
LOCK_WALLETS = (
    select(*_wallet)
    .where(_wallet.account_id.in_(bindparam("ids", expanding=True)))
    .order_by(_wallet.account_id)
    .with_for_update()
)
"""In the order of numbers, so that two writers never wait for each other; before any balance."""
LOCK_WALLET = select(*_wallet).where(_wallet.account_id == bindparam("id")).with_for_update()
READ_WALLET_BY_ACCOUNT = select(*_wallet).where(_wallet.account_id == bindparam("account_id"))
READ_WALLETS_BETWEEN = (
    select(_wallet.account_id)
    .where(_wallet.account_id.between(bindparam("low"), bindparam("high")))
    .order_by(_wallet.account_id)
    .limit(2)
)
READ_WALLETS_OF = (
    select(*_wallet).where(_wallet.party_id == bindparam("party_id")).order_by(_wallet.currency)
)
COUNT_WALLETS = (
    select(_wallet.currency, _wallet.tier, _wallet.status, func.count().label("wallets"))
    .group_by(_wallet.currency, _wallet.tier, _wallet.status)
    .order_by(_wallet.currency, _wallet.tier, _wallet.status)
)
SET_WALLET = (
    update(WALLET)
    .where(_wallet.account_id == bindparam("id_"))
    .values(tier=bindparam("tier_"), status=bindparam("status_"))
)
CLOSE_WALLETS_OF = (
    update(WALLET).where(_wallet.party_id == bindparam("party_id_")).values(status="closed")
)

READ_USAGE = select(_usage.account_id, _usage.spent_minor).where(
    _usage.account_id.in_(bindparam("ids", expanding=True)), _usage.day == bindparam("day")
)
ADD_USAGE = upsert(
    USAGE,
    ["account_id", "day"],
    {
        "spent_minor": _usage.spent_minor + excluded(USAGE, "spent_minor"),
        "payments": _usage.payments + excluded(USAGE, "payments"),
    },
)
TAKE_USAGE_BACK = (
    update(USAGE)
    .where(
        _usage.account_id == bindparam("id_"),
        _usage.day == bindparam("day_"),
        _usage.spent_minor >= bindparam("less_"),
    )
    .values(spent_minor=_usage.spent_minor - bindparam("less_"))
)
FORGET_USAGE = delete(USAGE).where(_usage.day < bindparam("before"))
