"""The tables of ledger that are new or changed in state 0006."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ACCOUNT = ("id", "ledger", "code", "flags", "user_data_128", "user_data_64", "user_data_32")
_PENDING = (
    "id",
    "debit_account_id",
    "credit_account_id",
    "amount_minor",
    "time_us",
    "expires_us",
    "state",
    "released_us",
)
_TRANSFER = (
    "position",
    *("id", "debit_account_id", "credit_account_id", "amount_minor", "ledger", "code", "flags"),
    *("pending_id", "timeout_s", "user_data_128", "user_data_64", "user_data_32", "time_us"),
    *("chain_id", "chain_size"),
)
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


def place_pendings() -> None:
    """Let pending rows be found by the position of their transfer, and be taken into the indexes by
    account later; keep in that of what is due nothing but what can become due.
    """
    op.rename_table("ledger_pending", "ledger_pending_old")
    op.create_table(
        "ledger_pending",
        sa.Column("position", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("debit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("credit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("released_us", sa.BigInteger(), nullable=False),
        sa.Column("is_loose", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state IN (0, 1, 2, 3)"),
        sa.PrimaryKeyConstraint("position", name="ledger_pending_position"),
    )
    names = ", ".join(_PENDING)
    op.execute(
        f"INSERT INTO ledger_pending (position, {names}) SELECT ledger_transfer.position,"
        f" {', '.join(f'ledger_pending_old.{name}' for name in _PENDING)}"
        " FROM ledger_pending_old JOIN ledger_transfer"
        " ON ledger_transfer.id = ledger_pending_old.id ORDER BY ledger_transfer.position"
    )
    op.drop_table("ledger_pending_old")
    is_fast = sa.text("is_loose = 0")
    for side in ("debit", "credit"):
        _make_index("ledger_pending", side, [f"{side}_account_id", "state"], is_fast)
    is_due = sa.text("state = 0 AND expires_us > 0")
    _make_index("ledger_pending", "due", ["expires_us"], is_due)


def _make_index(table: str, name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(
        f"{table}_{name}",
        table,
        columns,
        unique=False,
        sqlite_where=where,
        postgresql_where=where,
    )


def find_batches_beside() -> None:
    """Let ids of large batches be kept beside the transfers on SQLite, so that these are moved
    whole; on PostgreSQL the index of all ids stays as it is.
    """
    op.create_table(
        "ledger_batch_id",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    for side in ("debit", "credit"):
        op.drop_index(f"ledger_transfer_{side}", table_name="ledger_transfer")
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        _make_transfers_again()
        op.create_index(
            "ledger_transfer_alone", "ledger_transfer", ["id"], sqlite_where=sa.text("loose = 0")
        )
    else:
        op.alter_column("ledger_transfer", "is_loose", new_column_name="loose")
        op.drop_constraint("ledger_transfer_id_key", "ledger_transfer")
        op.create_index("ledger_transfer_id", "ledger_transfer", ["id"], unique=True)
    is_fast = sa.text("loose <> 1")
    for side in ("debit", "credit"):
        _make_index("ledger_transfer", side, [f"{side}_account_id", "position"], is_fast)


def _make_transfers_again() -> None:
    """Make ledger_transfer without an index that lets no id be there twice."""
    op.rename_table("ledger_transfer", "ledger_transfer_old")
    op.create_table(
        "ledger_transfer",
        sa.Column("position", _NUMBER, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("debit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("credit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("pending_id", sa.LargeBinary(), nullable=True),
        sa.Column("timeout_s", sa.BigInteger(), nullable=False),
        sa.Column("user_data_128", sa.LargeBinary(), nullable=True),
        sa.Column("user_data_64", sa.BigInteger(), nullable=False),
        sa.Column("user_data_32", sa.BigInteger(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.LargeBinary(), nullable=True),
        sa.Column("chain_size", sa.Integer(), nullable=False),
        sa.Column("loose", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("length(id) = 16"),
        sa.CheckConstraint("amount_minor >= 0 AND amount_minor < 4611686018427387904"),
        sa.CheckConstraint("debit_account_id <> credit_account_id"),
        sa.PrimaryKeyConstraint("position"),
    )
    names = ", ".join(_TRANSFER)
    op.execute(
        f"INSERT INTO ledger_transfer ({names}, loose) SELECT {names}, is_loose"
        " FROM ledger_transfer_old ORDER BY position"
    )
    op.drop_table("ledger_transfer_old")
    op.execute(
        "INSERT INTO ledger_batch_id (id, position) SELECT id, position FROM ledger_transfer"
        " WHERE loose = 1 ORDER BY id"
    )


MAKERS = (number_accounts, number_balances, place_pendings, find_batches_beside)
"""In the order that references between tables ask for."""
