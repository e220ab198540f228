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


MAKERS = (widen_servicing_lender_share, make_servicing_lender_aside)
"""In any order."""
