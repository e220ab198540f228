"""The composition root: imports the rooms in floor order and opens a node."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from puhui.kernel.clock import Clock
from puhui.kernel.crypto import Keys, load_keys
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import open_store
from puhui.kernel.store.owner import claim_store, owner_of
from puhui.migrations import HEAD

ROOMS: tuple[str, ...] = (
    "party",
    "data",
    "ledger",
    "score",
    "merchant",
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
) -> Node:
    """Open the node under ``home``; an empty store gets its tables.

    The store is ``store_url``, else ``PUHUI_STORE``, else the file ``puhui.sqlite`` in ``home``.
    Refused: ``kernel.bad_store_url``, ``kernel.bad_master_key``, ``kernel.needs_migration``,
    ``kernel.wrong_keys`` where the store belongs to another master key, or the key is gone.
    """
    load_rooms()
    home = home or home_folder()
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
    claim_store(store, keys.fingerprint)
    return Node(store, keys, home, clock=clock)
