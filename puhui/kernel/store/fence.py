"""The fence (栅栏): which server may be written to, when more than one believes that it is the one.

A promotion starts a new timeline of the database's log and raises the store's epoch. A node
remembers the newest it has met, in a file of its home, and takes no word from an older server.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, bindparam, literal_column, select

from puhui.kernel.errors import Fault
from puhui.kernel.store.journal import FIND, JOURNAL
from puhui.kernel.store.statement import metadata

if TYPE_CHECKING:
    import psycopg

EPOCH = Table(
    "store_epoch",
    metadata,
    Column("id", BigInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("timeline", BigInteger, nullable=False),
)
"""One row: ``number`` grows by one with each promotion; ``timeline`` is the server's own when that
happened. SQLite has one file and no row."""

FIND_IN_EPOCH = (
    select(EPOCH.c.number.label("epoch"), *FIND.selected_columns)
    .select_from(EPOCH.outerjoin(JOURNAL, JOURNAL.c.key == bindparam("key")))
    .where(EPOCH.c.id == literal_column("1"))
)
"""The epoch now, and what is recorded under a key, in one statement: it opens every act."""

_LOOK = """
SELECT epoch.number, epoch.timeline, server.timeline, system_identifier::text,
 current_database()
FROM pg_control_system() CROSS JOIN (SELECT CASE WHEN pg_is_in_recovery()
 THEN (SELECT timeline_id FROM pg_control_checkpoint())
 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END
 AS timeline) AS server LEFT JOIN store_epoch AS epoch ON epoch.id = 1
"""
_BEGIN = "INSERT INTO store_epoch VALUES (1, 1, %s) ON CONFLICT DO NOTHING"
_FOLLOW = """
UPDATE store_epoch SET number = number + 1, timeline = %s WHERE id = 1 AND timeline < %s
"""
_RAISE = "UPDATE store_epoch SET number = number + 1"
RAISE_MS_MAX = 5000
"""How long raising may wait for a standby; what was raised here holds here in any case."""


@dataclass(frozen=True, slots=True, order=True)
class Epoch:
    """An age of the store: the timeline of its server's log, then the number in the store."""

    timeline: int
    number: int


class Fence:
    """What one process knows of the newest server; shared by all its connections.

    Until ``bind`` nothing is checked: a store of an older state has no epoch.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._newest: Epoch | None = None
        self.fault: Fault | None = None

    @property
    def is_bound(self) -> bool:
        """Whether the node has said where to remember."""
        return self._folder is not None

    def bind(self, folder: Path) -> None:
        """Remember the newest server in ``folder``, and look at every connection from now on."""
        self._folder = folder

    def enter(self, connection: psycopg.Connection[Any], *, may_raise: bool) -> int:
        """Look at the server of a new connection; returns the epoch that its acts must find.

        Fault: ``kernel.fenced`` where the server is older than one that this home has met, or the
        epoch was raised on the very server that this node was on.
        """
        number, timeline, actual, system, database = _look(connection)
        if may_raise and (number is None or timeline < actual):
            _settle(connection, actual)
            number, timeline, actual, system, database = _look(connection)
        met = Epoch(actual, number or 0)
        with self._lock:
            name = f"{system}/{database}"
            known = self._known()
            if met < Epoch(*known.get(name, (0, 0))):
                raise _fenced("a newer server of this store was met before")
            newest = self._newest
            if newest and met.timeline == newest.timeline and met.number > newest.number:
                self.fault = _fenced(f"the store went on to epoch {met.number} without this node")
                raise self.fault
            if may_raise and met != newest:
                self._newest = met
                self._write(known, name, met)
        return met.number

    def hold(self, epoch: int | None, expected: int) -> None:
        """Stop this node where an act finds another epoch than its connection began with.

        Fault: ``kernel.fenced``.
        """
        if epoch != expected:
            self.fault = _fenced(f"the store went on to epoch {epoch} without this node")
            raise self.fault

    def _path(self) -> Path:
        assert self._folder is not None
        return self._folder / "store-epoch.json"

    def _known(self) -> dict[str, list[int]]:
        try:
            known: dict[str, list[int]] = json.loads(self._path().read_text("ascii"))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise Fault(
                "kernel.epoch_damaged",
                f"{self._path()} cannot be read: make sure which server is the newest, then "
                "remove the file.",
            ) from None
        return known

    def _write(self, known: dict[str, list[int]], name: str, met: Epoch) -> None:
        if known.get(name) == [met.timeline, met.number]:
            return
        known[name] = [met.timeline, met.number]
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with part.open("w", encoding="ascii") as file:
            json.dump(known, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def _look(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(_LOOK).fetchone()
    assert row is not None
    return row


def _settle(connection: psycopg.Connection[Any], timeline: int) -> None:
    """The store's first epoch, or the next one after a promotion by whatever means."""
    connection.execute(f"SET statement_timeout = {RAISE_MS_MAX}")
    connection.execute(_BEGIN, (timeline,))
    connection.execute(_FOLLOW, (timeline, timeline))
    connection.execute("RESET statement_timeout")


def follow_promotion(connection: psycopg.Connection[Any]) -> Epoch:
    """Raise the epoch for a promotion that just happened, unless a node was quicker to do so."""
    _, _, actual, _, _ = _look(connection)
    _settle(connection, actual)
    number, _, actual, _, _ = _look(connection)
    return Epoch(actual, number)


def raise_epoch(connection: psycopg.Connection[Any]) -> Epoch:
    """Raise the epoch where the primary stays; nodes bound to the last one stop at their next act.

    An act that had begun before may still end.
    """
    follow_promotion(connection)
    connection.execute(f"SET statement_timeout = {RAISE_MS_MAX}")
    connection.execute(_RAISE)
    connection.execute("RESET statement_timeout")
    number, _, actual, _, _ = _look(connection)
    return Epoch(actual, number)


def _fenced(why: str) -> Fault:
    return Fault(
        "kernel.fenced",
        f"This node may not write here: {why}. Nothing was recorded; open the node on the server "
        "that is the primary now.",
    )
