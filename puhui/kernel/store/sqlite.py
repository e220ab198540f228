"""SQLite: one writer at a time across threads and processes, snapshots for readers."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.base import Executable

from puhui.kernel.errors import Fault
from puhui.kernel.store.journal import JOURNAL
from puhui.kernel.store.statement import DIALECTS, Compiler, Row, insert_all, metadata

WRITER_WAIT_S_MAX = 30.0
"""How long a process waits for its turn to write before it gives up with a clear error."""

_RECORD = insert_all(JOURNAL)

_compile = Compiler("sqlite")
_known = _compile.known


def _raw(path: Path, *, read_only: bool) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}{'?mode=ro' if read_only else ''}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=1024
    )
    try:
        connection.execute("PRAGMA busy_timeout = 10000")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def fault_of_file(error: OSError) -> Fault:
    """What trouble with a file beside the store means to people."""
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return Fault("kernel.read_only", f"The store's folder cannot be written to ({error}).")
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Fault("kernel.disk_full", f"The disk is full; nothing was recorded ({error}).")
    return Fault("kernel.store_unavailable", f"The store cannot be opened ({error}).")


def fault_of(error: sqlite3.Error) -> Fault:
    """What a driver error means to people; the message of the driver is kept."""
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return Fault("kernel.disk_full", f"The disk is full; nothing was recorded ({error}).")
    if kind == sqlite3.SQLITE_READONLY:
        return Fault("kernel.read_only", f"The store cannot be written to ({error}).")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Fault("kernel.store_busy", f"Another process held the store too long ({error}).")
    if kind == sqlite3.SQLITE_CANTOPEN:
        return Fault("kernel.store_unavailable", f"The store cannot be opened ({error}).")
    return Fault("kernel.store_failed", f"The store failed; nothing was recorded ({error}).")


class SqliteTransaction:
    """Statements on one SQLite connection; the caller begins and ends the transaction."""

    __slots__ = ("__weakref__", "_connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        """The only row, or None."""
        found = self.all(statement, **values)
        assert len(found) <= 1, statement
        return found[0] if found else None

    def all(self, statement: Executable, /, **values: Any) -> list[Row]:
        """All rows."""
        compiled = _known.get(id(statement)) or _compile(statement)
        if compiled.is_expanding:
            sql, ordered = compiled.spread(values)
            cursor = self._connection.execute(sql, ordered)
        else:
            cursor = self._connection.execute(compiled.sql, compiled.positional(values))
        found = cursor.fetchall()
        if not found:
            return found
        return list(map(compiled.make or compiled.maker(cursor.description), found))

    def run(self, statement: Executable, /, **values: Any) -> int:
        """Change rows; returns how many were changed."""
        compiled = _known.get(id(statement)) or _compile(statement)
        if compiled.is_expanding:
            return self._connection.execute(*compiled.spread(values)).rowcount
        return self._connection.execute(compiled.sql, compiled.positional(values)).rowcount

    def put(self, statement: Executable, /, **values: Any) -> None:
        """Change rows without asking how many."""
        compiled = _known.get(id(statement)) or _compile(statement)
        self._connection.execute(compiled.sql, compiled.positional(values))

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of ``rows``."""
        compiled = _known.get(id(statement)) or _compile(statement)
        self._connection.executemany(compiled.sql, map(compiled.positional, rows))


class Turn:
    """The turn to write, between processes: two file locks make it fair.

    Who wants to write holds the gate while waiting for the pen, and lets the gate go once the
    pen is held. So a process that writes without pause queues up behind one that waits.
    """

    def __init__(self, path: Path) -> None:
        self._gate = os.open(f"{path}.gate", os.O_RDWR | os.O_CREAT, 0o600)
        self._pen = os.open(f"{path}.pen", os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> None:
        """Wait for the turn; Fault ``kernel.store_busy`` after a bounded wait."""
        deadline = time.monotonic() + WRITER_WAIT_S_MAX
        _lock(self._gate, deadline)
        try:
            _lock(self._pen, deadline)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def give(self) -> None:
        """Let the next writer go."""
        fcntl.flock(self._pen, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close both lock files."""
        os.close(self._gate)
        os.close(self._pen)


def _lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Fault(
                    "kernel.store_busy", "Another process has been writing for too long."
                ) from None
            time.sleep(0.0005)


class SqliteWriter:
    """The one connection that writes; acts run on it one after another, many a commit."""

    group_max = 512
    retries_max = 0
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        self._connection = _raw(path, read_only=False)
        try:
            self._turn = Turn(path)
        except BaseException:
            self._connection.close()
            raise
        self._position = 0
        self.tx = SqliteTransaction(self._connection)

    def begin(self) -> None:
        """Take the turn and start a transaction."""
        self._turn.take()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            found = self._connection.execute("SELECT max(position) FROM journal").fetchone()
            self._position = found[0] or 0
        except BaseException:
            self.roll_back()
            raise

    def commit(self) -> None:
        """Make the group durable; on an error everything in it is undone."""
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self.roll_back()
            raise
        self._turn.give()

    def roll_back(self) -> None:
        """Undo the whole group and give the turn."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        finally:
            self._turn.give()

    def mark(self) -> None:
        """Start one act inside the group."""
        self._connection.execute("SAVEPOINT act")

    def keep(self) -> None:
        """End one act, keeping what it did."""
        self._connection.execute("RELEASE act")

    def undo(self) -> None:
        """Undo what one act did; Fault where SQLite has already undone the whole group."""
        if not self._connection.in_transaction:
            raise Fault("kernel.not_durable", "The store undid the whole group of acts.")
        self._connection.execute("ROLLBACK TO act")
        self._connection.execute("RELEASE act")

    def record(self, row: Mapping[str, Any]) -> None:
        """Write the journal row of the act that ends now, at the next position."""
        position = self._position + 1
        self.tx.put(_RECORD, **row, sequence=position, position=position)
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
        self._connection.close()
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

    def writer(self) -> SqliteWriter:
        """A connection that may write."""
        try:
            return SqliteWriter(self.path)
        except sqlite3.Error as error:
            raise fault_of(error) from error
        except OSError as error:
            raise fault_of_file(error) from error

    @contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """A snapshot of the store; nothing can be changed through it."""
        tx: SqliteTransaction | None = getattr(self._local, "tx", None)
        try:
            if tx is None:
                tx = self._local.tx = SqliteTransaction(_raw(self.path, read_only=True))
                # When the thread that reads has ended, nobody else lets its connection go.
                weakref.finalize(tx, tx._connection.close)
                with self._readers_lock:
                    self._readers.add(tx)
            connection = tx._connection
            is_outermost = not connection.in_transaction
            if is_outermost:
                connection.execute("BEGIN")
            try:
                yield tx
            finally:
                if is_outermost and connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise fault_of(error) from error

    def is_empty(self) -> bool:
        """Whether no table was made yet."""
        if not self.path.exists():
            return True
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


VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"


def schema(dialect: str) -> list[str]:
    """The statements that make all tables and indexes in ``dialect``."""
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=DIALECTS[dialect])))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            statements.append(str(CreateIndex(index).compile(dialect=DIALECTS[dialect])))
    return statements
