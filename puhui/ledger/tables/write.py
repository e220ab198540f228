"""Statements that create accounts and transfers and end pending ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, func, literal_column, null, or_, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from puhui.kernel.store import given, insert_all, sum_int
from puhui.kernel.store.statement import RowVersion
from puhui.ledger.tables.schema import (
    ACCOUNT,
    BALANCE,
    BATCH_ID,
    FAILED,
    FAST_PENDING,
    FIRST_LOOSE,
    IS_ALONE,
    IS_DUE,
    PENDING,
    SIDES,
    TRANSFER,
    A,
    B,
    N,
    P,
    T,
    ids_in,
    side_of,
)

Statement = Executable

# Accounts.

INSERT_ACCOUNT = (
    ACCOUNT.insert()
    .inline()
    .values({c.name: bindparam(c.name) for c in ACCOUNT.columns if c.name != "number"})
)
_SET_LATER = ("account_number", "is_closed")
INSERT_BALANCE = (
    BALANCE.insert()
    .inline()
    .values({c.name: bindparam(c.name) for c in BALANCE.columns if c.name not in _SET_LATER})
    .values(
        account_number=select(A.number).where(A.id == bindparam("account_id")).scalar_subquery()
    )
)
FIND_ACCOUNTS = select(*A).where(A.id.in_(ids_in()))
FIND_SPAN = (
    select(A.id).where(A.id.between(bindparam("low"), bindparam("high"))).order_by(A.id).limit(10)
)
FIND_TERMS = select(A.id, A.ledger, A.flags, A.time_us).where(A.id.in_(ids_in())).order_by(A.id)
ALL_ACCOUNTS = select(A.id, A.flags).order_by(A.id)

# Of large batches everything is found by arrays of ids, which are given in their order.

IDS = given("id")
GIVEN_TERMS = (
    select(IDS.c.n, A.number, A.ledger, A.flags, A.time_us)
    .join(ACCOUNT, A.id == IDS.c.id)
    .order_by(IDS.c.n)
)

# Balances. Rows are locked in the order of numbers, so that two writers never wait for each other.

_BALANCE = [c for c in B if c.name != "account_number"]
FIND_BALANCES = (
    select(*_BALANCE)
    .select_from(ACCOUNT.join(BALANCE, B.account_number == A.number))
    .where(A.id.in_(ids_in()))
)
LOCK_BALANCES = FIND_BALANCES.order_by(B.account_number).with_for_update(of=BALANCE)
NUMBERS = given("number")
GIVEN_BALANCES = (
    select(*_BALANCE[1:], RowVersion(BALANCE))
    .select_from(NUMBERS)
    .join(BALANCE, B.account_number == NUMBERS.c.number)
    .order_by(NUMBERS.c.n)
)
LOCK_GIVEN_BALANCES = GIVEN_BALANCES.with_for_update(of=BALANCE)
ALL_BALANCES = select(*_BALANCE).order_by(B.account_id)
CHANGE_BALANCE = (
    BALANCE.update()
    .where(B.account_number == select(A.number).where(A.id == bindparam("id")).scalar_subquery())
    .values(
        debits_pending=B.debits_pending + bindparam("debits_pending_more"),
        debits_posted=B.debits_posted + bindparam("debits_posted_more"),
        credits_pending=B.credits_pending + bindparam("credits_pending_more"),
        credits_posted=B.credits_posted + bindparam("credits_posted_more"),
        expires_us=bindparam("expires_us_new"),
        is_closed=bindparam("is_closed_new"),
    )
)

# Transfers.

_OWN = ("position", "chain_id", "chain_size", "loose")
CONTENT = [c for c in TRANSFER.columns if c.name not in _OWN]
_ABSENT = ("position", "loose")
INSERT_TRANSFER = (
    TRANSFER.insert()
    .inline()
    .values({c.name: bindparam(c.name) for c in TRANSFER.columns if c.name not in _ABSENT})
)
LAST_USED = select(
    select(T.id).where(IS_ALONE).order_by(T.id.desc()).limit(1).scalar_subquery().label("alone_id"),
    select(N.id).order_by(N.id.desc()).limit(1).scalar_subquery().label("batch_id"),
    select(FAILED.c.id).order_by(FAILED.c.id.desc()).limit(1).scalar_subquery().label("failed_id"),
)
"""The highest ids that were used: whatever is above them is new."""

INSERT_FAILED = insert_all(FAILED)
FIND_FAILED = select(FAILED.c.id).where(FAILED.c.id.in_(ids_in()))
ANY_FAILED = select(FAILED.c.id).limit(1)
_PLACED = [T.position, *CONTENT]
_BY_ID = (
    select(*_PLACED).where(T.id.in_(ids_in()), IS_ALONE),
    select(*_PLACED)
    .select_from(BATCH_ID)
    .join(TRANSFER, T.position == N.position)
    .where(N.id.in_(ids_in())),
)
FIND_TRANSFERS = union_all(*_BY_ID)
FIND_USED = union_all(
    *_BY_ID,
    select(literal_column("0"), FAILED.c.id, *[null() for _ in CONTENT[1:]]).where(
        FAILED.c.id.in_(ids_in("new_ids"))
    ),
)
"""Recorded transfers among ``ids``, and ids burnt among ``new_ids`` with nothing but the id."""

FIND_PLACED = select(*_PLACED).where(T.position.in_(ids_in("positions")))
GIVEN_TRANSFERS = union_all(
    select(IDS.c.n, *_PLACED).select_from(IDS).join(TRANSFER, (T.id == IDS.c.id) & IS_ALONE),
    select(IDS.c.n, *_PLACED)
    .select_from(IDS)
    .join(BATCH_ID, N.id == IDS.c.id)
    .join(TRANSFER, T.position == N.position),
).order_by(literal_column("n"))
GIVEN_BURNT = select(IDS.c.n).join(FAILED, FAILED.c.id == IDS.c.id).order_by(IDS.c.n)

# Pending transfers.

_ABSENT_PENDING = ("position", "is_loose")
INSERT_PENDING = (
    PENDING.insert()
    .inline()
    .values({c.name: bindparam(c.name) for c in PENDING.columns if c.name not in _ABSENT_PENDING})
    .values(position=select(T.position).where(T.id == bindparam("id"), IS_ALONE).scalar_subquery())
)
_PENDING = [c for c in P if c.name != "is_loose"]
END_PENDING = (
    PENDING.update()
    .where(P.position == bindparam("pending"))
    .values(state=bindparam("state_new"), released_us=bindparam("released_us_new"))
)
LOCK_PENDINGS = (
    select(*_PENDING)
    .where(P.position.in_(ids_in("positions")))
    .order_by(P.position)
    .with_for_update()
)
GIVEN_PENDINGS = (
    select(NUMBERS.c.n, P.position, P.expires_us, P.state, P.released_us)
    .join(PENDING, P.position == NUMBERS.c.number)
    .order_by(NUMBERS.c.n)
)
LOCK_GIVEN_PENDINGS = GIVEN_PENDINGS.with_for_update(of=PENDING)
FIND_DUE = (
    select(P.position, P.id)
    .where(IS_DUE, P.expires_us <= bindparam("now_us"))
    .order_by(P.expires_us, P.id)
    .limit(bindparam("count"))
)


def _due(name: str) -> Select[Any]:
    side = side_of(P, name)
    due = (IS_DUE, P.expires_us <= bindparam("now_us"))
    return (
        select(side.label("account_id"), literal_column(f"'{name}'").label("side"))
        .add_columns(sum_int(P.amount_minor).label("amount_minor"))
        .where(side.in_(ids_in()), *due)
        .group_by(side)
    )


DUE_SUMS = union_all(*[_due(name) for name in SIDES])
"""What open pendings past their time still hold of each of the accounts: found by their time, as
upkeep leaves few of them.
"""

NEWLY_DUE = (
    select(P.debit_account_id, P.credit_account_id, P.amount_minor)
    .where(IS_DUE, P.expires_us > bindparam("after_us"), P.expires_us <= bindparam("now_us"))
    .limit(bindparam("count"))
)
"""Open pendings whose time has run out meanwhile."""

_CLOSES = {"debit": "64", "credit": "128"}


def _closers(name: str) -> Select[Any]:
    side = side_of(P, name)
    is_open = or_(P.expires_us == 0, P.expires_us > bindparam("now_us"))
    closes = T.flags.op("&")(literal_column(_CLOSES[name])) != 0
    return (
        select(side.label("account_id"))
        .join(TRANSFER, T.position == P.position)
        .where(side.in_(ids_in()), P.state == 0, FAST_PENDING, is_open, closes)
    )


STILL_CLOSED = union_all(*[_closers(name) for name in SIDES])
"""Those accounts that an open pending, not past its time, keeps closed."""

_first = func.min(P.expires_us).label("expires_us")
FIRST_EXPIRIES = union_all(
    *[
        select(side_of(P, name).label("account_id"), _first)
        .where(side_of(P, name).in_(ids_in()), FAST_PENDING, P.state == 0, P.expires_us > 0)
        .group_by(side_of(P, name))
        for name in SIDES
    ]
)
FIRST_EXPIRY = select(
    select(func.min(P.expires_us)).where(IS_DUE).scalar_subquery().label("expires_us"),
    FIRST_LOOSE.label("loose"),
)
"""The first expiry of all, which is that of no loose pending before it; and what is loose."""


class HoldTransfers(Executable, ClauseElement):
    """Wait for every act that is adding transfers, and let none start to before this act ends.

    PostgreSQL gives positions before acts commit, so a watermark could pass a position that
    appears later. SQLite has one writer, and nothing to wait for.
    """

    inherit_cache = False


@compiles(HoldTransfers)
def _hold_nothing(element: HoldTransfers, compiler: SQLCompiler, **_: object) -> str:
    return "SELECT 0 WHERE 1 = 0"


@compiles(HoldTransfers, "postgresql")
def _hold_table(element: HoldTransfers, compiler: SQLCompiler, **_: object) -> str:
    return f"LOCK TABLE {TRANSFER.name} IN SHARE MODE"


HOLD_TRANSFERS = HoldTransfers()
