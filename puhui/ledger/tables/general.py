"""Tables and statements of the general ledger: movements, closed days, and what came late.

Sums are kept in two parts each, as everywhere in the ledger: see ``tables.schema``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from puhui.kernel.store import excluded, insert_all, metadata, sum_int, upsert
from puhui.ledger.tables.schema import ACCOUNT, POSTS, SIDES, A, T, high_low, side_of

DAY_US = 86_400_000_000
ZONE_US = 28_800_000_000
"""China is eight hours ahead of UTC all year; days are numbered from 1970-01-01 there."""

PARTS = ("debits_high", "debits_low", "credits_high", "credits_low")
KINDS = ("opening", "moved", "adjusted", "carried")


def _parts(*kinds: str) -> list[Column[Any]]:
    names = [f"{kind}_{part}" for kind in kinds for part in PARTS] if kinds else list(PARTS)
    return [Column(name, BigInteger, nullable=False) for name in names]


PROGRESS = Table(
    "ledger_general_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("summed_position", BigInteger, nullable=False, info={"is_store_number": True}),
    Column("until_position", BigInteger, nullable=False, info={"is_store_number": True}),
    CheckConstraint("id = 1"),
)
"""One row: up to which position transfers are in the movements, and up to which they shall be. No
act that is still running can add a transfer at or below ``until_position``."""

MARK = Table(
    "ledger_general_mark",
    metadata,
    Column("day", Text, primary_key=True),
    Column("first_day", Text, nullable=False),
    Column("chunks", Integer, nullable=False, info={"is_store_number": True}),
    Column("marked_us", BigInteger, nullable=False),
)
"""A day that somebody has begun to close, the first day to be closed on the way, and how many
chunks of transfers lay between; so the chunks are the same however often one asks."""

MOVEMENT = Table(
    "ledger_general_movement",
    metadata,
    Column("day_number", Integer, primary_key=True, autoincrement=False),
    Column("ledger", Text, primary_key=True),
    Column("code", Integer, primary_key=True, autoincrement=False),
    Column("is_carried", Integer, primary_key=True, autoincrement=False),
    *_parts(),
    Column("postings", BigInteger, nullable=False),
    CheckConstraint("is_carried IN (0, 1)"),
)
"""Posted sums that are in no closed day yet, by the day of the transfers' own time."""

