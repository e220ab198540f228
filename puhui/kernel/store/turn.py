"""Whose turn it is to write: two file locks between processes, fair to each."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

from puhui.kernel.errors import Fault

WRITER_WAIT_S_MAX = 30.0
"""How long a process waits for its turn to write before it gives up with a clear error."""


class Turn:
    """The turn to write, between processes: two file locks make it fair.

    Who wants to write holds the gate while waiting for the pen, and lets the gate go once the
    pen is held. So a process that writes without pause queues up behind one that waits.
    """

    def __init__(self, path: Path) -> None:
        self._gate = os.open(f"{path}.gate", os.O_RDWR | os.O_CREAT, 0o600)
        self._pen = os.open(f"{path}.pen", os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> None:
        """Wait for the turn; Fault ``kernel.store_busy`` after a bounded wait."""
        deadline = time.monotonic() + WRITER_WAIT_S_MAX
        _lock(self._gate, deadline)
        try:
            _lock(self._pen, deadline)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def give(self) -> None:
        """Let the next writer go."""
        fcntl.flock(self._pen, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close both lock files."""
        os.close(self._gate)
        os.close(self._pen)


def _lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Fault(
                    "kernel.store_busy", "Another process has been writing for too long."
                ) from None
            time.sleep(0.0005)


def fault_of_file(error: OSError) -> Fault:
    """What trouble with a file beside the store means to people."""
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return Fault("kernel.read_only", f"The store's folder cannot be written to ({error}).")
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Fault("kernel.disk_full", f"The disk is full; nothing was recorded ({error}).")
    return Fault("kernel.store_unavailable", f"The store cannot be opened ({error}).")
