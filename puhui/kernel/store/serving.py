"""One server a store: a lock that dies with its process, on each kind of store."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from puhui.kernel.errors import Refused
from puhui.kernel.store import Store

POSTGRES_LOCK = 0x70756875695F7372  # "puhui_sr"

_REFUSAL = (
    "Another puhui serve is running on this store ({whose}). Stop that one first, or give this "
    "one a store of its own with PUHUI_HOME or PUHUI_STORE."
)


@contextmanager
def serving(store: Store) -> Iterator[None]:
    """Be the one server of a store while the block runs, before any act is begun.

    On SQLite a file lock beside the store, on PostgreSQL an advisory lock of the database; the
    system takes either back when the process is gone, however it went. Refused:
    ``kernel.already_served``. Fault: ``kernel.store_unavailable``.
    """
    if store.dialect == "postgresql":
        with _held_in_database(store.url):
            yield
    else:
        path = store.url.removeprefix("sqlite:///")
        with _held_beside(f"{path}.serve"):
            yield


@contextmanager
def _held_beside(path: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            whose = f"process {holder}" if holder else "another process"
            raise Refused("kernel.already_served", _REFUSAL.format(whose=whose)) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _held_in_database(url: str) -> Iterator[None]:
    from puhui.kernel.store.postgres import advisory_lock  # psycopg is loaded where used

    with advisory_lock(url, POSTGRES_LOCK) as is_held:
        if not is_held:
            raise Refused("kernel.already_served", _REFUSAL.format(whose="another process"))
        yield
