"""The tables of ledger in state 0001."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_ledger_account() -> None:
    """Make ledger_account."""
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("user_data_128", sa.LargeBinary(), nullable=True),
        sa.Column("user_data_64", sa.BigInteger(), nullable=False),
        sa.Column("user_data_32", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(id) = 16"),
        sa.PrimaryKeyConstraint("id"),
    )


def make_ledger_balance() -> None:
    """Make ledger_balance."""
    op.create_table(
        "ledger_balance",
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.Column("debits_pending", sa.BigInteger(), nullable=False),
        sa.Column("debits_posted", sa.BigInteger(), nullable=False),
        sa.Column("credits_pending", sa.BigInteger(), nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("credits_pending >= 0 AND credits_posted >= 0"),
        sa.CheckConstraint("debits_pending >= 0 AND debits_posted >= 0"),
        sa.PrimaryKeyConstraint("account_id"),
    )


def make_ledger_failed() -> None:
    """Make ledger_failed."""
    op.create_table(
        "ledger_failed",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def make_ledger_pending() -> None:
    """Make ledger_pending."""
    op.create_table(
        "ledger_pending",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("debit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("credit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("released_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN (0, 1, 2, 3)"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ledger_pending_credit", "ledger_pending", ["credit_account_id", "state"], unique=False
    )
    op.create_index(
        "ledger_pending_debit", "ledger_pending", ["debit_account_id", "state"], unique=False
    )
    op.create_index("ledger_pending_due", "ledger_pending", ["state", "expires_us"], unique=False)


def make_ledger_transfer() -> None:
    """Make ledger_transfer."""
    op.create_table(
        "ledger_transfer",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("debit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("credit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("pending_id", sa.LargeBinary(), nullable=True),
        sa.Column("timeout_s", sa.BigInteger(), nullable=False),
        sa.Column("user_data_128", sa.LargeBinary(), nullable=True),
        sa.Column("user_data_64", sa.BigInteger(), nullable=False),
        sa.Column("user_data_32", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.LargeBinary(), nullable=True),
        sa.Column("chain_size", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0 AND amount_minor < 4611686018427387904"),
        sa.CheckConstraint("debit_account_id <> credit_account_id"),
        sa.CheckConstraint("length(id) = 16"),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "ledger_transfer_credit", "ledger_transfer", ["credit_account_id", "position"], unique=False
    )
    op.create_index(
        "ledger_transfer_debit", "ledger_transfer", ["debit_account_id", "position"], unique=False
    )


def make_ledger_watermark() -> None:
    """Make ledger_watermark."""
    op.create_table(
        "ledger_watermark",
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("debits_high", sa.BigInteger(), nullable=False),
        sa.Column("debits_low", sa.BigInteger(), nullable=False),
        sa.Column("credits_high", sa.BigInteger(), nullable=False),
        sa.Column("credits_low", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )


MAKERS = (
    make_ledger_account,
    make_ledger_balance,
    make_ledger_failed,
    make_ledger_pending,
    make_ledger_transfer,
    make_ledger_watermark,
)
"""In the order that references between tables ask for."""
