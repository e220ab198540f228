"""The file of a queue: sealed, checksummed frames, each on disk before it is answered.

A frame is ``length, checksum, number`` (little endian, 4, 4 and 8 bytes) and the sealed bytes; the
checksum is CRC-32 of number and bytes. What is done is remembered in a second small file. A tail
that a power cut left unfinished was never answered and is cut off; damage before the tail is told.
A last frame that is damaged, and not unfinished, looks the same as such a tail.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from puhui.kernel.errors import Fault, Refused

MAGIC = b"puhui queue 1\n\0\0"
_HEAD = struct.Struct("<IIQ")
_DONE = struct.Struct("<QI")
FRAME_BYTES_MAX = 64 * 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class QueueLog:
    """One queue of one process; another process that opens it is refused.

    Refused: ``kernel.queue_in_use``, ``kernel.queue_full``. Fault: ``kernel.queue_damaged``,
    ``kernel.disk_full``, ``kernel.queue_failed`` after a failed sync, when nobody knows what the
    disk has: open it again then.
    """

    def __init__(self, folder: Path, *, bytes_max: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._failed: Fault | None = None
        self._file = os.open(folder / "queue", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except BlockingIOError:
            os.close(self._file)
            raise Refused(
                "kernel.queue_in_use", "Another process uses this queue: give each its own folder."
            ) from None
        except BaseException:
            os.close(self._file)
            raise

    def _open(self) -> None:
        size = os.fstat(self._file).st_size
        if size < len(MAGIC):
            os.ftruncate(self._file, 0)
            _write_all(self._file, MAGIC, 0)
            os.fsync(self._file)
            _sync_folder(self._folder)
            size = len(MAGIC)
        if os.pread(self._file, len(MAGIC), 0) != MAGIC:
            raise self._damaged(0)
        self.done = self._read_done()
        self._places: dict[int, int] = {}
        number, place = self.done, len(MAGIC)
        while (frame := self._frame_at(place, size)) is not None:
            got, length = frame
            if self._places and got != number + 1:
                raise self._damaged(place)
            number = got
            if got > self.done:
                self._places[got] = place
            place += _HEAD.size + length
        if place < size:
            if self._has_frame_after(number, place, size):
                raise self._damaged(place)
            os.ftruncate(self._file, place)
            os.fsync(self._file)
        self._number = max(number, self.done)
        self._end = self._synced = place

    def _frame_at(self, place: int, size: int) -> tuple[int, int] | None:
        """Number and length of a whole frame at ``place``; None where there is none."""
        head = os.pread(self._file, _HEAD.size, place)
        if len(head) < _HEAD.size:
            return None
        length, checksum, number = _HEAD.unpack(head)
        if length > FRAME_BYTES_MAX or place + _HEAD.size + length > size:
            return None
        data = os.pread(self._file, length, place + _HEAD.size)
        return (number, length) if zlib.crc32(head[8:] + data) == checksum else None

    def _has_frame_after(self, number: int, place: int, size: int) -> bool:
        """Whether the frame after the damaged one stands whole behind it: no unfinished tail then.

        A damaged frame may name a wrong length, so the next one is looked for by its number.
        """
        rest = os.pread(self._file, size - place, place)
        wanted, at = struct.pack("<Q", number + 2), -1
        while (at := rest.find(wanted, at + 1)) >= 0:
            frame = self._frame_at(place + at - 8, size) if at >= 8 else None
            if frame is not None and frame[0] == number + 2:
                return True
        return False

    def _read_done(self) -> int:
        try:
            data = (self._folder / "done").read_bytes()
        except FileNotFoundError:
            return 0
        if len(data) == _DONE.size:
            number, checksum = _DONE.unpack(data)
            if zlib.crc32(data[:8]) == checksum:
                return int(number)
        return 0  # what was done is done again under the same keys: nothing happens twice

    def _damaged(self, place: int) -> Fault:
        return Fault(
            "kernel.queue_damaged",
            f"The queue {self._folder / 'queue'} is damaged at byte {place}: payments that were "
            "accepted stand behind it. Keep the file and restore it from a copy.",
        )

    def next_number(self) -> int:
        """The number that the next frame will have, as long as no other thread adds one."""
        return self._number + 1

    def add(self, sealed: bytes, number: int) -> None:
        """Add a frame and wait until it is on disk; many callers share one sync."""
        with self._lock:
            self._check()
            assert number == self._number + 1, number
            frame = _HEAD.pack(len(sealed), zlib.crc32(struct.pack("<Q", number) + sealed), number)
            if self._end + len(frame) + len(sealed) > self._bytes_max:
                raise Refused(
                    "kernel.queue_full", "The queue is full: nothing more can be accepted now."
                )
            try:
                _write_all(self._file, frame + sealed, self._end)
            except OSError as error:
                os.ftruncate(self._file, self._end)
                if error.errno in _FULL:
                    raise Fault(
                        "kernel.disk_full", f"The disk is full; nothing was queued ({error})."
                    ) from None
                raise self._fail(error) from error
            self._places[number] = self._end
            self._number = number
            self._end += len(frame) + len(sealed)

    def sync(self) -> None:
        """Wait until all that was added is on disk."""
        wanted = self._end
        with self._sync_lock:
            if self._synced >= wanted:
                return
            self._check()
            end = self._end
            try:
                os.fdatasync(self._file)
            except OSError as error:
                raise self._fail(error) from error
            self._synced = end

    def _fail(self, error: OSError) -> Fault:
        self._failed = Fault(
            "kernel.queue_failed",
            f"The disk failed ({error}); nobody knows what it has. Open the queue again.",
        )
        return self._failed

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed

    def __len__(self) -> int:
        return len(self._places)

    @property
    def size_bytes(self) -> int:
        """How much room the queue takes."""
        return self._end

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What is waiting now, oldest first."""
        for number in sorted(self._places):
            place = self._places[number]
            head = os.pread(self._file, _HEAD.size, place)
            length, checksum, got = _HEAD.unpack(head)
            data = os.pread(self._file, length, place + _HEAD.size)
            if got != number or zlib.crc32(head[8:] + data) != checksum:
                raise self._damaged(place)
            yield number, data

    def finish(self, number: int) -> None:
        """All up to ``number`` is done, for good; an empty queue gives its room back."""
        data = struct.pack("<Q", number)
        part = self._folder / ".done"
        with part.open("wb") as file:
            file.write(data + struct.pack("<I", zlib.crc32(data)))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._folder / "done")
        _sync_folder(self._folder)
        with self._lock:
            self.done = number
            for one in [one for one in self._places if one <= number]:
                del self._places[one]
            if not self._places:
                os.ftruncate(self._file, len(MAGIC))
                os.fsync(self._file)
                self._end = self._synced = len(MAGIC)

    def close(self) -> None:
        """Let the files go."""
        os.close(self._file)


def _write_all(file: int, data: bytes, place: int) -> None:
    while data:
        written = os.pwrite(file, data, place)
        data, place = data[written:], place + written


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
