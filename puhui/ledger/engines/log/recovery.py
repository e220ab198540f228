"""What is found in a log's folder when it is opened, and what a torn end is cut back to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from puhui.ledger.engines.log.file import (
    NAME,
    Segment,
    damaged,
    put_file,
    segment_path,
    sync_folder,
    write_zeros,
)
from puhui.ledger.engines.log.frame import ALIGNMENT, genesis_of, whole_after


@dataclass(frozen=True, slots=True)
class Seal:
    """What a full segment is known by: kept beside it, as one line of JSON.

    ``previous`` and ``checksum``, hex digits as ``log`` is, are the chain before its first and at
    its last frame. They vouch for every byte up to ``end``; behind it are noughts up to ``size``.
    """

    segment: int
    log: str
    first: int
    last: int
    previous: str
    checksum: str
    end: int
    size: int

    def text(self) -> bytes:
        """The line, with a digest of itself."""
        said = {name: getattr(self, name) for name in self.__slots__}
        line = json.dumps(said, sort_keys=True)
        said["digest"] = hashlib.sha256(line.encode()).hexdigest()
        return (json.dumps(said, sort_keys=True) + "\n").encode()


def seal_path(folder: Path, number: int) -> Path:
    """Where the seal of a segment is."""
    return segment_path(folder, number).with_suffix(".seal")


def pruned_path(folder: Path, number: int) -> Path:
    """Where the seal of a segment that was given up is kept."""
    return segment_path(folder, number).with_suffix(".pruned")


def read_seal(path: Path) -> Seal | None:
    """A seal, None where there is none or it is not whole."""
    try:
        said = json.loads(path.read_bytes())
        seal = Seal(**{name: said[name] for name in Seal.__slots__})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return seal if path.read_bytes() == seal.text() else None


@dataclass(frozen=True, slots=True)
class Numbers:
    """The segments of a folder: ``logs`` that are there, and ``pruned`` that were given up."""

    logs: tuple[int, ...]
    pruned: tuple[int, ...]


def numbers_in(folder: Path) -> Numbers:
    """The segments of a folder.

    Fault: ``ledger.log_damaged`` for a name that is none of a segment's, or a segment missing.
    """
    found: dict[str, list[int]] = {"log": [], "seal": [], "pruned": []}
    for path in sorted(folder.glob("segment-*")):
        if path.name.endswith(".new"):
            continue
        match = NAME.fullmatch(path.name)
        if match is None:
            raise damaged(f"{path} is no file of this log.")
        found[match[2]].append(int(match[1]))
    logs, pruned = found["log"], [n for n in found["pruned"] if n not in found["log"]]
    there = sorted([*logs, *pruned])
    highest = max([*there, *found["seal"]], default=0)
    for number in range(1, highest + 1):
        if number not in there:
            raise damaged(f"Segment {number} is missing in {folder}.")
    if pruned and (not logs or pruned[-1] > logs[0]):
        raise damaged(f"Segment {pruned[-1]} is missing in {folder}.")
    return Numbers(tuple(logs), tuple(pruned))


def remove_unfinished(folder: Path) -> None:
    """Remove files that were being made when the process ended: nothing rests on them yet."""
    for path in folder.glob("segment-*.new"):
        path.unlink()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What opening found at the end of the log, and cut as never acknowledged.

    ``frames`` is how many began to be written, ``size`` how many bytes were cleared.
    """

    frames: int
    size: int


class Chain:
    """The state of a log while its segments are gone through in order."""

    def __init__(self) -> None:
        self.log = b""
        self.sequence = 0
        self.checksum = b""
        self.time_ns = 0

    def follow(self, seal: Seal | None, number: int) -> None:
        """Go on behind a segment that was given up. Fault: ``ledger.log_damaged``."""
        if seal is None:
            raise damaged(f"What was kept of the pruned segment {number} is damaged.")
        self.log, self.sequence = bytes.fromhex(seal.log), seal.last
        self.checksum = bytes.fromhex(seal.checksum)

    def enter(self, segment: Segment) -> None:
        """Hold the header of the next segment against the chain. Fault: ``ledger.log_damaged``."""
        head, number = segment.head, segment.number
        if head is None:
            raise damaged(f"The header of segment {number} is damaged, byte 0 ({segment.path}).")
        if not self.log:
            self.log, self.sequence, self.checksum = head.log, head.first - 1, head.previous
            is_start = number > 1 or (head.first == 1 and head.previous == genesis_of(head.log))
            if not is_start:
                raise damaged(f"Segment {number} is not the beginning of a log ({segment.path}).")
        if head.log != self.log:
            raise damaged(f"Segment {number} is of another log ({segment.path}).")
        if head.number != number or head.segment_bytes != segment.size:
            raise damaged(
                f"Segment {number} was written as segment {head.number} of "
                f"{head.segment_bytes} bytes ({segment.path})."
            )
        if head.first != self.sequence + 1 or head.previous != self.checksum:
            raise damaged(
                f"Segment {number} begins with frame {head.first}, but does not follow frame "
                f"{self.sequence} ({segment.path})."
            )

    def read_through(self, segment: Segment) -> None:
        """Try every frame of a segment, up to the first that is not whole or does not follow."""
        assert segment.head is not None, "a segment without a header was not entered"
        for head in segment.whole_from(ALIGNMENT, segment.head.first, segment.head.previous):
            segment.add(segment.end, head.body_bytes)
            self.sequence, self.checksum, self.time_ns = head.sequence, head.checksum, head.time_ns


