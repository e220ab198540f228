"""Statements that recompute the books from the transfers, and that add up the trial balance."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, union_all

from puhui.kernel.store import sum_int
from puhui.ledger.tables.schema import (
    ACCOUNT,
    BALANCE,
    BATCH_ID,
    FAILED,
    IS_ALONE,
    PENDING,
    POSTS,
    SIDES,
    TRANSFER,
    UNTRACKED,
    WATERMARK,
    A,
    B,
    Indexed,
    N,
    P,
    T,
    W,
    high_low,
    side_of,
)

FINDINGS_MAX = 1_000
"""The most findings of one check that are listed."""

COUNTS = select(
    select(func.count()).select_from(ACCOUNT).scalar_subquery().label("accounts"),
    select(func.count()).select_from(TRANSFER).scalar_subquery().label("transfers"),
    select(func.count()).where(P.state == 0).scalar_subquery().label("pendings_open"),
)


def _name(name: str) -> Any:
    return literal_column(f"'{name}'").label("side")


ALL_POSTED = union_all(
    *[
        select(side_of(T, name).label("account_id"), _name(name), *high_low(T.amount_minor))
        .where(POSTS)
        .group_by(side_of(T, name))
        for name in SIDES
    ]
)
ALL_PENDING = union_all(
    *[
        select(side_of(P, name).label("account_id"), _name(name), *high_low(P.amount_minor))
        .where(P.state == 0)
        .group_by(side_of(P, name))
        for name in SIDES
    ]
)
POSTED_TO_WATERMARK = union_all(
    *[
        select(W.account_id, _name(name), *high_low(T.amount_minor))
        .select_from(WATERMARK)
        .join(TRANSFER, (side_of(T, name) == W.account_id) & (T.position <= W.position))
        .where(POSTS)
        .group_by(W.account_id)
        for name in SIDES
    ]
)
ALL_WATERMARKS = select(*W).order_by(W.account_id)

# Each of these finds rows that cannot be.

_DEBIT, _CREDIT = ACCOUNT.alias("debit"), ACCOUNT.alias("credit")
STRAY_TRANSFERS = (
    select(T.id)
    .select_from(
        TRANSFER.outerjoin(_DEBIT, _DEBIT.c.id == T.debit_account_id).outerjoin(
            _CREDIT, _CREDIT.c.id == T.credit_account_id
        )
    )
    .where(
        or_(
            func.coalesce(_DEBIT.c.ledger, "") != T.ledger,
            func.coalesce(_CREDIT.c.ledger, "") != T.ledger,
        )
    )
    .limit(FINDINGS_MAX)
)
"""Transfers whose accounts are missing or of another ledger."""

_END = TRANSFER.alias("ending")
_ends = (
    select(
        _END.c.pending_id,
        func.count().label("count"),
        func.max(_END.c.flags.op("&")(literal_column("12"))).label("kind"),
        func.max(_END.c.amount_minor).label("amount_minor"),
    )
    .where(_END.c.pending_id.is_not(None))
    .group_by(_END.c.pending_id)
    .subquery()
)
_kind_right = case((P.state == 1, 4), (P.state == 2, 8), else_=0)
BROKEN_PENDINGS = (
    select(P.id)
    .select_from(
        PENDING.outerjoin(TRANSFER, T.position == P.position).outerjoin(
            _ends, _ends.c.pending_id == P.id
        )
    )
    .where(
        or_(
            T.id.is_(None),
            T.id != P.id,
            T.flags.op("&")(literal_column("2")) == 0,
            T.amount_minor != P.amount_minor,
            T.debit_account_id != P.debit_account_id,
            T.credit_account_id != P.credit_account_id,
            func.coalesce(_ends.c.kind, 0) != _kind_right,
            func.coalesce(_ends.c.count, 0) > 1,
            func.coalesce(_ends.c.amount_minor, 0) > P.amount_minor,
        )
    )
    .limit(FINDINGS_MAX)
)
"""Pendings that differ from their transfer, or whose state is not what ended them."""

LOST_PENDINGS = (
    select(T.id)
    .select_from(TRANSFER.outerjoin(PENDING, P.id == func.coalesce(T.pending_id, T.id)))
    .where(T.flags.op("&")(literal_column("14")) != 0, P.id.is_(None))
    .limit(FINDINGS_MAX)
)
"""Pending, post and void transfers without a pending row."""

_CLOSES = {"debit": "64", "credit": "128"}


def _opened(name: str) -> Select[Any]:
    side, closes = side_of(P, name), T.flags.op("&")(literal_column(_CLOSES[name])) != 0
    is_open = or_(func.coalesce(B.is_closed, 0) == 0, P.is_loose != 0)
    return (
        select(side.label("id"))
        .select_from(
            PENDING.join(TRANSFER, T.position == P.position)
            .join(ACCOUNT, side == A.id)
            .outerjoin(BALANCE, B.account_number == A.number)
        )
        .where(P.state == 0, P.expires_us == 0, closes, is_open)
    )


OPENED = union_all(*[_opened(name) for name in SIDES]).limit(FINDINGS_MAX)
"""Accounts that an open pending closes for good, and whose rows let transfers through: the balance
row says that it is open, or the pending is not where the ledger looks for what closes."""

BROKEN_CHAINS = (
    select(T.chain_id.label("id"))
    .where(T.chain_id.is_not(None))
    .group_by(T.chain_id)
    .having(or_(func.count() != func.max(T.chain_size), func.count() != func.min(T.chain_size)))
    .limit(FINDINGS_MAX)
)
"""Linked chains of which a transfer is missing."""

FAILED_AND_RECORDED = (
    select(T.id).join(FAILED, FAILED.c.id == T.id).order_by(T.id).limit(FINDINGS_MAX)
)

REPEATED_IDS = union_all(
    select(T.id).where(IS_ALONE).group_by(T.id).having(func.count() > 1),
    select(T.id).select_from(BATCH_ID).join(TRANSFER, T.id == N.id).where(IS_ALONE),
).limit(FINDINGS_MAX)
"""Ids that two transfers have."""

LOST_IDS = (
    select(T.id)
    .select_from(TRANSFER.outerjoin(BATCH_ID, N.id == T.id))
    .where(T.loose != Indexed(), func.coalesce(N.position, 0) != T.position)
    .limit(FINDINGS_MAX)
)
"""Transfers of large batches that cannot be found by their id."""

STRAY_BALANCES = (
    select(B.account_id.label("id"))
    .select_from(BALANCE.outerjoin(ACCOUNT, A.number == B.account_number))
    .where(or_(A.id.is_(None), A.id != B.account_id))
    .order_by(B.account_id)
    .limit(FINDINGS_MAX)
)
"""Balance rows whose number is not that of their account."""

# The trial balance. Accounts with a balance row come from it, others from watermarks and what came
# after the last of them, pendings of others from the open ones.

_KIND = (A.ledger, A.code)
TRIAL_ACCOUNTS = (
    select(
        *_KIND,
        func.count().label("accounts"),
        *[
            part.label(f"{name}_{part.name}")
            for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
            for part in high_low(B[name])
        ],
    )
    .select_from(ACCOUNT.outerjoin(BALANCE, B.account_number == A.number))
    .group_by(*_KIND)
)
TRIAL_WATERMARKS = (
    select(
        *_KIND,
        *[
            sum_int(W[name]).label(name)
            for name in ("debits_high", "debits_low", "credits_high", "credits_low")
        ],
    )
    .select_from(WATERMARK.join(ACCOUNT, A.id == W.account_id))
    .group_by(*_KIND)
)


def _after_watermarks(name: str) -> Select[Any]:
    last = select(func.coalesce(func.max(W.position), 0)).scalar_subquery()
    return (
        select(*_KIND, _name(name), *high_low(T.amount_minor))
        .select_from(TRANSFER.join(ACCOUNT, and_(A.id == side_of(T, name), UNTRACKED)))
        .where(T.position > last, POSTS)
        .group_by(*_KIND)
    )


TRIAL_POSTED = union_all(*[_after_watermarks(name) for name in SIDES])
TRIAL_PENDING = union_all(
    *[
        select(*_KIND, _name(name), *high_low(P.amount_minor))
        .select_from(PENDING.join(ACCOUNT, and_(A.id == side_of(P, name), UNTRACKED)))
        .where(P.state == 0)
        .group_by(*_KIND)
        for name in SIDES
    ]
)
