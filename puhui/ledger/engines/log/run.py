"""Files of sorted ids: written whole and durable or not at all, mapped when they are read.

A header of 128 bytes, the rows, the fences and the filter (``arrays.sorted_ids``); little-endian.
The header holds SHA-256 over itself, with that place at nought, the fences and the filter; each
block of rows has its check among the fences, and is tried whenever it is read. The file names the
events that it is about, ``first`` up to before ``end``, and the frame that ends them, by number and
checksum: a run is of a log only if the log has that frame.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from puhui.ledger.arrays.sorted_ids import Rows, blocks_of, bloom_rows_of, find_damage, make_index
from puhui.ledger.engines.log.file import sync_folder, write_all
from puhui.ledger.engines.log.frame import bytes_of

MAGIC = b"PUHUIIDS"
VERSION = 1
HEAD_BYTES = 128
ROW_BYTES = 24
_HEAD = struct.Struct("<8sHH4xQQQQ16s32s32s")
_NO_DIGEST = bytes(32)

assert _HEAD.size == HEAD_BYTES, _HEAD.size


class RunHead(NamedTuple):
    """What a run says of itself; ``level`` is how often its ids have been merged."""

    level: int
    ids: int
    first: int
    end: int
    sequence: int
    log: bytes
    checksum: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run that can be searched; without a path where the disk did not take it."""

    head: RunHead
    rows: Rows
    fences: Rows
    blooms: Rows
    path: Path | None

    @property
    def memory_bytes(self) -> int:
        """What it takes of memory while it is on disk."""
        rows = self.rows.nbytes if self.path is None else 0
        return rows + self.fences.nbytes + self.blooms.nbytes

    @property
    def is_whole(self) -> bool:
        """Whether every block is what was written."""
        return not self.head.ids or find_damage(self.rows, self.fences) < 0


def run_path(folder: Path, first: int, end: int) -> Path:
    """Where the run of the events from ``first`` up to before ``end`` is."""
    return folder / f"ids-{first:013d}-{end:013d}.run"


def _index_of(rows: Rows) -> tuple[Rows, Rows]:
    fences: Rows = np.zeros((blocks_of(len(rows)) + 1, 3), dtype=np.uint64)
    blooms: Rows = np.zeros((bloom_rows_of(len(rows)), 8), dtype=np.uint64)
    if len(rows):
        make_index(rows, fences, blooms)
    return fences, blooms


def _packed(head: RunHead, digest: bytes) -> bytes:
    return _HEAD.pack(MAGIC, VERSION, *head, digest)


def _digest(head: RunHead, fences: Rows, blooms: Rows) -> bytes:
    made = hashlib.sha256(_packed(head, _NO_DIGEST))
    made.update(fences.data)
    made.update(blooms.data)
    return made.digest()


class RunFile:
    """A file that is being made: room on disk first, then the rows, then the rest and its name."""

    def __init__(self, path: Path, count: int) -> None:
        """Make room for so many ids. Raises OSError where there is none."""
        self.path = path
        self._new = path.with_name(path.name + ".new")
        self._handle = os.open(self._new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            size = HEAD_BYTES + count * ROW_BYTES
            # What is not there when a mapped byte is written would end the process.
            os.posix_fallocate(self._handle, 0, size)
            self._map = mmap.mmap(self._handle, size)
        except OSError:
            self.drop()
            raise
        made = np.frombuffer(self._map, dtype=np.uint64)
        self.rows: Rows = made[HEAD_BYTES // 8 :].reshape(count, 3)

    def finish(self, head: RunHead) -> Run:
        """Make the rows, which are sorted, durable under the file's name. Raises OSError.

        They were written as memory; Linux counts that as written to the file, so that ``fsync``
        takes it along. To flush the memory itself would hold up every thread of the interpreter.
        """
        fences, blooms = _index_of(self.rows)
        parts = [bytes_of(fences.view(np.uint8)), bytes_of(blooms.view(np.uint8))]
        try:
            write_all(self._handle, parts, HEAD_BYTES + head.ids * ROW_BYTES)
            packed = _packed(head, _digest(head, fences, blooms))
            write_all(self._handle, [memoryview(packed)], 0)
            os.fsync(self._handle)
            os.replace(self._new, self.path)
            sync_folder(self.path.parent)
        except OSError:
            self.drop()
            raise
        os.close(self._handle)
        self.rows.flags.writeable = False
        return Run(head, self.rows, fences, blooms, self.path)

    def drop(self) -> None:
        """Give the file up."""
        os.close(self._handle)
        self._new.unlink(missing_ok=True)


def run_in_memory(head: RunHead, rows: Rows) -> Run:
    """A run that the disk did not take."""
    fences, blooms = _index_of(rows)
    return Run(head, rows, fences, blooms, None)


def open_run(path: Path) -> Run | None:
    """The run in a file, None where its header, fences or filter are not what was written."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(handle).st_size
        if size < HEAD_BYTES:
            return None
        view = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
    finally:
        os.close(handle)
    magic, version, *said, digest = _HEAD.unpack_from(view, 0)
    head = RunHead(*said)
    blocks, bloom_rows = blocks_of(head.ids), bloom_rows_of(head.ids)
    until = HEAD_BYTES + head.ids * ROW_BYTES
    whole = until + (blocks + 1) * ROW_BYTES + bloom_rows * 64
    if (magic, version, whole) != (MAGIC, VERSION, size):
        return None
    words: Rows = np.frombuffer(view, dtype=np.uint64)
    index = words[until // 8 :].copy()
    fences, blooms = index[: (blocks + 1) * 3].reshape(-1, 3), index[(blocks + 1) * 3 :]
    blooms = blooms.reshape(-1, 8)
    if _digest(head, fences, blooms) != digest or path.name != _name_of(head):
        return None
    return Run(head, words[HEAD_BYTES // 8 : until // 8].reshape(-1, 3), fences, blooms, path)


def _name_of(head: RunHead) -> str:
    return run_path(Path(), head.first, head.end).name


def broken_runs(folder: Path) -> tuple[str, ...]:
    """What is wrong with the runs in a folder, in words, none where nothing is; it only reads."""
    found = []
    for path in sorted(folder.glob("ids-*.run")):
        run = open_run(path)
        # One that is gone by now was merged into another.
        if (run is None or not run.is_whole) and path.exists():
            found.append(
                f"{path} is damaged. No transfer is lost: it is made again from the log, when the "
                "ledger is opened or the damage is met."
            )
    return tuple(found)
