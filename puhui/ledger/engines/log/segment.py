"""The log as a whole: opened, recovered, appended to, read; segment after segment."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault, Refused
from puhui.ledger.engines.log.file import (
    SEGMENT_BYTES,
    Segment,
    make_segment,
    segment_path,
    write_all,
)
from puhui.ledger.engines.log.frame import (
    ALIGNMENT,
    LOG_BYTES,
    Buffer,
    Frame,
    genesis_of,
    head_at,
    pack_segment,
    whole_at,
)
from puhui.ledger.engines.log.kept import Kept
from puhui.ledger.engines.log.recovery import (
    Chain,
    Recovered,
    check_closed,
    check_sealed,
    cut_torn_end,
    discard_spare,
    forget_closed,
    note_closed,
    numbers_in,
    pruned_path,
    read_seal,
    remove_unfinished,
    seal_path,
    write_seal,
)
from puhui.ledger.engines.log.spare import Pace, ready_spare
from puhui.ledger.engines.log.writer import Place, Ticket, Writer

Made = TypeVar("Made")


class FrameLog:
    """A chain of frames in the files of one folder; one process writes it at a time.

    ``append`` is for one thread at a time; reading may go on in others.
    """

    def __init__(self, folder: Path, lock: int, segment_bytes: int) -> None:
        """Use ``FrameLog.open``."""
        self.folder = folder
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._kept = Kept(folder)
        self._spare: Future[Path] | None = None
        self._workshop = ThreadPoolExecutor(1, thread_name_prefix="puhui-ledger-segment")
        self._ticket: Ticket | None = None
        self._is_closed = False
        self.recovered = Recovered(0, 0)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        on_failure: Callable[[Fault], None] | None = None,
    ) -> FrameLog:
        """Open the log in ``folder``, or begin one there; cut a torn end, say so in ``recovered``.

        New segments have ``segment_bytes`` bytes, a multiple of 128. ``on_failure`` is called by
        the thread that writes when nothing can be written any more. Refused: ``ledger.log_in_use``.
        Fault: ``ledger.log_damaged``, ``ledger.log_failed``.
        """
        assert segment_bytes % ALIGNMENT == 0, segment_bytes
        assert segment_bytes >= 4 * ALIGNMENT, segment_bytes
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Refused("ledger.log_in_use", f"Another process writes {folder}.") from None
        log = cls(folder, lock, segment_bytes)
        try:
            log._start(log._recover(), on_failure)
        except BaseException as error:
            log._workshop.shutdown()
            os.close(lock)
            if isinstance(error, OSError):
                reason = f"The log in {folder} cannot be opened: {error}."
                raise Fault("ledger.log_failed", reason) from None
            raise
        return log

    # Opening.

    def _recover(self) -> Chain:
        folder, chain = self.folder, Chain()
        remove_unfinished(folder)
        found = numbers_in(folder)
        numbers = list(found.logs)
        if found.pruned:
            chain.follow(read_seal(pruned_path(folder, found.pruned[-1])), found.pruned[-1])
        if not numbers:
            log = secrets.token_bytes(LOG_BYTES)
            head = pack_segment(1, 1, self._segment_bytes, log, genesis_of(log))
            make_segment(segment_path(folder, 1), self._segment_bytes, head)
            numbers = [1]
        last = Segment(segment_path(folder, numbers[-1]), numbers[-1])
        spare = last if last.head is None and len(numbers) > 1 else None
        begun = numbers[:-1] if spare is not None else numbers
        for number in begun[:-1]:
            segment = Segment(segment_path(folder, number), number)
            check_sealed(chain, segment, read_seal(seal_path(folder, number)), folder)
            self._kept.add(segment)
        active = last if spare is None else Segment(segment_path(folder, begun[-1]), begun[-1])
        chain.enter(active)
        chain.read_through(active)
        check_closed(chain, active)
        cut = cut_torn_end(chain, active)
        if spare is not None:
            more = discard_spare(chain, spare, folder)
            cut = Recovered(cut.frames + more.frames, cut.size + more.size)
        self.recovered = cut
        self._kept.add(active)
        return chain

    def _start(self, chain: Chain, on_failure: Callable[[Fault], None] | None) -> None:
        self.id = chain.log
        self.last_sequence = chain.sequence
        self.last_time_ns = chain.time_ns or self._time_before(chain.sequence)
        handle = os.open(self._kept.last.path, os.O_RDWR | os.O_CLOEXEC)
        # What a killed process wrote may not be on disk yet; it is read as durable from here on.
        os.fsync(handle)
        forget_closed(self.folder)
        self._writer = Writer(
            self._place(handle),
            log=chain.log,
            sequence=chain.sequence,
            checksum=chain.checksum,
            roll=self._roll,
            on_failure=on_failure,
        )
        self._order_spare()

    def _time_before(self, sequence: int) -> int:
        """The time of the last frame where the open segment has none yet, 0 where none is kept."""
        if not sequence or sequence < self._kept.first_sequence:
            return 0
        return self._tried(sequence).time_ns

    # Writing.

    def append(
        self,
        kind: int,
        time_ns: int,
        count: int,
        buffers: Sequence[Buffer],
        *,
        is_awaited: bool = False,
    ) -> Ticket:
        """Send a frame on its way to the disk; nobody changes ``buffers`` until it is there.

        Together they have a multiple of 128 bytes; ``time_ns`` is not before the last frame's.
        One that ``is_awaited`` is written by whoever waits for it. Fault: ``ledger.log_failed``.
        """
        assert time_ns >= self.last_time_ns, (time_ns, self.last_time_ns)
        write = self._writer.write if is_awaited else None
        ticket = Ticket(self.last_sequence + 1, kind, time_ns, count, buffers, write)
        assert ticket.size % ALIGNMENT == 0, ticket.size
        assert ticket.size <= self._segment_bytes - 2 * ALIGNMENT, ticket.size
        self._writer.put(ticket)
        self.last_sequence, self.last_time_ns = ticket.sequence, time_ns
        self._ticket = ticket
        return ticket

    @property
    def durable_sequence(self) -> int:
        """The last frame that is known to be on disk."""
        return self._writer.durable

    def _place(self, handle: int) -> Place:
        segment = self._kept.last
        return Place(handle, segment.size, segment.end, segment.add)

    def _order_spare(self) -> None:
        last = self._kept.last
        self._pace = Pace(lambda: last.end)
        self._spare = self._order(
            ready_spare, self.folder, last.number + 1, self._segment_bytes, self._pace
        )

    def _order(self, work: Callable[..., Made], *arguments: object) -> Future[Made]:
        """Have something made beside the writing. A disk that fails there fails the log at once."""
        ordered = self._workshop.submit(work, *arguments)
        self._workshop.submit(self._hear, ordered)
        return ordered

    def _hear(self, ordered: Future[Made]) -> None:
        error = ordered.exception()
        if isinstance(error, OSError) and error.errno != errno.ENOSPC:
            self._writer.fail(error)

    def _roll(self, first: int, previous: bytes) -> Place:
        """Seal the segment, and go on in the one that was made ahead."""
        full = self._kept.last
        number = full.number + 1
        assert self._spare is not None, "the next segment was never ordered"
        self._pace.press()
        try:
            path = self._spare.result()
        except OSError as error:
            # A full disk may have room again.
            if error.errno != errno.ENOSPC:
                raise
            path = ready_spare(self.folder, number, self._segment_bytes)
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        size = os.fstat(handle).st_size
        head = pack_segment(number, first, size, self.id, previous)
        write_all(handle, [memoryview(head)], 0)
        segment = Segment(path, number)
        os.close(self._writer.release())
        self._kept.add(segment)
        self._order_spare()
        self._order(write_seal, full, first - 1, previous, self.folder)
        return self._place(handle)

    def close(self) -> None:
        """Write what is on its way, seal what is full, note the end, and let the folder go."""
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.close()
        self._pace.press()
        self._workshop.shutdown()
        os.close(self._writer.release())
        if self._writer.fault is None:
            note_closed(self.folder, self._writer.durable, self._writer.checksum)
        os.close(self._lock)

    def __enter__(self) -> FrameLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Reading.

    @property
    def first_sequence(self) -> int:
        """The first frame that is kept."""
        return self._kept.first_sequence

    def frames(self, after: int = 0) -> Iterator[Frame]:
        """The durable frames past the sequence ``after``, each tried against its checksum.

        Those that became durable after the first was asked for are not among them. Fault:
        ``ledger.log_damaged``, naming the frame.
        """
        until = self.durable_sequence
        sequence = max(after + 1, self._kept.first_sequence)
        previous = b""
        while sequence <= until:
            segment, last = self._kept.find(sequence)
            last = min(last, until)
            position = segment.position_of(sequence)
            previous = previous or self._checksum_before(sequence, segment)
            for head in segment.whole_from(position, sequence, previous):
                yield segment.frame(position, head)
                position += ALIGNMENT + head.body_bytes
                sequence, previous = sequence + 1, head.checksum
                if head.sequence == last:
                    break
            if sequence <= last:
                raise segment.damaged_at(sequence, position)

    def _checksum_before(self, sequence: int, segment: Segment) -> bytes:
        assert segment.head is not None, "a segment without a header has no frames"
        if sequence == segment.first:
            return segment.head.previous
        head = head_at(segment.view, segment.position_of(sequence - 1))
        return b"" if head is None else head.checksum

    def _await(self, sequence: int) -> None:
        """Wait until a frame that was appended is in its file."""
        ticket = self._ticket
        if sequence > self.durable_sequence and ticket is not None:
            ticket.wait()

    def frame(self, sequence: int, *, is_tried: bool = True) -> Frame:
        """One frame, once it is durable; ``is_tried`` against its checksum.

        Fault: ``ledger.log_damaged``.
        """
        self._await(sequence)
        return self._tried(sequence, is_whole=is_tried)

    def _tried(self, sequence: int, *, is_whole: bool = True) -> Frame:
        segment, _ = self._kept.find(sequence)
        position = segment.position_of(sequence)
        head = (whole_at if is_whole else head_at)(segment.view, position)
        if head is None or head.sequence != sequence:
            raise segment.damaged_at(sequence, position)
        return segment.frame(position, head)

    def checksum_of(self, sequence: int) -> bytes | None:
        """The checksum of a frame, None where it is not kept (any more) or not written yet."""
        if not self._kept.first_sequence <= sequence <= self.durable_sequence:
            return None
        return self.frame(sequence).checksum

    def position_of(self, sequence: int) -> tuple[int, int]:
        """The number of the segment that holds a frame, and the byte at which it begins."""
        self._await(sequence)
        segment, _ = self._kept.find(sequence)
        return segment.number, segment.position_of(sequence)

    def read(self, sequence: int, offset: int, size: int) -> bytes:
        """``size`` bytes of a frame's body from ``offset`` on, not tried against its checksum."""
        return self.gather(np.array([sequence]), np.array([offset]), size).tobytes()

    def gather(
        self, sequences: NDArray[np.int64], offsets: NDArray[np.int64], width: int
    ) -> NDArray[np.uint8]:
        """``width`` bytes from each of ``offsets`` on in the bodies of the frames ``sequences``.

        Both are ``(n,)``; the answer is ``(n, width) uint8``, a copy, not tried against checksums.
        Fault: ``ledger.log_damaged`` where frames cannot be found by their headers.
        """
        if not len(sequences):
            return np.empty((0, width), dtype=np.uint8)
        sequences = sequences.astype(np.int64, copy=False)
        self._await(int(sequences.max()))
        return self._kept.gather(sequences, offsets, width)

    def verify(self) -> Verified:
        """Read every durable byte that is kept again: chain, checksums, seals, spare noughts.

        Fault: ``ledger.log_damaged``, naming the frame.
        """
        frames = size = 0
        checksum = b""
        for frame in self.frames():
            frames, size, checksum = frames + 1, size + len(frame.body) + ALIGNMENT, frame.checksum
        for number in self._kept.full_numbers:
            seal = read_seal(seal_path(self.folder, number))
            segment = Segment(segment_path(self.folder, number), number)
            if seal is not None and segment.last_used() > seal.end:
                raise segment.damaged_at(seal.last + 1, seal.end)
        return Verified(frames, size, checksum)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read again and found whole: frames, their bytes, and the last one's checksum."""

    frames: int
    size: int
    checksum: bytes
