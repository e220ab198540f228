"""Reading a log that another process may be writing: no lock, and the writer never waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from puhui.ledger.engines.log.file import Segment, damaged, segment_path, sync_file
from puhui.ledger.engines.log.frame import ALIGNMENT, Frame, SegmentHead, unpack_segment
from puhui.ledger.engines.log.recovery import numbers_in


class FrameReader:
    """Reads frames where they lie; whatever it hands out is on disk.

    A frame that is only partly there is one that is being written: reading stops before it. In a
    segment that others follow it is damage.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segment: Segment | None = None
        self._position = 0
        self._sequence = 0
        self._previous = b""

    def frames(self, after: int = 0) -> Iterator[Frame]:
        """The frames past the sequence ``after``, up to the last whole one that is there now.

        Cheap when it goes on where it ended. Fault: ``ledger.log_damaged``, naming the frame;
        ``ledger.log_failed`` when the disk does not take what was written.
        """
        if self._segment is None or self._sequence != after + 1:
            self._seek(after + 1)
        while (segment := self._segment) is not None:
            # Looked for first: once the next segment is begun, this one grows no more.
            following = self._head_of(segment.number + 1)
            start = self._position
            heads = list(segment.whole_from(start, self._sequence, self._previous))
            end = start + sum(ALIGNMENT + head.body_bytes for head in heads)
            if following is not None and following.first != self._sequence + len(heads):
                raise segment.damaged_at(self._sequence + len(heads), end)
            if following is None and heads:
                sync_file(segment.path)
            for head in heads:
                position = self._position
                self._position += ALIGNMENT + head.body_bytes
                self._sequence, self._previous = head.sequence + 1, head.checksum
                if head.sequence > after:
                    yield segment.frame(position, head)
            if following is None:
                return
            self._enter(segment.number + 1, self._previous)

    def last_sequence(self, after: int = 0) -> int:
        """The sequence of the last frame that is there now; ``after`` where none follows it."""
        for frame in self.frames(after):
            after = frame.sequence
        return after

    def _seek(self, sequence: int) -> None:
        """Go to the segment to begin in for a frame; nowhere while no segment is begun."""
        self._segment = None
        for number in reversed(numbers_in(self.folder).logs):
            head = self._head_of(number)
            if head is not None:
                self._enter(number, None)
                if head.first <= sequence:
                    return

    def _enter(self, number: int, previous: bytes | None) -> None:
        segment = Segment(segment_path(self.folder, number), number)
        head = segment.head
        if head is None or (previous is not None and previous != head.previous):
            raise damaged(f"Segment {number} does not follow the one before ({segment.path}).")
        self._segment, self._position = segment, ALIGNMENT
        self._sequence, self._previous = head.first, head.previous

    def _head_of(self, number: int) -> SegmentHead | None:
        """The header of a segment, None where it is not there or not begun."""
        try:
            with segment_path(self.folder, number).open("rb") as file:
                return unpack_segment(memoryview(file.read(ALIGNMENT)))
        except FileNotFoundError:
            return None
