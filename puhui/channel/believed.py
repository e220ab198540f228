"""Who is believed while the store is not there: those it let in a short while ago, and no others.

A revocation is an act, so none can be made in the store while it is away; three things bound what
one that was made before, or that is needed now, leaves open:

- what was let in is believed for 15 minutes at most since the store last said so;
- every two seconds, while the store is there, the journal is looked at for acts that take rights
  away (here or in any other process): a closed session is forgotten, anything larger forgets
  everybody, and whoever comes next is asked about again;
- a file beside the queues names keys, sessions and users that are not believed from now on, which
  `puhui api-key revoke` writes to where the store cannot be reached.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from puhui.kernel import Node, Transaction
from puhui.kernel.event import upkeep
from puhui.kernel.store.browse import browse_journal, read_act
from puhui.kernel.store.journal import count_since, last_position

BELIEVED_S = 900.0
"""How long somebody is believed since the store last let them in, in seconds."""
BELIEVED_MAX = 20_000
LOOKED_AT_MAX = 200
"""More acts that take rights away in one look make everybody forgotten."""
REVOKING = tuple(
    f"party.{verb}"
    for verb in (
        "close_session", "close_sessions", "rotate_session", "revoke_api_key", "revoke_role",
        "disable_user", "reset_factor", "change_password", "erase_person",
    )
)  # fmt: skip
"""Acts that take rights away."""
NAMED_BY = ("session_id", "user_id", "key_id")
"""By which fields of their inputs they name from whom; one that names nobody so is for all."""


class Believed:
    """Callers by the digest of their token, for as long as they are believed."""

    def __init__(
        self, node: Node, folder: Path | None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._node = node
        self._denied = None if folder is None else folder / "denied"
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Any, frozenset[str], float]] = {}
        self._position: int | None = None

    def keep(self, digest: str, who: Any, *ids: str) -> None:
        """The store has let somebody in, just now; ``ids`` are what they could be denied by."""
        with self._lock:
            if len(self._known) >= BELIEVED_MAX:
                self._known.clear()
            self._known[digest] = who, frozenset(ids), self._seconds()

    def forget(self, digest: str) -> None:
        """The store does not let this token in."""
        with self._lock:
            self._known.pop(digest, None)

    def find(self, digest: str) -> Any:
        """Whom the store let in by this token a short while ago; None for everybody else."""
        with self._lock:
            found = self._known.get(digest)
        if found is None or self._seconds() - found[2] > BELIEVED_S:
            return None
        return None if found[1] & self._denied_ids() else found[0]

    def _denied_ids(self) -> frozenset[str]:
        if self._denied is None or not self._denied.exists():
            return frozenset()
        return frozenset(self._denied.read_text("utf-8").split())

    def look(self) -> None:
        """Forget those whose rights the journal says were taken away since the last look."""
        gone: set[str] | None = set()
        with self._node.read() as tx:
            if self._position is None:
                self._position = last_position(tx)
                return
            after = self._position
            self._position, rows = count_since(tx, after)
            acts = {row.name: row.acts for row in rows if row.name in REVOKING}
            if sum(acts.values()) > LOOKED_AT_MAX:
                gone = None
            for name in acts if gone is not None else ():
                gone = _named(tx, name, after, gone)
        with self._lock:
            if gone is None:
                self._known.clear()
            elif gone:
                self._known = {d: one for d, one in self._known.items() if not one[1] & gone}


def _named(tx: Transaction, name: str, after: int, gone: set[str] | None) -> set[str] | None:
    """``gone`` with whom acts of a name past a position were about; None for everybody."""
    for found in browse_journal(
        tx, name=name, is_oldest_first=True, beyond=after, count=LOOKED_AT_MAX
    ):
        row = read_act(tx, found.position)
        if row is None or row.refusal is not None or gone is None:
            continue
        given = json.loads(row.input)
        ids = {given[field] for field in NAMED_BY if given.get(field)}
        gone = gone | ids if ids else None
    return gone


def believed_of(node: Node) -> Believed | None:
    """Who is believed by a node without its store; None where queues are off."""
    found = node.ports.get(Believed)
    assert found is None or isinstance(found, Believed), found
    return found


def deny(folder: Path, who: str) -> None:
    """From now on believe somebody no more while the store is not there: a key, session or user
    by id. Durable when this returns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "denied", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{who}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _look(node: Node) -> bool:
    believed = believed_of(node)
    if believed is not None:
        believed.look()
    return False


upkeep("channel.look_at_rights", _look)
