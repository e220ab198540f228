"""Transfers one by one: what comes while a group goes to disk is the next group."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from puhui.kernel.errors import Fault
from puhui.ledger.arrays.record import STATUSES, TRANSFER
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.nouns import BATCH_MAX, Status

RECORD_BYTES = TRANSFER.itemsize


class Group:
    """Records that go to disk together."""

    __slots__ = ("done", "fault", "is_done", "is_taken", "records", "run", "statuses", "times_ns")

    def __init__(self, run: Callable[[Group], None]) -> None:
        self.records: list[bytes] = []
        self.statuses: list[int] = []
        self.times_ns: list[int] = []
        self.fault: Fault | None = None
        self.is_taken = False
        self.is_done = False
        self.run = run
        self.done = threading.Lock()
        self.done.acquire()


class Single:
    """One transfer on its way."""

    __slots__ = ("_group", "_place")

    def __init__(self, group: Group, place: int) -> None:
        self._group = group
        self._place = place

    def wait(self) -> tuple[Status, int]:
        """What became of it and when it was created (nanoseconds UTC), once durable.

        Fault: ``ledger.log_failed``.
        """
        group = self._group
        if not group.is_taken:
            group.run(group)
        if not group.is_done:
            with group.done:
                pass
        if group.fault is not None:
            raise group.fault
        place = self._place
        return STATUSES[group.statuses[place]], group.times_ns[place]


class Singles:
    """Takes single transfers from any number of threads; each is one record of 128 bytes.

    They are judged in groups of at most ``group_max``, each a batch of its own: a chain of linked
    transfers does not cross groups, so it goes in by ``create_transfers``. Who waits first leads:
    its thread judges the group. A group that nobody waits for is judged by a thread of this class.
    """

    def __init__(
        self, engine: LogEngine, now_ns: Callable[[], int], *, group_max: int = BATCH_MAX
    ) -> None:
        self._engine = engine
        self._now_ns = now_ns
        self._group_max = group_max
        self._lock = threading.Lock()
        self._open = Group(self._lead)
        self._ready: SimpleQueue[Group | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="puhui-ledger-singles", daemon=True)
        self._thread.start()

    def submit(self, record: bytes) -> Single:
        """Send a transfer on its way. Refused by status alone; ``record`` has 128 bytes."""
        assert len(record) == RECORD_BYTES, len(record)
        with self._lock:
            group = self._open
            place = len(group.records)
            group.records.append(record)
            if place + 1 >= self._group_max:
                self._open = Group(self._lead)
            if not place:
                self._ready.put(group)
        return Single(group, place)

    def _lead(self, group: Group) -> None:
        """Judge a group and wait until it is durable, unless another thread does."""
        with self._lock:
            if group.is_taken:
                return
            group.is_taken = True
            if self._open is group:
                self._open = Group(self._lead)
        batch = np.frombuffer(b"".join(group.records), dtype=TRANSFER)
        try:
            results = self._engine.create_transfers(batch, self._now_ns())
            group.statuses, group.times_ns = results.status.tolist(), results.time_ns.tolist()
        except Fault as fault:
            group.fault = fault
        except BaseException as error:
            group.fault = Fault("ledger.log_failed", f"The group was not judged: {error!r}.")
            raise
        finally:
            group.is_done = True
            group.done.release()

    def _run(self) -> None:
        while (group := self._ready.get()) is not None:
            self._lead(group)

    def close(self) -> None:
        """Finish what is on its way; nothing is submitted any more."""
        self._ready.put(None)
        self._thread.join()
