"""The table of exchange that is new in state 0005."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_exchange_settlement_maker() -> None:
    """Make exchange_settlement_maker."""
    op.create_table(
        "exchange_settlement_maker",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["settlement_id"], ["exchange_settlement.id"]),
        sa.PrimaryKeyConstraint("settlement_id"),
    )


MAKERS = (make_exchange_settlement_maker,)
"""In the order that references between tables ask for."""