def check_sealed(chain: Chain, segment: Segment, seal: Seal | None, folder: Path) -> Seal:
    """Hold a full segment against its seal, by its header only; without one, read it and seal it.

    Fault: ``ledger.log_damaged``.
    """
    chain.enter(segment)
    if seal is None:
        chain.read_through(segment)
        if segment.last_used() > segment.end:
            raise segment.damaged_at(chain.sequence + 1, segment.end)
        return write_seal(segment, chain.sequence, chain.checksum, folder)
    assert segment.head is not None
    head = (segment.number, chain.log.hex(), segment.first, segment.head.previous.hex())
    if head != (seal.segment, seal.log, seal.first, seal.previous) or seal.size != segment.size:
        raise damaged(f"Segment {segment.number} is another than was sealed ({segment.path}).")
    chain.sequence, chain.checksum = seal.last, bytes.fromhex(seal.checksum)
    return seal


def write_seal(segment: Segment, last: int, checksum: bytes, folder: Path) -> Seal:
    """Seal a segment that is full and on disk."""
    assert segment.head is not None
    seal = Seal(
        segment=segment.number,
        log=segment.head.log.hex(),
        first=segment.first,
        last=last,
        previous=segment.head.previous.hex(),
        checksum=checksum.hex(),
        end=segment.end,
        size=segment.size,
    )
    put_file(seal_path(folder, segment.number), seal.text())
    return seal


def cut_torn_end(chain: Chain, segment: Segment) -> Recovered:
    """Clear what stands behind the last whole frame, unless it was once acknowledged.

    A frame is torn when the machine stopped while its group was being written. Whole frames may
    stand behind it, for blocks reach the disk in any order; but none of them then says that the
    torn one was durable. Fault: ``ledger.log_damaged``, naming the frame, where one does.
    """
    start, used = segment.end, segment.last_used()
    if used <= start:
        return Recovered(0, 0)
    lost = 1
    for head in whole_after(segment.view, start, chain.log):
        if head.durable > chain.sequence:
            raise segment.damaged_at(chain.sequence + 1, start)
        lost = max(lost, head.sequence - chain.sequence)
    handle = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        write_zeros(handle, start, used)
        os.fsync(handle)
    finally:
        os.close(handle)
    return Recovered(lost, used - start)


def discard_spare(chain: Chain, segment: Segment, folder: Path) -> Recovered:
    """Remove a last segment whose header was not written, or not wholly; empty ones stay.

    Fault: ``ledger.log_damaged`` where frames in it were acknowledged.
    """
    assert segment.head is None, "a segment with a header was begun"
    used = segment.last_used()
    if not used:
        return Recovered(0, 0)
    lost = 1
    for head in whole_after(segment.view, ALIGNMENT, chain.log):
        if head.durable > chain.sequence:
            raise damaged(
                f"Frame {chain.sequence + 1} is damaged: segment {segment.number}, byte 0, the "
                f"header of the segment ({segment.path})."
            )
        lost = max(lost, head.sequence - chain.sequence)
    segment.path.unlink()
    sync_folder(folder)
    return Recovered(lost, used)


def check_all(segment: Segment, seal: Seal) -> tuple[int, int]:
    """Hold every byte of a full segment against its seal: how many frames, and their bytes.

    Fault: ``ledger.log_damaged``, naming the frame.
    """
    chain = Chain()
    chain.enter(segment)
    chain.read_through(segment)
    if chain.sequence != seal.last or segment.last_used() > segment.end:
        raise segment.damaged_at(chain.sequence + 1, segment.end)
    head = segment.head
    assert head is not None
    read = (head.log.hex(), head.first, head.previous.hex(), chain.checksum.hex(), segment.end)
    if read != (seal.log, seal.first, seal.previous, seal.checksum, seal.end):
        raise damaged(f"Segment {segment.number} is not what was sealed ({segment.path}).")
    return chain.sequence - head.first + 1, segment.end


CLOSED = "log-closed.json"


def note_closed(folder: Path, sequence: int, checksum: bytes) -> None:
    """Write down where a log ended when it was closed in good order."""
    said = {"sequence": sequence, "checksum": checksum.hex()}
    put_file(folder / CLOSED, (json.dumps(said) + "\n").encode())


def forget_closed(folder: Path) -> None:
    """Take the note away before anything is added to the log."""
    path = folder / CLOSED
    if path.exists():
        path.unlink()
        sync_folder(folder)


def check_closed(chain: Chain, segment: Segment) -> None:
    """Hold the end that was found against the note, if the log was closed in good order.

    So a last frame that was acknowledged, then damaged, is not mistaken for one cut short.
    Fault: ``ledger.log_damaged``, naming the frame.
    """
    try:
        said = json.loads((segment.path.parent / CLOSED).read_bytes())
        ended = (int(said["sequence"]), str(said["checksum"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    if chain.sequence < ended[0]:
        raise segment.damaged_at(chain.sequence + 1, segment.end)
    if ended != (chain.sequence, chain.checksum.hex()):
        raise damaged(
            f"The log ends with frame {chain.sequence}, but was closed at frame {ended[0]} "
            f"({segment.path})."
        )
