"""The tables of lending in state 0001."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_lending_application() -> None:
    """Make lending_application."""
    op.create_table(
        "lending_application",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("product_digest", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("wanted_minor", sa.BigInteger(), nullable=False),
        sa.Column("term_months", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("champion", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("row_digest", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("offered_minor", sa.BigInteger(), nullable=False),
        sa.Column("applied_us", sa.BigInteger(), nullable=False),
        sa.Column("applied_on", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'review', 'offered', 'refused', 'accepted', 'withdrawn', 'expired')"
        ),
        sa.CheckConstraint("wanted_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "lending_application_party",
        "lending_application",
        ["party_id", "product", "status"],
        unique=False,
    )
    op.create_index(
        "lending_application_status", "lending_application", ["status", "applied_on"], unique=False
    )


def make_lending_contract() -> None:
    """Make lending_contract."""
    op.create_table(
        "lending_contract",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("product_digest", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("principal_minor", sa.BigInteger(), nullable=False),
        sa.Column("annual_rate", sa.Text(), nullable=False),
        sa.Column("apr", sa.Text(), nullable=False),
        sa.Column("total_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("upfront_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("counts_from", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("servicing", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_digest", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("accepted_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Text(), nullable=True),
        sa.Column("disbursed_minor", sa.BigInteger(), nullable=False),
        sa.Column("repaid_minor", sa.BigInteger(), nullable=False),
        sa.Column("written_off_minor", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.Column("days_past_due", sa.BigInteger(), nullable=False),
        sa.Column("arrears_minor", sa.BigInteger(), nullable=False),
        sa.Column("aged_on", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('signed', 'void', 'current', 'past_due', 'paid_off', 'written_off')"
        ),
        sa.CheckConstraint(
            "outstanding_minor = disbursed_minor - repaid_minor - written_off_minor"
        ),
        sa.CheckConstraint(
            "outstanding_minor >= 0 AND repaid_minor >= 0 AND written_off_minor >= 0"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "lending_contract_application", "lending_contract", ["application_id"], unique=False
    )
    op.create_index(
        "lending_contract_party", "lending_contract", ["party_id", "status"], unique=False
    )
    op.create_index("lending_contract_status", "lending_contract", ["status", "id"], unique=False)


def make_lending_cut_off() -> None:
    """Make lending_cut_off."""
    op.create_table(
        "lending_cut_off",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("pd_max", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product", "model_digest"),
    )


def make_lending_decision() -> None:
    """Make lending_decision."""
    op.create_table(
        "lending_decision",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("pd", sa.Text(), nullable=True),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("pd_max", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("decided_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("outcome IN ('approved', 'refused', 'review')"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "lending_decision_application",
        "lending_decision",
        ["application_id", "decided_us"],
        unique=False,
    )


def make_lending_loan_event() -> None:
    """Make lending_loan_event."""
    op.create_table(
        "lending_loan_event",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('repaid', 'charged', 'written_off')"),
        sa.PrimaryKeyConstraint("contract_id", "number"),
    )


def make_lending_obligor() -> None:
    """Make lending_obligor."""
    op.create_table(
        "lending_obligor",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
    )


def make_lending_review() -> None:
    """Make lending_review."""
    op.create_table(
        "lending_review",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("proposal", sa.Text(), nullable=True),
        sa.Column("proposal_reason", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirm_reason", sa.Text(), nullable=True),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'proposed', 'closed')"),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> proposed_by"),
        sa.PrimaryKeyConstraint("application_id"),
    )
    op.create_index(
        "lending_review_status", "lending_review", ["status", "opened_us"], unique=False
    )


MAKERS = (
    make_lending_application,
    make_lending_contract,
    make_lending_cut_off,
    make_lending_decision,
    make_lending_loan_event,
    make_lending_obligor,
    make_lending_review,
)
"""In the order that references between tables ask for."""
