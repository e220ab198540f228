"""Store and forward (断网暂存): acts accepted while no primary is up, and posted afterwards.

Nothing is decided here: an accepted act is queued on this node's own disk under its own key, and
asked for again, in order, once the store is there. The caller is told which it is: posted, queued,
refused.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from puhui.kernel.act import Actor, UseCase, find_use_case
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.forward.log import QueueLog
from puhui.kernel.node import Node
from puhui.kernel.pending import text_of
from puhui.kernel.store import journal

__all__ = ["PASSING", "Answer", "Drained", "Forwarder", "State"]

BYTES_MAX = 256 * 2**20
FINISH_EVERY = 256
PASSING = frozenset(
    {
        "kernel.store_unavailable",
        "kernel.not_durable",
        "kernel.no_answer",
        "kernel.read_only",
        "kernel.fenced",
    }
)
"""Faults that say the store is not there now; an act that met one may be asked for later."""


class State(StrEnum):
    """What became of an act: done, accepted but not yet done, or turned down."""

    POSTED = "posted"
    QUEUED = "queued"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told. ``outcome`` where posted; ``code`` and ``reason`` where refused.

    Queued means: kept on this node's disk and asked for later under the same key; it may still be
    refused then. ``accepted_us`` is when it was queued.
    """

    state: State
    key: str
    outcome: Any = None
    code: str = ""
    reason: str = ""
    accepted_us: int = 0


@dataclass(frozen=True, slots=True)
class Drained:
    """What draining did: how many were done, all that were turned down, how many still wait."""

    posted: int
    refused: tuple[Answer, ...]
    left: int


class Forwarder:
    """Acts of some use cases by one node: done at once where the store is up, else queued.

    While anything waits, later acts queue up behind it, so that they are done in the order in which
    they were accepted.
    """

    def __init__(
        self, node: Node, folder: Path, *, use_cases: Iterable[str], bytes_max: int = BYTES_MAX
    ) -> None:
        self.node = node
        self.use_cases = frozenset(use_cases)
        self._log = QueueLog(folder, bytes_max=bytes_max)
        self._lock = threading.Lock()
        self._draining = threading.Lock()
        self._digests: dict[str, str] = {}
        for number, sealed in self._log.frames():
            record = self._opened(number, sealed)
            self._digests[record["key"]] = record["digest"]

    @property
    def waiting(self) -> int:
        """How many acts were accepted and are not done yet."""
        return len(self._log)

    def act(self, name: str, input: Any, *, key: str, actor: Actor) -> Answer:
        """Do the act or queue it; the answer is given when either is durable.

        Refused (as an answer): what the use case refuses, and what ``Node.act`` refuses. Raises
        ``Refused`` ``kernel.not_queueable``, ``kernel.queue_full``; ``Fault`` where neither store
        nor disk took it: nothing was accepted then.
        """
        if name not in self.use_cases:
            raise Refused(
                "kernel.not_queueable", f"{name[:60]} is not done while the store is off."
            )
        if not self.waiting:
            try:
                outcome = self.node.act(name, input, key=key, actor=actor)
                return Answer(State.POSTED, key, outcome)
            except Refused as refused:
                return Answer(State.REFUSED, key, code=refused.code, reason=refused.reason)
            except Fault as fault:
                if fault.code not in PASSING:
                    raise
        try:
            return self._queue(name, input, key, actor)
        except Refused as refused:
            if refused.code == "kernel.queue_full":
                raise
            return Answer(State.REFUSED, key, code=refused.code, reason=refused.reason)

    def _queue(self, name: str, input: Any, key: str, actor: Actor) -> Answer:
        use_case = find_use_case(name)
        if not use_case.roles & actor.roles:
            raise Refused("kernel.role_missing", f"{actor.name} may not do {name}.")
        if isinstance(input, dict):
            input = use_case.parse(input)
        text = text_of(use_case, input)
        digest = self.node.keys.digest(f"{name}\x1f{text}".encode())
        accepted_us = self.node.clock.now_us()
        record = {
            "name": name,
            "key": key,
            "input": text,
            "digest": digest,
            "actor": actor.name,
            "roles": sorted(actor.roles),
            "accepted_us": accepted_us,
        }
        packed = zlib.compress(canonical_json(record).encode(), 1)
        with self._lock:
            known = self._digests.get(key)
            if known is not None and known != digest:
                raise Refused("kernel.key_reused", f"The key {key[:60]!r} was used otherwise.")
            if known is None:
                number = self._log.next_number()
                self._log.add(self.node.keys.wrap(f"queue {number}", packed).encode(), number)
                self._digests[key] = digest
        self._log.sync()
        return Answer(State.QUEUED, key, accepted_us=accepted_us)

    def _opened(self, number: int, sealed: bytes) -> dict[str, Any]:
        raw = self.node.keys.unwrap(f"queue {number}", sealed.decode())
        record: dict[str, Any] = json.loads(zlib.decompress(raw))
        return record

    def drain(
        self, *, tell: Callable[[Answer], None] | None = None, count_max: int | None = None
    ) -> Drained:
        """Ask for what waits, oldest first, until all is done or the store is gone again.

        Each answer is told before it is forgotten here; after a crash one may be told again. A
        mistake in a use case is raised, and what met it keeps its place.
        """
        posted = 0
        refused: list[Answer] = []
        with self._draining:
            last, keys = 0, []
            try:
                for number, sealed in self._log.frames():
                    if count_max is not None and posted + len(refused) >= count_max:
                        break
                    answer = self._ask(self._opened(number, sealed))
                    if answer is None:
                        break
                    if answer.state == State.POSTED:
                        posted += 1
                    else:
                        refused.append(answer)
                    if tell is not None:
                        tell(answer)
                    last = number
                    keys.append(answer.key)
                    if len(keys) == FINISH_EVERY:
                        self._finish(last, keys)
                        keys = []
            finally:
                if keys:
                    self._finish(last, keys)
        return Drained(posted, tuple(refused), self.waiting)

    def _finish(self, number: int, keys: list[str]) -> None:
        with self._lock:
            self._log.finish(number)
            for key in keys:
                self._digests.pop(key, None)

    def _ask(self, record: dict[str, Any]) -> Answer | None:
        """Do one queued act; None where the store is not there."""
        key, accepted_us = record["key"], record["accepted_us"]
        use_case: UseCase = find_use_case(record["name"])
        actor = Actor(record["actor"], frozenset(record["roles"]))
        try:
            outcome = self.node.act(
                use_case.name, use_case.input_of(record["input"]), key=key, actor=actor
            )
            return Answer(State.POSTED, key, outcome, accepted_us=accepted_us)
        except Refused as refused:
            return Answer(
                State.REFUSED, key, None, refused.code, refused.reason, accepted_us=accepted_us
            )
        except Fault as fault:
            if fault.code in PASSING or fault.code in ("kernel.overloaded", "kernel.store_busy"):
                return None
            raise

    def state_of(self, key: str) -> State | None:
        """Where an act is: queued here, posted or refused by the store; None where nowhere.

        Fault: ``kernel.store_unavailable`` where only the store could tell.
        """
        if key in self._digests:
            return State.QUEUED
        with self.node.read() as tx:
            found = tx.one(journal.FIND, key=key)
        if found is None:
            return None
        return State.POSTED if found.refusal is None else State.REFUSED

    def close(self) -> None:
        """Let the queue's files go; what waits stays."""
        self._log.close()
