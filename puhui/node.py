"""The composition root: imports the rooms in floor order and opens a node."""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
from functools import lru_cache
from pathlib import Path
from typing import NoReturn, cast

from puhui.exchange import open_peers
from puhui.kernel.clock import Clock
from puhui.kernel.crypto import Keys, load_keys
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Store, open_store
from puhui.kernel.store.owner import claim_store, owner_of
from puhui.ledger.window import open_beside
from puhui.lending import shelf
from puhui.migrations import HEAD

ROOMS: tuple[str, ...] = (
    "party",
    "data",
    "ledger",
    "score",
    "merchant",
    "payment",
    "exchange",
    "offline",
    "servicing",
    "lending",
    "complaint",
    "draft",
    "webhook",
)
"""In the order of the floors; importing a room registers its use cases and tables."""


def load_rooms() -> None:
    """Import every room, so that its use cases, tables and day steps are known."""
    for room in ROOMS:
        importlib.import_module(f"puhui.{room}")


@lru_cache(maxsize=1)
def settle_memory() -> None:
    """Tell the collector, once, that what was imported stays for as long as the process.

    It would otherwise walk some hundred thousand objects again and again while acts run, and every
    caller would wait for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


_CORES_HELD: list[int] = []
"""Lock files that stay open, and so locked, until the process ends."""


def take_core(home: Path) -> int | None:
    """Keep this thread, and those it starts from now on, on one processor core; which one.

    The threads of a node share one interpreter, so only one of them runs at a time; from core to
    core each handover costs a third more processor time. ``PUHUI_CORE`` names the core, or says
    ``any`` for none in particular. Without it a core is taken that no other process of this home
    has taken, the one this process runs on first; where all are taken, the home cannot be written
    to, or the system knows no such thing, nothing is done. Refused: ``kernel.no_core``.
    """
    wanted = os.environ.get("PUHUI_CORE", "")
    if wanted == "any" or not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    if wanted:
        if wanted not in map(str, allowed):
            raise Refused(
                "kernel.no_core", f"PUHUI_CORE is {wanted[:20]!r}: not a core given here."
            )
        os.sched_setaffinity(0, {int(wanted)})
        return int(wanted)
    if len(allowed) < 2:
        return None
    try:
        home.mkdir(parents=True, exist_ok=True)
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        here = int(fields[36])
        cores = sorted(allowed, key=lambda core: (core < here, core))
        core = next((core for core in cores if _take(home / f"core-{core}.lock")), None)
        if core is not None:
            os.sched_setaffinity(0, {core})
        return core
    except OSError:  # a full disk or a read-only home: whoever opens the node tells of it
        return None


def _take(path: Path) -> bool:
    """Take the lock file for as long as the process lives; False where another process has it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            return False
        raise
    _CORES_HELD.append(lock)
    return True


def home_folder() -> Path:
    """Where a node keeps its files: ``PUHUI_HOME``, else ``var`` under the current folder."""
    return Path(os.environ.get("PUHUI_HOME") or "var")


def open_node(
    home: Path | None = None,
    *,
    store_url: str | None = None,
    clock: Clock | None = None,
    keys: Keys | None = None,
    writers: int = 4,
    ledger: str | None = None,
) -> Node:
    """Open the node under ``home``; an empty store gets its tables.

    The ledger is ``ledger``, else ``PUHUI_LEDGER``, else the one in the store. The store is
    ``store_url``, else ``PUHUI_STORE``, else the file ``puhui.sqlite`` in ``home``.
    Refused: ``kernel.bad_store_url``, ``kernel.bad_master_key``, ``kernel.needs_migration``,
    ``kernel.wrong_keys`` where the store belongs to another master key, or the key is gone,
    ``exchange.bad_peers`` where the file that ``PUHUI_PEERS`` names is not one,
    ``lending.bad_product`` and ``lending.product_twice`` for a product in ``home``.
    Fault: ``kernel.fenced`` where a newer server of the store was met before.
    """
    load_rooms()
    settle_memory()
    home = home or home_folder()
    shelf.add_products(home)
    url = store_url or os.environ.get("PUHUI_STORE") or f"sqlite:///{home / 'puhui.sqlite'}"
    store = open_store(url, writers=writers)
    if store.is_empty():
        store.create(HEAD)
    elif store.version() != HEAD:
        raise Refused(
            "kernel.needs_migration",
            f"The store is at {store.version()}, this version needs {HEAD}: run puhui migrate.",
        )
    keys = keys or load_keys(home, may_make=owner_of(store) is None)
    store.bind(home)
    claim_store(store, keys.fingerprint)
    node = Node(store, keys, home, clock=clock)
    try:
        named = ledger or os.environ.get("PUHUI_LEDGER") or "sql"
        open_beside(node, named, ship=os.environ.get("PUHUI_LEDGER_SHIP", ""))
        open_peers(node)
    except BaseException:
        node.close()
        raise
    return node


class _Apart(Node):
    """A node whose store cannot be reached: it has keys and a clock, and answers with the fault."""

    fault: Fault

    def submit(self, *args: object, **kwargs: object) -> NoReturn:
        raise self.fault

    def read(self, *, is_snapshot: bool = True) -> NoReturn:
        raise self.fault

    def close(self) -> None:
        """Nothing is open."""


def open_apart(home: Path | None, fault: Fault) -> Node:
    """A node whose store is not there (``fault``): enough to accept acts into a queue.

    Refused: ``kernel.bad_master_key``, and where the home has no master key yet.
    """
    load_rooms()
    home = home or home_folder()
    node = _Apart(cast(Store, None), load_keys(home, may_make=False), home)
    node.fault = fault
    return node
