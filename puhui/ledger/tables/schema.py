"""The tables of the ledger, and how its numbers are kept in them.

Ids are 128-bit numbers, kept as 16 bytes, highest first: half of hexadecimal text in the row and in
every index, in the same order on both stores, and one column for the unique index that two 64-bit
columns would need together. ``blob`` and ``number`` are the only places that convert.

Sums of amounts may pass 64 bits where an account has no balance row. Such sums are taken in two
parts, of the amounts' bits above and below the 31st, and put together in Python.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from puhui.kernel.errors import Refused
from puhui.kernel.store import metadata, sum_int

SHIFT = 31
"""Bits of the lower part of a sum."""
SIDES = ("debit", "credit")
_TRACKED = 14
_NOT_POSTING = 10


def blob(number: int) -> bytes:
    """The 16 bytes of a 128-bit number. Refused: ``ledger.field_out_of_range``."""
    try:
        return number.to_bytes(16, "big")
    except OverflowError:
        raise Refused("ledger.field_out_of_range", f"{number} is no 128-bit number.") from None


def signed(number: int) -> int:
    """An unsigned 64-bit number as the signed one with the same bits, which columns hold."""
    return number - 2**64 if number >= 2**63 else number


def unsigned(number: int) -> int:
    """The unsigned 64-bit number of a signed one."""
    return number + 2**64 if number < 0 else number


def number(blob: bytes | None) -> int:
    """The 128-bit number of 16 bytes; nought of none."""
    return int.from_bytes(blob, "big") if blob else 0


def whole(high: int, low: int) -> int:
    """The sum whose two parts were taken apart by ``high_low``."""
    return (high << SHIFT) + low


def parts(total: int) -> tuple[int, int]:
    """The two parts of a sum, each within 64 bits."""
    return total >> SHIFT, total & (2**SHIFT - 1)


def _store_number(name: str, **options: Any) -> Column[int]:
    """A number that the store itself gives: it may differ, gaps included, between a store and its
    replay, and canonical dumps leave it out.
    """
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, info={"is_store_number": True}, **options)


ACCOUNT = Table(
    "ledger_account",
    metadata,
    _store_number("number"),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("ledger", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("user_data_128", LargeBinary),
    Column("user_data_64", BigInteger, nullable=False),
    Column("user_data_32", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    CheckConstraint("length(id) = 16"),
)
"""Accounts are never changed. ``number`` finds the balance row; ``user_data_64`` is an unsigned
number kept as a signed one."""

BALANCE = Table(
    "ledger_balance",
    metadata,
    _store_number("account_number", autoincrement=False),
    Column("account_id", LargeBinary, nullable=False, info={"is_fixed": True}),
    Column("debits_pending", BigInteger, nullable=False),
    Column("debits_posted", BigInteger, nullable=False),
    Column("credits_pending", BigInteger, nullable=False),
    Column("credits_posted", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("is_closed", Integer, nullable=False, server_default="0"),
    CheckConstraint("debits_pending >= 0 AND debits_posted >= 0"),
    CheckConstraint("credits_pending >= 0 AND credits_posted >= 0"),
    postgresql_with={"fillfactor": 50},
    info={"is_remembered": True},
)
"""Sums in minor units of accounts that have a balance limit or ``history``. ``expires_us`` is not
later than the first expiry among the account's open pendings, 0 where none expires; ``is_closed``
is 1 while an open pending transfer keeps the account closed. The row is found by the number of
its account and by nothing else, so that a batch changes thousands of them in one tree."""

_FAST = text("loose <> 1")
_FAST_PENDING = text("is_loose = 0")
_ALONE = text("loose = 0")
_DUE = text("state = 0 AND expires_us > 0")

TRANSFER = Table(
    "ledger_transfer",
    metadata,
    _store_number("position"),
    Column("id", LargeBinary, nullable=False),
    Column("debit_account_id", LargeBinary, nullable=False),
    Column("credit_account_id", LargeBinary, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("ledger", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("pending_id", LargeBinary),
    Column("timeout_s", BigInteger, nullable=False),
    Column("user_data_128", LargeBinary),
    Column("user_data_64", BigInteger, nullable=False),
    Column("user_data_32", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("chain_id", LargeBinary),
    Column("chain_size", Integer, nullable=False),
    Column("loose", Integer, nullable=False, server_default="0"),
    CheckConstraint("length(id) = 16"),
    CheckConstraint("amount_minor >= 0 AND amount_minor < 4611686018427387904"),
    CheckConstraint("debit_account_id <> credit_account_id"),
    Index(
        "ledger_transfer_debit",
        "debit_account_id",
        "position",
        sqlite_where=_FAST,
        postgresql_where=_FAST,
    ),
    Index(
        "ledger_transfer_credit",
        "credit_account_id",
        "position",
        sqlite_where=_FAST,
        postgresql_where=_FAST,
    ),
    Index("ledger_transfer_id", "id", unique=True, info={"dialect": "postgresql"}),
    Index("ledger_transfer_alone", "id", sqlite_where=_ALONE, info={"dialect": "sqlite"}),
    info={"moves_whole": {"loose": 1}, "ids_beside": "ledger_batch_id"},
)
"""Transfers are never changed or deleted. ``position`` orders them. ``chain_id`` is the id of the
first transfer of a linked chain, ``chain_size`` how many it has. ``loose`` is 0 of one that came
with few others; 1 of one that came with a large batch and that the indexes by account do not have
yet, as a batch of eight thousand would touch a page of them for nearly every transfer; 2 of one
that they have by now.

