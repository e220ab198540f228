"""A process that appends frames and tells which are durable; by a pipe, or on its output.

Run as ``python -m tests.faults.framing append FOLDER COUNT GROUP`` (or ``power``) by tests that
preload a failing disk.
"""

from __future__ import annotations

import contextlib
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from puhui.kernel import Fault
from puhui.ledger.engines.log.segment import FrameLog

SEGMENT_BYTES = 16 << 10
FAILED = 75
"""What the process ends with when the log cannot be written."""


def body_of(sequence: int) -> bytes:
    """Bytes of one to nine records that no other frame has."""
    records = 1 + sequence * 7 % 9
    return np.random.default_rng(sequence).integers(0, 256, records * 128, np.uint8).tobytes()


def append(log: FrameLog, group: int) -> int:
    """Append a group of frames and wait for the last; its sequence."""
    tickets = [
        log.append(1, number, 1, [body_of(number)])
        for number in range(log.last_sequence + 1, log.last_sequence + 1 + group)
    ]
    for ticket in tickets:
        ticket.wait()
    return tickets[-1].sequence


def check(folder: Path, told: int) -> int:
    """What was told is there, and nothing but what was appended; the last sequence there is."""
    with FrameLog.open(folder, segment_bytes=SEGMENT_BYTES) as log:
        assert log.last_sequence >= told, (log.last_sequence, told, log.recovered)
        for frame in log.frames():
            assert frame.body.tobytes() == body_of(frame.sequence), frame.sequence
        assert log.verify().frames == log.last_sequence
        return log.last_sequence


def append_until_killed(told: Connection, folder: str, group: int) -> None:
    """Append for ever; each group that is durable is told by the pipe."""
    with contextlib.suppress(BrokenPipeError):
        log = FrameLog.open(Path(folder), segment_bytes=SEGMENT_BYTES)
        told.send_bytes(b"open")
        while True:
            told.send_bytes(b"%d" % append(log, group))


def append_groups(folder: str, count: str, group: str) -> int:
    """Append so many groups, telling each on the output; ``FAILED`` where the log failed."""
    failures: list[Fault] = []
    log = None
    try:
        log = FrameLog.open(Path(folder), segment_bytes=SEGMENT_BYTES, on_failure=failures.append)
        for _ in range(int(count)):
            os.write(1, b"%d\n" % append(log, int(group)))
        log.close()
    except Fault as fault:
        os.write(2, fault.reason.encode())
        assert fault.code == "ledger.log_failed", fault
        if log is not None:
            stays_failed(log, fault, failures)
        return FAILED
    return 0


def stays_failed(log: FrameLog, fault: Fault, failures: list[Fault]) -> None:
    """A log that failed said so once, takes nothing more, and may be closed."""
    assert failures == [fault]
    with contextlib.suppress(Fault):
        log.append(1, log.last_time_ns, 0, [])
        raise AssertionError("a failed log took a frame")
    log.close()


def cut_power(folder: str, first: str, count: str) -> int:
    """Lose power so many times while appending; after each, tell what was told and what is there.

    The process that appends is a child, which alone sees the failing disk.
    """
    told = 0
    for seed in range(int(first), int(first) + int(count)):
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.environ["PUHUI_DISK_FILE"] = ".log"
            os.environ["PUHUI_DISK_POWER"] = str(2 + seed * 3 % 17)
            os.environ["PUHUI_DISK_SEED"] = str(seed)
            os.dup2(theirs, 1)
            append_groups(folder, "60", str(1 + seed % 7))
            os._exit(1)
        os.close(theirs)
        with os.fdopen(ours) as answers:
            told = max([told, *map(int, answers.read().split())])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        last = check(Path(folder), told)
        print(seed, code, told, last, flush=True)
        told = last
    return 0


if __name__ == "__main__":
    sys.exit({"append": append_groups, "power": cut_power}[sys.argv[1]](*sys.argv[2:]))
