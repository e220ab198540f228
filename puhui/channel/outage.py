"""Payments while no primary is up (断网受理): accepted into a queue on this machine, posted later.

``PUHUI_QUEUE`` names the folder of the queues; without it nothing is accepted then. Each process
has a queue of its own in it: ``serve`` that of the API, ``pay`` that of files.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from puhui.channel.believed import Believed, believed_of, deny
from puhui.kernel import Node, Refused
from puhui.kernel.act import find_use_case
from puhui.kernel.event import upkeep
from puhui.kernel.forward import PASSING, Answer, Drained, Forwarder, State
from puhui.kernel.store import journal

__all__ = [
    "PASSING",
    "QUEUED_USE_CASES",
    "Answer",
    "Believed",
    "State",
    "became",
    "believed_of",
    "deny",
    "drain",
    "keep_queue",
    "open_queue",
    "queue_folder",
    "queue_of",
]

QUEUED_USE_CASES = (
    "payment.pay",
    "payment.pay_batch",
    "payment.pay_by_code",
    "payment.pay_request",
    "payment.withdraw",
    "draft.drop",
)
"""What may wait: payments whose whole terms are named by what was shown and which the store judges
when they are posted; and letting go of the draft that one was typed into.
"""

LOGGER = logging.getLogger("puhui.outage")


def queue_folder(home: Path) -> Path | None:
    """The folder of the queues: ``PUHUI_QUEUE``, under the home unless it is absolute."""
    named = os.environ.get("PUHUI_QUEUE", "")
    return home / named if named else None


def open_queue(node: Node, name: str) -> Forwarder | None:
    """The queue ``name`` of a node; None where queues are off.

    Refused: ``kernel.queue_in_use``, ``kernel.queue_full``. Fault: ``kernel.queue_damaged``.
    """
    folder = queue_folder(node.home)
    if folder is None:
        return None
    return Forwarder(node, folder / name, use_cases=QUEUED_USE_CASES)


def keep_queue(node: Node, name: str) -> None:
    """Open the queue ``name`` for as long as the node is open, where queues are on."""
    queue = open_queue(node, name)
    if queue is not None:
        node.ports[Forwarder] = queue
        node.ports[Believed] = Believed(node, queue_folder(node.home))
        node.at_close.append(queue.close)


def queue_of(node: Node) -> Forwarder | None:
    """The queue that was opened for a node."""
    found = node.ports.get(Forwarder)
    assert found is None or isinstance(found, Forwarder), found
    return found


def became(node: Node, key: str) -> Answer | None:
    """What became of an act that was accepted under a key; None where nothing is known of it.

    Fault: what the store reports, where only the store could tell.
    """
    queue = queue_of(node)
    if queue is not None and queue.state_of(key) is State.QUEUED:
        return Answer(State.QUEUED, key)
    with node.read() as tx:
        row = tx.one(journal.FIND, key=key)
    if row is None:
        return None
    if row.refusal is not None:
        return Answer(State.REFUSED, key, code=row.refusal)
    return Answer(State.POSTED, key, find_use_case(row.name).outcome_of(row.outcome))


def drain(queue: Forwarder) -> Drained:
    """Post what waits, as far as the store is there; what is refused now is put into the log."""

    def tell(answer: Answer) -> None:
        if answer.state is State.REFUSED:
            LOGGER.warning("%s was accepted and is refused: %s", answer.key[:80], answer.code)

    return queue.drain(tell=tell)


def _drain_all(node: Node) -> bool:
    """Upkeep: drain this process's queue, and that of files where no other process has it."""
    own = queue_of(node)
    if own is not None and own.waiting:
        drain(own)
    folder = queue_folder(node.home)
    if folder is None or not (folder / "pay" / "queue").exists():
        return False
    try:
        queue = open_queue(node, "pay")
    except Refused:  # somebody pays a file right now, and drains it first
        return False
    assert queue is not None
    try:
        if queue.waiting:
            drain(queue)
    finally:
        queue.close()
    return False


upkeep("channel.drain", _drain_all)
