"""The write-ahead log of an SQLite file: damage in its middle is told, where SQLite stays silent.

When a file is opened after a crash, SQLite reads its log up to the first frame that is not what was
written, and leaves out everything behind: right for a tail that a power cut left unfinished, and a
silent loss where a frame was damaged that had been durable. The log itself tells one from the
other: a commit is synced before the next one is written. So where a commit ends past the place at
which reading stopped, and a whole frame follows from it, all before that frame had been durable.

Layout: https://www.sqlite.org/walformat.html (sections 1.1, 2.1 and 2.2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEADER_BYTES = 32
FRAME_BYTES = 24
BLOCK_BYTES = 512
"""What a power cut leaves old or new as a whole: a header across two may be half of each."""
STRANGE_MAX = 8
"""After so many frames in a row of an earlier round of the log nothing more is looked at."""
_MAGIC = 0x377F0682
_INDEX_BYTES = 48


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame where it stands: its number from 1 on, whether it ends a commit, and whether its
    checksum follows from the frame before it.
    """

    number: int
    is_commit: bool
    is_whole: bool


def damage_in_log(path: Path) -> str | None:
    """What is wrong with the log beside the file ``path``, in words; None where nothing is.

    The caller has the turn to write and has begun to, so that SQLite has read the log and nobody
    adds to it.
    """
    try:
        with Path(f"{path}-wal").open("rb") as log, Path(f"{path}-shm").open("rb") as index:
            return _damage(log, index.read(_INDEX_BYTES))
    except FileNotFoundError:
        return None


def _damage(log: BinaryIO, index: bytes) -> str | None:
    header = log.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or len(index) < _INDEX_BYTES:
        return None
    magic, _, page_bytes, _ = struct.unpack(">4I", header[:16])
    order = ">" if magic & 1 else "<"
    if magic | 1 != _MAGIC | 1 or _sum(header[:24], (0, 0), order) != _stored(header[24:]):
        if not any(header):
            return None
        return "The header of its log (-wal) is not what was written."
    if header[16:24] != index[32:40]:
        return None  # a new round has begun, of which nothing is written yet
    (read,) = struct.unpack("=I", index[16:20])
    last = None
    for frame in _frames(log, page_bytes, order, header, after=read):
        if frame.is_whole and last is not None and last.is_commit:
            return (
                f"Frame {read + 1} of its log (-wal) is not what was written, and frame "
                f"{frame.number} says that it was durable."
            )
        last = frame
    return None


def _frames(
    log: BinaryIO, page_bytes: int, order: str, header: bytes, *, after: int
) -> Iterator[_Frame]:
    """The frames behind frame ``after``, as long as they may be of this round.

    A frame follows from the one before it by the checksum that stands there, or by the one that
    should stand there: either may be what was damaged.
    """
    size = FRAME_BYTES + page_bytes
    known = {_stored(header[24:])}
    if after:
        log.seek(HEADER_BYTES + (after - 1) * size)
        known = {_stored(log.read(FRAME_BYTES)[16:])}
    log.seek(HEADER_BYTES + after * size)
    number, strange = after, 0
    while strange < STRANGE_MAX:
        content = log.read(size)
        if len(content) < size:
            return
        number += 1
        is_ours = content[8:16] == header[16:24]
        strange = 0 if is_ours else strange + 1
        stored = _stored(content[16:24])
        made = {_sum(content[FRAME_BYTES:], _sum(content[:8], one, order), order) for one in known}
        is_whole = is_ours and stored in made
        at = HEADER_BYTES + (number - 1) * size
        is_written_at_once = at % BLOCK_BYTES <= BLOCK_BYTES - FRAME_BYTES
        yield _Frame(number, any(content[4:8]) and (is_whole or is_written_at_once), is_whole)
        known = {stored, *made}


def _stored(checksum: bytes) -> tuple[int, int]:
    one, two = struct.unpack(">2I", checksum)
    return one, two


def _sum(content: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's checksum of words of four bytes, two at a time, going on from ``before``."""
    one, two = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for place in range(0, len(words), 2):
        one = (one + words[place] + two) & 0xFFFFFFFF
        two = (two + words[place + 1] + one) & 0xFFFFFFFF
    return one, two
