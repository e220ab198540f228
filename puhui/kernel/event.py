"""Business events (业务事件), told to rooms on the right, and the steps of a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Column, Table, Text, bindparam, or_, select

from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction, metadata, upsert
from puhui.kernel.store.journal import EVENT, JOURNAL

PAGE = 500
LAST = 2**53
"""A number past every event of one act."""

CURSOR = Table(
    "event_cursor",
    metadata,
    Column("subscriber", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
)
"""How far a subscriber has come. Losing it is harmless: each delivery is an act with a key."""

MOVE_CURSOR = upsert(CURSOR, ["subscriber"])
_CURSOR = select(CURSOR.c.position, CURSOR.c.number).where(
    CURSOR.c.subscriber == bindparam("subscriber")
)
_NEXT = (
    select(
        EVENT.c.act_key,
        EVENT.c.number,
        EVENT.c.name,
        EVENT.c.subject,
        EVENT.c.payload,
        JOURNAL.c.position,
        JOURNAL.c.time_us,
    )
    .join(JOURNAL, JOURNAL.c.key == EVENT.c.act_key)
    .where(
        or_(
            JOURNAL.c.position > bindparam("position"),
            (JOURNAL.c.position == bindparam("position")) & (EVENT.c.number > bindparam("number")),
        )
    )
    .order_by(JOURNAL.c.position, EVENT.c.number)
    .limit(bindparam("count"))
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as the act recorded it: ``name`` in the past tense."""

    act_key: str
    number: int
    name: str
    subject: str
    payload: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a subscriber, as the input of the act that takes it."""

    event: Event
    position: int
    time_us: int


@dataclass(frozen=True, slots=True)
class DayStep:
    """One step of closing a day: a batch use case, run over chunks until none is left."""

    order: int
    name: str
    chunks: Callable[..., list[Any]]
    size: int = 0

    def inputs(self, node: Any, day: date, size: int = 0) -> list[Any]:
        """The inputs of the step's acts on ``day``; ``size`` is for chunks of another size."""
        if self.size:
            return self.chunks(node, day, size or self.size)
        return self.chunks(node, day)


SUBSCRIBERS: dict[str, frozenset[str]] = {}
"""Use case name -> the event names it takes."""

DAY_STEPS: dict[str, DayStep] = {}

UPKEEP: dict[str, Callable[[Any], bool]] = {}
"""Name -> what the worker calls again and again; see ``upkeep``."""


ASKED_FIRST: dict[str, dict[str, Callable[[Any, str], None]]] = {}
"""Use case name -> name -> what it asks before it does anything; see ``ask_first``."""


def ask_first(use_case: str, name: str, check: Callable[[Any, str], None]) -> None:
    """Have ``check(act, subject)`` called within the use case ``use_case`` of a room to the left,
    which cannot know what stands against it here; it raises ``Refused`` where something does.
    """
    checks = ASKED_FIRST.setdefault(use_case, {})
    assert name not in checks, name
    checks[name] = check


def check_asked_first(act: Any, use_case: str, subject: str) -> None:
    """Ask all that was registered for a use case. Refused: what one of them refuses."""
    for _, check in sorted(ASKED_FIRST.get(use_case, {}).items()):
        check(act, subject)


def subscribe(use_case: str, *, to: tuple[str, ...]) -> None:
    """Have the use case ``use_case`` (its input is a ``Delivery``) told of the events ``to``."""
    assert use_case not in SUBSCRIBERS, use_case
    SUBSCRIBERS[use_case] = frozenset(to)


def day_step(order: int, name: str, chunks: Callable[..., list[Any]], *, size: int = 0) -> None:
    """Register a step of closing a day: ``chunks(node, day)`` gives the inputs of use case
    ``name``, one act each, the same list on every call of that day. A step with a ``size`` takes
    it as a third argument: how many items a chunk has.
    """
    assert name not in DAY_STEPS, name
    DAY_STEPS[name] = DayStep(order, name, chunks, size)


def upkeep(name: str, step: Callable[[Any], bool]) -> None:
    """Have ``step(node)`` called every few seconds and before a day is closed: it looks for what
    is due and runs one act of it; it answers whether more may be due.
    """
    assert name not in UPKEEP, name
    UPKEEP[name] = step


def next_events(tx: Transaction, subscriber: str, *, after: int = 0) -> list[Delivery]:
    """Up to a page of settled events that ``subscriber`` has not passed yet, in order; the first
    time those past the journal position ``after``.

    Only acts with a settled position are looked at, so an event of a slow transaction cannot be
    skipped: it gets a later position than everything delivered so far.
    """
    cursor = tx.one(_CURSOR, subscriber=subscriber)
    position, number = (cursor.position, cursor.number) if cursor is not None else (after, LAST)
    return events_after(tx, position, number=number, count=PAGE)


def events_after(
    tx: Transaction, position: int, *, number: int = LAST, count: int
) -> list[Delivery]:
    """Settled events past a journal position, or past one event of it, in order."""
    rows = tx.all(_NEXT, position=position, number=number, count=count)
    return [
        Delivery(
            Event(row.act_key, row.number, row.name, row.subject, row.payload),
            row.position,
            row.time_us,
        )
        for row in rows
    ]


def event_rows(
    key: str, events: list[tuple[str, str, Mapping[str, object]]], encode: Callable[[object], str]
) -> list[dict[str, object]]:
    """The rows of the events that the act ``key`` emitted."""
    return [
        {
            "act_key": key,
            "number": number,
            "name": name,
            "subject": subject,
            "payload": encode(payload),
        }
        for number, (name, subject, payload) in enumerate(events)
    ]


def parse_day(text: str) -> date:
    """A day written as 2026-11-22, and in no other way. Refused: ``kernel.bad_day``."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise Refused("kernel.bad_day", f"{text[:20]!r} is not a day like 2026-11-22.")
    return day
