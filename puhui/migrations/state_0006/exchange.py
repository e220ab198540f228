"""The tables of exchange that are new or changed in state 0006."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_exchange_draw() -> None:
    """Make exchange_draw."""
    op.create_table(
        "exchange_draw",
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["peer_id"], ["exchange_participant.id"]),
        sa.ForeignKeyConstraint(["participant_id"], ["exchange_participant.id"]),
        sa.PrimaryKeyConstraint("peer_id", "participant_id"),
    )


def make_exchange_peer_leg() -> None:
    """Make exchange_peer_leg."""
    op.create_table(
        "exchange_peer_leg",
        sa.Column("leg_id", sa.Text(), nullable=False),
        sa.Column("peer_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["leg_id"], ["exchange_leg.id"]),
        sa.ForeignKeyConstraint(["peer_id"], ["exchange_participant.id"]),
        sa.PrimaryKeyConstraint("leg_id"),
    )


MAKERS = (make_exchange_draw, make_exchange_peer_leg)
"""In the order that references between tables ask for."""
