"""The tables of lending that are new or changed in state 0007."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_lending_guarantee_ask() -> None:
    """Make lending_guarantee_ask."""
    op.create_table(
        "lending_guarantee_ask",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("borrower_id", sa.Text(), nullable=False),
        sa.Column("guarantor_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("share_millionths", sa.BigInteger(), nullable=False),
        sa.Column("call_after_days", sa.BigInteger(), nullable=False),
        sa.Column("verified_income", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("text_digest", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("guarantee_id", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('asked', 'signed', 'declined', 'withdrawn')"),
        sa.CheckConstraint("share_millionths BETWEEN 1 AND 1000000"),
        sa.CheckConstraint("guarantor_id <> borrower_id"),
        sa.CheckConstraint("(status = 'signed') = (guarantee_id IS NOT NULL)"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("guarantor", "borrower", "contract"):
        op.create_index(
            f"lending_guarantee_ask_{name}", "lending_guarantee_ask", [f"{name}_id"], unique=False
        )


def make_lending_change_cost() -> None:
    """Make lending_change_cost."""
    op.create_table(
        "lending_change_cost",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cost_minor >= 0"),
        sa.PrimaryKeyConstraint("contract_id", "number"),
    )


def widen_lending_application() -> None:
    """Keep the due day that an applicant chose, and how often is to be paid."""
    op.add_column("lending_application", sa.Column("due_day", sa.BigInteger(), nullable=True))
    rhythm = sa.Column("rhythm", sa.Text(), nullable=False, server_default="")
    op.add_column("lending_application", rhythm)


def widen_lending_credit_offer() -> None:
    """Keep what a person said to an offer; those of before wait for an answer until they end."""
    status = sa.Column("status", sa.Text(), nullable=False, server_default="open")
    op.add_column("lending_credit_offer", status)
    op.add_column("lending_credit_offer", sa.Column("answered_us", sa.BigInteger(), nullable=True))


def make_lending_no_offers() -> None:
    """Make lending_no_offers."""
    op.create_table(
        "lending_no_offers",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("said_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
    )


MAKERS = (
    make_lending_guarantee_ask,
    make_lending_change_cost,
    widen_lending_application,
    widen_lending_credit_offer,
    make_lending_no_offers,
)
"""In the order that references between tables ask for."""
