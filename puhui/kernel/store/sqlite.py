"""SQLite: one writer at a time across threads and processes, snapshots for readers."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from puhui.kernel.errors import Fault
from puhui.kernel.store.file import check_log, fault_of, open_file, tidy_log
from puhui.kernel.store.journal import FIND, INSERT_EVENT, JOURNAL, Found, check_kept
from puhui.kernel.store.schema import VERSION_TABLE, schema
from puhui.kernel.store.sqlite_wire import SqliteTransaction
from puhui.kernel.store.statement import Row, Unmarked, insert_all
from puhui.kernel.store.turn import Turn, fault_of_file

GROUPS_MARKED = 32
"""How many groups in a row mark their acts once one had to be undone."""

ROWS_TIDIED = 30_000
"""After so many rows that were moved at once the log is emptied into the file."""

_RECORD = insert_all(JOURNAL)


class SqliteWriter:
    """The one connection that writes; acts run on it one after another, many a commit.

    A savepoint around each act costs more than most acts need, as nearly all are kept. So a group
    runs without them; when an act must be undone after all, the group is run again with them, and
    so are the next groups.
    """

    group_max = 512
    retries_max = 0
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        connection = open_file(path, read_only=False)
        try:
            self._turn = Turn(path)
        except BaseException:
            connection.close()
            raise
        self._path = path
        self._position = 0
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._events: list[Mapping[str, Any]] = []
        self._kept = (0, 0)
        self._is_marking = True
        self._groups_marked = 0
        self._tidying: threading.Thread | None = None
        self.tx = SqliteTransaction(connection)
        self.tx.fresh = {}
        self._version = -1

    @property
    def _connection(self) -> sqlite3.Connection:
        return self.tx._connection

    def begin(self, *, is_again: bool = False) -> None:
        """Take the turn and start a transaction; ``is_again`` after ``Unmarked``."""
        if is_again:
            self._groups_marked = GROUPS_MARKED
        self._turn.take()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._look_for_others()
            found = self._connection.execute("SELECT max(position) FROM journal").fetchone()
            self._position = found[0] or 0
            self._is_marking = self._groups_marked > 0
            self._groups_marked = max(0, self._groups_marked - 1)
        except BaseException:
            self.roll_back()
            raise

    def _look_for_others(self) -> None:
        """Forget rows that may have changed where another connection has written since."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self.tx.fresh = {}

    def commit(self) -> None:
        """Make the group durable; on an error everything in it is undone."""
        try:
            if self._events:
                self.tx.run_many(INSERT_EVENT, self._events)
            if self._rows:
                self.tx.run_many(_RECORD, list(self._rows.values()))
            self._connection.execute("COMMIT")
        except BaseException:
            self.roll_back()
            raise
        self._forget()
        self._turn.give()
        if self.tx.moved >= ROWS_TIDIED:
            self._tidy()

    def _tidy(self) -> None:
        """Move what large batches have left in the log to where it belongs, beside what follows:
        else the commit that finds the log long does it all.
        """
        if self._tidying is None or not self._tidying.is_alive():
            self.tx.moved = 0
            self._tidying = threading.Thread(target=tidy_log, args=(self._path,), daemon=True)
            self._tidying.start()

    def roll_back(self) -> None:
        """Undo the whole group and give the turn."""
        self.tx.abandon()
        self.tx.forget()
        self._forget()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        finally:
            self._turn.give()

    def _forget(self) -> None:
        self._rows, self._events = {}, []

    def mark(self) -> None:
        """Start one act inside the group."""
        self._kept = (self._position, len(self._events))
        if self._is_marking:
            self._connection.execute("SAVEPOINT act")

    def keep(self) -> None:
        """End one act, keeping what it did."""
        if self._is_marking:
            self._connection.execute("RELEASE act")

    def undo(self) -> None:
        """Undo what one act did; Fault where SQLite has already undone the whole group."""
        self.tx.abandon()
        self.tx.forget()
        if not self._connection.in_transaction:
            raise Fault("kernel.not_durable", "The store undid the whole group of acts.")
        if not self._is_marking:
            raise Unmarked
        position, events = self._kept
        if self._position > position:  # it was recorded already
            self._rows.popitem()
            del self._events[events:]
            self._position = position
        self._connection.execute("ROLLBACK TO act")
        self._connection.execute("RELEASE act")

    def find(self, key: str) -> Row | None:
        """What is recorded under ``key``, in the group under way or before it."""
        row = self._rows.get(key)
        if row is None:
            return self.tx.one(FIND, key=key)
        return Found(*(row[field] for field in Found._fields))

    def record(self, row: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        """Keep the journal row and the events of the act that ends now; the commit writes them.

        What no store can keep fails here, where it is this act's own fault.
        """
        check_kept(row, *events)
        position = self._position + 1
        self._rows[row["key"]] = {**row, "sequence": position, "position": position}
        self._events.extend(events)
        self._position = position

    def is_retryable(self, error: Exception) -> bool:
        """Whether running the act again can help: never here, as no other writer interferes."""
        return False

    def fault_of(self, error: Exception) -> Fault:
        """What a driver error means to people."""
        assert isinstance(error, sqlite3.Error), error
        return fault_of(error)

    def close(self) -> None:
        """Close the connection and the lock files."""
        if self._tidying is not None:
            self._tidying.join()
        self.tx.close()
        self._turn.close()


class SqliteStore:
    """One file in write-ahead mode, durable at each commit (synchronous FULL)."""

    dialect = "sqlite"
    writers = 1

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.url = f"sqlite:///{path.absolute()}"
        self._local = threading.local()
        self._readers: weakref.WeakSet[SqliteTransaction] = weakref.WeakSet()
        self._readers_lock = threading.Lock()
        self.turns = threading.RLock()
        """Who reads for a short time waits for whoever does so now."""

    def writer(self) -> SqliteWriter:
        """A connection that may write."""
        try:
            return SqliteWriter(self.path)
        except sqlite3.Error as error:
            raise fault_of(error) from error
        except OSError as error:
            raise fault_of_file(error) from error

    def read(self, *, in_turn: bool = False, is_snapshot: bool = True) -> Reading:
        """A snapshot of the store; nothing can be changed through it."""
        return Reading(self, in_turn, is_snapshot)

    def reader(self) -> SqliteTransaction:
        """The reading connection of this thread."""
        tx: SqliteTransaction | None = getattr(self._local, "tx", None)
        if tx is None:
            tx = self._local.tx = SqliteTransaction(open_file(self.path, read_only=True))
            # When the thread that reads has ended, nobody else lets its connection go.
            weakref.finalize(tx, tx._connection.close)
            with self._readers_lock:
                self._readers.add(tx)
        return tx

    def bind(self, folder: Path) -> None:
        """One file has no second server: nothing to remember."""

    def is_empty(self) -> bool:
        """Whether no table was made yet. Fault ``kernel.store_damaged`` where the log beside the
        file lost what had been durable: nothing may be written over it.
        """
        if not self.path.exists():
            return True
        with self.read() as tx:  # stays open, so that nobody empties a damaged log into the file
            pass
        check_log(self.path)
        with self.read() as tx:
            found = tx._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(found[0] == 0)

    def tables(self) -> frozenset[str]:
        """The names of the tables that are there."""
        with self.read() as tx:
            found = tx._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return frozenset(row[0] for row in found)

    def version(self) -> str | None:
        """Which state of the schema the store is in; None where no table says so."""
        with self.read() as tx:
            rows = tx._connection.execute(
                "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchall()
            if not rows:
                return None
            found = tx._connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])

    def create(self, version: str) -> None:
        """Make all tables of all rooms in an empty store, all or none."""
        writer = SqliteWriter(self.path)
        writer._turn.take()
        connection = writer._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            if self.is_empty():
                for statement in schema(self.dialect):
                    connection.execute(statement)
                connection.execute(VERSION_TABLE)
                connection.execute("INSERT INTO alembic_version VALUES (?)", (version,))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise fault_of(error) from error
        finally:
            writer._turn.give()
            writer.close()

    def size_bytes(self) -> int:
        """How much room the tables take."""
        with self.read() as tx:
            pages = tx._connection.execute("PRAGMA page_count").fetchone()[0]
            return int(pages * tx._connection.execute("PRAGMA page_size").fetchone()[0])

    def damage(self) -> tuple[str, ...]:
        """What is wrong with the file: each page and index, in SQLite's own words; at most 100."""
        with self.read() as tx:
            rows = tx._connection.execute("PRAGMA integrity_check(100)").fetchall()
        return () if rows == [("ok",)] else tuple(str(row[0]) for row in rows)

    def settle_positions(self) -> int:
        """Nothing to do: positions are given as acts are recorded. Returns 0."""
        return 0

    def close(self) -> None:
        """Close all readers."""
        with self._readers_lock:
            for tx in list(self._readers):
                tx._connection.close()
            self._readers.clear()
        self._local = threading.local()


class Reading:
    """A snapshot from entry to exit; inside another one of the same thread it is that one."""

    __slots__ = ("_connection", "_in_turn", "_is_snapshot", "_store")

    def __init__(self, store: SqliteStore, in_turn: bool, is_snapshot: bool) -> None:
        self._store = store
        self._in_turn = in_turn
        self._is_snapshot = is_snapshot
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> SqliteTransaction:
        if self._in_turn:
            self._store.turns.acquire()
        try:
            tx = self._store.reader()
            if self._is_snapshot and not tx._connection.in_transaction:
                tx._connection.execute("BEGIN")
                self._connection = tx._connection
            return tx
        except BaseException as error:
            if self._in_turn:
                self._store.turns.release()
            if isinstance(error, sqlite3.Error):
                raise fault_of(error) from error
            raise

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as failed:
            raise fault_of(failed) from failed
        finally:
            if self._in_turn:
                self._store.turns.release()
        if isinstance(error, sqlite3.Error):
            raise fault_of(error) from error
