"""The tables of score that are new or changed in state 0006."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_score_audit() -> None:
    """Make score_audit."""
    op.create_table(
        "score_audit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("tests", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("unknown", sa.Text(), nullable=False),
        sa.Column("audited_by", sa.Text(), nullable=False),
        sa.Column("audited_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(model_digest) = 64"),
        sa.CheckConstraint("approved BETWEEN 0 AND rows AND findings >= 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "score_audit_model", "score_audit", ["model_digest", "audited_us"], unique=False
    )


MAKERS = (make_score_audit,)
"""In the order that references between tables ask for."""
