"""What writes the log, one thread at a time: everything that waits goes out with one sync."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from puhui.kernel.errors import Fault
from puhui.ledger.engines.log.file import write_all
from puhui.ledger.engines.log.frame import (
    ALIGNMENT,
    MAGIC,
    VERSION,
    Buffer,
    Head,
    bytes_of,
    pack_frame,
)

FRAMES_MAX = 512
"""Frames that may be on their way to the disk; whoever appends more waits, and from half as many on
they are written though nobody waits for them."""

BYTES_MAX = 8 << 20
"""Bytes that may be on their way to the disk."""


class Ticket:
    """A frame on its way to the disk; ``sequence`` is its number in the log.

    With ``write`` whoever waits first writes it, and all that waits with it: the answer then
    comes without a thread being woken. Without, the writer's thread is at it already. One that
    nobody waits for goes out with the next one that somebody does.
    """

    __slots__ = (
        "_done",
        "_fault",
        "_write",
        "buffers",
        "count",
        "is_done",
        "kind",
        "sequence",
        "size",
        "time_ns",
    )

    def __init__(
        self,
        sequence: int,
        kind: int,
        time_ns: int,
        count: int,
        buffers: Sequence[Buffer],
        write: Callable[[Ticket], None] | None = None,
    ) -> None:
        self.sequence = sequence
        self.kind = kind
        self.time_ns = time_ns
        self.count = count
        self.buffers: Sequence[memoryview] = [bytes_of(buffer) for buffer in buffers]
        self.size = sum(buffer.nbytes for buffer in self.buffers)
        self.is_done = False
        self._fault: Fault | None = None
        self._write = write
        self._done = threading.Lock()
        self._done.acquire()

    @property
    def is_awaited(self) -> bool:
        """Whether whoever waits writes it."""
        return self._write is not None

    def wait(self) -> None:
        """Return when the frame is on disk. Fault: ``ledger.log_failed``."""
        if self._write is not None and not self.is_done:
            self._write(self)
        with self._done:
            pass
        if self._fault is not None:
            raise self._fault

    def finish(self, fault: Fault | None) -> None:
        """Say what became of the frame, once; only the writer does."""
        self.buffers = ()
        self._fault = fault
        self.is_done = True
        self._done.release()


class Place:
    """Where the writer writes: an open segment, and the byte at which the next frame begins."""

    __slots__ = ("end", "handle", "placed", "size")

    def __init__(
        self, handle: int, size: int, end: int, placed: Callable[[int, int], None]
    ) -> None:
        """``placed`` is told where each frame begins and the size of its body, before it is
        written.
        """
        self.handle = handle
        self.size = size
        self.end = end
        self.placed = placed


class Writer:
    """Appends frames to a chain; durable in order, a group at a time.

    ``roll(first, previous)`` closes the segment and gives the next one. After a failed write or
    sync nothing more is written, by anybody: what is on disk then is not known (the pages count
    as clean, a second sync would say yes).
    """

    def __init__(
        self,
        place: Place,
        *,
        log: bytes,
        sequence: int,
        checksum: bytes,
        roll: Callable[[int, bytes], Place],
        on_failure: Callable[[Fault], None] | None,
    ) -> None:
        self._place = place
        self._log = log
        self._roll = roll
        self._on_failure = on_failure
        self.durable = sequence
        self.checksum = checksum
        self._fault: Fault | None = None
        self._queue: deque[Ticket] = deque()
        self._turn = threading.Lock()
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._room = threading.Condition(threading.Lock())
        self._frames = 0
        self._bytes = 0
        self._thread = threading.Thread(target=self._run, name="puhui-ledger-log", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> Fault | None:
        """Why nothing is written any more."""
        return self._fault

    def put(self, ticket: Ticket) -> None:
        """Send a frame on its way; waits while too much is. Fault: ``ledger.log_failed``."""
        with self._room:
            while self._fault is None and (
                self._frames >= FRAMES_MAX
                or (self._bytes + ticket.size > BYTES_MAX and self._frames)
            ):
                self._asked.put(True)
                self._room.wait()
            if self._fault is not None:
                raise self._fault
            self._frames += 1
            self._bytes += ticket.size
            self._queue.append(ticket)
            is_much = self._frames == FRAMES_MAX // 2 or self._bytes > BYTES_MAX // 2
        if is_much or not ticket.is_awaited:
            self._asked.put(True)

    def write(self, ticket: Ticket) -> None:
        """Write what waits in this thread, unless another has written ``ticket`` by then."""
        with self._turn:
            if not ticket.is_done:
                self._write_waiting()

    def fail(self, error: OSError) -> None:
        """Write nothing more, for the disk failed under another file of the log."""
        with self._turn:
            if self._fault is None:
                self._fail(error, [])

    def close(self) -> None:
        """Write what is on its way and end the thread."""
        self._asked.put(False)
        self._thread.join()

    def release(self) -> int:
        """The handle of the open segment, once the thread has ended; the caller closes it."""
        return self._place.handle

    def _run(self) -> None:
        is_open = True
        while is_open:
            is_open = self._asked.get()
            with contextlib.suppress(Empty):
                while is_open:
                    is_open = self._asked.get_nowait()
            with self._turn:
                self._write_waiting()

    def _write_waiting(self) -> None:
        """Write all that waits now; the caller has the turn."""
        if self._fault is not None:
            return
        group: list[Ticket] = []
        while self._queue:
            group.append(self._queue.popleft())
        fault: OSError | Fault | None = Fault("ledger.log_failed", "the writing was interrupted")
        try:
            self._write(group)
            fault = None
        except (OSError, Fault) as error:
            fault = error
        finally:
            # A mistake of the program ends here too: nobody is left waiting.
            if fault is not None:
                self._fail(fault, group)

    def _write(self, group: list[Ticket]) -> None:
        """Write a group of frames and sync; at the end of a segment, in two parts."""
        parts: list[memoryview] = []
        start, place = self._place.end, self._place
        waiting: list[Ticket] = []
        for ticket in group:
            if place.end + ALIGNMENT + ticket.size > place.size:
                self._sync(parts, start, waiting)
                parts, waiting = [], []
                self._place = place = self._roll(ticket.sequence, self.checksum)
                start = place.end
            head = Head(
                MAGIC,
                VERSION,
                ticket.kind,
                ticket.count,
                ticket.sequence,
                ticket.time_ns,
                ticket.size,
                self.durable,
                self._log,
                self.checksum,
                b"",
            )
            header, self.checksum = pack_frame(head, ticket.buffers)
            place.placed(place.end, ticket.size)
            place.end += ALIGNMENT + ticket.size
            parts += [memoryview(header), *ticket.buffers]
            waiting.append(ticket)
        self._sync(parts, start, waiting)

    def _sync(self, parts: list[memoryview], start: int, waiting: list[Ticket]) -> None:
        if not waiting:
            return
        write_all(self._place.handle, parts, start)
        os.fdatasync(self._place.handle)
        self.durable = waiting[-1].sequence
        for ticket in waiting:
            ticket.finish(None)
        with self._room:
            self._frames -= len(waiting)
            self._bytes -= sum(ticket.size for ticket in waiting)
            self._room.notify_all()

    def _fail(self, error: OSError | Fault, group: list[Ticket]) -> None:
        reason = f"The log of the ledger cannot be written any more: {error}."
        fault = Fault("ledger.log_failed", reason)
        with self._room:
            # `put` looks under the same lock, so from here on nothing more is queued.
            self._fault = fault
            self._room.notify_all()
        try:
            # Told first: whoever then hears of the fault finds what is to be done about it done.
            if self._on_failure is not None:
                self._on_failure(fault)
        finally:
            for ticket in (*group, *self._queue):
                if not ticket.is_done:
                    ticket.finish(fault)
            self._queue.clear()
