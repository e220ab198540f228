"""The tables of servicing that are new or changed in state 0006."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

STATUSES = "status IN ('asked', 'granted', 'declined', 'withdrawn')"


def change_servicing_relief() -> None:
    """A request for relief may be withdrawn: SQLite makes the table anew to check for it."""
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("servicing_relief_status_check", "servicing_relief", type_="check")
        op.create_check_constraint("servicing_relief_status_check", "servicing_relief", STATUSES)
        return
    op.drop_index("servicing_relief_loan", table_name="servicing_relief")
    op.rename_table("servicing_relief", "servicing_relief_before")
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
        sa.CheckConstraint(STATUSES),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO servicing_relief SELECT * FROM servicing_relief_before")
    op.drop_table("servicing_relief_before")
    op.create_index(
        "servicing_relief_loan", "servicing_relief", ["loan_id", "status"], unique=False
    )


def widen_servicing_relief() -> None:
    """Say which kind of relief is asked for; all before asked for time."""
    for name, kind, default in (
        ("kind", sa.Text(), "pause"),
        ("instalments", sa.BigInteger(), "0"),
        ("amount_minor", sa.BigInteger(), "0"),
    ):
        op.add_column(
            "servicing_relief", sa.Column(name, kind, nullable=False, server_default=default)
        )


def make_servicing_vintage() -> None:
    """Make servicing_vintage."""
    op.create_table(
        "servicing_vintage",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("loans", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "act_key", "product", "opened", "bucket"),
    )


RECORD = struct.Struct("<8q")
"""An instalment ahead as state 0005 packed it; a ninth number follows from now on."""


def plan_json(terms: dict[str, Any], servicing: dict[str, Any]) -> str:
    """The plan that the terms and the servicing of a contract of state 0005 come to."""
    keys = servicing["allocation"]
    found = {
        "currency": terms["currency"],
        "annual_rate": terms["annual_rate"],
        "method": terms["method"],
        "count": terms["count"],
        "every": terms.get("every", 1),
        "frequency": terms.get("frequency", "months"),
        "day_count": terms["day_count"],
        "rounding": terms.get("rounding", "half_up"),
        "year_cut": terms.get("year_cut", "31 December"),
        "anchor_day": terms.get("anchor_day"),
        "adjusts_instalment": terms.get("adjusts_instalment", False),
        "shifts_due_days": terms.get("shifts_due_days", False),
        "cuts_shares": True,
        "allocation": keys,
        "direction": servicing["direction"],
        "recalculation": "to_the_day",
        "penalty_multiplier": servicing["penalty_multiplier"],
        "penalty_year_days": servicing["penalty_year_days"],
        "grace_days": servicing["grace_days"],
    }
    return json.dumps(found)


def contract_plans() -> dict[str, str]:
    """The plan of each contract, by its id."""
    rows = op.get_bind().execute(sa.text("SELECT id, terms, servicing FROM lending_contract"))
    found = {}
    for row in rows:
        terms = json.loads(row.terms)
        is_old = "principal_minor" in terms
        found[row.id] = plan_json(terms, json.loads(row.servicing)) if is_old else row.terms
    return found


def change_servicing_event() -> None:
    """Let events say more, give each kind its own name, and put the money drawn first."""
    for name in ("undoes", "payer_id", "details"):
        op.add_column(
            "servicing_event", sa.Column(name, sa.Text(), nullable=False, server_default="")
        )
    op.execute("UPDATE servicing_event SET kind = 'fee_charged' WHERE kind = 'charged'")
    bind = op.get_bind()
    loans = bind.execute(
        sa.text("SELECT id, principal_minor, opened_on, events, paused_from, paused_until "
                "FROM servicing_loan")
    ).all()  # fmt: skip
    rows = []
    for loan in loans:
        opened = date.fromordinal(loan.opened_on).isoformat()
        rows.append(_event(loan.id, 0, "drawn", opened, loan.principal_minor))
        if loan.paused_from:
            since = date.fromordinal(loan.paused_from).isoformat()
            until = json.dumps({"due_on": date.fromordinal(loan.paused_until).isoformat()})
            rows.append(_event(loan.id, loan.events + 1, "paused", since, 0, until))
            bind.execute(
                sa.text("UPDATE servicing_loan SET events = events + 1 WHERE id = :id"),
                {"id": loan.id},
            )
    if rows:
        bind.execute(
            sa.text(
                "INSERT INTO servicing_event (loan_id, number, kind, day, amount_minor, act_key, "
                "undoes, payer_id, details) VALUES (:loan_id, :number, :kind, :day, "
                ":amount_minor, 'migration', '', '', :details)"
            ),
            rows,
        )


def _event(
    loan_id: str, number: int, kind: str, day: str, amount_minor: int, details: str = ""
) -> dict[str, Any]:
    return {
        "loan_id": loan_id,
        "number": number,
        "kind": kind,
        "day": day,
        "amount_minor": amount_minor,
        "details": details,
    }


def change_servicing_loan() -> None:
    """Make room for penalties ahead and for interest that bears penalty too."""
    for name in (
        "next_penalty_minor",
        "penalty_on_interest",
        "base_lgd_millionths",
        "month_class",
        "closed_on",
        "first_grade",
        "credit_minor",
    ):
        op.add_column(
            "servicing_loan", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.execute(
        "UPDATE servicing_loan SET base_lgd_millionths = lgd_millionths, month_class = risk_class, "
        "closed_on = counted_on, first_grade = grade"
    )


def change_servicing_guarantee() -> None:
    """Keep when a guarantee is called, and what its guarantor got back."""
    for name, default in (("recovered_minor", "0"), ("call_after_days", "91")):
        op.add_column(
            "servicing_guarantee",
            sa.Column(name, sa.BigInteger(), nullable=False, server_default=default),
        )
    op.create_index(
        "servicing_guarantee_guarantor", "servicing_guarantee", ["guarantor_id"], unique=False
    )


def make_servicing_class_move() -> None:
    """Make servicing_class_move."""
    op.create_table(
        "servicing_class_move",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("act_key", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("class_before", sa.BigInteger(), nullable=False),
        sa.Column("risk_class", sa.BigInteger(), nullable=False),
        sa.Column("loans", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "act_key", "product", "class_before", "risk_class"),
    )


def make_servicing_partner() -> None:
    """Make servicing_partner."""
    op.create_table(
        "servicing_partner",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def make_servicing_lender_share() -> None:
    """Make servicing_lender_share."""
    op.create_table(
        "servicing_lender_share",
        sa.Column("loan_id", sa.Text(), nullable=False),
        sa.Column("lender_id", sa.Text(), nullable=False),
        sa.Column("share_millionths", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("share_millionths BETWEEN 1 AND 999999"),
        sa.CheckConstraint("outstanding_minor >= 0"),
        sa.PrimaryKeyConstraint("loan_id", "lender_id"),
    )


def change_servicing_plan() -> None:
    """Keep the plan itself beside the rows ahead, which get a ninth number."""
    op.add_column("servicing_plan", sa.Column("plan", sa.Text(), nullable=False, server_default=""))
    bind = op.get_bind()
    plans = contract_plans()
    update = sa.text("UPDATE servicing_plan SET rows = :rows, plan = :plan WHERE loan_id = :id")
    for row in bind.execute(sa.text("SELECT loan_id, rows FROM servicing_plan")).all():
        wider = b"".join(
            RECORD.pack(*record) + bytes(8) for record in RECORD.iter_unpack(bytes(row.rows))
        )
        bind.execute(
            update.bindparams(sa.bindparam("rows", type_=sa.LargeBinary())),
            {"rows": wider, "plan": plans.get(row.loan_id, ""), "id": row.loan_id},
        )


def change_lending_contract() -> None:
    """Keep the plan of each contract where its terms stood; principal and days have columns."""
    bind = op.get_bind()
    update = sa.text("UPDATE lending_contract SET terms = :plan WHERE id = :id")
    for contract_id, plan in contract_plans().items():
        bind.execute(update, {"plan": plan, "id": contract_id})


MAKERS: tuple[Callable[[], None], ...] = (
    change_servicing_relief,
    widen_servicing_relief,
    change_servicing_event,
    change_servicing_loan,
    change_servicing_guarantee,
    make_servicing_class_move,
    make_servicing_partner,
    make_servicing_lender_share,
    change_servicing_plan,
    change_lending_contract,
    make_servicing_vintage,
)
"""In the order that references between tables ask for."""
