"""The tables of lending that are new or changed in state 0006."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op


def seal_lending_obligation() -> None:
    """Make lending_obligation anew: amounts and source in one text, which is sealed later.

    A migration has no keys, so what stands there stays plain and is marked; the first close of a
    day seals it.
    """
    connection = op.get_bind()
    op.drop_index("lending_obligation_party", "lending_obligation")
    op.rename_table("lending_obligation", "lending_obligation_0005")
    op.create_table(
        "lending_obligation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("is_sealed", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('wallet_credit', 'declared', 'bureau', 'guarantee')"),
        sa.CheckConstraint("is_sealed IN (0, 1)"),
        sa.PrimaryKeyConstraint("id"),
    )
    old = sa.table("lending_obligation_0005", *(sa.column(name) for name in OLD))
    new = sa.table("lending_obligation", *(sa.column(name) for name in NEW))
    rows = [dict(row._mapping) for row in connection.execute(sa.select(*old.c))]
    for row in rows:
        told = {name: row.pop(name) for name in ("debt_minor", "monthly_minor", "source")}
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        connection.execute(sa.insert(new).values(**row, sealed=text, is_sealed=0))
    op.drop_table("lending_obligation_0005")
    op.create_index("lending_obligation_party", "lending_obligation", ["party_id"], unique=False)


KEPT = ("id", "party_id", "kind", "currency", "recorded_by", "recorded_us", "closed_us")
OLD = (*KEPT, "debt_minor", "monthly_minor", "source")
NEW = (*KEPT, "sealed", "is_sealed")


def make_lending_credit_limit() -> None:
    """Make lending_credit_limit."""
    op.create_table(
        "lending_credit_limit",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("credit_limit_minor >= 0"),
        sa.PrimaryKeyConstraint("party_id", "product"),
    )


def make_lending_credit_limit_change() -> None:
    """Make lending_credit_limit_change."""
    op.create_table(
        "lending_credit_limit_change",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("before_minor", sa.BigInteger(), nullable=False),
        sa.Column("after_minor", sa.BigInteger(), nullable=False),
        sa.Column("drawn_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reviewed_us", sa.BigInteger(), nullable=False),
        sa.Column("counts_from", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('kept', 'lowered', 'offered', 'agreed', 'declined', 'lapsed')"
        ),
        sa.CheckConstraint("before_minor >= 0 AND after_minor >= 0 AND drawn_minor >= 0"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("party_id", "product", "month"),
    )
    op.create_index(
        "lending_credit_limit_change_party",
        "lending_credit_limit_change",
        ["party_id", "reviewed_us"],
        unique=False,
    )


def make_lending_late() -> None:
    """Make lending_late."""
    op.create_table(
        "lending_late",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("late_on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party_id", "product"),
    )


def make_lending_line_notice() -> None:
    """Make lending_line_notice."""
    op.create_table(
        "lending_line_notice",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_us", sa.BigInteger(), nullable=False),
        sa.Column("closes_on", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'withdrawn', 'ended')"),
        sa.PrimaryKeyConstraint("contract_id"),
    )
    op.create_index(
        "lending_line_notice_day", "lending_line_notice", ["status", "closes_on"], unique=False
    )


def make_lending_proposal() -> None:
    """Make lending_proposal."""
    op.create_table(
        "lending_proposal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_us", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'approved', 'declined', 'withdrawn')"),
        sa.CheckConstraint("cost_minor >= 0"),
        sa.CheckConstraint(
            "decided_by IS NULL OR status = 'withdrawn' OR decided_by <> proposed_by"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (("status", ["status", "proposed_us"]), ("contract", ["contract_id"])):
        op.create_index(f"lending_proposal_{name}", "lending_proposal", columns, unique=False)


def widen_lending_review() -> None:
    """Keep the income that an officer verified, sealed."""
    op.add_column("lending_review", sa.Column("verified_income", sa.Text(), nullable=True))


MAKERS = (
    seal_lending_obligation,
    make_lending_credit_limit,
    make_lending_credit_limit_change,
    make_lending_late,
    make_lending_line_notice,
    make_lending_proposal,
    widen_lending_review,
)
"""In the order that references between tables ask for."""
