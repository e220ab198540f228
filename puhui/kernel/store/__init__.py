"""The store (存储): SQLite by default, PostgreSQL by URL; every dialect difference lives here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store.statement import (
    Row,
    RowVersion,
    Transaction,
    Unmarked,
    excluded,
    given,
    insert_all,
    metadata,
    sum_int,
    upsert,
)

__all__ = [
    "Row",
    "RowVersion",
    "Store",
    "Transaction",
    "Unmarked",
    "Writer",
    "change",
    "excluded",
    "find_recorded",
    "given",
    "insert_all",
    "metadata",
    "open_store",
    "sum_int",
    "upsert",
]

StoreReader = Iterator[Transaction]


class Writer(Protocol):
    """A connection that writes: groups of acts, each act undone or kept by itself."""

    group_max: int
    retries_max: int
    errors: tuple[type[Exception], ...]

    @property
    def tx(self) -> Transaction:
        """The transaction that the acts of the group run their statements on."""
        ...

    def begin(self, *, is_again: bool = False) -> None:
        """Start a group; ``is_again`` one that met ``Unmarked`` and is run a second time."""
        ...

    def commit(self) -> None:
        """Make the group durable."""
        ...

    def roll_back(self) -> None:
        """Undo the group."""
        ...

    def mark(self) -> None:
        """Start one act."""
        ...

    def keep(self) -> None:
        """End one act and keep it."""
        ...

    def undo(self) -> None:
        """Undo one act; ``Unmarked`` where only the whole group can be."""
        ...

    def find(self, key: str) -> Row | None:
        """Name, input digest, outcome and refusal of the act recorded under ``key``."""
        ...

    def record(self, row: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        """Write the journal row and the events of the act that ends now, giving it its place."""
        ...

    def is_retryable(self, error: Exception) -> bool:
        """Whether the act may be run again after ``error``."""
        ...

    def fault_of(self, error: Exception) -> Fault:
        """What a driver error means to people."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class Store(Protocol):
    """Where a node keeps everything: one SQLite file or one PostgreSQL database."""

    dialect: str
    writers: int
    url: str

    def writer(self) -> Writer:
        """A connection that may write."""
        ...

    def read(
        self, *, in_turn: bool = False, is_snapshot: bool = True
    ) -> AbstractContextManager[Transaction]:
        """A snapshot that may only be read; ``in_turn`` with other short readers, where that
        helps them all. Without ``is_snapshot`` each statement sees what is committed then.
        """
        ...

    def bind(self, folder: Path) -> None:
        """Remember in ``folder`` which server of the store is the newest, where there may be more
        than one; Fault ``kernel.fenced`` on an older one from then on.
        """
        ...

    def is_empty(self) -> bool:
        """Whether no table was made yet."""
        ...

    def tables(self) -> frozenset[str]:
        """The names of the tables that are there."""
        ...

    def version(self) -> str | None:
        """Which state of the schema the store is in; None where no table says so."""
        ...

    def create(self, version: str) -> None:
        """Make all tables of all rooms in an empty store, and say which state that is."""
        ...

    def size_bytes(self) -> int:
        """How much room the store takes."""
        ...

    def damage(self) -> tuple[str, ...]:
        """What is wrong with what lies on disk, in words; every page is read for it."""
        ...

    def settle_positions(self) -> int:
        """Give recorded acts their place in the journal where that is not done at once."""
        ...

    def close(self) -> None:
        """Let all connections go."""
        ...


@contextmanager
def change(store: Store) -> Iterator[Transaction]:
    """A transaction for the bookkeeping of the store itself, durable at its end; no act.

    Fault: what the store reports; nothing was changed then.
    """
    writer = store.writer()
    try:
        writer.begin()
        yield writer.tx
        writer.commit()
    except writer.errors as error:
        raise writer.fault_of(error) from error
    finally:
        writer.close()


def find_recorded(store: Store, key: str) -> Row | None:
    """What is recorded under ``key``, by a connection that writes: as durable as any answer.

    Fault: what the store reports.
    """
    writer = store.writer()
    try:
        writer.begin()
        writer.mark()
        found = writer.find(key)
        writer.keep()
        writer.commit()
        return found
    except writer.errors as error:
        raise writer.fault_of(error) from error
    finally:
        writer.close()


def open_store(url: str, *, writers: int = 4) -> Store:
    """The store at ``url``: ``sqlite:///path`` (or a plain path), or ``postgresql://...``.

    A primary and its standbys are named in one URL, ``postgresql://one,two/database``: the one
    that takes writes is used, and looked for again when it is lost.

    Refused: ``kernel.bad_store_url``. Fault: ``kernel.store_unavailable``.
    """
    if url.startswith(("postgresql://", "postgres://")):
        from puhui.kernel.store.postgres import PostgresStore  # psycopg is loaded where used

        return PostgresStore(url, writers=writers)
    path = url.removeprefix("sqlite:///")
    if "://" in path or not path:
        raise Refused(
            "kernel.bad_store_url",
            f"{url[:80]!r} is no store: give a file path or postgresql://user@host/database.",
        )
    from puhui.kernel.store.sqlite import SqliteStore

    return SqliteStore(Path(path))
