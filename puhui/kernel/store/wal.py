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
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 32
FRAME_BYTES = 24
BLOCK_BYTES = 512
"""What a power cut leaves old or new as a whole: a header across two may be half of each."""
STRANGE_MAX = 8
"""After so many frames in a row of an earlier round of the log nothing more is looked at."""
_MAGIC = 0x377F0682
_WORD = 0xFFFFFFFF
AT_ONCE = 256
"""Frames that are summed at once."""

Words = NDArray[np.uint32]


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

    The caller has the turn to write and has begun to, so that nobody adds to the log. The index of
    the log (-shm) is left alone: a process that closes it, opened however, loses the locks that
    SQLite holds on it there (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        with Path(f"{path}-wal").open("rb") as log:
            return _damage(log)
    except FileNotFoundError:
        return None


def _damage(log: BinaryIO) -> str | None:
    header = log.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    magic, _, page_bytes, _ = struct.unpack(">4I", header[:16])
    order = ">" if magic & 1 else "<"
    if magic | 1 != _MAGIC | 1 or _sum(header[:24], (0, 0), order) != _stored(header[24:]):
        if not any(header):
            return None
        return "The header of its log (-wal) is not what was written."
    read = _read_by_sqlite(log, page_bytes, order, header)
    last = None
    for frame in _frames(log, page_bytes, order, header, after=read):
        if frame.is_whole and last is not None and last.is_commit:
            return (
                f"Frame {read + 1} of its log (-wal) is not what was written, and frame "
                f"{frame.number} says that it was durable."
            )
        last = frame
    return None


def _read_by_sqlite(log: BinaryIO, page_bytes: int, order: str, header: bytes) -> int:
    """How many frames are read after a crash: up to the last commit before the first frame that is
    not of this round, or not what was written. Sums of many frames are made at once.
    """
    size = FRAME_BYTES + page_bytes
    weights, turn = _weights(2 + page_bytes // 4)
    known, number, read = _stored(header[24:]), 0, 0
    while content := log.read(AT_ONCE * size):
        frames = np.frombuffer(content[: len(content) // size * size], np.uint8).reshape(-1, size)
        summed = np.concatenate((frames[:, :8], frames[:, FRAME_BYTES:]), axis=1)
        words = np.ascontiguousarray(summed).view(f"{order}u4").astype(np.uint32)
        own = [np.sum(words * weight, axis=1, dtype=np.uint32).tolist() for weight in weights]
        for place, (one, two) in enumerate(zip(*own, strict=True)):
            told = frames[place, :FRAME_BYTES].tobytes()
            known = (
                (turn[0] * known[0] + turn[1] * known[1] + one) & _WORD,
                (turn[1] * known[0] + turn[2] * known[1] + two) & _WORD,
            )
            if told[8:16] != header[16:24] or _stored(told[16:24]) != known:
                return read
            number += 1
            if any(told[4:8]):
                read = number
    return read


@lru_cache(maxsize=4)
def _weights(words: int) -> tuple[tuple[Words, Words], tuple[int, int, int]]:
    """What each word of a frame counts in its two sums, and what the sums before count.

    A step takes the sums (p, q) and two words (a, b) to (p + q + a, p + 2q + a + b), so what came
    k steps before counts by the k-th power of the matrix (1, 1; 1, 2), which is symmetric.
    """
    made: tuple[Words, Words] = (np.empty(words, np.uint32), np.empty(words, np.uint32))
    power = (1, 0, 1)
    for place in range(words - 2, -1, -2):
        for weight, (own, cross) in zip(made, (power[:2], power[1:]), strict=True):
            weight[place], weight[place + 1] = (own + cross) & _WORD, cross
        p, q, r = power
        power = ((p + q) & _WORD, (p + 2 * q) & _WORD, (q + 2 * r) & _WORD)
    return made, power


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
        one = (one + words[place] + two) & _WORD
        two = (two + words[place + 1] + one) & _WORD
    return one, two
