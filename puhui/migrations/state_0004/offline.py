"""The tables of offline that are new in state 0004."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_offline_wallet() -> None:
    """Make offline_wallet."""
    op.create_table(
        "offline_wallet",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("is_revoked", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("epoch > 0"),
        sa.CheckConstraint("is_revoked IN (0, 1)"),
        sa.PrimaryKeyConstraint("party_id", "currency"),
        sa.UniqueConstraint("pseudonym"),
    )


def make_offline_allowance() -> None:
    """Make offline_allowance."""
    op.create_table(
        "offline_allowance",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("allowance_limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("cover_minor", sa.BigInteger(), nullable=False),
        sa.Column("pays_at_sync", sa.BigInteger(), nullable=False),
        sa.Column("claimed_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("cover_used_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("sync_until_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("cover_minor >= 0"),
        sa.CheckConstraint("pays_at_sync IN (0, 1)"),
        sa.CheckConstraint("allowance_limit_minor > 0"),
        sa.CheckConstraint("paid_minor >= 0 AND paid_minor <= claimed_minor"),
        sa.CheckConstraint("paid_minor <= allowance_limit_minor + cover_minor"),
        sa.CheckConstraint("cover_used_minor >= 0 AND cover_used_minor <= cover_minor"),
        sa.CheckConstraint("issued_us < expires_us AND expires_us < sync_until_us"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "offline_allowance_party", "offline_allowance", ["party_id", "currency"], unique=False
    )
    op.create_index("offline_allowance_until", "offline_allowance", ["sync_until_us"], unique=False)


def make_offline_voucher() -> None:
    """Make offline_voucher."""
    op.create_table(
        "offline_voucher",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("allowance_id", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("payee_account_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("spent_before_minor", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("is_late", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("counter > 0"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.CheckConstraint("is_late IN (0, 1)"),
        sa.CheckConstraint(
            "paid_minor IS NULL OR (paid_minor >= 0 AND paid_minor <= amount_minor)"
        ),
        sa.CheckConstraint("is_late = 0 OR paid_minor = 0"),
        sa.ForeignKeyConstraint(["allowance_id"], ["offline_allowance.id"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(
        "offline_voucher_allowance", "offline_voucher", ["allowance_id", "counter"], unique=False
    )
    op.create_index(
        "offline_voucher_payee",
        "offline_voucher",
        ["payee_account_id", "received_us"],
        unique=False,
    )


def make_offline_case() -> None:
    """Make offline_case."""
    op.create_table(
        "offline_case",
        sa.Column("allowance_id", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('double_spend', 'false_sum')"),
        sa.ForeignKeyConstraint(["allowance_id"], ["offline_allowance.id"]),
        sa.PrimaryKeyConstraint("allowance_id", "counter", "kind"),
    )


MAKERS = (make_offline_wallet, make_offline_allowance, make_offline_voucher, make_offline_case)
"""In the order that references between tables ask for."""
