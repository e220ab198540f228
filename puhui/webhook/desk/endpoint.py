"""Registering and deleting endpoints, and telling one again what it lost."""

from __future__ import annotations

import json

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.journal import last_position
from puhui.webhook import tables
from puhui.webhook.engines.address import check_url
from puhui.webhook.nouns import (
    EVENT_NAMES,
    CheckedEndpoint,
    Delete,
    Deleted,
    Endpoint,
    Loopback,
    Register,
    Registered,
    Retold,
    TellAgain,
)

ENDPOINTS_MAX = 1000
OWN_MAX = 20
ROLES = ("operator", "data_partner", "administrator", "system")


def check_endpoint(node: Node, input: Register | CheckedEndpoint) -> CheckedEndpoint:
    """Check an address and its events, before the act; events count from the journal's end.

    Refused: ``webhook.bad_url``, ``webhook.bad_events``, ``webhook.checked_input``.
    """
    if not isinstance(input, Register):
        raise Refused("webhook.checked_input", "An endpoint is registered by url and events only.")
    check_url(input.url, may_be_loopback=Loopback in node.ports)
    unknown = sorted(set(input.events) - set(EVENT_NAMES))
    if unknown or not input.events or len(set(input.events)) < len(input.events):
        raise Refused(
            "webhook.bad_events", f"Name different events of these: {', '.join(EVENT_NAMES)}."
        )
    node.store.settle_positions()
    with node.read() as tx:
        return CheckedEndpoint(input.url, tuple(sorted(input.events)), last_position(tx))


@use_case("webhook.register", roles=ROLES, api=True, prepare=check_endpoint)
def register(act: Act, input: Register | CheckedEndpoint) -> Registered:
    """Tell an address of loan events from now on.

    Refused: ``webhook.too_many`` and what ``check_endpoint`` refuses.
    """
    assert isinstance(input, CheckedEndpoint), input
    if len(list_endpoints(act.tx, owner=act.actor)) >= OWN_MAX:
        raise Refused("webhook.too_many", f"One caller has at most {OWN_MAX} endpoints.")
    endpoint_id = act.new_id("endpoint")
    act.tx.put(
        tables.INSERT_ENDPOINT,
        id=endpoint_id,
        owner=act.actor,
        url=input.url,
        events=json.dumps(input.events),
        after_position=input.after_position,
        generation=1,
        created_us=act.now_us,
        deleted_us=None,
    )
    return Registered(endpoint_id)


def _endpoint_of(row: Row) -> Endpoint:
    return Endpoint(
        row.id,
        row.owner,
        row.url,
        tuple(json.loads(row.events)),
        row.after_position,
        row.generation,
        row.created_us,
    )


def list_endpoints(tx: Transaction, *, owner: str | None = None) -> tuple[Endpoint, ...]:
    """The endpoints that are told, all or those that one caller registered, oldest first."""
    found = (_endpoint_of(row) for row in tx.all(tables.READ_ENDPOINTS, count=ENDPOINTS_MAX))
    return tuple(one for one in found if owner in (None, one.owner))


def _own(act: Act, endpoint_id: str) -> Endpoint:
    """The caller's own endpoint, locked; machines and people keep to theirs."""
    row = act.tx.one(tables.LOCK_ENDPOINT, id=endpoint_id)
    if row is None or row.deleted_us is not None or row.owner != act.actor:
        raise Refused("webhook.unknown", "There is no such endpoint, or it is not yours.")
    return _endpoint_of(row)


@use_case("webhook.delete", roles=ROLES, api=True)
def delete(act: Act, input: Delete) -> Deleted:
    """Tell an endpoint no more. Refused: ``webhook.unknown``."""
    endpoint = _own(act, input.endpoint_id)
    act.tx.put(tables.DELETE_ENDPOINT, endpoint_id=endpoint.id, now_us=act.now_us)
    return Deleted(endpoint.id)


@use_case("webhook.tell_again", roles=ROLES, api=True)
def tell_again(act: Act, input: TellAgain) -> Retold:
    """Tell an endpoint again of every event after a position of the journal.

    Refused: ``webhook.unknown``, ``webhook.bad_position``.
    """
    if input.after_position < 0:
        raise Refused("webhook.bad_position", "A position of the journal is not negative.")
    endpoint = _own(act, input.endpoint_id)
    act.tx.put(
        tables.TELL_AGAIN,
        endpoint_id=endpoint.id,
        position=input.after_position,
        next_generation=endpoint.generation + 1,
    )
    return Retold(endpoint.id, input.after_position, endpoint.generation + 1)
