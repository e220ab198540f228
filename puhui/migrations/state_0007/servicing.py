"""What state 0007 adds to the tables of servicing: the class of a sealed reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def widen_servicing_relief() -> None:
    """Sort requests by a class of reason; what was sealed before stays without one."""
    reason_class = sa.Column("reason_class", sa.Text(), nullable=False, server_default="")
    op.add_column("servicing_relief", reason_class)


MAKERS = (widen_servicing_relief,)
"""In any order."""
