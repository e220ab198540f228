"""The worker (后台): delivers committed events, keeps up what is due, and closes days."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from puhui.kernel import Fault, Node, Refused
from puhui.kernel.act import SYSTEM, find_use_case
from puhui.kernel.event import (
    DAY_STEPS,
    MOVE_CURSOR,
    SUBSCRIBERS,
    UPKEEP,
    Delivery,
    next_events,
)
from puhui.kernel.store import change
from puhui.servicing import live, noun
from puhui.webhook import run_courier

IDLE_S = 0.2
UPKEEP_S = 2.0
"""How long upkeep rests when nothing is due."""

LOANS = "servicing.run_day"
COUNTS = ("loans", "postings", "due", "debited", "short")

LOGGER = logging.getLogger("puhui.worker")


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one pass of the worker did."""

    taken: int
    refused: int
    stuck: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """What closing a day did: steps, chunks, and what became of the loans.

    ``due`` are instalments that fell due, ``debited`` loans that paid from a wallet, ``short``
    wallets that did not hold all of it; ``money`` what it came to in each currency by itself.
    """

    day: date
    steps: int
    chunks: int
    loans: int = 0
    postings: int = 0
    due: int = 0
    debited: int = 0
    short: int = 0
    money: tuple[noun.DaySums, ...] = ()


def deliver(node: Node, stop: threading.Event | None = None) -> Delivered:
    """Tell every subscriber the events it has not passed yet, in order, at least once; where
    ``stop`` is set, no further ones.

    Each delivery is an act with a key of its own, so telling again changes nothing. A subscriber
    that refuses is recorded as refusing and goes on; one that fails, by a fault of the store or a
    mistake of its own, is left at that event and tried again in the next pass. Fault: what the
    store reports.
    """
    node.store.settle_positions()
    taken = refused = 0
    stuck: list[str] = []
    for name, wanted in sorted(SUBSCRIBERS.items()):
        while name not in stuck and not _is_set(stop):
            with node.read() as tx:
                deliveries = next_events(tx, name)
            if not deliveries:
                break
            last: Delivery | None = None
            for delivery in deliveries:
                if _is_set(stop):
                    break
                if delivery.event.name in wanted:
                    try:
                        node.act(name, delivery, key=_key(name, delivery), actor=SYSTEM)
                        taken += 1
                    except Refused:
                        refused += 1
                    except Exception:
                        LOGGER.exception("%s cannot take %s", name, delivery.event.name)
                        stuck.append(name)
                        break
                last = delivery
            if last is not None:
                _move_cursor(node, name, last)
    return Delivered(taken, refused, tuple(stuck))


def _is_set(stop: threading.Event | None) -> bool:
    return stop is not None and stop.is_set()


def _key(name: str, delivery: Delivery) -> str:
    event = delivery.event
    return f"event:{name}:{digest_of_key(event.act_key)}:{event.number}"


def digest_of_key(key: str) -> str:
    """A short name of an act's key, for keys that are made from it."""
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _move_cursor(node: Node, name: str, last: Delivery) -> None:
    with change(node.store) as tx:
        tx.put(MOVE_CURSOR, subscriber=name, position=last.position, number=last.event.number)


def run_worker(node: Node, stop: threading.Event, *, idle_s: float = IDLE_S) -> int:
    """Deliver until ``stop`` is set, past any fault of the store; returns how many were taken.

    Webhooks are told beside it, and upkeep is done beside it, so that an endpoint or another node
    that does not answer holds up nobody.
    """
    beside = [
        threading.Thread(target=run_courier, args=(node, stop), name="puhui-courier"),
        threading.Thread(target=_keep_up_until, args=(node, stop), name="puhui-upkeep"),
    ]
    for thread in beside:
        thread.start()
    try:
        return _deliver_until(node, stop, idle_s)
    finally:
        stop.set()
        for thread in beside:
            thread.join()


def keep_up(node: Node, stop: threading.Event | None = None) -> tuple[str, ...]:
    """Do all the upkeep that is due; the names of what failed, which is tried again later.

    Fault: what the store reports.
    """
    failed: list[str] = []
    for name, step in sorted(UPKEEP.items()):
        try:
            while not _is_set(stop) and step(node):
                pass
        except Fault:
            raise
        except Exception:
            LOGGER.exception("upkeep %s fails", name)
            failed.append(name)
    return tuple(failed)


def _keep_up_until(node: Node, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            keep_up(node, stop)
        except Fault as fault:
            LOGGER.warning("upkeep: %s; trying again", fault)
        stop.wait(UPKEEP_S)


def _deliver_until(node: Node, stop: threading.Event, idle_s: float) -> int:
    taken = 0
    while not stop.is_set():
        try:
            passed = deliver(node, stop)
        except Fault as fault:
            LOGGER.warning("%s; trying again", fault)
            stop.wait(idle_s)
            continue
        taken += passed.taken
        if passed.stuck or not (passed.taken or passed.refused):
            stop.wait(idle_s)
    return taken


def close_day(
    node: Node,
    day: date,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    size: int = 0,
) -> ClosedDay:
    """Run every step of ``day`` in order, one act a chunk, keyed by day, step and what is in it.

    It may be stopped at any chunk and started again: chunks that are done are found done, and
    where the books have changed since, the day is closed again over what there is now. What
    upkeep is due is done first. ``size`` is for chunks of loans of another size; keep to one for
    a day that was begun. Days before it are not looked at: ``puhui.cli.upkeep.days``
    catches up.
    """
    keep_up(node)
    chunks_done = 0
    counts = dict.fromkeys(COUNTS, 0)
    money: list[noun.DaySums] = []
    steps = sorted(DAY_STEPS.values(), key=lambda step: (step.order, step.name))
    for step in steps:
        chunks = step.inputs(node, day, size)
        for number, chunk in enumerate(chunks):
            held = digest_of_key(find_use_case(step.name).text_of_input(chunk))
            key = f"day:{day.isoformat()}:{step.name}:{held}"
            outcome = node.act(step.name, chunk, key=key, actor=SYSTEM)
            if step.name == LOANS:
                for name in COUNTS:
                    counts[name] += getattr(outcome, name)
                money += outcome.money
            chunks_done += 1
            if progress is not None:
                progress(step.name, number + 1, len(chunks))
    return ClosedDay(day, len(steps), chunks_done, **counts, money=live.add_sums(money))
