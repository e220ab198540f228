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


def make_code() -> None:
    """Make payment_code, payment_shown_code and payment_code_usage."""
    op.create_table(
        "payment_code",
        sa.Column("digits", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_local", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("city_local", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('static', 'dynamic')"),
        sa.CheckConstraint("status IN ('open', 'used', 'closed')"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.PrimaryKeyConstraint("digits"),
    )
    op.create_index("payment_code_party", "payment_code", ["party_id", "status"], unique=False)
    op.create_table(
        "payment_shown_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'used', 'replaced')"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(
        "payment_shown_code_party", "payment_shown_code", ["party_id", "status"], unique=False
    )
    op.create_table(
        "payment_code_usage",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spent_minor >= 0"),
        sa.PrimaryKeyConstraint("party_id", "currency", "day", "level"),
    )


def make_promise() -> None:
    """Make payment_promise and payment_reading."""
    op.create_table(
        "payment_promise",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("pending_id", sa.LargeBinary(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lapses_on", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('held', 'kept', 'lapsed')"),
        sa.CheckConstraint("amount_minor > 0"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (
        ("payment_promise_due", ["status", "lapses_on"]),
        ("payment_promise_payer", ["payer_id"]),
        ("payment_promise_payee", ["payee_id"]),
    ):
        op.create_index(name, "payment_promise", columns, unique=False)
    op.create_table(
        "payment_reading",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("observed_on", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "name", "observed_on", "revision"),
    )


MAKERS = (make_wallet, make_payment, make_request, make_order, make_code, make_promise)
"""In the order that references between tables ask for."""
