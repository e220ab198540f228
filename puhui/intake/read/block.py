"""Bytes into lines, in blocks of bounded size: a line that is too long is never held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK_BYTES = 1 << 18
LINE_BYTES_MAX = 1 << 20

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes of the file."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines in order without their line feeds, the first numbered ``first``.

    None stands for a line over ``LINE_BYTES_MAX``. ``is_last`` marks the end of the file, and
    ``is_cut`` that its last line has no line feed.
    """

    first: int
    lines: list[bytes | None]
    is_last: bool = False
    is_cut: bool = False


class BlockReader:
    """Reads a stream once: blocks of lines, the digest and the count of its bytes."""

    def __init__(self, stream: BinaryIO, size: int, progress: Progress | None) -> None:
        self._stream = stream
        self._size = size
        self._progress = progress
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.lines = 0

    def digest(self) -> str:
        """The SHA-256 of what was read so far, in hex."""
        return self._hash.hexdigest()

    def blocks(self) -> Iterator[Block]:
        """The lines of the stream; at most a chunk and the longest line are held at once."""
        pending = b""
        is_skipping = False
        while chunk := self._next_chunk():
            if is_skipping:
                end = chunk.find(b"\n")
                if end < 0:
                    continue
                chunk, is_skipping = chunk[end + 1 :], False
                yield self._block([None])
            parts = (pending + chunk).split(b"\n")
            pending = parts.pop()
            if parts:
                lines: list[bytes | None] = [*parts]
                if len(parts[0]) > LINE_BYTES_MAX:
                    lines[0] = None
                yield self._block(lines)
            if len(pending) > LINE_BYTES_MAX:
                pending, is_skipping = b"", True
        rest: list[bytes | None] = [None] if is_skipping else [pending] if pending else []
        yield self._block(rest, is_last=True, is_cut=bool(rest))

    def _block(self, lines: list[bytes | None], **ends: bool) -> Block:
        first = self.lines + 1
        self.lines += len(lines)
        return Block(first, lines, **ends)

    def _next_chunk(self) -> bytes:
        chunk = self._stream.read(CHUNK_BYTES)
        self._hash.update(chunk)
        self.bytes += len(chunk)
        if chunk and self._progress is not None:
            self._progress(self.bytes, max(self._size, self.bytes))
        return chunk
