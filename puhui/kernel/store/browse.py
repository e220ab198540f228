"""Looking through the journal: acts by what they were, who did them, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, or_, select

from puhui.kernel.store.journal import JOURNAL
from puhui.kernel.store.statement import Row, Transaction

_FOUND = select(
    JOURNAL.c.position,
    JOURNAL.c.time_us,
    JOURNAL.c.name,
    JOURNAL.c.key,
    JOURNAL.c.actor,
    JOURNAL.c.refusal,
).where(
    or_(bindparam("any_name") == 1, JOURNAL.c.name == bindparam("name")),
    or_(bindparam("any_actor") == 1, JOURNAL.c.actor == bindparam("actor")),
    or_(bindparam("any_key") == 1, JOURNAL.c.key == bindparam("key")),
    or_(bindparam("any_end") == 1, JOURNAL.c.refusal.is_not(None)),
    JOURNAL.c.time_us >= bindparam("since_us"),
    JOURNAL.c.time_us < bindparam("until_us"),
)
_BACKWARDS = (
    _FOUND.where(JOURNAL.c.position < bindparam("beyond"))
    .order_by(JOURNAL.c.position.desc())
    .limit(bindparam("count"))
)
_FORWARDS = (
    _FOUND.where(JOURNAL.c.position > bindparam("beyond"))
    .order_by(JOURNAL.c.position)
    .limit(bindparam("count"))
)
_ONE = select(*JOURNAL.c).where(JOURNAL.c.position == bindparam("position"))

_MINUTE = (JOURNAL.c.time_us - JOURNAL.c.time_us % 60_000_000).label("minute_us")
_COUNTED = (
    select(_MINUTE, JOURNAL.c.name, JOURNAL.c.refusal, func.count().label("acts"))
    .where(
        JOURNAL.c.name.in_(bindparam("names", expanding=True)),
        JOURNAL.c.time_us >= bindparam("since_us"),
        JOURNAL.c.time_us < bindparam("until_us"),
    )
    .group_by("minute_us", JOURNAL.c.name, JOURNAL.c.refusal)
    .order_by("minute_us", JOURNAL.c.name)
    .limit(bindparam("count"))
)
_ENDS = (
    select(JOURNAL.c.name, JOURNAL.c.refusal, func.count().label("acts"))
    .where(
        JOURNAL.c.name.in_(bindparam("names", expanding=True)),
        JOURNAL.c.time_us >= bindparam("since_us"),
        JOURNAL.c.time_us < bindparam("until_us"),
    )
    .group_by(JOURNAL.c.name, JOURNAL.c.refusal)
    .order_by(JOURNAL.c.name, JOURNAL.c.refusal)
)
_TIMES = select(JOURNAL.c.key, JOURNAL.c.time_us).where(
    JOURNAL.c.key.in_(bindparam("keys", expanding=True))
)
_NEXT = (
    select(JOURNAL.c.position, JOURNAL.c.time_us)
    .where(JOURNAL.c.position >= bindparam("position"))
    .order_by(JOURNAL.c.position)
    .limit(1)
)
_LAST = select(func.max(JOURNAL.c.position).label("position"))

POSITION_MAX = 2**62


def browse_journal(
    tx: Transaction,
    *,
    name: str = "",
    actor: str = "",
    key: str = "",
    is_refused: bool = False,
    since_us: int = 0,
    until_us: int = POSITION_MAX,
    is_oldest_first: bool = False,
    beyond: int | None = None,
    count: int = 50,
) -> list[Row]:
    """Acts whose position is settled, newest first or oldest first, those beyond a position in
    that direction; "" takes every one.
    """
    start = 0 if is_oldest_first else POSITION_MAX
    return tx.all(
        _FORWARDS if is_oldest_first else _BACKWARDS,
        beyond=start if beyond is None else beyond,
        name=name,
        any_name=int(not name),
        actor=actor,
        any_actor=int(not actor),
        key=key,
        any_key=int(not key),
        any_end=int(not is_refused),
        since_us=since_us,
        until_us=until_us,
        count=count,
    )


def count_acts(
    tx: Transaction, names: Sequence[str], *, since_us: int, until_us: int, count: int = 20_000
) -> list[Row]:
    """How many acts of some use cases there were in each minute, by how they ended; oldest first.

    Rows of ``minute_us`` (when the minute began), ``name``, ``refusal`` (None if done), ``acts``.
    """
    told = {"names": list(names), "since_us": since_us, "until_us": until_us, "count": count}
    return tx.all(_COUNTED, **told)


def count_ends(tx: Transaction, names: Sequence[str], *, since_us: int, until_us: int) -> list[Row]:
    """How many acts of some use cases ended in which way: ``name``, ``refusal``, ``acts``."""
    return tx.all(_ENDS, names=list(names), since_us=since_us, until_us=until_us)


def times_of(tx: Transaction, keys: Sequence[str]) -> dict[str, int]:
    """When acts were done, microseconds UTC, by their keys; those on record. One statement."""
    if not keys:
        return {}
    return {row.key: int(row.time_us) for row in tx.all(_TIMES, keys=list(keys))}


def position_at(tx: Transaction, time_us: int) -> int:
    """About where the acts of a time begin, by halves: the first position not before it, where
    times rise with positions. Clocks that were set back may put some before it.
    """
    row = tx.one(_LAST)
    low, high = 0, 0 if row is None or row.position is None else int(row.position)
    while low < high:
        middle = (low + high) // 2
        found = tx.one(_NEXT, position=middle)
        if found is None or found.time_us >= time_us:
            high = middle
        else:
            low = int(found.position) + 1
    return low


def read_act(tx: Transaction, position: int) -> Row | None:
    """One row of the journal with everything in it; None where there is none."""
    return tx.one(_ONE, position=position)
