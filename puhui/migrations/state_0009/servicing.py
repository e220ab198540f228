"""What state 0009 adds to the tables of servicing."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op


def make_servicing_deferral() -> None:
    """Keep fees that are part of the interest of a loan; loans drawn before have none."""
    op.create_table(
        "servicing_deferral",
        sa.Column("loan_id", sa.Text(), primary_key=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("charged_minor", "fee_minor", "income_minor", "lost_minor")
        ),
        sa.Column("contract_rate", sa.Text(), nullable=False),
        sa.Column("effective_rate", sa.Text(), nullable=False),
        sa.Column("knots", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("fee_minor BETWEEN 0 AND charged_minor"),
        sa.CheckConstraint("income_minor >= 0 AND lost_minor >= 0"),
        sa.CheckConstraint("income_minor + lost_minor <= fee_minor"),
    )


MAKERS: tuple[Callable[[], None], ...] = (make_servicing_deferral,)
"""In any order."""
