"""PostgreSQL: several writers with short transactions of one act each."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql
from sqlalchemy import literal_column

from puhui.kernel.errors import Fault
from puhui.kernel.store.dial import Address
from puhui.kernel.store.fence import FIND_IN_EPOCH, Fence
from puhui.kernel.store.journal import FIND, INSERT_EVENT, JOURNAL
from puhui.kernel.store.memory import Memory
from puhui.kernel.store.pipeline import Silent
from puhui.kernel.store.schema import VERSION_TABLE, schema
from puhui.kernel.store.statement import Row, insert_all, metadata
from puhui.kernel.store.wire import PostgresTransaction

JOURNAL_LOCK = 0x70756875
"""The advisory lock between acts that take a sequence number and the one who settles positions."""

READER_WAIT_S_MAX = 600
"""How long a reader waits for a long query."""

LOST = frozenset({"57P01", "57P02", "57P03"})
"""What a server says that shuts down, has crashed or is starting (class 57 of SQLSTATE)."""


def fault_of(error: Exception) -> Fault:
    """What a driver error means to people; the message of the server is kept."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, errors.DiskFull):
        return Fault("kernel.disk_full", f"The database's disk is full ({text}).")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return Fault("kernel.read_only", f"The database accepts no writes ({text}).")
    if isinstance(error, errors.LockNotAvailable | errors.QueryCanceled):
        return Fault("kernel.store_busy", f"Another act held a row too long ({text}).")
    if isinstance(error, errors.DataCorrupted | errors.IndexCorrupted):
        return Fault("kernel.store_damaged", f"The database is damaged: restore a backup ({text}).")
    if isinstance(error, Silent):
        return Fault("kernel.not_durable", f"Nobody knows whether it was recorded ({text}).")
    if isinstance(error, psycopg.OperationalError):
        return Fault("kernel.store_unavailable", f"The database cannot be reached ({text}).")
    return Fault("kernel.store_failed", f"The database failed; nothing was recorded ({text}).")


_RECORD = insert_all(JOURNAL).values(
    sequence=literal_column(
        "(SELECT nextval('journal_sequence') FROM"
        f" (SELECT pg_advisory_xact_lock_shared({JOURNAL_LOCK}) OFFSET 0) AS held)"
    ),
    position=None,
)
"""The number of an act is taken while all its locks are held, so of two acts that touch the same
rows the later one has the higher number: their order is a serial order."""


