"""What state 0009 adds to the tables of servicing: in whose hours people are spoken to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_servicing_contact_zone() -> None:
    """Keep in whose hours a person is spoken to."""
    op.create_table(
        "servicing_contact_zone",
        sa.Column("party_id", sa.Text(), primary_key=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
    )


MAKERS = (make_servicing_contact_zone,)
"""In any order."""
