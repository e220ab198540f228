"""Segment files: names, making them, walking through the frames of one."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault
from puhui.ledger.engines.log.frame import (
    ALIGNMENT,
    Frame,
    Head,
    SegmentHead,
    head_at,
    unpack_segment,
    whole_at,
)

ZEROS = bytes(1 << 20)
PART_BYTES = 16 << 20
"""Bytes of a new segment that are written and synced at a time, at most."""
SEGMENT_BYTES = 64 << 20
"""Bytes of a segment where nothing else is asked for."""

PARTS_MAX = 512
"""Buffers of one write; Linux takes 1,024 (IOV_MAX)."""

NAME = re.compile(r"segment-(\d{10})\.(log|seal|pruned)")


def segment_path(folder: Path, number: int) -> Path:
    """Where the segment of a number is."""
    return folder / f"segment-{number:010d}.log"


def damaged(words: str) -> Fault:
    """The fault of a log that is not what was written."""
    return Fault("ledger.log_damaged", words)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Have the disk take what another process may only have written.

    Fault: ``ledger.log_failed``.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(handle)
    except OSError as error:
        raise Fault("ledger.log_failed", f"{path} does not reach the disk: {error}.") from None
    finally:
        os.close(handle)


def put_file(path: Path, content: bytes) -> None:
    """Write a small file whole and durable, or not at all."""
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    sync_folder(path.parent)


def make_segment(
    path: Path,
    segment_bytes: int,
    head: bytes = b"",
    *,
    part: Callable[[int], int] | None = None,
) -> Path:
    """A file of ``segment_bytes`` noughts that are really on disk, behind ``head``.

    ``part`` says how many come next when so many are there, and may take its time.
    Preallocated alone would not do: the first write into such a block changes the file's map,
    which a data sync then has to write as well.
    """
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(handle, 0, segment_bytes)
        made = 0
        while made < segment_bytes:
            # A part at a time, so that frames do not wait long behind it. Through the cache, so
            # that the writer then finds the pages in memory and only has to overwrite them.
            more = PART_BYTES if part is None else part(made)
            write_zeros(handle, made, min(made + more, segment_bytes))
            made += more
            os.fdatasync(handle)
        if head:
            write_all(handle, [memoryview(head)], 0)
        os.fsync(handle)
    except OSError:
        os.unlink(new)
        raise
    finally:
        os.close(handle)
    os.replace(new, path)
    sync_folder(path.parent)
    return path


def write_zeros(handle: int, start: int, stop: int) -> None:
    """Overwrite the bytes from ``start`` to before ``stop``."""
    while start < stop:
        start += os.pwrite(handle, memoryview(ZEROS)[: stop - start], start)


def write_all(handle: int, parts: Sequence[memoryview], position: int) -> None:
    """Write all the parts one behind another from ``position`` on, however short a write is."""
    left = [part for part in parts if part.nbytes]
    while left:
        written = os.pwritev(handle, left[:PARTS_MAX], position)
        position += written
        whole = 0
        while whole < len(left) and written >= left[whole].nbytes:
            written -= left[whole].nbytes
            whole += 1
        del left[:whole]
        if written:
            left[0] = left[0][written:]


class Segment:
    """A segment file, mapped for reading; what the writer adds to it shows at once.

    ``end`` is where the next frame would begin, as far as the frames are known.
    """

    def __init__(self, path: Path, number: int) -> None:
        """Map the file. Fault: ``ledger.log_damaged`` where its size cannot be."""
        self.path = path
        self.number = number
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.size = os.fstat(handle).st_size
            if self.size < 2 * ALIGNMENT or self.size % ALIGNMENT:
                raise damaged(f"Segment {number} has {self.size} bytes, which cannot be ({path}).")
            self.view = memoryview(mmap.mmap(handle, self.size, access=mmap.ACCESS_READ))
        finally:
            os.close(handle)
        self.array: NDArray[np.uint8] = np.frombuffer(self.view, dtype=np.uint8)
        self.head: SegmentHead | None = unpack_segment(self.view)
        self.end = ALIGNMENT
        self._positions = np.empty(64, dtype=np.int64)
        self._known = 0

    @property
    def first(self) -> int:
        """The sequence of the first frame."""
        assert self.head is not None, "a segment without a header has no first frame"
        return self.head.first

    @property
    def positions(self) -> NDArray[np.int64]:
        """Where the frames ``first``, ``first + 1``... begin, as far as they are known."""
        return self._positions[: self._known]

    def add(self, position: int, body_bytes: int) -> None:
        """Note where the next frame begins."""
        if self._known == len(self._positions):
            self._positions = np.concatenate([self._positions, np.empty_like(self._positions)])
        self._positions[self._known] = position
        self.end = position + ALIGNMENT + body_bytes
        self._known += 1

    def whole_from(self, position: int, sequence: int, previous: bytes) -> Iterator[Head]:
        """Whole frames from ``position`` on that follow one another by sequence and chain.

        Ends before the first that does not.
        """
        assert self.head is not None, "a segment without a header has no frames"
        while (head := whole_at(self.view, position)) is not None:
            is_next = head.sequence == sequence and head.previous == previous
            if not is_next or head.log != self.head.log:
                return
            yield head
            position += ALIGNMENT + head.body_bytes
            sequence, previous = sequence + 1, head.checksum

    def index(self, last: int) -> None:
        """Find where the frames up to the sequence ``last`` begin, by their headers alone.

        Fault: ``ledger.log_damaged``, naming the frame.
        """
        for sequence in range(self.first + self._known, last + 1):
            head = head_at(self.view, self.end)
            if head is None or head.sequence != sequence:
                raise self.damaged_at(sequence, self.end)
            self.add(self.end, head.body_bytes)

    def position_of(self, sequence: int) -> int:
        """Where a frame begins that is known."""
        assert 0 <= sequence - self.first < self._known, sequence
        return int(self._positions[sequence - self.first])

    def damaged_at(self, sequence: int, position: int) -> Fault:
        """The fault of a frame that is not what was written."""
        return damaged(
            f"Frame {sequence} is damaged: segment {self.number}, byte {position} ({self.path})."
        )

    def frame(self, position: int, head: Head) -> Frame:
        """The frame at a position, its body a view of the file."""
        start = position + ALIGNMENT
        body = self.array[start : start + head.body_bytes]
        return Frame(head.sequence, head.kind, head.time_ns, head.records, body, head.checksum)

    def rows(self, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """``width`` bytes from each of ``starts`` on: ``(n, width) uint8``, a copy."""
        if width == ALIGNMENT and not (starts % ALIGNMENT).any():
            records = self.array.view(f"V{ALIGNMENT}")[starts // ALIGNMENT]
            return records.view(np.uint8).reshape(len(starts), width)
        windows = np.lib.stride_tricks.sliding_window_view(self.array, width)
        return np.ascontiguousarray(windows[starts])

    def last_used(self) -> int:
        """The byte behind the last one that is not nought."""
        block = len(ZEROS)
        for start in range((self.size - 1) // block * block, -1, -block):
            used = np.flatnonzero(self.array[start : start + block])
            if len(used):
                return start + int(used[-1]) + 1
        return 0
