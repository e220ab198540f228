"""The segment that comes next, made ahead beside the writing, and how fast it is made.

Sixty-four mebibytes of noughts keep a disk busy for a tenth of a second or more; a frame that is
synced meanwhile waits behind them. So they are written a little at a time, with rests, as long as
the segment that is written fills no faster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from puhui.ledger.engines.log.file import PART_BYTES, Segment, make_segment, segment_path

LITTLE_BYTES = 1 << 18
"""Bytes that are written between two rests."""
REST_S = 0.01


class Pace:
    """Says how much of a segment is written at a time, and rests between: a quarter ahead of what
    is used of the segment before it, and otherwise at its leisure.
    """

    def __init__(self, used: Callable[[], int]) -> None:
        """``used`` says how many bytes of the segment before it are used."""
        self._used = used
        self._is_pressing = threading.Event()

    def press(self) -> None:
        """Rest no more: somebody waits for it."""
        self._is_pressing.set()

    def part(self, made: int) -> int:
        """How many bytes come next where ``made`` are there; rests before, if there is time."""
        if not made:
            return LITTLE_BYTES
        behind = self._used() + self._used() // 4 - made
        if behind <= 0:
            self._is_pressing.wait(REST_S)
        if self._is_pressing.is_set():
            return PART_BYTES
        return max(LITTLE_BYTES, min(behind, PART_BYTES))


def ready_spare(folder: Path, number: int, segment_bytes: int, pace: Pace | None = None) -> Path:
    """The next segment, nothing but noughts: one that is there already, or a new one."""
    path = segment_path(folder, number)
    if path.exists():
        spare = Segment(path, number)
        if spare.size == segment_bytes and not spare.last_used():
            return path
        # Put in its place, never taken away before: others may be listing or reading the folder.
    return make_segment(path, segment_bytes, part=None if pace is None else pace.part)
