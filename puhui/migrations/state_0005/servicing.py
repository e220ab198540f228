"""The tables of servicing, which are new in state 0005; events of loans move to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_servicing_contact() -> None:
    """Make servicing_contact."""
    op.create_table(
        "servicing_contact",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "servicing_contact_party", "servicing_contact", ["party_id", "day"], unique=False
    )


def make_servicing_event() -> None:
    """Make servicing_event."""
    op.create_table(
        "servicing_event",
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("loan_id", "number"),
    )
    op.execute(
        "INSERT INTO servicing_event (loan_id, number, kind, day, amount_minor, act_key) "
        "SELECT contract_id, number, kind, day, amount_minor, act_key FROM lending_loan_event"
    )
    op.drop_table("lending_loan_event")


def make_servicing_guarantee() -> None:
    """Make servicing_guarantee."""
    op.create_table(
        "servicing_guarantee",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("guarantor_id", sa.Text(), nullable=False),
        sa.Column("share_millionths", sa.BigInteger(), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("called_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("called_minor >= 0"),
        sa.CheckConstraint("share_millionths BETWEEN 1 AND 1000000"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("servicing_guarantee_loan", "servicing_guarantee", ["loan_id"], unique=False)


def make_servicing_loan() -> None:
    """Make servicing_loan."""
    op.create_table(
        "servicing_loan",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.BigInteger(), nullable=False),
        sa.Column("matures_on", sa.BigInteger(), nullable=False),
        sa.Column("counted_on", sa.BigInteger(), nullable=False),
        sa.Column("principal_minor", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("ahead_minor", sa.BigInteger(), nullable=False),
        sa.Column("fixed_on", sa.BigInteger(), nullable=False),
        sa.Column("factor_numerator", sa.BigInteger(), nullable=False),
        sa.Column("factor_denominator", sa.BigInteger(), nullable=False),
        sa.Column("is_half_even", sa.BigInteger(), nullable=False),
        sa.Column("next_due_on", sa.BigInteger(), nullable=False),
        sa.Column("next_principal_minor", sa.BigInteger(), nullable=False),
        sa.Column("next_interest_minor", sa.BigInteger(), nullable=False),
        sa.Column("next_interest_paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("next_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("penalty_numerator", sa.BigInteger(), nullable=False),
        sa.Column("penalty_denominator", sa.BigInteger(), nullable=False),
        sa.Column("grace_days", sa.BigInteger(), nullable=False),
        sa.Column("owing_principal_minor", sa.BigInteger(), nullable=False),
        sa.Column("owing_interest_minor", sa.BigInteger(), nullable=False),
        sa.Column("owing_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("owing_penalty_minor", sa.BigInteger(), nullable=False),
        sa.Column("oldest_due_on", sa.BigInteger(), nullable=False),
        sa.Column("arrears_minor", sa.BigInteger(), nullable=False),
        sa.Column("days_past_due", sa.BigInteger(), nullable=False),
        sa.Column("paused_from", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=False),
        sa.Column("paused_days", sa.BigInteger(), nullable=False),
        sa.Column("watch_until", sa.BigInteger(), nullable=False),
        sa.Column("cleared_on", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("month_bucket", sa.BigInteger(), nullable=False),
        sa.Column("risk_class", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.BigInteger(), nullable=False),
        sa.Column("is_suspended", sa.BigInteger(), nullable=False),
        sa.Column("accrued_minor", sa.BigInteger(), nullable=False),
        sa.Column("booked_minor", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.BigInteger(), nullable=False),
        sa.Column("is_amortising", sa.BigInteger(), nullable=False),
        sa.Column("lgd_millionths", sa.BigInteger(), nullable=False),
        sa.Column("rate_millionths", sa.BigInteger(), nullable=False),
        sa.Column("expected_loss_minor", sa.BigInteger(), nullable=False),
        sa.Column("booked_loss_minor", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("changed_on", sa.BigInteger(), nullable=False),
        sa.Column("owing", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("outstanding_minor >= 0 AND outstanding_minor <= principal_minor"),
        sa.CheckConstraint("stage IN (1, 2, 3) AND risk_class BETWEEN 0 AND 4"),
        sa.CheckConstraint("status IN ('live', 'charged_off', 'paid_off', 'written_off')"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("servicing_loan_changed", "servicing_loan", ["changed_on", "id"], unique=False)
    op.create_index("servicing_loan_party", "servicing_loan", ["party_id"], unique=False)


def make_servicing_plan() -> None:
    """Make servicing_plan."""
    op.create_table(
        "servicing_plan",
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("allocation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("loan_id"),
    )


def make_servicing_pledge() -> None:
    """Make servicing_pledge."""
    op.create_table(
        "servicing_pledge",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("valued_on", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('held', 'released')"),
        sa.CheckConstraint("value_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("servicing_pledge_loan", "servicing_pledge", ["loan_id"], unique=False)


def make_servicing_promise() -> None:
    """Make servicing_promise."""
    op.create_table(
        "servicing_promise",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_on", sa.Text(), nullable=False),
        sa.Column("by_day", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor > 0"),
        sa.CheckConstraint("status IN ('open', 'kept', 'broken')"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "servicing_promise_day", "servicing_promise", ["status", "by_day"], unique=False
    )
    op.create_index(
        "servicing_promise_loan", "servicing_promise", ["loan_id", "status"], unique=False
    )


def make_servicing_provision() -> None:
    """Make servicing_provision."""
    op.create_table(
        "servicing_provision",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("stage", sa.BigInteger(), nullable=False),
        sa.Column("risk_class", sa.BigInteger(), nullable=False),
        sa.Column("loans", sa.BigInteger(), nullable=False),
        sa.Column("exposure_minor", sa.BigInteger(), nullable=False),
        sa.Column("expected_loss_minor", sa.BigInteger(), nullable=False),
        sa.Column("posted_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "act_key", "product", "currency", "stage", "risk_class"),
    )


def make_servicing_relief() -> None:
    """Make servicing_relief."""
    op.create_table(
        "servicing_relief",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('asked', 'granted', 'declined')"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "servicing_relief_loan", "servicing_relief", ["loan_id", "status"], unique=False
    )


def make_servicing_roll() -> None:
    """Make servicing_roll."""
    op.create_table(
        "servicing_roll",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("bucket_before", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("loans", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "act_key", "product", "bucket_before", "bucket"),
    )


def make_servicing_task() -> None:
    """Make servicing_task."""
    op.create_table(
        "servicing_task",
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Text(), nullable=False),
        sa.Column("days_past_due", sa.BigInteger(), nullable=False),
        sa.Column("arrears_minor", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'closed')"),
        sa.PrimaryKeyConstraint("loan_id"),
    )
    op.create_index("servicing_task_step", "servicing_task", ["status", "step"], unique=False)


MAKERS = (
    make_servicing_contact,
    make_servicing_event,
    make_servicing_guarantee,
    make_servicing_loan,
    make_servicing_plan,
    make_servicing_pledge,
    make_servicing_promise,
    make_servicing_provision,
    make_servicing_relief,
    make_servicing_roll,
    make_servicing_task,
)
"""In the order that references between tables ask for."""
