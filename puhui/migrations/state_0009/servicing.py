"""What state 0009 adds to the tables of servicing: hours of contact, days by their year,
what a promise comes after, what was restructured twice, fees that are earned over time."""

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


def widen_servicing_loan() -> None:
    """Keep where years are cut within a period and whether penalties look back, which those of
    older releases do not, and whether a loan was restructured again while it was watched."""
    for name in ("year_cut", "restructured_again", "looks_back"):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        op.add_column("servicing_loan", column)


def widen_servicing_promise() -> None:
    """Keep which event was the loan's last when a promise was made; open ones go by their day."""
    after_number = sa.Column("after_number", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("servicing_promise", after_number)


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


MAKERS = (
    make_servicing_contact_zone,
    widen_servicing_loan,
    widen_servicing_promise,
    make_servicing_deferral,
)
"""In any order."""
