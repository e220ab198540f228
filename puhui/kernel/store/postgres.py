"""PostgreSQL: several writers with short transactions of one act each."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import literal_column
from sqlalchemy.sql.base import Executable

from puhui.kernel.errors import Fault
from puhui.kernel.store.journal import JOURNAL
from puhui.kernel.store.sqlite import VERSION_TABLE, schema
from puhui.kernel.store.statement import Compiled, Compiler, Row, insert_all

JOURNAL_LOCK = 0x70756875
"""The advisory lock between acts that take a sequence number and the one who settles positions."""

PIPELINE_MAX = 256
WAIT_MS_MAX = 60_000

_compile = Compiler("postgresql")
_compile_unlocked = Compiler("postgresql", without_locks=True)


def fault_of(error: Exception) -> Fault:
    """What a driver error means to people; the message of the server is kept."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, errors.DiskFull):
        return Fault("kernel.disk_full", f"The database's disk is full ({text}).")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return Fault("kernel.read_only", f"The database accepts no writes ({text}).")
    if isinstance(error, errors.LockNotAvailable | errors.QueryCanceled):
        return Fault("kernel.store_busy", f"Another act held a row too long ({text}).")
    if isinstance(error, psycopg.OperationalError):
        return Fault("kernel.store_unavailable", f"The database cannot be reached ({text}).")
    return Fault("kernel.store_failed", f"The database failed; nothing was recorded ({text}).")


