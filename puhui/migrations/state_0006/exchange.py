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


def change_exchange_deal() -> None:
    """Keep by which quote a deal was made, and the last word of the node that pays out."""
    for name in ("quote_id", "target_state", "target_signature"):
        op.add_column(
            "exchange_deal", sa.Column(name, sa.Text(), nullable=False, server_default="")
        )


MAKERS = (make_exchange_draw, make_exchange_peer_leg, change_exchange_deal)
"""In the order that references between tables ask for."""
