"""The courier: tells endpoints of events outside any act, in order, again until they are taken."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass

from puhui.kernel.errors import Fault
from puhui.kernel.event import MOVE_CURSOR, Delivery, next_events
from puhui.kernel.node import Node
from puhui.kernel.store import change
from puhui.webhook.desk.endpoint import list_endpoints
from puhui.webhook.engines.post import headers_of, message_of, post
from puhui.webhook.nouns import Endpoint, Loopback

LOGGER = logging.getLogger("puhui.webhook")

IDLE_S = 0.5
WAITS_S = (1, 5, 30, 120, 600, 1800, 3600)
"""Pauses after failures in a row; the last one holds for ever."""


@dataclass(slots=True)
class Pause:
    """How often an endpoint failed in a row, and when it is tried again (monotonic seconds)."""

    failures: int = 0
    until_s: float = 0.0


Pauses = dict[str, Pause]


def deliver_webhooks(node: Node, pauses: Pauses, stop: threading.Event | None = None) -> int:
    """Tell every endpoint that is not paused what it was not told yet; how many were taken.

    Where ``stop`` is set, nothing further is told.

    At least once and in order: an endpoint that does not answer 2xx is told the same event
    again after a pause that grows; ``webhook-id`` is the same then. Fault: what the store reports.
    """
    node.store.settle_positions()
    with node.read() as tx:
        endpoints = list_endpoints(tx)
    for gone in set(pauses) - {_cursor(one) for one in endpoints}:
        del pauses[gone]
    return sum(
        _tell(node, one, pauses.setdefault(_cursor(one), Pause()), stop)
        for one in endpoints
        if _is_due(pauses.get(_cursor(one)))
    )


def _is_due(pause: Pause | None) -> bool:
    return pause is None or time.monotonic() >= pause.until_s


def _cursor(endpoint: Endpoint) -> str:
    return f"webhook:{endpoint.id}:{endpoint.generation}"


def _tell(node: Node, endpoint: Endpoint, pause: Pause, stop: threading.Event | None) -> int:
    name = _cursor(endpoint)
    with node.read() as tx:
        deliveries = next_events(tx, name, after=endpoint.after_position)
    taken = 0
    for delivery in deliveries:
        if stop is not None and stop.is_set():
            return taken
        if delivery.event.name in endpoint.events:
            event_id = id_of(delivery)
            body = message_of(delivery, event_id)
            headers = headers_of(node, event_id, body)
            status = post(endpoint.url, headers, body, may_be_loopback=Loopback in node.ports)
            if not 200 <= status < 300:
                LOGGER.warning("%s did not take %s: status %d", endpoint.id, event_id, status)
                pause.failures += 1
                wait_s = WAITS_S[min(pause.failures, len(WAITS_S)) - 1]
                pause.until_s = time.monotonic() + wait_s
                return taken
            pause.failures = 0
            taken += 1
            _move(node, name, delivery)
    if deliveries and deliveries[-1].event.name not in endpoint.events:
        _move(node, name, deliveries[-1])
    return taken


def _move(node: Node, name: str, last: Delivery) -> None:
    with change(node.store) as tx:
        tx.put(MOVE_CURSOR, subscriber=name, position=last.position, number=last.event.number)


def id_of(delivery: Delivery) -> str:
    """A name for an event that is the same each time it is told."""
    event = delivery.event
    digest = hashlib.blake2b(event.act_key.encode(), digest_size=16).hexdigest()
    return f"event-{digest}-{event.number}"


def run_courier(node: Node, stop: threading.Event, *, idle_s: float = IDLE_S) -> int:
    """Tell until ``stop`` is set, past any fault of the store; returns how many were taken."""
    pauses: Pauses = {}
    taken = 0
    while not stop.is_set():
        try:
            passed = deliver_webhooks(node, pauses, stop)
        except Fault:
            passed = 0
        taken += passed
        if not passed:
            stop.wait(idle_s)
    return taken
