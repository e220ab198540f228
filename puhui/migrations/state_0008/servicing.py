"""What state 0008 adds to the tables of servicing: interest due to joint lenders, their fees."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def widen_servicing_lender_share() -> None:
    """Keep what the books hold for a lender; the next day books what older releases did not."""
    for name in ("booked_minor", "upfront_minor"):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        op.add_column("servicing_lender_share", column)


MAKERS = (widen_servicing_lender_share,)
"""In any order."""