On PostgreSQL an index on all ids lets none be used twice, whoever writes. On SQLite a table with
such an index takes rows one value at a time, so ids of large batches are in ``BATCH_ID`` instead,
where none is twice; and that none is in both, or twice among those that came alone, rests on one
writer having the turn, who looks before it writes. ``verify`` looks again."""

BATCH_ID = Table(
    "ledger_batch_id",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("position", BigInteger, nullable=False, info={"is_store_number": True}),
    info={"is_bookkeeping": True},
    sqlite_with_rowid=False,
)
"""Where transfers of large batches stand, by id; on PostgreSQL there are none here."""

LOOSE = Table(
    "ledger_loose",
    metadata,
    Column(
        "first_position",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        info={"is_store_number": True},
    ),
    Column("last_position", BigInteger, nullable=False, info={"is_store_number": True}),
)
"""Where loose transfers stand: one row a batch, until upkeep has taken them into the indexes."""

PENDING = Table(
    "ledger_pending",
    metadata,
    _store_number("position", autoincrement=False),
    Column("id", LargeBinary, nullable=False),
    Column("debit_account_id", LargeBinary, nullable=False),
    Column("credit_account_id", LargeBinary, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    Column("released_us", BigInteger, nullable=False),
    Column("is_loose", Integer, nullable=False, server_default="0"),
    CheckConstraint("state IN (0, 1, 2, 3)"),
    Index(
        "ledger_pending_debit",
        "debit_account_id",
        "state",
        sqlite_where=_FAST_PENDING,
        postgresql_where=_FAST_PENDING,
    ),
    Index(
        "ledger_pending_credit",
        "credit_account_id",
        "state",
        sqlite_where=_FAST_PENDING,
        postgresql_where=_FAST_PENDING,
    ),
    Index("ledger_pending_due", "expires_us", sqlite_where=_DUE, postgresql_where=_DUE),
    info={"is_remembered": True},
)
"""The life of each pending transfer: 0 open, 1 posted, 2 voided, 3 expired, and since when.
A row is found by the position of its transfer. ``is_loose`` is 1 while ``loose`` of the transfer
is, but never of a pending that closes an account."""

FAILED = Table(
    "ledger_failed",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("status", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
)
"""Ids of transfers that failed for a passing reason and may not be used again."""

WATERMARK = Table(
    "ledger_watermark",
    metadata,
    Column("account_id", LargeBinary, primary_key=True),
    Column("position", BigInteger, nullable=False, info={"is_store_number": True}),
    Column("debits_high", BigInteger, nullable=False),
    Column("debits_low", BigInteger, nullable=False),
    Column("credits_high", BigInteger, nullable=False),
    Column("credits_low", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
)
"""Posted sums of an account without a balance row, up to a transfer position; ``time_us`` is the
latest time among those transfers."""

T, P, W, A, B = TRANSFER.c, PENDING.c, WATERMARK.c, ACCOUNT.c, BALANCE.c
N = BATCH_ID.c


class Indexed(ColumnElement[int]):
    """What ``loose`` is of those transfers whose ids this store's index of ids has: of all."""

    inherit_cache = False
    type = Integer()


@compiles(Indexed)
def _alone(element: Indexed, compiler: SQLCompiler, **_: object) -> str:
    return "0"


@compiles(Indexed, "postgresql")
def _whatever(element: Indexed, compiler: SQLCompiler, **_: object) -> str:
    return f"{TRANSFER.name}.loose"


IS_ALONE = T.loose == Indexed()
"""Whether the index of ids has the id of a transfer; else ``BATCH_ID`` has it."""


def side_of(rows: Any, name: str) -> ColumnElement[Any]:
    """The column of the debited or the credited account, by the name of the side."""
    column: ColumnElement[Any] = rows[f"{name}_account_id"]
    return column


def ids_in(name: str = "ids") -> Any:
    """A list of ids, given when the statement is run."""
    return bindparam(name, expanding=True)


def high_low(amount: ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The sum of amounts in two parts, ``high`` and ``low``, for ``whole`` to put together."""
    high = sum_int(amount.op(">>")(literal_column(str(SHIFT)))).label("high")
    return high, sum_int(amount.op("&")(literal_column(str(2**SHIFT - 1)))).label("low")


POSTS = T.flags.op("&")(literal_column(str(_NOT_POSTING))) == literal_column("0")
UNTRACKED = A.flags.op("&")(literal_column(str(_TRACKED))) == literal_column("0")
FAST = T.loose != literal_column("1")
FAST_PENDING = P.is_loose == literal_column("0")
IS_DUE = (P.state == literal_column("0")) & (P.expires_us > literal_column("0"))
"""As in the index of what is due, so that it is used."""
IS_LOOSE = T.loose == literal_column("1")
FIRST_LOOSE: Any = select(func.min(LOOSE.c.first_position)).scalar_subquery()
"""The position of the first loose transfer; a comparison with it holds for none where all are in
the indexes."""
