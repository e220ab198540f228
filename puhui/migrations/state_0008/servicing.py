"""What state 0008 adds to the tables of servicing: what is due to joint lenders, or kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def widen_servicing_lender_share() -> None:
    """Keep what the books hold for a lender; the next day books what older releases did not."""
    for name in ("booked_minor", "upfront_minor"):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        op.add_column("servicing_lender_share", column)


def make_servicing_lender_aside() -> None:
    """Keep what wallets of lenders did not take."""
    op.create_table(
        "servicing_lender_aside",
        sa.Column("lender_id", sa.Text(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("kept_minor", sa.BigInteger(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kept_minor > 0"),
    )


def split_moves_by_currency() -> None:
    """Moves between buckets and classes are kept by currency; a product had one."""
    for name, places in (
        ("servicing_roll", ("bucket_before", "bucket")),
        ("servicing_class_move", ("class_before", "risk_class")),
    ):
        op.execute(f"CREATE TABLE {name}_0007 AS SELECT * FROM {name}")
        op.drop_table(name)
        keys = ("period", "act_key", "product", "currency")
        op.create_table(
            name,
            *(sa.Column(key, sa.Text(), nullable=False) for key in keys),
            *(sa.Column(place, sa.BigInteger(), nullable=False) for place in places),
            sa.Column("loans", sa.BigInteger(), nullable=False),
            sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint(*keys, *places),
        )
        told = ", ".join(f"o.{place}" for place in (*places, "loans", "outstanding_minor"))
        op.execute(
            f"INSERT INTO {name} SELECT o.period, o.act_key, o.product, "
            "COALESCE((SELECT MIN(p.currency) FROM servicing_provision p WHERE p.period = o.period "
            f"AND p.act_key = o.act_key AND p.product = o.product), 'CNY'), {told} "
            f"FROM {name}_0007 o"
        )
        op.drop_table(f"{name}_0007")


MAKERS = (widen_servicing_lender_share, make_servicing_lender_aside, split_moves_by_currency)
"""In any order."""
