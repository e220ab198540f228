"""The tables of payment that are new in state 0004."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_wallet() -> None:
    """Make payment_wallet and payment_usage."""
    op.create_table(
        "payment_wallet",
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'closed')"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("payment_wallet_party", "payment_wallet", ["party_id", "currency"], unique=True)
    op.create_table(
        "payment_usage",
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("payments", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spent_minor >= 0"),
        sa.PrimaryKeyConstraint("account_id", "day"),
    )


def make_payment() -> None:
    """Make payment, payment_refund and payment_hold."""
    op.create_table(
        "payment",
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("original_id", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payment_refund",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "payment_hold",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer_id", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("taken_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('held', 'taken', 'released')"),
        sa.CheckConstraint("taken_minor >= 0 AND taken_minor <= amount_minor"),
        sa.PrimaryKeyConstraint("id"),
    )


def make_request() -> None:
    """Make payment_request."""
    op.create_table(
        "payment_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("bill_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'paid', 'declined', 'cancelled', 'expired')"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (
        ("payment_request_payer", ["payer_id", "status"]),
        ("payment_request_payee", ["payee_id", "status"]),
        ("payment_request_due", ["status", "expires_us"]),
    ):
        op.create_index(name, "payment_request", columns, unique=False)


def make_order() -> None:
    """Make payment_order."""
    op.create_table(
        "payment_order",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("anchor_day", sa.Integer(), nullable=False),
        sa.Column("next_on", sa.Text(), nullable=False),
        sa.Column("try_on", sa.Text(), nullable=False),
        sa.Column("ends_on", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'ended', 'cancelled')"),
        sa.CheckConstraint("every IN ('week', 'month')"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("payment_order_payer", "payment_order", ["payer_id"], unique=False)
    op.create_index("payment_order_due", "payment_order", ["status", "try_on"], unique=False)


MAKERS = (make_wallet, make_payment, make_request, make_order)
"""In the order that references between tables ask for."""
