"""Statements that sum and list what was recorded, and that move watermarks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, case, func, literal_column, select, union_all

from puhui.kernel.store import upsert
from puhui.ledger.tables.schema import (
    ACCOUNT,
    FAST,
    FAST_PENDING,
    FIRST_LOOSE,
    IS_LOOSE,
    LOOSE,
    PENDING,
    POSTS,
    SIDES,
    TRANSFER,
    UNTRACKED,
    WATERMARK,
    A,
    P,
    T,
    W,
    high_low,
    ids_in,
    side_of,
)
from puhui.ledger.tables.write import CONTENT

_BOTH = (FAST, IS_LOOSE & (T.position >= FIRST_LOOSE))
"""Transfers by the indexes of accounts, and those that are found by looking through."""

# Sums of postings: an account's watermark, and what came after it.

FIND_WATERMARKS = select(*W).where(W.account_id.in_(ids_in()), W.time_us <= bindparam("at_us"))
LAST_WATERMARK = select(func.coalesce(func.max(W.position), 0).label("position"))
PUT_WATERMARK = upsert(WATERMARK, ["account_id"])


def _posted_after(name: str, where: Any) -> Select[Any]:
    side = side_of(T, name)
    mark = ACCOUNT.outerjoin(
        WATERMARK, (W.account_id == A.id) & (W.time_us <= bindparam("at_us"))
    ).join(TRANSFER, (side == A.id) & (T.position > func.coalesce(W.position, 0)))
    return (
        select(A.id.label("account_id"), literal_column(f"'{name}'").label("side"))
        .add_columns(*high_low(T.amount_minor))
        .select_from(mark)
        .where(A.id.in_(ids_in()), where, POSTS, T.time_us <= bindparam("at_us"))
        .group_by(A.id)
    )


POSTED_AFTER = union_all(*[_posted_after(name, where) for where in _BOTH for name in SIDES])


def _pending(name: str, where: Any, *conditions: Any) -> Select[Any]:
    side = side_of(P, name)
    return (
        select(side.label("account_id"), literal_column(f"'{name}'").label("side"))
        .add_columns(*high_low(P.amount_minor))
        .select_from(PENDING)
        .where(side.in_(ids_in()), where, *conditions)
        .group_by(side)
    )


def _pendings(*conditions: Any) -> Any:
    """Sums by account: of pendings in the indexes, and of those looked through as transfers."""
    loose = (P.position >= FIRST_LOOSE) & (P.is_loose == 1)
    return union_all(
        *[_pending(name, w, *conditions) for w in (FAST_PENDING, loose) for name in SIDES]
    )


_never: Any = literal_column("9223372036854775807")
_until = case(
    (P.state == 0, case((P.expires_us == 0, _never), else_=P.expires_us)), else_=P.released_us
)
PENDING_AT = _pendings(P.time_us <= bindparam("at_us"), _until > bindparam("at_us"))
PENDING_OPEN = _pendings(P.state == 0)

POSITION_AFTER: Select[Any] = select(
    func.max(literal_column("position")).label("position")
).select_from(
    select(T.position)
    .where(T.position > bindparam("after"))
    .order_by(T.position)
    .limit(bindparam("count"))
    .subquery()
)


def _untracked_between(name: str) -> Select[Any]:
    side = side_of(T, name)
    return (
        select(side.label("account_id"), literal_column(f"'{name}'").label("side"))
        .add_columns(*high_low(T.amount_minor), func.max(T.time_us).label("time_us"))
        .add_columns(func.count().label("transfers"))
        .join(ACCOUNT, (A.id == side) & UNTRACKED)
        .where(T.position > bindparam("after"), T.position <= bindparam("until"), POSTS)
        .group_by(side)
    )


UNTRACKED_BETWEEN = union_all(*[_untracked_between(name) for name in SIDES])

# Everything in order, a page at a time.

_PLACED = [T.position, *CONTENT]
TRANSFERS_AFTER = (
    select(*_PLACED)
    .where(T.position > bindparam("after"))
    .where(T.time_us >= bindparam("from_us"), T.time_us < bindparam("until_us"))
    .order_by(T.position)
    .limit(bindparam("count"))
)
ACCOUNTS_AFTER = (
    select(A.id).order_by(A.number).limit(bindparam("count")).offset(bindparam("after"))
)

# The history of one account.


def _page(name: str, where: Any) -> Select[Any]:
    page = (
        select(*_PLACED)
        .where(side_of(T, name) == bindparam("id"), where, T.position > bindparam("after"))
        .where(T.position <= bindparam("until"))
        .order_by(T.position)
        .limit(bindparam("count"))
        .subquery()
    )
    return select(*page.c)


HISTORY = (
    union_all(*[_page(name, where) for where in _BOTH for name in SIDES])
    .order_by(literal_column("position"))
    .limit(bindparam("count"))
)
POSTED_UNTIL: Any = union_all(
    *[
        select(literal_column(f"'{name}'").label("side"), *high_low(T.amount_minor))
        .where(side_of(T, name) == bindparam("id"), where, T.position > bindparam("after"), POSTS)
        .where(T.position <= bindparam("until"))
        for where in _BOTH
        for name in SIDES
    ]
)


def _edge(edge: Any, since: bool) -> Any:
    """The first position of an account's transfers since a time, or the last before it."""
    in_time = T.time_us >= bindparam("time_us") if since else T.time_us < bindparam("time_us")
    found = union_all(
        *[
            select(edge(T.position).label("position")).where(
                side_of(T, name) == bindparam("id"), where, in_time
            )
            for where in _BOTH
            for name in SIDES
        ]
    ).subquery()
    return select(func.coalesce(edge(found.c.position), 0).label("position"))


FIRST_SINCE = _edge(func.min, True)
LAST_BEFORE = _edge(func.max, False)

# Loose transfers, taken into the indexes.

NEXT_LOOSE = select(*LOOSE.c).order_by(LOOSE.c.first_position).limit(bindparam("count"))
TAKE_IN = (
    TRANSFER.update()
    .where(T.position >= bindparam("first"), T.position <= bindparam("last"), IS_LOOSE)
    .values(loose=2)
)
TAKE_IN_PENDINGS = (
    PENDING.update()
    .where(P.position >= bindparam("first"), P.position <= bindparam("last"), P.is_loose == 1)
    .values(is_loose=0)
)
FORGET_LOOSE = LOOSE.delete().where(LOOSE.c.first_position == bindparam("first"))
