"""Transfers one by one, as a switch in front of the engine ``log`` sends them.

What comes while a group goes to disk is the next group. The platform's own acts do not come this
way: the node groups them, and what a group moves waits for the log once (``desk.beside``).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from puhui.kernel.errors import Fault
from puhui.ledger.arrays.record import STATUSES, TRANSFER
from puhui.ledger.engines.log.engine import WIDTH, LogEngine
from puhui.ledger.nouns import BATCH_MAX, Status

RECORD_BYTES = TRANSFER.itemsize
_BITS = 10
SIZE = 1 << _BITS
"""Transfers of one block."""
BLOCKS = 64
"""Blocks that are taken up at a time: 65,536 transfers on their way at most."""
_LAST = SIZE - 1
_TURN = BLOCKS - 1
IDLE_S = 0.002
"""Seconds after which a transfer that nobody waits for is judged all the same."""


class Block:
    """Transfers that were numbered one after another, and what became of each."""

    __slots__ = ("records", "statuses", "times_ns")

    def __init__(self) -> None:
        self.records: list[bytes | None] = [None] * SIZE
        # Written part by part by NumPy, read one by one: a view of the same bytes for each.
        self.statuses = np.empty(SIZE, dtype=np.uint16).data
        self.times_ns = np.empty(SIZE, dtype=np.uint64).data


Single = tuple[Block, int]
"""A transfer on its way: its block and its number."""


class Singles:
    """Takes single transfers from any number of threads; each is one record of 128 bytes.

    They are judged in groups of at most ``group_max``, each a batch of its own: a chain of linked
    transfers does not cross groups, so it goes in by ``create_transfers``. Who waits first leads:
    its thread judges what has come by then, writes it and tells the others. What nobody waits for
    is judged by a thread of this class.

    Transfers are numbered as they come and lie in blocks by their number. To be submitted takes
    no lock and makes no object, so that hundreds on their way cost the interpreter little: a
    number is durable once it is below a mark that moves on with each group.
    """

    def __init__(
        self, engine: LogEngine, now_ns: Callable[[], int], *, group_max: int = BATCH_MAX
    ) -> None:
        self._engine = engine
        self._now_ns = now_ns
        self._group_max = group_max
        self._next = itertools.count().__next__
        self._blocks = [Block() for _ in range(BLOCKS)]
        self._room = BLOCKS * SIZE
        self._done = 0
        self._fault: Fault | None = None
        self._guard = threading.Lock()
        self._under_way: threading.Lock | None = None
        self._is_idle = True
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="puhui-ledger-singles", daemon=True)
        self._thread.start()

    def submit(self, record: bytes) -> Single:
        """Send a transfer on its way. Refused by status alone; ``record`` has 128 bytes.

        Waits while too many are on their way.
        """
        # One that is shorter and one that is longer would be judged as two others.
        assert len(record) == WIDTH, len(record)
        number = self._next()
        if number >= self._room:
            self._await_room(number)
        block = self._blocks[number >> _BITS & _TURN]
        block.records[number & _LAST] = record
        if self._is_idle:
            self._is_idle = False
            self._asked.put(True)
        return block, number

    def wait(self, single: Single) -> tuple[Status, int]:
        """What became of it and when it was created (nanoseconds UTC), once durable.

        Fault: ``ledger.log_failed``.
        """
        block, number = single
        if number >= self._done:
            self._finish(number)
        place = number & _LAST
        return STATUSES[block.statuses[place]], block.times_ns[place]

    def _await_room(self, number: int) -> None:
        while number >= self._room:
            self._finish(self._done)

    def _finish(self, number: int) -> None:
        """Return when a transfer is durable: by leading a group, or by waiting for one."""
        while number >= self._done:
            with self._guard:
                if self._fault is not None:
                    raise self._fault
                if number < self._done:
                    return
                over = self._under_way
                if is_first := over is None:
                    over = self._under_way = threading.Lock()
                    over.acquire()
            assert over is not None, "a group is under way"
            if is_first:
                self._lead(over)
            else:
                with over:
                    pass

    def _lead(self, over: threading.Lock) -> None:
        """Judge what has come, and return when it is durable or nothing ever will be."""
        fault: Fault | None = Fault("ledger.log_failed", "A group was not judged.")
        try:
            if not self._judge_group():
                # Another thread has its number and has not put its record down yet.
                time.sleep(0)
            fault = None
        except Fault as error:
            fault = error
        finally:
            with self._guard:
                self._fault = self._fault or fault
                self._under_way = None
            over.release()

    def _judge_group(self) -> int:
        """Take what has come, one after another without a gap; how many were made durable."""
        first = end = self._done
        until = min(first + self._group_max, self._room)
        taken: list[bytes] = []
        while end < until:
            place = end & _LAST
            records = self._blocks[end >> _BITS & _TURN].records[place : place + until - end]
            if records[-1] is None or None in records:
                del records[records.index(None) :]
                until = end + len(records)
            taken += records  # type: ignore[arg-type]
            end += len(records)
        if not taken:
            return 0
        batch = np.frombuffer(b"".join(taken), dtype=TRANSFER)
        assert len(batch) == end - first, "a record has 128 bytes"
        results = self._engine.create_transfers(batch, self._now_ns())
        self._answer(first, end, results.status.data, results.time_ns.data)
        self._done = end
        self._room = ((end >> _BITS) + BLOCKS) << _BITS
        return end - first

    def _answer(self, first: int, end: int, statuses: memoryview, times_ns: memoryview) -> None:
        """Put down what became of a group, block by block; those that are full are left."""
        at = 0
        while first + at < end:
            place, turn = first + at & _LAST, first + at >> _BITS & _TURN
            block, until = self._blocks[turn], min(at + SIZE - place, end - first)
            block.statuses[place : place + until - at] = statuses[at:until]
            block.times_ns[place : place + until - at] = times_ns[at:until]
            if place + until - at == SIZE:
                self._blocks[turn] = Block()
            at = until

    def _has_more(self) -> bool:
        return self._blocks[self._done >> _BITS & _TURN].records[self._done & _LAST] is not None

    def _run(self) -> None:
        """Judge what nobody has waited for."""
        while self._asked.get():
            done = -1
            while self._fault is None and not self._closing.wait(IDLE_S):
                if not self._has_more():
                    self._is_idle = True
                    if not self._has_more():
                        break
                    self._is_idle = False
                if self._done == done:
                    self._finish_quietly(done)
                done = self._done

    def _finish_quietly(self, number: int) -> None:
        """As ``_finish``; whoever waits hears of a fault."""
        try:
            self._finish(number)
        except Fault as fault:
            assert fault is self._fault, fault

    def close(self) -> None:
        """Finish what is on its way; nothing is submitted any more."""
        self._closing.set()
        while self._fault is None and self._has_more():
            self._finish_quietly(self._done)
        self._asked.put(False)
        self._thread.join()
