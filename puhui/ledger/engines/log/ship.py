"""A second copy of the log in another folder, as fresh as its last shipping; and back again.

Full segments are copied whole and read again before they count; of those that are still written,
the frames that are there. What the copy lacks at any time, frames appended since it was last
brought up to date, is what losing the first folder then would cost (the recovery point).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from puhui.kernel.errors import Refused
from puhui.ledger.arrays.record import CODES
from puhui.ledger.engines.log.body import body_of
from puhui.ledger.engines.log.file import (
    SEGMENT_BYTES,
    Segment,
    damaged,
    put_file,
    segment_path,
    sync_file,
    sync_folder,
    write_all,
    write_zeros,
)
from puhui.ledger.engines.log.frame import ALIGNMENT, TRANSFERS, SegmentHead, unpack_segment
from puhui.ledger.engines.log.reader import FrameReader
from puhui.ledger.engines.log.recovery import (
    Chain,
    Seal,
    check_all,
    numbers_in,
    pruned_path,
    read_seal,
    seal_path,
)
from puhui.ledger.engines.log.segment import FrameLog
from puhui.ledger.nouns import Status

COPY_BYTES = 1 << 20
CREATED = CODES[Status.CREATED]


@dataclass(frozen=True, slots=True)
class Shipped:
    """How far a copy goes: its last frame, what was copied now, and the frames it lacks."""

    sequence: int
    copied_bytes: int
    behind: int


@dataclass(frozen=True, slots=True)
class CopyState:
    """How far a log and its copy go: frames, and the bytes, created transfers and times
    (nanoseconds) of what the copy lacks; both times are 0 where it lacks nothing.
    """

    log_sequence: int
    copy_sequence: int
    lacking_bytes: int
    lacking_transfers: int
    lacking_since_ns: int
    log_time_ns: int


def copy_state(folder: Path, to: Path) -> CopyState:
    """Hold a copy against its log, read as they are now; neither is changed.

    Fault: ``ledger.log_damaged`` where either is not what was written.
    """
    shipped = _sequence_of_copy(to)
    size = transfers = since_ns = time_ns = 0
    last = shipped
    for frame in FrameReader(folder).frames(shipped):
        since_ns = since_ns or frame.time_ns
        size, time_ns = size + ALIGNMENT + len(frame.body), frame.time_ns
        if frame.kind == TRANSFERS:
            transfers += int((body_of(frame)[1] == CREATED).sum())
        last = frame.sequence
    return CopyState(last, shipped, size, transfers, since_ns, time_ns)


def _sequence_of_copy(to: Path) -> int:
    """The last frame that a copy holds, 0 where there is none."""
    sequence, number = 0, 1
    while (seal := read_seal(seal_path(to, number))) is not None:
        sequence, number = seal.last, number + 1
    while (part := open_path(to, number)).exists() and part.stat().st_size >= 2 * ALIGNMENT:
        segment = Segment(part, number)
        if segment.head is None or segment.head.first != sequence + 1:
            break
        for head in segment.whole_from(ALIGNMENT, segment.head.first, segment.head.previous):
            sequence = head.sequence
        number += 1
    return sequence


class Shipper:
    """Brings a copy of a log up to date, beside the process that writes it or within."""

    def __init__(self, folder: Path, to: Path) -> None:
        """Copy from ``folder`` into ``to``, which may hold an earlier copy of the same log."""
        self.folder = folder
        self.to = to
        self.sequence = 0
        self._is_checked = False
        self._open: dict[int, tuple[int, int, bytes]] = {}
        self._reader = FrameReader(folder)

    def ship(self, *, with_open: bool = True) -> Shipped:
        """Copy what is new: full segments, and ``with_open`` the frames of the others too.

        Fault: ``ledger.log_damaged`` where either side is not what was written.
        """
        self.to.mkdir(parents=True, exist_ok=True)
        self._check_log()
        copied = 0
        for number in numbers_in(self.folder).logs:
            seal = read_seal(seal_path(self.folder, number))
            there = read_seal(seal_path(self.to, number))
            if there is not None and there != seal:
                raise damaged(f"Segment {number} in {self.to} is another than in the log.")
            if there is not None:
                self.sequence = max(self.sequence, there.last)
            elif seal is not None:
                _copy_sealed(self.folder, self.to, seal)
                open_path(self.to, number).unlink(missing_ok=True)
                self._open.pop(number, None)
                self.sequence = max(self.sequence, seal.last)
                copied += seal.size
            elif with_open:
                copied += self._ship_open(number)
        return Shipped(self.sequence, copied, self.behind())

    def _check_log(self) -> None:
        """One copy is of one log. Fault: ``ledger.log_damaged``."""
        if self._is_checked:
            return
        logs = {
            head.log
            for folder in (self.folder, self.to)
            for path in (*folder.glob("segment-*.log"), *folder.glob("open-*.part"))
            if (head := _head_in(path)) is not None
        }
        if len(logs) > 1:
            raise damaged(f"What is in {self.to} is of another log.")
        self._is_checked = True

    def behind(self) -> int:
        """Frames that are in the log now and not in the copy."""
        return self._reader.last_sequence(self.sequence) - self.sequence

    def _ship_open(self, number: int) -> int:
        """Append the frames of a segment that is still written to those in the copy."""
        segment = Segment(segment_path(self.folder, number), number)
        if segment.head is None:
            return 0
        path = open_path(self.to, number)
        head = segment.head
        start, sequence, previous = self._open.get(number, (0, head.first, head.previous))
        end = start or ALIGNMENT
        for frame in segment.whole_from(end, sequence, previous):
            end += ALIGNMENT + frame.body_bytes
            sequence, previous = frame.sequence + 1, frame.checksum
        if end == start:
            return 0
        # What goes into the copy is durable here first: a copy never knows more than the log.
        sync_file(segment.path)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if os.fstat(handle).st_size > end:
                raise damaged(f"Segment {number} in {self.to} goes further than the log.")
            write_all(handle, [segment.view[start:end]], start)
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_folder(self.to)
        self._open[number] = (end, sequence, previous)
        self.sequence = max(self.sequence, sequence - 1)
        return end - start


def open_path(folder: Path, number: int) -> Path:
    """Where a copy has the frames of a segment that was not full yet."""
    return folder / f"open-{number:010d}.part"


def _head_in(path: Path) -> SegmentHead | None:
    with path.open("rb") as file:
        return unpack_segment(memoryview(file.read(ALIGNMENT)))


def _copy_sealed(folder: Path, to: Path, seal: Seal) -> None:
    """Copy a full segment and read the copy again; it has its name once it is found whole."""
    path = segment_path(to, seal.segment)
    new = path.with_name(path.name + ".new")
    with segment_path(folder, seal.segment).open("rb") as inward, new.open("wb") as outward:
        shutil.copyfileobj(inward, outward, COPY_BYTES)
        outward.flush()
        os.fsync(outward.fileno())
    check_all(Segment(new, seal.segment), seal)
    os.replace(new, path)
    sync_folder(to)
    put_file(seal_path(to, seal.segment), seal.text())


def restore(copy: Path, folder: Path) -> int:
    """Make a log in ``folder`` out of a copy; the sequence of its last frame.

    ``FrameLog.open`` then goes on in it. Refused: ``ledger.folder_in_use`` where a log is there
    already. Fault: ``ledger.log_damaged``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("segment-*")):
        raise Refused("ledger.folder_in_use", f"There is a log in {folder} already.")
    chain, number = Chain(), 1
    while (seal := read_seal(seal_path(copy, number))) is not None:
        _copy_sealed(copy, folder, seal)
        chain.enter(Segment(segment_path(folder, number), number))
        chain.follow(seal, number)
        number += 1
    while (part := open_path(copy, number)).exists():
        if not _restore_open(chain, part, folder, number):
            break
        number += 1
    if number == 1:
        raise damaged(f"{copy} holds no copy of a log.")
    return chain.sequence


