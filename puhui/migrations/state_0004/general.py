"""The tables of the general ledger, a part of ledger, that are new in state 0004."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

PARTS = ("debits_high", "debits_low", "credits_high", "credits_low")


def _sums(*prefixes: str) -> list[sa.Column[Any]]:
    names = [f"{prefix}{part}" for prefix in prefixes for part in PARTS]
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def make_ledger_general_progress() -> None:
    """Make ledger_general_progress."""
    op.create_table(
        "ledger_general_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("summed_position", sa.BigInteger(), nullable=False),
        sa.Column("until_position", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
    )


def make_ledger_general_mark() -> None:
    """Make ledger_general_mark."""
    op.create_table(
        "ledger_general_mark",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("marked_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )


def make_ledger_general_movement() -> None:
    """Make ledger_general_movement."""
    op.create_table(
        "ledger_general_movement",
        sa.Column("day_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_carried", sa.Integer(), autoincrement=False, nullable=False),
        *_sums(""),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("is_carried IN (0, 1)"),
        sa.PrimaryKeyConstraint("day_number", "ledger", "code", "is_carried"),
    )


def make_ledger_general_day() -> None:
    """Make ledger_general_day."""
    op.create_table(
        "ledger_general_day",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.Column("adjusted_postings", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )


def make_ledger_general_row() -> None:
    """Make ledger_general_row."""
    op.create_table(
        "ledger_general_row",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *_sums("opening_", "moved_", "adjusted_", "carried_"),
        sa.CheckConstraint("number >= 0 AND number < 10000"),
        sa.PrimaryKeyConstraint("day", "ledger", "number"),
    )


def make_ledger_general_adjustment() -> None:
    """Make ledger_general_adjustment."""
    op.create_table(
        "ledger_general_adjustment",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("value_day", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *_sums(""),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("value_day < day"),
        sa.PrimaryKeyConstraint("day", "value_day", "ledger", "number"),
    )
    op.create_index(
        "ledger_general_adjustment_value", "ledger_general_adjustment", ["value_day"], unique=False
    )


MAKERS: tuple[Callable[[], None], ...] = (
    make_ledger_general_progress,
    make_ledger_general_mark,
    make_ledger_general_movement,
    make_ledger_general_day,
    make_ledger_general_row,
    make_ledger_general_adjustment,
)
"""In the order that references between tables ask for."""
