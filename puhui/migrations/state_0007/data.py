"""What state 0007 adds to the tables of data: whom a consent shows something to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def widen_data_consent() -> None:
    """Name the one party that a consent shows something to; older ones show to nobody."""
    recipient = sa.Column("recipient", sa.Text(), nullable=False, server_default="")
    op.add_column("data_consent", recipient)


MAKERS = (widen_data_consent,)
"""In any order."""