def _restore_open(chain: Chain, part: Path, folder: Path, number: int) -> bool:
    """Make a segment of the whole frames of a part, if it follows; behind them are noughts."""
    content = part.read_bytes()
    head = unpack_segment(memoryview(content))
    if head is None or (number > 1 and head.previous != chain.checksum):
        return False
    new = segment_path(folder, number).with_suffix(".log.new")
    with new.open("wb") as file:
        file.write(content)
        file.truncate(head.segment_bytes)
        file.flush()
        os.fsync(file.fileno())
    segment = Segment(new, number)
    chain.enter(segment)
    chain.read_through(segment)
    with new.open("r+b") as file:
        write_zeros(file.fileno(), segment.end, segment.size)
        os.fsync(file.fileno())
    os.replace(new, segment_path(folder, number))
    sync_folder(folder)
    return True


def prune(folder: Path, copy: Path, *, before: int) -> int:
    """Give up the full segments that hold only frames before the sequence ``before``; how many.

    ``before`` is what a durable snapshot covers. The copy of each is read again first, and its
    seal is kept, so that the log knows where it goes on. The log must not be open, and keeps one
    segment at least. Refused: ``ledger.log_in_use``, ``ledger.not_shipped`` where the copy lacks
    one. Fault: ``ledger.log_damaged``.
    """
    numbers = numbers_in(folder).logs
    size = segment_path(folder, numbers[-1]).stat().st_size if numbers else SEGMENT_BYTES
    FrameLog.open(folder, segment_bytes=size).close()
    pruned = 0
    for number in numbers_in(folder).logs[:-1]:
        seal = read_seal(seal_path(folder, number))
        if seal is None or seal.last >= before:
            break
        if read_seal(seal_path(copy, number)) != seal:
            raise Refused("ledger.not_shipped", f"Segment {number} is not in {copy}.")
        check_all(Segment(segment_path(copy, number), number), seal)
        put_file(pruned_path(folder, number), seal.text())
        segment_path(folder, number).unlink()
        sync_folder(folder)
        seal_path(folder, number).unlink()
        pruned += 1
    return pruned


def read_there(folder: Path, copy: Path) -> tuple[int, int]:
    """Put a link to the copy in the place of each full segment; how many, and their bytes.

    The copy of each is read again first. The log must not be open, and its last segments stay.
    Refused: ``ledger.log_in_use``, ``ledger.not_shipped`` where the copy lacks one. Fault:
    ``ledger.log_damaged``.
    """
    numbers = numbers_in(folder).logs
    size = segment_path(folder, numbers[-1]).stat().st_size if numbers else SEGMENT_BYTES
    FrameLog.open(folder, segment_bytes=size).close()
    count = freed = 0
    for number in numbers_in(folder).logs[:-1]:
        path, there = segment_path(folder, number), segment_path(copy, number).resolve()
        seal = read_seal(seal_path(folder, number))
        if seal is None:
            break
        if path.is_symlink():
            continue
        if read_seal(seal_path(copy, number)) != seal:
            raise Refused("ledger.not_shipped", f"Segment {number} is not in {copy}.")
        check_all(Segment(there, number), seal)
        link = path.with_name(path.name + ".new")
        link.unlink(missing_ok=True)
        link.symlink_to(there)
        os.replace(link, path)
        sync_folder(folder)
        count, freed = count + 1, freed + seal.size
    return count, freed
