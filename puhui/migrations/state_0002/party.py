"""The tables of party that are new in state 0002."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_party_code() -> None:
    """Make party_code."""
    op.create_table(
        "party_code",
        sa.Column("login_digest", sa.Text(), nullable=False),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("tries_left", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("tries_left >= 0"),
        sa.PrimaryKeyConstraint("login_digest"),
    )


def make_party_session() -> None:
    """Make party_session."""
    op.create_table(
        "party_session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("grade IN ('own', 'half', 'staff')"),
        sa.ForeignKeyConstraint(["user_id"], ["party_user.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_digest"),
    )
    op.create_index(op.f("ix_party_session_user_id"), "party_session", ["user_id"], unique=False)


def make_party_factor() -> None:
    """Make party_factor."""
    op.create_table(
        "party_factor",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("confirmed_us", sa.BigInteger(), nullable=True),
        sa.Column("step_last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["party_user.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )


def make_party_api_key() -> None:
    """Make party_api_key."""
    op.create_table(
        "party_api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("rate_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("rate_per_minute > 0"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_digest"),
    )


MAKERS = (make_party_code, make_party_session, make_party_factor, make_party_api_key)
"""In the order that references between tables ask for."""