class PostgresWriter:
    """One connection that runs one act a transaction, in a pipeline."""

    group_max = 1
    retries_max = 8
    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, line: Line, memory: Memory) -> None:
        self._line = line
        self._memory = memory
        self._is_open = False
        self._is_warned = False
        self._dial()

    def _dial(self) -> None:
        connection, self._epoch = self._line.connect()
        self._memory.start_anew()
        connection.add_notice_handler(self._hear)
        self.tx = PostgresTransaction(
            connection, wait_s_max=self._line.address.wait_s_max, memory=self._memory
        )

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        """A server that gives up waiting for its standby says so in a warning, and commits."""
        if notice.severity_nonlocalized == "WARNING":
            self._is_warned = True

    def begin(self, *, is_again: bool = False) -> None:
        """Start a transaction, on a new connection if the old one was lost.

        Fault: ``kernel.fenced``, ``kernel.store_unavailable``.
        """
        if self._line.fence.fault is not None:
            raise self._line.fence.fault
        if self.tx.is_lost():
            self.tx.forget()
            self.tx.connection.close()
            ports = self.tx.ports  # without them a ledger beside the store would be forgotten
            self._dial()
            self.tx.ports = ports
        self.tx.send(b"BEGIN")
        self._is_open = True

    def commit(self) -> None:
        """Make what is still open durable; an act that was kept is so already."""
        if self._is_open:
            self.keep()

    def roll_back(self) -> None:
        """Undo the transaction; a lost connection has undone it already."""
        self.tx.forget()
        self._is_open = False
        self.tx.end()

    def mark(self) -> None:
        """Start one act: the transaction is the act."""

    def keep(self) -> None:
        """End one act and make it durable, in one round trip with its last statements.

        Raises what those met, and what the commit met. Where a connection is lost meanwhile and
        nobody knows, running the act again is safe: it is looked up by its key first.
        """
        self.tx.check()
        self.tx.send(b"COMMIT")
        self._is_open = self._is_warned = False
        if self.tx.sync()[-1].command_status != b"COMMIT":
            raise psycopg.OperationalError("the server undid the transaction")
        if self._is_warned:  # run again it is found by its key, and waits for the standby then
            raise psycopg.OperationalError("the server did not wait for its standby")
        self.tx.remember()

    def undo(self) -> None:
        """Undo what the act did and start anew, so that its refusal can be recorded."""
        self.roll_back()
        self.begin()

    def find(self, key: str) -> Row | None:
        """What is recorded under ``key``. Fault: ``kernel.fenced``.

        A server that came back may show what no standby ever had. So an answer from the journal
        writes a few bytes of log, and its commit waits until the standby has all before them.
        """
        if self._epoch is None:
            found = self.tx.one(FIND, key=key)
        else:
            found = self.tx.one(FIND_IN_EPOCH, key=key)
            self._line.fence.hold(found and found.epoch, self._epoch)
        if found is None or found.name is None:
            return None
        self.tx.send(b"SELECT pg_logical_emit_message(true, 'puhui', '')")
        return found

    def record(self, row: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        """Write the journal row and the events of the act that ends now; its position is settled
        afterwards.
        """
        for event in events:
            self.tx.put(INSERT_EVENT, **event)
        self.tx.put(_RECORD, **row)

    def is_retryable(self, error: Exception) -> bool:
        """Whether running the act again can help: it lost a race with another writer, or, before
        anything was committed, the connection.
        """
        if isinstance(error, psycopg.OperationalError) and not isinstance(error, Silent):
            state = error.sqlstate
            if state is None or state in LOST or state.startswith("08"):
                return True
        return isinstance(
            error,
            errors.SerializationFailure | errors.DeadlockDetected | errors.UniqueViolation,
        )

    def fault_of(self, error: Exception) -> Fault:
        """What a driver error means to people."""
        return fault_of(error)

    def close(self) -> None:
        """Close the connection."""
        self.tx.forget()
        self.tx.abandon()
        self.tx.connection.close()


class Line:
    """The way to the store's servers, and the fence before those that may not be written to."""

    def __init__(self, url: str) -> None:
        self.address = Address(url)
        self.fence = Fence()

    def connect(self, *, is_reader: bool = False) -> tuple[psycopg.Connection[Any], int | None]:
        """A connection to the server that is the primary now, and the epoch it is in.

        Fault: ``kernel.fenced``, and what the servers say.
        """
        faults = []
        for number in self.address.in_turn():
            try:
                connection = self.address.connect(number, is_reader=is_reader)
            except psycopg.Error as error:
                faults.append(fault_of(error))
                continue
            try:
                epoch = None
                if self.fence.is_bound:
                    epoch = self.fence.enter(connection, may_raise=not is_reader)
            except (psycopg.Error, Fault) as error:
                connection.close()
                faults.append(error if isinstance(error, Fault) else fault_of(error))
                continue
            self.address.remember(number)
            return connection, epoch
        raise next((fault for fault in faults if fault.code == "kernel.fenced"), faults[0])

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for one task, closed afterwards; what goes wrong on it is a Fault."""
        connection, _ = self.connect()
        with connection:
            try:
                yield connection
            except psycopg.Error as error:
                raise fault_of(error) from error


@contextmanager
def advisory_lock(url: str, number: int) -> Iterator[bool]:
    """Whether this process got the database's lock ``number``, kept while the block runs."""
    with Line(url).session() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
        yield row is not None and bool(row[0])


class PostgresStore:
    """A PostgreSQL database by URL (synchronous_commit and fsync as the server has them)."""

    dialect = "postgresql"

    def __init__(self, url: str, writers: int = 4) -> None:
        self.url = url
        self.writers = writers
        self._line = Line(url)
        self._memory = Memory()
        self._local = threading.local()
        self._readers: weakref.WeakSet[PostgresTransaction] = weakref.WeakSet()
        self._readers_lock = threading.Lock()

    def writer(self) -> PostgresWriter:
        """A connection that may write."""
        return PostgresWriter(self._line, self._memory)

    def bind(self, folder: Path) -> None:
        """Write to no server from now on that is older than the newest this home has met.

        Fault: ``kernel.fenced``, ``kernel.epoch_damaged``.
        """
        self._line.fence.bind(folder)
        with self._line.session():
            pass

    def _reader(self) -> PostgresTransaction:
        tx: PostgresTransaction | None = getattr(self._local, "tx", None)
        is_reading = getattr(self._local, "is_reading", False)
        if tx is None or (not is_reading and tx.is_lost()):
            if tx is not None:
                tx.connection.close()
            connection, _ = self._line.connect(is_reader=True)
            tx = PostgresTransaction(connection, wait_s_max=READER_WAIT_S_MAX, is_reader=True)
            self._local.tx = tx
            weakref.finalize(tx, tx.connection.close)  # when the thread that reads has ended
            with self._readers_lock:
                self._readers.add(tx)
        return tx

    @contextmanager
    def read(
        self, *, in_turn: bool = False, is_snapshot: bool = True
    ) -> Iterator[PostgresTransaction]:
        """A snapshot of the database; nothing can be changed through it."""
        tx = self._reader()
        is_outermost = is_snapshot and not getattr(self._local, "is_reading", False)
        try:
            if is_outermost:
                self._local.is_reading = True
                tx.send(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield tx
        except psycopg.Error as error:
            raise fault_of(error) from error
        finally:
            if is_outermost:
                self._local.is_reading = False
                tx.end()

    def is_empty(self) -> bool:
        """Whether no table was made yet."""
        with self._line.session() as connection:
            found = connection.execute("SELECT to_regclass('journal')").fetchone()
        return found is None or found[0] is None

    def tables(self) -> frozenset[str]:
        """The names of the tables that are there."""
        with self._line.session() as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
            return frozenset(row[0] for row in found)

    def version(self) -> str | None:
        """Which state of the schema the database is in; None where no table says so."""
        with self._line.session() as connection:
            there = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
            if there is None or there[0] is None:
                return None
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])

    def create(self, version: str) -> None:
        """Make all tables of all rooms in an empty database, all or none."""
        with self._line.session() as connection, connection.transaction():
            connection.execute(f"SELECT pg_advisory_xact_lock({JOURNAL_LOCK + 1})")
            found = connection.execute("SELECT to_regclass('journal')").fetchone()
            if found is not None and found[0] is not None:
                return
            connection.execute("CREATE SEQUENCE journal_sequence")
            for statement in schema(self.dialect):
                connection.execute(statement.encode())
            connection.execute(VERSION_TABLE)
            connection.execute("INSERT INTO alembic_version VALUES (%s)", (version,))

    def size_bytes(self) -> int:
        """How much room the database takes."""
        with self._line.session() as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert found is not None
        return int(found[0])

    def damage(self) -> tuple[str, ...]:
        """What is wrong with the pages of each table, one finding a table; the server reads them
        all and holds them against its checksums, where it has any.
        """
        found = []
        with self._line.session() as connection:
            connection.execute("SET enable_indexonlyscan = off")
            for name in sorted(metadata.tables):
                count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
                try:
                    connection.execute(count)
                except (errors.DataCorrupted, errors.IndexCorrupted) as error:
                    found.append(f"Table {name}: {str(error).splitlines()[0]}")
                except errors.UndefinedTable:
                    continue
        return tuple(found)

    def settle_positions(self) -> int:
        """Give every recorded act its place in the journal; returns how many were given.

        For a moment no act may end, so all numbers taken so far are either visible or lost; the
        rest is counted on in the order of the numbers.
        """
        with self._line.session() as connection, connection.transaction():
            connection.execute(f"SELECT pg_advisory_xact_lock({JOURNAL_LOCK})")
            return connection.execute(
                "UPDATE journal SET position = placed.position FROM ("
                " SELECT key, row_number() OVER (ORDER BY sequence)"
                "  + (SELECT coalesce(max(position), 0) FROM journal) AS position"
                " FROM journal WHERE position IS NULL) AS placed"
                " WHERE journal.key = placed.key"
            ).rowcount

    def close(self) -> None:
        """Close all readers."""
        with self._readers_lock:
            for tx in list(self._readers):
                tx.connection.close()
            self._readers.clear()
        self._local = threading.local()