CLOSED_DAY = Table(
    "ledger_general_day",
    metadata,
    Column("day", Text, primary_key=True),
    Column("postings", BigInteger, nullable=False),
    Column("adjusted_postings", BigInteger, nullable=False),
    Column("closed_us", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)
"""Closed days, never changed; ``digest`` is over the rows of the day and the digest before it."""

CLOSED_ROW = Table(
    "ledger_general_row",
    metadata,
    Column("day", Text, primary_key=True),
    Column("ledger", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_parts(*KINDS),
    CheckConstraint("number >= 0 AND number < 10000"),
)
"""One row for each closed day, ledger and general account that ever had a posting; never changed.
The closing sums of a day are its four sums together, and the opening ones of the next."""

ADJUSTMENT = Table(
    "ledger_general_adjustment",
    metadata,
    Column("day", Text, primary_key=True),
    Column("value_day", Text, primary_key=True),
    Column("ledger", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_parts(),
    Column("postings", BigInteger, nullable=False),
    CheckConstraint("value_day < day"),
    Index("ledger_general_adjustment_value", "value_day"),
)
"""What came for a day that was closed, and the day in which it is booked instead."""

G, K, D, R, J = PROGRESS.c, MARK.c, CLOSED_DAY.c, CLOSED_ROW.c, ADJUSTMENT.c
M = MOVEMENT.c

# Progress, and the marks of days.

READ_PROGRESS = select(G.summed_position, G.until_position)
LOCK_PROGRESS = READ_PROGRESS.with_for_update()
PUT_PROGRESS = upsert(PROGRESS, ["id"])
LAST_POSITION = select(func.coalesce(func.max(T.position), 0).label("position"))
CHUNK_END: Any = select(
    func.max(literal_column("position")).label("position"), func.count().label("transfers")
).select_from(
    select(T.position)
    .where(T.position > bindparam("after"), T.position <= bindparam("until"))
    .order_by(T.position)
    .limit(bindparam("count"))
    .subquery()
)
FIND_MARK = select(*K).where(K.day == bindparam("day"))
FIRST_MARK = select(func.min(K.first_day).label("day"))
INSERT_MARK = insert_all(MARK)

# Movements: transfers summed by day, ledger, code and reason, each side in one pass.


def _moved(name: str) -> Select[Any]:
    begun: Any = literal_column(str(ZONE_US), Integer)
    day_us: Any = literal_column(str(DAY_US), Integer)
    day_number = ((T.time_us + begun) // day_us).label("day_number")
    is_carried = case((T.code == bindparam("year_end_code"), 1), else_=0).label("is_carried")
    side = side_of(T, name)
    summed = (
        select(side.label("account_id"), day_number, is_carried, *high_low(T.amount_minor))
        .add_columns(func.count().label("postings"))
        .where(T.position > bindparam("after"), T.position <= bindparam("until"), POSTS)
        .group_by(side, literal_column("day_number"), literal_column("is_carried"))
        .subquery()
    )
    keys = (summed.c.day_number, A.ledger, A.code, summed.c.is_carried)
    return (
        select(literal_column(f"'{name}'").label("side"), *keys)
        .add_columns(*[sum_int(summed.c[part]).label(part) for part in ("high", "low", "postings")])
        .select_from(summed.join(ACCOUNT, A.id == summed.c.account_id))
        .group_by(*keys)
    )


MOVED_BETWEEN = union_all(*[_moved(name) for name in SIDES])
_movement_keys = ["day_number", "ledger", "code", "is_carried"]
ADD_MOVEMENT = upsert(
    MOVEMENT,
    _movement_keys,
    {name: M[name] + excluded(MOVEMENT, name) for name in (*PARTS, "postings")},
)
READ_MOVEMENTS = (
    select(*M)
    .where(M.day_number <= bindparam("day_number"))
    .order_by(M.day_number, M.ledger, M.code, M.is_carried)
)
DELETE_MOVEMENTS = MOVEMENT.delete().where(M.day_number <= bindparam("day_number"))

# Closed days.

INSERT_DAY = insert_all(CLOSED_DAY)
INSERT_ROW = insert_all(CLOSED_ROW)
INSERT_ADJUSTMENT = insert_all(ADJUSTMENT)
CLOSED_SPAN = select(func.min(D.day).label("first"), func.max(D.day).label("last"))
FIND_DAY = select(*D).where(D.day == bindparam("day"))
READ_DAYS = select(*D).where(D.day > bindparam("after")).order_by(D.day).limit(bindparam("count"))
READ_ROWS = select(*R).where(R.day == bindparam("day")).order_by(R.ledger, R.number)
ROWS_BETWEEN = (
    select(
        R.ledger,
        R.number,
        *[
            sum_int(R[f"{kind}_{part}"]).label(f"{kind}_{part}")
            for kind in KINDS[1:]
            for part in PARTS
        ],
    )
    .where(R.day >= bindparam("first"), R.day <= bindparam("last"))
    .group_by(R.ledger, R.number)
)
READ_ADJUSTMENTS = (
    select(*J)
    .where(J.day >= bindparam("first"), J.day <= bindparam("last"))
    .order_by(J.day, J.value_day, J.ledger, J.number)
    .limit(bindparam("count"))
)
READ_ADJUSTMENTS_OF = select(*J).where(J.value_day <= bindparam("value_day"))
"""Adjustments for days up to one."""

# The end of a year.

ACCOUNTS_WITH_CODES = (
    select(A.id, A.code)
    .where(
        and_(A.ledger == bindparam("ledger"), A.code.in_(bindparam("codes", expanding=True))),
        A.id > bindparam("after"),
    )
    .order_by(A.id)
    .limit(bindparam("count"))
)
CODES = select(A.code).distinct().order_by(A.code)
LEDGERS = select(A.ledger).distinct().order_by(A.ledger)
