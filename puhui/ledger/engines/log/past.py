"""Which frame holds which event, and the events of a stretch of the log read again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.record import TRANSFER, Records
from puhui.ledger.engines.log.body import WIDTH, body_of
from puhui.ledger.engines.log.segment import FrameLog

Places = NDArray[np.int64]
Batch = tuple[int, Records, NDArray[np.uint16]]
"""The ordinal of a batch's first event, its records, and what became of each."""


class Past:
    """The frames of transfers by the ordinals of their events; one thread adds, others read."""

    def __init__(self, log: FrameLog) -> None:
        self._log = log
        self._firsts = np.zeros(1024, dtype=np.int64)
        self._sequences = np.zeros(1024, dtype=np.int64)
        self._count = 0

    @property
    def log_id(self) -> bytes:
        """The number of the log."""
        return self._log.id

    @property
    def firsts(self) -> Places:
        """The ordinal of each frame's first event."""
        count = self._count
        return self._firsts[:count]

    @property
    def sequences(self) -> Places:
        """The number of each frame in the log."""
        count = self._count
        return self._sequences[:count]

    @property
    def known(self) -> int:
        """An ordinal up to which the frames are known, all but the last."""
        return int(self.firsts[-1]) if self._count else 0

    def add(self, first: int, sequence: int) -> None:
        """Note the next frame."""
        count = self._count
        if count == len(self._firsts):
            self._firsts = np.concatenate([self._firsts, np.zeros_like(self._firsts)])
            self._sequences = np.concatenate([self._sequences, np.zeros_like(self._sequences)])
        self._firsts[count] = first
        self._sequences[count] = sequence
        self._count = count + 1

    def restore(self, firsts: Places, sequences: Places) -> None:
        """Take up what was noted."""
        spare = np.zeros(1024, dtype=np.int64)
        self._firsts = np.concatenate([firsts, spare])
        self._sequences = np.concatenate([sequences, spare])
        self._count = len(firsts)

    def place_of(self, ordinal: int) -> int:
        """The place of the frame that holds an event, 0 where none does."""
        return max(0, int(np.searchsorted(self.firsts, ordinal, side="right")) - 1)

    def gather(self, ordinals: Places) -> Records:
        """Recorded transfers by ordinal, read from their segments."""
        at = np.searchsorted(self.firsts, ordinals, side="right") - 1
        offsets = (ordinals - self._firsts[at]) * WIDTH
        read = self._log.gather(self._sequences[at], offsets, WIDTH)
        made: Records = np.frombuffer(read, dtype=TRANSFER)
        return made

    def batch(self, place: int) -> Batch:
        """The batch of a frame, tried against its checksum. Fault: ``ledger.log_damaged``."""
        read = self._log.frame(int(self._sequences[place]))
        return int(self._firsts[place]), *body_of(read)

    def first_since(self, from_ns: int) -> int:
        """The first event of a frame that ends at ``from_ns`` or later; no event before it has such
        a time, as imported ones are older than their frame. Past all events where there is none.
        """
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            frame = self._log.frame(int(self._sequences[middle]), is_tried=False)
            low, high = (low, middle) if frame.time_ns >= from_ns else (middle + 1, high)
        return int(self._firsts[low]) if low < self._count else 1 << 62

    # What runs of ids are made from and held against.

    def batches(self, first: int, end: int, *, is_tried: bool) -> Iterator[Batch]:
        """The batches from the event ``first`` up to before ``end``, each where it begins.

        Waits until they are durable; ``is_tried`` against their checksums. Fault:
        ``ledger.log_damaged``, ``ledger.log_failed``.
        """
        firsts, sequences = self.firsts, self.sequences
        for place in range(*np.searchsorted(firsts, [first, end]).tolist()):
            read = self._log.frame(int(sequences[place]), is_tried=is_tried)
            yield int(firsts[place]), *body_of(read)

    def frame_before(self, end: int) -> tuple[int, bytes]:
        """The number and the checksum of the frame that holds the event before ``end``."""
        sequence = int(self.sequences[self.place_of(end - 1)])
        return sequence, self._log.frame(sequence).checksum

    def vouches(self, sequence: int, checksum: bytes) -> bool:
        """Whether the log has the frame ``sequence`` with this checksum, or gave it up."""
        if 0 < sequence < self._log.first_sequence:
            return True
        return self._log.checksum_of(sequence) == checksum

    def cut(self, first: int, end: int, at_most: int) -> int:
        """Where a batch begins about ``at_most`` events behind ``first``, at most ``end``."""
        place = self.place_of(first + at_most)
        begins = int(self.firsts[place])
        if begins <= first:
            begins = int(self.firsts[place + 1]) if place + 1 < self._count else end
        return min(begins, end)


__all__ = ["Batch", "Past"]
