"""The tables of kernel in state 0001."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_event() -> None:
    """Make event."""
    op.create_table(
        "event",
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("act_key", "number"),
    )


def make_event_cursor() -> None:
    """Make event_cursor."""
    op.create_table(
        "event_cursor",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber"),
    )


def make_journal() -> None:
    """Make journal."""
    op.create_table(
        "journal",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.CheckConstraint("position IS NULL OR position > 0"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("position"),
    )


def make_store_owner() -> None:
    """Make store_owner."""
    op.create_table(
        "store_owner",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
    )


def make_subject_key() -> None:
    """Make subject_key."""
    op.create_table(
        "subject_key",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=True),
        sa.CheckConstraint("wrapped IS NULL OR length(wrapped) > 0"),
        sa.PrimaryKeyConstraint("subject"),
    )


MAKERS = (
    make_event,
    make_event_cursor,
    make_journal,
    make_store_owner,
    make_subject_key,
)
"""In the order that references between tables ask for."""
