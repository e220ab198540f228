"""Frames of the log: a header of 128 bytes, a body of whole records, a chain of SHA-256.

All numbers are little-endian. A frame's checksum is SHA-256 over its header, with the checksum's
own place at nought, and its body; ``previous`` repeats the checksum of the frame before, so the
last checksum vouches for the whole log. ``durable`` is the last sequence that was known to be on
disk when the frame was written: a later frame so proves that an earlier one was acknowledged.
``log`` is a random number of the log, which tells its frames from those of any other and from
bytes in a body that only look like a frame.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

TRANSFERS = 1
ACCOUNTS = 2
PULSE = 3
"""Kinds of frames as the engine ``log`` writes them; the log itself only hands them back."""

ALIGNMENT = 128
"""Bytes: headers, bodies and segments are whole multiples of it, as records are."""

VERSION = 1
MAGIC = b"PUHUIFRM"
SEGMENT_MAGIC = b"PUHUISEG"
CHECKSUM_BYTES = 32
LOG_BYTES = 16

HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u2"),
        ("kind", "<u2"),
        ("count", "<u4"),
        ("sequence", "<u8"),
        ("time_ns", "<u8"),
        ("body_bytes", "<u8"),
        ("durable", "<u8"),
        ("log", "V16"),
        ("previous", "V32"),
        ("checksum", "V32"),
    ]
)
"""The header of a frame, 128 bytes."""

_FRAME = struct.Struct("<8sHHIQQQQ16s32s32s")
_SEGMENT = struct.Struct("<8sH6xQQQ8x16s32s32s")
_NO_CHECKSUM = bytes(CHECKSUM_BYTES)
_MAGIC_WORD = int.from_bytes(MAGIC, "little")

Buffer = bytes | bytearray | memoryview | NDArray[np.uint8]
"""A run of bytes that is handed over without a copy; nobody changes it until it is durable."""


def bytes_of(buffer: Buffer) -> memoryview:
    """The bytes of a buffer, not copied."""
    return memoryview(cast(bytes, buffer)).cast("B")


class Head(NamedTuple):
    """The header of a frame as it stands in a file."""

    magic: bytes
    version: int
    kind: int
    records: int
    sequence: int
    time_ns: int
    body_bytes: int
    durable: int
    log: bytes
    previous: bytes
    checksum: bytes


class SegmentHead(NamedTuple):
    """The first 128 bytes of a segment; ``first`` is the sequence of the first frame in it."""

    magic: bytes
    version: int
    number: int
    first: int
    segment_bytes: int
    log: bytes
    previous: bytes
    checksum: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was read: ``body`` ``(body_bytes,) uint8`` is a view of the file, read only.

    ``sequence`` counts from 1 without gaps; ``time_ns`` (nanoseconds UTC) never goes back;
    ``count`` and ``kind`` are the writer's.
    """

    sequence: int
    kind: int
    time_ns: int
    count: int
    body: NDArray[np.uint8]
    checksum: bytes


def genesis_of(log: bytes) -> bytes:
    """What the first frame of a log repeats as its ``previous``: SHA-256 of the log's number."""
    return hashlib.sha256(log).digest()


def pack_frame(head: Head, buffers: Sequence[memoryview]) -> tuple[bytes, bytes]:
    """The header with its checksum, and the checksum; ``head.checksum`` is not looked at."""
    blank = _FRAME.pack(*head[:-1], _NO_CHECKSUM)
    digest = hashlib.sha256(blank)
    for buffer in buffers:
        digest.update(buffer)
    checksum = digest.digest()
    return blank[:-CHECKSUM_BYTES] + checksum, checksum


def pack_segment(number: int, first: int, segment_bytes: int, log: bytes, previous: bytes) -> bytes:
    """The header of a segment with its checksum."""
    blank = _SEGMENT.pack(
        SEGMENT_MAGIC, VERSION, number, first, segment_bytes, log, previous, _NO_CHECKSUM
    )
    return blank[:-CHECKSUM_BYTES] + hashlib.sha256(blank).digest()


def unpack_segment(view: memoryview) -> SegmentHead | None:
    """The header of a segment, None where it is not whole."""
    if len(view) < ALIGNMENT:
        return None
    head = SegmentHead._make(_SEGMENT.unpack_from(view, 0))
    blank = bytes(view[: ALIGNMENT - CHECKSUM_BYTES]) + _NO_CHECKSUM
    is_whole = head.magic == SEGMENT_MAGIC and head.version == VERSION
    if not is_whole or hashlib.sha256(blank).digest() != head.checksum:
        return None
    return head


def head_at(view: memoryview, position: int) -> Head | None:
    """The header that stands at ``position``, its checksum not tried; None where none can be."""
    if position + ALIGNMENT > len(view):
        return None
    head = Head._make(_FRAME.unpack_from(view, position))
    if head.magic != MAGIC or head.version != VERSION or head.body_bytes % ALIGNMENT:
        return None
    if position + ALIGNMENT + head.body_bytes > len(view):
        return None
    return head


def whole_at(view: memoryview, position: int) -> Head | None:
    """The header that stands at ``position``, if header and body are what was written."""
    head = head_at(view, position)
    if head is None:
        return None
    start = position + ALIGNMENT
    digest = hashlib.sha256(view[position : start - CHECKSUM_BYTES])
    digest.update(_NO_CHECKSUM)
    digest.update(view[start : start + head.body_bytes])
    return head if digest.digest() == head.checksum else None


def whole_after(view: memoryview, position: int, log: bytes) -> Iterator[Head]:
    """All whole frames of ``log`` that begin at ``position`` or later, wherever they stand."""
    position = -(-position // ALIGNMENT) * ALIGNMENT
    words = np.frombuffer(view[position:], dtype="<u8")[:: ALIGNMENT // 8]
    for place in np.flatnonzero(words == _MAGIC_WORD).tolist():
        head = whole_at(view, position + place * ALIGNMENT)
        if head is not None and head.log == log:
            yield head
