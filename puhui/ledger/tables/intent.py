"""What the store keeps of a ledger beside it: intents, claims on pendings, and their last times."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from puhui.kernel.store import given, insert_all, metadata, upsert
from puhui.ledger.tables.schema import ids_in

INTENT = Table(
    "ledger_intent",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("records", LargeBinary, nullable=False),
    Column("holds", Text, nullable=False),
    info={"is_bookkeeping": True},
)
"""Transfers that an act has decided on and that the ledger beside the store may not have yet:
``records`` as they are to be, 128 bytes each; ``token`` is what the ids of the pendings
are made of that hold their money, ``holds`` says how much of which account, as JSON. A row goes
once its transfers are there; where the log is shipped, once they are in the copy. Then there are
rows of accounts that were opened as well, ``accounts`` in place of their holds."""

CLAIM = Table(
    "ledger_claim",
    metadata,
    Column("pending_id", LargeBinary, primary_key=True),
    Column("is_post", Integer, nullable=False),
)
"""Pendings that an act has ended: whoever comes second finds the row. ``is_post`` is ``POSTED``,
``VOIDED``, or ``EXPIRED`` where upkeep voided what was past its time."""

VOIDED, POSTED, EXPIRED = 0, 1, 2

HOLD = Table(
    "ledger_hold",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("expires_us", BigInteger, nullable=False),
    Index("ledger_hold_due", "expires_us"),
)
"""When pendings run out of time: the ledger beside the store knows no time-out of theirs."""

OUTSIDE = Table(
    "ledger_outside",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, nullable=False),
    info={"is_bookkeeping": True},
)
"""Up to which ordinal of the ledger beside the store every provisional was settled (row 1), and
up to which the general ledger has summed its transfers (row 2), and how many those are (row 3)."""

SETTLED, SUMMED, SUMMED_COUNT = 1, 2, 3

ADD_INTENT = insert_all(INTENT)
ALL_INTENTS = select(*INTENT.c).order_by(INTENT.c.token)
HAS_INTENTS = select(INTENT.c.token).where(INTENT.c.token.in_(ids_in()))
DROP_INTENT = INTENT.delete().where(INTENT.c.token == bindparam("settled"))
IDS = given("id")
GIVEN_CLAIMS = (
    select(IDS.c.n, CLAIM.c.is_post).join(CLAIM, CLAIM.c.pending_id == IDS.c.id).order_by(IDS.c.n)
)
GIVEN_HOLDS = select(IDS.c.n, HOLD.c.expires_us).join(HOLD, HOLD.c.id == IDS.c.id).order_by(IDS.c.n)
DUE_HOLDS = (
    select(HOLD.c.id)
    .outerjoin(CLAIM, CLAIM.c.pending_id == HOLD.c.id)
    .where(HOLD.c.expires_us <= bindparam("now_us"), CLAIM.c.pending_id.is_(None))
    .order_by(HOLD.c.expires_us, HOLD.c.id)
    .limit(bindparam("count"))
)
SETTLED_TO = select(OUTSIDE.c.ordinal).where(OUTSIDE.c.id == SETTLED)
SUMMED_TO = (
    select(OUTSIDE.c.id, OUTSIDE.c.ordinal)
    .where(OUTSIDE.c.id.in_((SUMMED, SUMMED_COUNT)))
    .order_by(OUTSIDE.c.id)
)
PUT_SETTLED = upsert(OUTSIDE, ["id"])
FORGET_SUMMED = OUTSIDE.delete().where(OUTSIDE.c.id.in_((SUMMED, SUMMED_COUNT)))


class AwaitCommits(Executable, ClauseElement):
    """Wait for every commit under way that adds intents: of a process that was killed, too."""

    inherit_cache = False


@compiles(AwaitCommits)
def _await_nothing(element: AwaitCommits, compiler: SQLCompiler, **_: object) -> str:
    return "SELECT 0 WHERE 1 = 0"


@compiles(AwaitCommits, "postgresql")
def _await_table(element: AwaitCommits, compiler: SQLCompiler, **_: object) -> str:
    return f"LOCK TABLE {INTENT.name} IN SHARE MODE"


AWAIT_COMMITS = AwaitCommits()
