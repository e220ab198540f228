"""Promotion (主备切换): a standby becomes the primary, and the store's epoch is raised."""

from __future__ import annotations

from typing import Any

import psycopg

from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store.dial import Address
from puhui.kernel.store.fence import Epoch, follow_promotion, raise_epoch
from puhui.kernel.store.postgres import fault_of

PROMOTE_S_MAX = 60
"""How long a standby may take to replay what it has and open for writes."""

_STATE = "SELECT pg_is_in_recovery(), coalesce(pg_last_wal_receive_lsn(), '0/0')::text"
_WAIT_FOR_NONE = "ALTER SYSTEM SET synchronous_standby_names = ''"


def promote(url: str, *, is_alone: bool = False) -> Epoch:
    """Make the standby of the store at ``url`` its primary; returns the new epoch.

    Of several standbys the one that received most is taken. ``is_alone`` lets commits count without
    a further standby, until one is attached; without it each commit waits for one, where the
    servers are set up so. Where the only server named is the primary already, its epoch is raised,
    which stops every node that was opened before.
    Refused: ``kernel.not_replicated`` on a store that is a file, ``kernel.has_primary`` where a
    server among several still takes writes. Fault: ``kernel.store_unavailable``.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise Refused("kernel.not_replicated", "The store is a file: it has no standby.")
    address = Address(url)
    standbys, primaries, faults = _look_around(address)
    try:
        if primaries and address.is_several:
            raise Refused(
                "kernel.has_primary",
                "A server of this store still takes writes. Stop it first, or, to shut out the "
                "nodes that use it, name it alone.",
            )
        if not primaries and not standbys:
            raise faults[0]
        chosen = primaries[0] if primaries else max(standbys, key=lambda found: found[0])[1]
        return _promote(chosen, is_standby=not primaries, is_alone=is_alone)
    except psycopg.Error as error:
        raise fault_of(error) from error
    finally:
        for connection in [*primaries, *(connection for _, connection in standbys)]:
            connection.close()


Connection = psycopg.Connection[Any]


def _look_around(
    address: Address,
) -> tuple[list[tuple[int, Connection]], list[Connection], list[Fault]]:
    """The standbys with how much of the log each received, the primaries, and who is not there."""
    standbys, primaries, faults = [], [], []
    for number in address.in_turn():
        try:
            connection = address.connect(number, is_any=True)
            row = connection.execute(_STATE).fetchone()
        except psycopg.Error as error:
            faults.append(fault_of(error))
            continue
        assert row is not None
        if row[0]:
            high, low = row[1].split("/")
            standbys.append((int(high, 16) * 2**32 + int(low, 16), connection))
        else:
            primaries.append(connection)
    return standbys, primaries, faults


def _promote(connection: Connection, *, is_standby: bool, is_alone: bool) -> Epoch:
    if is_standby:
        row = connection.execute("SELECT pg_promote(true, %s)", (PROMOTE_S_MAX,)).fetchone()
        if row is None or not row[0]:
            raise Fault("kernel.store_unavailable", "The standby did not open in time.")
    if is_alone:
        connection.execute(_WAIT_FOR_NONE)
        connection.execute("SELECT pg_reload_conf()")
    return follow_promotion(connection) if is_standby else raise_epoch(connection)
