"""Which segments a log has, and where in them its frames are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.engines.log.file import Segment, segment_path
from puhui.ledger.engines.log.frame import ALIGNMENT

MAPS_MAX = 256
"""Full segments that are mapped at a time; each keeps a file descriptor."""


class Kept:
    """The segments of a log in order; the last one grows, those before it are full.

    Safe to be read from several threads while one adds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._maps: OrderedDict[int, Segment] = OrderedDict()
        self._numbers: list[int] = []
        self._firsts = np.empty(0, dtype=np.int64)
        self._last: Segment | None = None

    @property
    def last(self) -> Segment:
        """The segment that grows."""
        assert self._last is not None, "a log has one segment at least"
        return self._last

    @property
    def first_sequence(self) -> int:
        """The first frame that is kept."""
        return int(self._firsts[0])

    @property
    def full_numbers(self) -> tuple[int, ...]:
        """The numbers of the segments that are full."""
        return tuple(self._numbers[:-1])

    def add(self, segment: Segment) -> None:
        """Go on in a segment; the one before is full."""
        with self._guard:
            if self._last is not None:
                self._keep(self._last)
            self._last = segment
            self._numbers.append(segment.number)
            self._firsts = np.append(self._firsts, segment.first)

    def _keep(self, segment: Segment) -> None:
        self._maps[segment.number] = segment
        while len(self._maps) > MAPS_MAX:
            self._maps.popitem(last=False)

    def find(self, sequence: int) -> tuple[Segment, int]:
        """The segment that holds a frame, indexed, and the last sequence in it.

        Fault: ``ledger.log_damaged`` where frames cannot be found by their headers.
        """
        with self._guard:
            place = int(np.searchsorted(self._firsts, sequence, side="right")) - 1
            assert place >= 0, f"frame {sequence} was pruned"
            return self._at(place)

    def _at(self, place: int) -> tuple[Segment, int]:
        if place == len(self._numbers) - 1:
            return self.last, self.last.first + len(self.last.positions) - 1
        number, last = self._numbers[place], int(self._firsts[place + 1]) - 1
        segment = self._maps.pop(number, None)
        if segment is None:
            segment = Segment(segment_path(self._folder, number), number)
            if segment.head is None or segment.head.first != self._firsts[place]:
                raise segment.damaged_at(int(self._firsts[place]), 0)
        segment.index(last)
        self._keep(segment)
        return segment, last

    def gather(
        self, sequences: NDArray[np.int64], offsets: NDArray[np.int64], width: int
    ) -> NDArray[np.uint8]:
        """As ``FrameLog.gather``, of frames that are in their files."""
        made = np.empty((len(sequences), width), dtype=np.uint8)
        places = np.searchsorted(self._firsts, sequences, side="right") - 1
        assert places.min() >= 0, "a frame that was pruned"
        for place in np.unique(places).tolist():
            here = np.flatnonzero(places == place)
            with self._guard:
                segment, _ = self._at(place)
                positions, end = segment.positions, segment.end
            which = sequences[here] - segment.first
            assert which.max() < len(positions), "a frame that was never appended"
            starts = positions[which] + ALIGNMENT + offsets[here]
            ends = np.append(positions[1:], end)[which]
            assert (offsets[here] >= 0).all(), "an offset before the body"
            assert (starts + width <= ends).all(), "more than the body holds"
            made[here] = segment.rows(starts, width)
        return made


__all__ = ["Kept"]
