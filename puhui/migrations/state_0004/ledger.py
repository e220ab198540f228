"""The tables of ledger that are new or changed in state 0004."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from puhui.migrations.state_0004 import general


def change_balance() -> None:
    """Let a balance row say that a transfer keeps its account closed."""
    column = sa.Column("is_closed", sa.Integer(), nullable=False, server_default="0")
    op.add_column("ledger_balance", column)


def change_transfer() -> None:
    """Let transfers of large batches be taken into the indexes by account later."""
    column = sa.Column("is_loose", sa.Integer(), nullable=False, server_default="0")
    op.add_column("ledger_transfer", column)
    is_fast = sa.text("is_loose = 0")
    for side in ("debit", "credit"):
        op.drop_index(f"ledger_transfer_{side}", table_name="ledger_transfer")
        op.create_index(
            f"ledger_transfer_{side}",
            "ledger_transfer",
            [f"{side}_account_id", "position"],
            unique=False,
            sqlite_where=is_fast,
            postgresql_where=is_fast,
        )


def make_loose() -> None:
    """Make ledger_loose."""
    op.create_table(
        "ledger_loose",
        sa.Column("first_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first_position"),
    )


def make_intent() -> None:
    """Make what the store keeps of a ledger beside it."""
    op.create_table(
        "ledger_intent",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_table(
        "ledger_claim",
        sa.Column("pending_id", sa.LargeBinary(), nullable=False),
        sa.Column("is_post", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pending_id"),
    )
    op.create_table(
        "ledger_hold",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ledger_hold_due", "ledger_hold", ["expires_us"], unique=False)
    op.create_table(
        "ledger_outside",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


MAKERS = (change_balance, change_transfer, make_loose, make_intent, *general.MAKERS)
"""In the order that references between tables ask for."""
