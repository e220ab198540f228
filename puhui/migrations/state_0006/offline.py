"""The table of offline that is new in state 0006."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_offline_excess() -> None:
    """Make offline_excess."""
    op.create_table(
        "offline_excess",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )


MAKERS = (make_offline_excess,)
"""In the order that references between tables ask for."""
