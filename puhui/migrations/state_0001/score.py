"""The tables of score in state 0001."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_score_model() -> None:
    """Make score_model."""
    op.create_table(
        "score_model",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("mapping_digest", sa.Text(), nullable=False),
        sa.Column("data_digest", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("trained_on", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("version > 0"),
        sa.CheckConstraint("length(digest) = 64"),
        sa.CheckConstraint("kind IN ('points', 'trees')"),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    op.create_index(op.f("ix_score_model_digest"), "score_model", ["digest"], unique=False)


MAKERS = (make_score_model,)
"""In the order that references between tables ask for."""
