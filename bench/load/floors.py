"""What the machine itself takes, measured in the same minutes: nothing can be faster than that."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from bench.load.transfers import Load
from puhui.ledger.arrays.record import TRANSFER

FRAME_HEAD = 4096
"""Bytes that a frame of the log has before its transfers, as frames begin at whole pages."""
SYNCS = 200


def sync_ms(folder: Path, transfers: int) -> tuple[float, float]:
    """Median and 99th percentile of writing a frame of so many transfers and of ``fdatasync``,
    milliseconds, where the file has its room already.
    """
    size = FRAME_HEAD + -(-transfers * TRANSFER.itemsize // FRAME_HEAD) * FRAME_HEAD
    data, waits = os.urandom(size), []
    handle = os.open(folder / "floor", os.O_CREAT | os.O_RDWR)
    try:
        for number in range(SYNCS):
            os.pwrite(handle, bytes(size), number * size)
        os.fsync(handle)
        for number in range(SYNCS):
            start = time.perf_counter()
            os.pwrite(handle, data, number * size)
            os.fdatasync(handle)
            waits.append(time.perf_counter() - start)
    finally:
        os.close(handle)
        (folder / "floor").unlink()
    cut = np.percentile(np.array(waits) * 1000, [50, 99])
    return float(cut[0]), float(cut[1])


def copies_per_s(load: Load) -> float:
    """Transfers a second that are copied from one place in memory to another, and no more."""
    parts = [batch.view(np.uint8) for batch in load.batches]
    room = np.empty(max(map(len, parts)), dtype=np.uint8)
    start = time.perf_counter()
    for part in parts:
        room[: len(part)] = part
    return load.transfers / (time.perf_counter() - start)
