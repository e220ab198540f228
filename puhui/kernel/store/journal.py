"""The journal (操作日志): one row per act, in an order that is a serial order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, bindparam, func, select

from puhui.kernel.store.statement import Row, Transaction, insert_all, metadata

if TYPE_CHECKING:
    from puhui.kernel.store import Store

PAGE = 500

JOURNAL = Table(
    "journal",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False, info={"is_store_number": True}),
    Column("position", BigInteger, unique=True),
    Column("time_us", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("input_digest", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("refusal", Text),
    Column("digests", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("salt", Text, nullable=False),
    CheckConstraint("position IS NULL OR position > 0"),
)
"""``input`` is canonical JSON as the act got it, with personal fields sealed; ``input_digest`` is
keyed, over what the caller gave; ``outcome`` is canonical JSON, of a refusal its reason;
``digests`` name the product, the model and what else decided; ``salt`` blinds the leaf that the
row will become in a transparency log."""

EVENT = Table(
    "event",
    metadata,
    Column("act_key", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", Text, nullable=False),
)
"""What acts told, in their own transaction; payloads are canonical JSON."""

INSERT_EVENT = insert_all(EVENT)
FIND = select(
    JOURNAL.c.name,
    JOURNAL.c.input_digest,
    JOURNAL.c.outcome,
    JOURNAL.c.refusal,
    JOURNAL.c.time_us,
).where(JOURNAL.c.key == bindparam("key"))


class Found(NamedTuple):
    """What ``FIND`` tells of an act that is recorded in the group under way."""

    name: str
    input_digest: str
    outcome: str
    refusal: str | None
    time_us: int


_PAGE = (
    select(*JOURNAL.c)
    .where(JOURNAL.c.position > bindparam("position"))
    .order_by(JOURNAL.c.position)
    .limit(bindparam("count"))
)

_COUNT = select(func.count().label("acts"), func.count(JOURNAL.c.refusal).label("refused"))

_LAST = select(func.max(JOURNAL.c.position).label("position"))
_COUNT_BY_NAME = (
    select(JOURNAL.c.name, JOURNAL.c.refusal, func.count().label("acts"))
    .where(JOURNAL.c.position > bindparam("after"), JOURNAL.c.position <= bindparam("until"))
    .group_by(JOURNAL.c.name, JOURNAL.c.refusal)
)


def last_position(tx: Transaction) -> int:
    """The last settled position; 0 where nothing is recorded."""
    row = tx.one(_LAST)
    return 0 if row is None or row.position is None else int(row.position)


def count_since(tx: Transaction, after: int) -> tuple[int, list[Row]]:
    """How many acts of each name and refusal have a position past ``after``; and the last one."""
    until = last_position(tx)
    return until, tx.all(_COUNT_BY_NAME, after=after, until=until)


def check_kept(*rows: Mapping[str, object]) -> None:
    """Fail where the journal or its events cannot hold a value of ``rows``."""
    for row in rows:
        for name, value in row.items():
            if type(value) is str:
                if not value.isascii():
                    value.encode()
            elif isinstance(value, int):
                value.to_bytes(8, "big", signed=True)
            elif value is not None or name != "refusal":
                raise TypeError(f"{name} is a text or a whole number, no {type(value).__name__}")


def read_journal(store: Store) -> Iterator[Row]:
    """All settled rows in order, read in pages so that any length fits in memory."""
    position = 0
    while True:
        with store.read() as tx:
            rows = tx.all(_PAGE, position=position, count=PAGE)
        if not rows:
            return
        yield from rows
        position = rows[-1].position


def count_acts(tx: Transaction) -> tuple[int, int]:
    """How many acts were recorded, and how many of them refused."""
    row = tx.one(_COUNT)
    assert row is not None
    return row.acts, row.refused
