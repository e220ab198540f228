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


COLUMNS = (
    "name", "version", "digest", "kind", "mapping", "mapping_digest", "data_digest", "maker",
    "trained_on", "metrics", "registered_by", "registered_us",
)  # fmt: skip


def widen_score_model() -> None:
    """Make score_model anew: a model may be additive, too."""
    connection = op.get_bind()
    op.drop_index(op.f("ix_score_model_digest"), "score_model")
    op.rename_table("score_model", "score_model_0005")
    op.create_table(
        "score_model",
        *(
            sa.Column(name, sa.BigInteger() if name in WHOLE else sa.Text(), nullable=False)
            for name in COLUMNS
        ),
        sa.CheckConstraint("version > 0"),
        sa.CheckConstraint("length(digest) = 64"),
        sa.CheckConstraint("kind IN ('points', 'trees', 'additive')"),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    old = sa.table("score_model_0005", *(sa.column(name) for name in COLUMNS))
    new = sa.table("score_model", *(sa.column(name) for name in COLUMNS))
    connection.execute(sa.insert(new).from_select(list(COLUMNS), sa.select(*old.c)))
    op.drop_table("score_model_0005")
    op.create_index(op.f("ix_score_model_digest"), "score_model", ["digest"], unique=False)


WHOLE = ("version", "registered_us")

MAKERS = (make_score_audit, widen_score_model)
"""In the order that references between tables ask for."""
