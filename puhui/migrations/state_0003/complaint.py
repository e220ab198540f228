"""The table of complaints in state 0003."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_complaint() -> None:
    """Make complaint."""
    op.create_table(
        "complaint",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filed_us", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Text(), nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('filed', 'answered', 'closed')"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("complaint_party", "complaint", ["party_id"], unique=False)
    op.create_index("complaint_status", "complaint", ["status", "due_on"], unique=False)


MAKERS = (make_complaint,)
"""In the order that references between tables ask for."""
