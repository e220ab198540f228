"""The tables of servicing that are new or changed in state 0006."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

STATUSES = "status IN ('asked', 'granted', 'declined', 'withdrawn')"


def change_servicing_relief() -> None:
    """A request for relief may be withdrawn: SQLite makes the table anew to check for it."""
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("servicing_relief_status_check", "servicing_relief", type_="check")
        op.create_check_constraint("servicing_relief_status_check", "servicing_relief", STATUSES)
        return
    op.drop_index("servicing_relief_loan", table_name="servicing_relief")
    op.rename_table("servicing_relief", "servicing_relief_before")
    op.create_table(
        "servicing_relief",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(STATUSES),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO servicing_relief SELECT * FROM servicing_relief_before")
    op.drop_table("servicing_relief_before")
    op.create_index(
        "servicing_relief_loan", "servicing_relief", ["loan_id", "status"], unique=False
    )


def make_servicing_vintage() -> None:
    """Make servicing_vintage."""
    op.create_table(
        "servicing_vintage",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("loans", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "act_key", "product", "opened", "bucket"),
    )


MAKERS: tuple[Callable[[], None], ...] = (change_servicing_relief, make_servicing_vintage)
"""In the order that references between tables ask for."""
