"""Transfers one by one: what comes while a group goes to disk is the next group."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from puhui.kernel.errors import Fault
from puhui.ledger.arrays.record import STATUSES, TRANSFER
from puhui.ledger.engines import Results
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.nouns import BATCH_MAX, Status

RECORD_BYTES = TRANSFER.itemsize


class Group:
    """Records that go to disk together."""

    __slots__ = ("done", "fault", "records", "results")

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.results: Results | None = None
        self.fault: Fault | None = None
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
        with group.done:
            pass
        if group.results is None:
            assert group.fault is not None, "a group ends with results or with a fault"
            raise group.fault
        results = group.results
        return STATUSES[results.status[self._place]], int(results.time_ns[self._place])


class Singles:
    """Takes single transfers from any number of threads; each is one record of 128 bytes.

    One thread judges them in groups of at most ``group_max``, each group a batch of its own: a
    chain of linked transfers does not cross groups, so it goes in by ``create_transfers``.
    """

    def __init__(
        self, engine: LogEngine, now_ns: Callable[[], int], *, group_max: int = BATCH_MAX
    ) -> None:
        self._engine = engine
        self._now_ns = now_ns
        self._group_max = group_max
        self._lock = threading.Lock()
        self._open = Group()
        self._ready: SimpleQueue[Group | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="puhui-ledger-singles", daemon=True)
        self._thread.start()

    def submit(self, record: bytes) -> Single:
        """Send a transfer on its way. Refused by status alone; ``record`` has 128 bytes."""
        assert len(record) == RECORD_BYTES, len(record)
        with self._lock:
            group = self._open
            place = len(group.records)
            if place >= self._group_max:
                group, place = Group(), 0
                self._open = group
            group.records.append(record)
            if not place:
                self._ready.put(group)
        return Single(group, place)

    def _run(self) -> None:
        while (group := self._ready.get()) is not None:
            with self._lock:
                if self._open is group:
                    self._open = Group()
            batch = np.frombuffer(b"".join(group.records), dtype=TRANSFER)
            try:
                group.results = self._engine.create_transfers(batch, self._now_ns())
            except Fault as fault:
                group.fault = fault
            group.done.release()

    def close(self) -> None:
        """Finish what is on its way; nothing is submitted any more."""
        self._ready.put(None)
        self._thread.join()
