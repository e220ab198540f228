"""The file of an SQLite store: opened, and what its errors mean to people."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from puhui.kernel.errors import Fault
from puhui.kernel.store.wal import damage_in_log


def open_file(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection that commits by itself and may be used by any thread, one at a time."""
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


def tidy_log(path: Path) -> None:
    """Move what is in the log to its place in the file, as far as nobody is in the way."""
    with contextlib.suppress(sqlite3.Error):  # whoever writes next meets it too, and says so
        connection = open_file(path, read_only=False)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()


def check_log(path: Path) -> None:
    """Fault ``kernel.store_damaged`` where frames of the log are lost that had been durable.

    Where somebody writes just now, or nothing may be written here, there is nothing to fear yet:
    whoever writes has looked before.
    """
    log = Path(f"{path}-wal")
    if not log.exists() or log.stat().st_size == 0:
        return
    try:
        connection = open_file(path, read_only=False)
    except sqlite3.OperationalError:
        return
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("BEGIN IMMEDIATE")
        wrong = damage_in_log(path)
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return
    except OSError:  # what stands beside the file may be read by its owner alone
        return
    finally:
        connection.close()
    if wrong is not None:
        raise damaged(wrong)


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
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(str(error))
    return Fault("kernel.store_failed", f"The store failed; nothing was recorded ({error}).")


def damaged(what: str) -> Fault:
    """What it means to people that the file is not what was written."""
    return Fault("kernel.store_damaged", f"The store is damaged: restore a backup ({what}).")
