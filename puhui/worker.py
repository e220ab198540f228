"""The worker (后台): delivers committed events to subscribers and closes days."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from puhui.kernel import Fault, Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.event import DAY_STEPS, MOVE_CURSOR, SUBSCRIBERS, Delivery, next_events

IDLE_S = 0.2


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one pass of the worker did."""

    taken: int
    refused: int
    stuck: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """What closing a day did: chunks per step; ``again`` counts those found done."""

    day: date
    steps: int
    chunks: int


def deliver(node: Node) -> Delivered:
    """Tell every subscriber the events it has not passed yet, in order, at least once.

    Each delivery is an act with a key of its own, so telling again changes nothing. A subscriber
    that refuses is recorded as refusing and goes on; one that fails is left at that event and
    tried again in the next pass.
    """
    node.store.settle_positions()
    taken = refused = 0
    stuck: list[str] = []
    for name, wanted in sorted(SUBSCRIBERS.items()):
        while name not in stuck:
            with node.read() as tx:
                deliveries = next_events(tx, name)
            if not deliveries:
                break
            for delivery in deliveries:
                if delivery.event.name in wanted:
                    try:
                        node.act(name, delivery, key=_key(name, delivery), actor=SYSTEM)
                        taken += 1
                    except Refused:
                        refused += 1
                    except Fault:
                        stuck.append(name)
                        break
                last = delivery
            else:
                _move_cursor(node, name, last)
    return Delivered(taken, refused, tuple(stuck))


def _key(name: str, delivery: Delivery) -> str:
    event = delivery.event
    return f"event:{name}:{digest_of_key(event.act_key)}:{event.number}"


def digest_of_key(key: str) -> str:
    """A short name of an act's key, for keys that are made from it."""
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _move_cursor(node: Node, name: str, last: Delivery) -> None:
    writer = node.store.writer()
    try:
        writer.begin()
        writer.tx.put(
            MOVE_CURSOR, subscriber=name, position=last.position, number=last.event.number
        )
        writer.commit()
    finally:
        writer.close()


def run_worker(node: Node, stop: threading.Event, *, idle_s: float = IDLE_S) -> int:
    """Deliver until ``stop`` is set; returns how many events were taken."""
    taken = 0
    while not stop.is_set():
        passed = deliver(node)
        taken += passed.taken
        if not passed.taken and not passed.refused:
            stop.wait(idle_s)
    return taken


def close_day(
    node: Node, day: date, *, progress: Callable[[str, int, int], None] | None = None
) -> ClosedDay:
    """Run every step of ``day`` in order, one act a chunk, keyed by day, step and chunk.

    It may be stopped at any chunk and started again: chunks that are done are found done.
    """
    chunks_done = 0
    steps = sorted(DAY_STEPS.values(), key=lambda step: (step.order, step.name))
    for step in steps:
        chunks = step.chunks(node, day)
        for number, chunk in enumerate(chunks):
            key = f"day:{day.isoformat()}:{step.name}:{number}"
            node.act(step.name, chunk, key=key, actor=SYSTEM)
            chunks_done += 1
            if progress is not None:
                progress(step.name, number + 1, len(chunks))
    return ClosedDay(day, len(steps), chunks_done)
