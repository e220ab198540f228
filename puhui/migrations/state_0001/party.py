"""The tables of party in state 0001."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def make_party() -> None:
    """Make party."""
    op.create_table(
        "party",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("registered_us", sa.BigInteger(), nullable=False),
        sa.Column("erased_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(source IS NULL) = (reference IS NULL)"),
        sa.CheckConstraint("kind IN ('person', 'firm')"),
        sa.CheckConstraint("identity IN ('unchecked', 'passed', 'failed')"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "reference"),
        sa.UniqueConstraint("subject"),
    )


def make_party_login_tries() -> None:
    """Make party_login_tries."""
    op.create_table(
        "party_login_tries",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("locked_until_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("failures > 0"),
        sa.PrimaryKeyConstraint("digest"),
    )


def make_party_field() -> None:
    """Make party_field."""
    op.create_table(
        "party_field",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("party_id", "field"),
    )


def make_party_hold() -> None:
    """Make party_hold."""
    op.create_table(
        "party_hold",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("party_id", "reason", "reference"),
    )


def make_party_identity() -> None:
    """Make party_identity."""
    op.create_table(
        "party_identity",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("party_id"),
    )


def make_party_identity_check() -> None:
    """Make party_identity_check."""
    op.create_table(
        "party_identity_check",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("is_passed", sa.BigInteger(), nullable=False),
        sa.Column("evidence_digest", sa.Text(), nullable=False),
        sa.Column("checked_us", sa.BigInteger(), nullable=False),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.CheckConstraint("is_passed IN (0, 1)"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_party_identity_check_party_id"), "party_identity_check", ["party_id"], unique=False
    )


def make_party_phone() -> None:
    """Make party_phone."""
    op.create_table(
        "party_phone",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("party_id"),
    )
    op.create_index(op.f("ix_party_phone_digest"), "party_phone", ["digest"], unique=False)


def make_party_relation() -> None:
    """Make party_relation."""
    op.create_table(
        "party_relation",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["firm_id"],
            ["party.id"],
        ),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("firm_id", "party_id", "kind", "grounds"),
    )
    op.create_index(
        op.f("ix_party_relation_party_id"), "party_relation", ["party_id"], unique=False
    )


def make_party_user() -> None:
    """Make party_user."""
    op.create_table(
        "party_user",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("login_digest", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("registered_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("disabled_us IS NOT NULL OR login_digest IS NOT NULL"),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login_digest"),
    )
    op.create_index(op.f("ix_party_user_party_id"), "party_user", ["party_id"], unique=False)


def make_party_role() -> None:
    """Make party_role."""
    op.create_table(
        "party_role",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("granted_us", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["party_user.id"],
        ),
        sa.PrimaryKeyConstraint("user_id", "role"),
    )


MAKERS = (
    make_party,
    make_party_login_tries,
    make_party_field,
    make_party_hold,
    make_party_identity,
    make_party_identity_check,
    make_party_phone,
    make_party_relation,
    make_party_user,
    make_party_role,
)
"""In the order that references between tables ask for."""
