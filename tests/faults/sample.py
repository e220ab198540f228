"""A use case, a table and a subscriber that exist for these tests only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text, bindparam, func, select, update

from puhui.kernel import Act, Actor, Node, Refused, Transaction, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.event import SUBSCRIBERS, Delivery, subscribe
from puhui.kernel.store import insert_all, metadata, upsert

FAULT_ROW = Table(
    "kernel_fault_row",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("filling", Text, nullable=False),
)
FAULT_COUNTER = Table(
    "kernel_fault_counter",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
FAULT_TAKEN = Table(
    "kernel_fault_taken",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
)
_ADD = insert_all(FAULT_ROW)
_COUNT = select(func.count().label("count")).select_from(FAULT_ROW)
_ROWS = select(FAULT_ROW.c.id, FAULT_ROW.c.number).order_by(FAULT_ROW.c.number)
_LOCK = select(FAULT_COUNTER.c.number).where(FAULT_COUNTER.c.id == bindparam("id"))
_LOCK = _LOCK.with_for_update()
_SET = (
    update(FAULT_COUNTER)
    .where(FAULT_COUNTER.c.id == bindparam("id_"))
    .values(number=bindparam("number_"))
)
_NEW_COUNTER = upsert(FAULT_COUNTER, ["id"], {})
_TAKE = upsert(FAULT_TAKEN, ["number"], {"times": FAULT_TAKEN.c.times + 1})
_TAKEN = select(*FAULT_TAKEN.c).order_by(FAULT_TAKEN.c.position, FAULT_TAKEN.c.number)

CLERK = Actor("clerk", frozenset({"clerk"}))
BROKEN: dict[int, str] = {}
"""What the subscriber does at an event of this number: refuse it, or fail."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row to add: its number, what happens on the way, and how many bytes it fills."""

    number: int
    mode: str = "plain"
    filling: int = 0
    subject: str = ""


@dataclass(frozen=True, slots=True)
class SampleMade:
    """The row that was made."""

    id: str
    number: int


@contextlib.contextmanager
def sample_use_cases() -> Iterator[None]:
    """The use cases are there inside the block, and nowhere else."""

    @use_case("fault.add", roles=("clerk",))
    def add(act: Act, input: Sample) -> SampleMade:
        """Add a row and tell of it."""
        id_ = act.new_id("fault")
        act.tx.put(_ADD, id=id_, number=input.number, filling="x" * input.filling)
        act.emit("fault.added", input.subject or id_, {"number": input.number})
        if input.mode == "refuse":
            raise Refused("fault.no", "No.")
        if input.mode == "fault":
            raise ZeroDivisionError("a bug")
        if input.mode == "duplicate":
            act.tx.put(_ADD, id=id_, number=input.number, filling="")
        return SampleMade(id_, input.number)

    @use_case("fault.count", roles=("clerk",))
    def count(act: Act, input: Sample) -> SampleMade:
        """Raise a counter that many share, once it is locked."""
        act.tx.put(_NEW_COUNTER, id=input.subject, number=0)
        row = act.tx.one(_LOCK, id=input.subject)
        act.tx.put(_SET, id_=input.subject, number_=row.number + 1)
        return SampleMade(input.subject, row.number + 1)

    @use_case("fault.once", roles=("clerk",))
    def once(act: Act, input: Sample) -> SampleMade:
        """Take the one place there is; the second comer is refused."""
        act.tx.put(_NEW_COUNTER, id=input.subject, number=0)
        row = act.tx.one(_LOCK, id=input.subject)
        if row.number:
            raise Refused("fault.taken", "The place is taken.")
        act.tx.put(_SET, id_=input.subject, number_=1)
        return SampleMade(input.subject, 1)

    @use_case("fault.take", roles=("system",))
    def take(act: Act, input: Delivery) -> SampleMade:
        """Take an event, unless told to do otherwise."""
        number = int(input.event.payload.partition(":")[2].rstrip("}"))
        mode = BROKEN.get(number)
        if mode == "refuse":
            raise Refused("fault.no", "No.")
        if mode == "fault":
            raise ZeroDivisionError("a bug")
        act.tx.put(
            _TAKE, number=number, subject=input.event.subject, position=input.position, times=1
        )
        return SampleMade(input.event.subject, number)

    subscribe("fault.take", to=("fault.added",))
    try:
        yield
    finally:
        BROKEN.clear()
        del SUBSCRIBERS["fault.take"]
        for name in ("fault.add", "fault.count", "fault.once", "fault.take"):
            del USE_CASES[name]


def rows_of(node: Node) -> int:
    """How many rows were added."""
    with node.read() as tx:
        row = tx.one(_COUNT)
        assert row is not None
        return int(row.count)


def numbers_of(tx: Transaction) -> list[int]:
    """The numbers of the rows that were added, in their order."""
    return [row.number for row in tx.all(_ROWS)]


def taken_of(node: Node) -> list[tuple[int, str, int]]:
    """What the subscriber took, in the order of the journal: number, subject, times."""
    with node.read() as tx:
        return [(row.number, row.subject, row.times) for row in tx.all(_TAKEN)]
