"""What tests of the log have in common: frames that are known by their number, and damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from puhui.kernel import Fault, Refused
from puhui.ledger.engines.log.frame import ALIGNMENT, TRANSFERS
from puhui.ledger.engines.log.reader import FrameReader
from puhui.ledger.engines.log.segment import FrameLog

SMALL = 4096
"""Bytes of a segment here: a handful of frames."""


def body(number: int, records: int = 2) -> np.ndarray:
    """Bytes that no other frame has."""
    return np.random.default_rng(number).integers(0, 256, ALIGNMENT * records, dtype=np.uint8)


def fill(log: FrameLog, count: int, records: int = 2) -> None:
    """Append so many frames, one by one."""
    for _ in range(count):
        number = log.last_sequence + 1
        log.append(TRANSFERS, number * 10, records, [body(number, records)]).wait()


def holds(log: FrameLog | FrameReader, first: int, last: int, records: int = 2) -> None:
    """The log's frames are those that ``fill`` appends, from ``first`` to ``last``."""
    frames = list(log.frames(first - 1))
    assert [frame.sequence for frame in frames] == list(range(first, last + 1))
    for frame in frames:
        assert (frame.kind, frame.count, frame.time_ns) == (1, records, frame.sequence * 10)
        assert frame.body.tobytes() == body(frame.sequence, records).tobytes()


def crash(log: FrameLog, to: Path) -> Path:
    """The folder as it is now, while the log is open: what a stop at once would leave."""
    log._workshop.submit(int).result()
    shutil.copytree(log.folder, to)
    return to


def opened(folder: Path) -> FrameLog:
    """The log in a folder, with small segments."""
    return FrameLog.open(folder, segment_bytes=SMALL)


def flip(path: Path, position: int) -> None:
    """Turn one bit over."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


def fails(code: str, call: Callable[[], object], *words: str) -> None:
    """It is told by this code, with these words."""
    with pytest.raises((Fault, Refused)) as caught:
        call()
    assert caught.value.code == code, caught.value
    for word in words:
        assert word in caught.value.reason, (word, caught.value.reason)
