"""The table of drafts in state 0003."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_draft() -> None:
    """Make draft."""
    op.create_table(
        "draft",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("kept_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(kind) > 0"),
        sa.PrimaryKeyConstraint("party_id", "kind"),
    )


MAKERS = (make_draft,)
"""In the order that references between tables ask for."""
