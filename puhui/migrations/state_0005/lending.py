"""The tables of lending that are new in state 0005."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_lending_obligation() -> None:
    """Make lending_obligation."""
    op.create_table(
        "lending_obligation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("debt_minor", sa.BigInteger(), nullable=False),
        sa.Column("monthly_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('wallet_credit', 'declared', 'bureau', 'guarantee')"),
        sa.CheckConstraint("debt_minor > 0 AND monthly_minor >= 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("lending_obligation_party", "lending_obligation", ["party_id"], unique=False)


def make_lending_own_limit() -> None:
    """Make lending_own_limit."""
    op.create_table(
        "lending_own_limit",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("credit_limit_minor >= 0"),
        sa.PrimaryKeyConstraint("party_id", "currency"),
    )


def make_lending_credit_offer() -> None:
    """Make lending_credit_offer."""
    op.create_table(
        "lending_credit_offer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "lending_credit_offer_party", "lending_credit_offer", ["party_id", "made_us"], unique=False
    )


MAKERS = (
    make_lending_obligation,
    make_lending_own_limit,
    make_lending_credit_offer,
)
"""In the order that references between tables ask for."""
