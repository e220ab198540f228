"""The tables of webhook, which are new in state 0002."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_webhook_endpoint() -> None:
    """Make webhook_endpoint."""
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("after_position", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("deleted_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("after_position >= 0"),
        sa.CheckConstraint("generation > 0"),
        sa.PrimaryKeyConstraint("id"),
    )


MAKERS = (make_webhook_endpoint,)
"""In the order that references between tables ask for."""
