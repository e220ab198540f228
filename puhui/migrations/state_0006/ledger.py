"""The tables of ledger that are new or changed in state 0006."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ACCOUNT = ("id", "ledger", "code", "flags", "user_data_128", "user_data_64", "user_data_32")
_BALANCE = (
    "account_id",
    "debits_pending",
    "debits_posted",
    "credits_pending",
    "credits_posted",
    "expires_us",
    "is_closed",
)


def number_accounts() -> None:
    """Give each account a number of the store's own, in the order in which they were created."""
    op.rename_table("ledger_account", "ledger_account_old")
    op.create_table(
        "ledger_account",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("user_data_128", sa.LargeBinary(), nullable=True),
        sa.Column("user_data_64", sa.BigInteger(), nullable=False),
        sa.Column("user_data_32", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(id) = 16"),
        sa.PrimaryKeyConstraint("number", name="ledger_account_number"),
        sa.UniqueConstraint("id"),
    )
    names = ", ".join((*_ACCOUNT, "time_us"))
    op.execute(
        f"INSERT INTO ledger_account ({names}) SELECT {names} FROM ledger_account_old"
        " ORDER BY time_us, id"
    )
    op.drop_table("ledger_account_old")


def number_balances() -> None:
    """Let balance rows be found by the number of their account."""
    op.rename_table("ledger_balance", "ledger_balance_old")
    op.create_table(
        "ledger_balance",
        sa.Column("account_number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.Column("debits_pending", sa.BigInteger(), nullable=False),
        sa.Column("debits_posted", sa.BigInteger(), nullable=False),
        sa.Column("credits_pending", sa.BigInteger(), nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("is_closed", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("debits_pending >= 0 AND debits_posted >= 0"),
        sa.CheckConstraint("credits_pending >= 0 AND credits_posted >= 0"),
        sa.PrimaryKeyConstraint("account_number", name="ledger_balance_number"),
        postgresql_with={"fillfactor": 50},
    )
    names = ", ".join(_BALANCE)
    op.execute(
        f"INSERT INTO ledger_balance (account_number, {names}) SELECT number,"
        f" {', '.join(f'ledger_balance_old.{name}' for name in _BALANCE)}"
        " FROM ledger_balance_old JOIN ledger_account ON ledger_account.id = account_id"
        " ORDER BY number"
    )
    op.drop_table("ledger_balance_old")


def loosen_pendings() -> None:
    """Let pendings of large batches be taken into the indexes by account later, and keep in that of
    what is due nothing but what can become due.
    """
    column = sa.Column("is_loose", sa.Integer(), nullable=False, server_default="0")
    op.add_column("ledger_pending", column)
    is_fast = sa.text("is_loose = 0")
    for side in ("debit", "credit"):
        op.drop_index(f"ledger_pending_{side}", table_name="ledger_pending")
        op.create_index(
            f"ledger_pending_{side}",
            "ledger_pending",
            [f"{side}_account_id", "state"],
            unique=False,
            sqlite_where=is_fast,
            postgresql_where=is_fast,
        )
    is_due = sa.text("state = 0 AND expires_us > 0")
    op.drop_index("ledger_pending_due", table_name="ledger_pending")
    op.create_index(
        "ledger_pending_due",
        "ledger_pending",
        ["expires_us"],
        unique=False,
        sqlite_where=is_due,
        postgresql_where=is_due,
    )


MAKERS = (number_accounts, number_balances, loosen_pendings)
"""In the order that references between tables ask for."""
