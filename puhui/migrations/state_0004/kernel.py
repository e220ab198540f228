"""The tables of kernel that are new in state 0004."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_store_epoch() -> None:
    """Make store_epoch."""
    op.create_table(
        "store_epoch",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("timeline", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
    )


MAKERS = (make_store_epoch,)
"""In the order that references between tables ask for."""
