"""Payments while no primary is up (断网受理): accepted into a queue on this machine, posted later.

``PUHUI_QUEUE`` names the folder of the queues; without it nothing is accepted then. Each process
has a queue of its own in it: ``serve`` that of the API, ``pay`` that of files.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from puhui.kernel import Node, Refused
from puhui.kernel.event import upkeep
from puhui.kernel.forward import Answer, Drained, Forwarder, State

QUEUED_USE_CASES = ("payment.pay", "payment.pay_batch")
"""What may wait: payments whose money the store judges when they are posted."""

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
        node.at_close.append(queue.close)


def queue_of(node: Node) -> Forwarder | None:
    """The queue that was opened for a node."""
    found = node.ports.get(Forwarder)
    assert found is None or isinstance(found, Forwarder), found
    return found


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