class PostgresTransaction:
    """Statements on one PostgreSQL connection, sent as prepared statements in a pipeline.

    A ``put`` is not waited for: the server's answer to it is taken with the next read or at the
    end of the act. Values travel as text, bytes as they are.
    """

    __slots__ = ("_compile", "_either", "_names", "_readable", "_wire", "connection")

    def __init__(self, connection: psycopg.Connection[Any], *, is_reader: bool = False) -> None:
        self.connection = connection
        self._compile = _compile_unlocked if is_reader else _compile
        self._wire = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._readable = select.poll()
        self._readable.register(self._wire.socket, select.POLLIN)
        self._either = select.poll()
        self._either.register(self._wire.socket, select.POLLIN | select.POLLOUT)
        self._wire.enter_pipeline_mode()

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        """The only row, or None."""
        rows = self.all(statement, **values)
        assert len(rows) <= 1, statement
        return rows[0] if rows else None

    def all(self, statement: Executable, /, **values: Any) -> list[Row]:
        """All rows."""
        compiled = self._compile(statement)
        if compiled.is_expanding:
            compiled, values = compiled.expanded(values)
        self._send(compiled, values)
        result = self.sync()[-1]
        count = result.ntuples
        if not count:
            return []
        columns = range(result.nfields)
        make = compiled.row([(result.fname(n) or b"").decode() for n in columns])
        readers = [_READERS[result.ftype(n)] for n in columns]
        get = result.get_value
        return [
            make([None if (value := get(row, n)) is None else readers[n](value) for n in columns])
            for row in range(count)
        ]

    def run(self, statement: Executable, /, **values: Any) -> int:
        """Change rows; returns how many were changed."""
        compiled = self._compile(statement)
        if compiled.is_expanding:
            compiled, values = compiled.expanded(values)
        self._send(compiled, values)
        return self.sync()[-1].command_tuples or 0

    def put(self, statement: Executable, /, **values: Any) -> None:
        """Change rows without asking how many: sent together with what follows."""
        self._send(self._compile(statement), values)

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of ``rows``; answers are taken every few hundred, so that
        neither side waits for the other with both buffers full.
        """
        compiled = self._compile(statement)
        for number, row in enumerate(rows, 1):
            self._send(compiled, row)
            if number % PIPELINE_MAX == 0:
                self.sync()

    def _send(self, compiled: Compiled, values: Mapping[str, Any]) -> None:
        sql = compiled.sql
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = b"s%d" % len(self._names)
            self._wire.send_prepare(name, sql.encode())
        ordered = compiled.positional(values)
        encoded = [_encoded(value) for value in ordered]
        formats = [1 if type(value) is bytes else 0 for value in ordered]
        self._wire.send_query_prepared(name, encoded, formats)

    def send(self, sql: bytes) -> None:
        """Send a command without values, not waiting for the answer."""
        self._wire.send_query_params(sql, None)

    def sync(self) -> list[PGresult]:
        """Wait for the answers to all that was sent; raises the first error among them."""
        wire = self._wire
        wire.pipeline_sync()
        while wire.flush():
            self._either.poll(WAIT_MS_MAX)
            wire.consume_input()
        results = []
        while True:
            while wire.is_busy():
                self._readable.poll(WAIT_MS_MAX)
                wire.consume_input()
            result = wire.get_result()
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                break
            results.append(result)
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                # A statement whose first run failed may not have been prepared: start afresh.
                self._forget()
                raise error_from_result(result)
        return results

    def _forget(self) -> None:
        """Forget all prepared statements, so that each is prepared again at its next use."""
        self._names.clear()
        self._wire.send_query_params(b"ROLLBACK", None)
        self._wire.send_query_params(b"DEALLOCATE ALL", None)
        self.sync()


def _encoded(value: Any) -> bytes | None:
    if type(value) is str:
        return value.encode()
    if type(value) is int:
        return b"%d" % value
    if value is None or type(value) is bytes:
        return value
    raise TypeError(f"columns are int, str, bytes or None, not {type(value).__name__}")


_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda value: value == b"t",
    17: lambda value: bytes.fromhex(value[2:].decode()),
    20: int,
    21: int,
    23: int,
    25: bytes.decode,
    1043: bytes.decode,
}
"""How a column of a type (by its number in the server's catalogue) is read."""


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

    def __init__(self, url: str) -> None:
        self._url = url
        self.tx = PostgresTransaction(_connect(url))

    def begin(self) -> None:
        """Start a transaction, on a new connection if the old one was lost."""
        if self.tx.connection.pgconn.status != ConnStatus.OK:
            self.tx.connection.close()
            self.tx = PostgresTransaction(_connect(self._url))
        self.tx.send(b"BEGIN")

    def commit(self) -> None:
        """Make the act durable."""
        self.tx.send(b"COMMIT")
        self.tx.sync()

    def roll_back(self) -> None:
        """Undo the transaction; a lost connection has undone it already."""
        if self.tx.connection.pgconn.status == ConnStatus.OK:
            try:
                self.tx.send(b"ROLLBACK")
                self.tx.sync()
            except psycopg.Error:
                self.tx.connection.close()

    def mark(self) -> None:
        """Start one act: the transaction is the act."""

    def keep(self) -> None:
        """End one act, keeping what it did; raises here what its last statements met."""
        self.tx.sync()

    def undo(self) -> None:
        """Undo what the act did and start anew, so that its refusal can be recorded."""
        self.roll_back()
        self.begin()

    def record(self, row: Mapping[str, Any]) -> None:
        """Write the journal row of the act that ends now; its position is settled afterwards."""
        self.tx.put(_RECORD, **row)

    def is_retryable(self, error: Exception) -> bool:
        """Whether running the act again can help: it lost a race with another writer."""
        return isinstance(
            error,
            errors.SerializationFailure | errors.DeadlockDetected | errors.UniqueViolation,
        )

    def fault_of(self, error: Exception) -> Fault:
        """What a driver error means to people."""
        return fault_of(error)

    def close(self) -> None:
        """Close the connection."""
        self.tx.connection.close()


def _connect(url: str) -> psycopg.Connection[Any]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
        connection.execute("SET lock_timeout = '20s'")
        connection.execute("SET default_transaction_isolation = 'read committed'")
        return connection
    except psycopg.Error as error:
        raise fault_of(error) from error


class PostgresStore:
    """A PostgreSQL database by URL (synchronous_commit and fsync as the server has them)."""

    dialect = "postgresql"

    def __init__(self, url: str, writers: int = 4) -> None:
        self.url = url
        self.writers = writers
        self._local = threading.local()
        self._readers: list[psycopg.Connection[Any]] = []
        self._readers_lock = threading.Lock()

    def writer(self) -> PostgresWriter:
        """A connection that may write."""
        return PostgresWriter(self.url)

    def _reader(self) -> PostgresTransaction:
        tx: PostgresTransaction | None = getattr(self._local, "tx", None)
        if tx is None or tx.connection.pgconn.status != ConnStatus.OK:
            tx = PostgresTransaction(_connect(self.url), is_reader=True)
            self._local.tx = tx
            with self._readers_lock:
                self._readers.append(tx.connection)
        return tx

    @contextmanager
    def read(self) -> Iterator[PostgresTransaction]:
        """A snapshot of the database; nothing can be changed through it."""
        tx = self._reader()
        depth: int = getattr(self._local, "depth", 0)
        self._local.depth = depth + 1
        if depth == 0:
            tx.send(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield tx
        finally:
            self._local.depth = depth
            if depth == 0 and tx.connection.pgconn.status == ConnStatus.OK:
                tx.send(b"ROLLBACK")
                tx.sync()

    def is_empty(self) -> bool:
        """Whether no table was made yet."""
        with _connect(self.url) as connection:
            found = connection.execute("SELECT to_regclass('journal')").fetchone()
        return found is None or found[0] is None

    def version(self) -> str | None:
        """Which state of the schema the database is in; None where no table says so."""
        with _connect(self.url) as connection:
            there = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
            if there is None or there[0] is None:
                return None
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])

    def create(self, version: str) -> None:
        """Make all tables of all rooms in an empty database, all or none."""
        with _connect(self.url) as connection, connection.transaction():
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
        with _connect(self.url) as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert found is not None
        return int(found[0])

    def settle_positions(self) -> int:
        """Give every recorded act its place in the journal; returns how many were given.

        For a moment no act may end, so all numbers taken so far are either visible or lost; the
        rest is counted on in the order of the numbers.
        """
        with _connect(self.url) as connection, connection.transaction():
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
            for connection in self._readers:
                connection.close()
            self._readers.clear()
        self._local = threading.local()
