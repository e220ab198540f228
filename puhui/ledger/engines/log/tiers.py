"""The ids of older events on disk: sorted runs, each of a stretch of the log, merged in tiers.

The runs follow one another from the first event on without a gap. A thread makes a run of each
table that was full, another one of four neighbours of a level; nobody who writes waits for that
one, however long it takes. The file of the merged run has its name before theirs go, so whenever a
process ends the runs can be told from their names. Nothing rests on them: what is missing or
damaged is made again from the log.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault
from puhui.ledger.arrays.sorted_ids import Rows, find_ids, merge_rows, sort_rows, take_ids
from puhui.ledger.engines.log.past import Past
from puhui.ledger.engines.log.run import (
    Run,
    RunFile,
    RunHead,
    open_run,
    run_in_memory,
    run_path,
)

FAN = 4
"""Runs of a level that are merged into one of the next."""

PIECE = 1 << 22
"""Events of a run that is made again, at most."""

Places = NDArray[np.int64]


class Tiers:
    """The runs of a log in order. Searched by one thread, while one makes and another merges."""

    def __init__(self, folder: Path, past: Past, is_burning: NDArray[np.bool_]) -> None:
        """Take up the runs in ``folder`` that are whole and of this log."""
        self._folder = folder
        self._past = past
        self._is_burning = is_burning
        self._guard = threading.Lock()
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="puhui-ledger-ids")
        self._merger = ThreadPoolExecutor(1, thread_name_prefix="puhui-ledger-merge")
        self._making: deque[Future[None]] = deque()
        self._merging: Future[None] | None = None
        self._is_closing = False
        self.runs: tuple[Run, ...] = ()
        self._found: list[Run] = []
        for path in sorted(folder.glob("ids-*")):
            run = open_run(path) if path.suffix == ".run" else None
            if run is not None and run.head.log == past.log_id:
                self._found.append(run)
            else:
                path.unlink()

    # Opening.

    def take_up(self, known: int) -> None:
        """Take the runs that were found, as far as the log bears them out, and make those again
        that are missing among the first ``known`` events.

        Without a snapshot nothing is ``known`` yet, and runs go up to the first that is missing.
        Fault: ``ledger.log_damaged``.
        """
        runs: list[Run] = []
        end = 0
        found = sorted(self._found, key=lambda run: (run.head.first, -run.head.end))
        for run in found:
            head = run.head
            if head.first < end or not self._past.vouches(head.sequence, head.checksum):
                continue
            if head.first > end:
                if head.first > known:
                    break
                runs += self._made_again(end, head.first)
            runs.append(run)
            end = head.end
        if end < known:
            runs += self._made_again(end, known)
        kept = {run.path for run in runs}
        for run in self._found:
            if run.path not in kept and run.path is not None:
                run.path.unlink()
        self._found = []
        self.runs = tuple(runs)

    def _made_again(self, first: int, end: int) -> list[Run]:
        made = []
        while first < end:
            until = self._past.cut(first, end, PIECE)
            made.append(self._made(first, until, is_tried=True))
            first = until
        return made

    @property
    def end(self) -> int:
        """The ordinal that the runs go up to."""
        return self.runs[-1].head.end if self.runs else 0

    # Making.

    def keep(self, end: int, kept: Callable[[], None]) -> None:
        """Have a run made of the events up to before ``end`` that are in none; ``kept`` is called
        when it can be searched. Does not wait.

        Fault: what making one before came to.
        """
        self.wait(0)
        self._making.append(self._maker.submit(self._keep, end, kept))

    def wait(self, at_most_s: float | None) -> None:
        """Wait until the run that was asked for first is made, at most so long where that is said.

        Fault: what making came to.
        """
        if self._making:
            futures.wait(self._making, at_most_s, futures.FIRST_COMPLETED)
        while self._making and self._making[0].done():
            self._making.popleft().result()

    def settle(self) -> None:
        """Wait until nothing is being made or merged. Fault: what that came to."""
        while self._making:
            self.wait(None)
        if self._merging is not None:
            self._merging.result()

    def _keep(self, end: int, kept: Callable[[], None]) -> None:
        first = self.end
        if first < end:
            made = self._made(first, end, is_tried=False)
            with self._guard:
                self.runs = (*self.runs, made)
        kept()
        self._merging = self._merger.submit(self._merge_all)

    def _merge_all(self) -> None:
        while not self._is_closing and self._merge():
            pass

    def _made(self, first: int, end: int, *, is_tried: bool, level: int = 0) -> Run:
        """A run out of the log."""
        parts = []
        for begin, records, status in self._past.batches(first, end, is_tried=is_tried):
            part: Rows = np.empty((len(records), 3), dtype=np.uint64)
            parts.append(part[: take_ids(records, status, self._is_burning, begin, part)])
        rows: Rows = np.concatenate(parts) if parts else np.empty((0, 3), dtype=np.uint64)
        del parts
        sequence, checksum = self._past.frame_before(end)
        head = RunHead(level, len(rows), first, end, sequence, self._past.log_id, checksum)
        try:
            file = RunFile(run_path(self._folder, first, end), len(rows))
        except OSError:
            other = np.empty_like(rows)
            return _in_memory(head, other if sort_rows(rows, other) else rows)
        if not sort_rows(rows, file.rows):
            file.rows[:] = rows
        try:
            return file.finish(head)
        except OSError:
            return _in_memory(head, file.rows.copy())

    def _merge(self) -> bool:
        """Merge neighbours where there are enough of a level; whether there were."""
        runs = self._neighbours()
        if not runs:
            return False
        for run in runs:
            if not run.is_whole:
                if run.head.end > self._past.known:
                    return False
                self._replace((run,), self._made_anew(run))
                return True
        first, last = runs[0].head, runs[-1].head
        count = sum(run.head.ids for run in runs)
        head = last._replace(level=last.level + 1, ids=count, first=first.first)
        try:
            file = RunFile(run_path(self._folder, head.first, head.end), count)
            a, b, c, d = (run.rows for run in runs)
            merge_rows(a, b, c, d, file.rows)
            made = file.finish(head)
        except OSError:
            # The disk is full, or worse: the runs stay as they are.
            return False
        self._replace(runs, made)
        return True

    def _neighbours(self) -> tuple[Run, ...]:
        """The first runs beside each other of the lowest level that has enough; none where none
        has.
        """
        runs, levels = self.runs, [run.head.level for run in self.runs]
        enough = [
            (levels[at], at)
            for at in range(len(runs) - FAN + 1)
            if len(set(levels[at : at + FAN])) == 1
        ]
        return runs[min(enough)[1] :][:FAN] if enough else ()

    def _replace(self, old: tuple[Run, ...], new: Run) -> None:
        with self._guard:
            at = self.runs.index(old[0])
            assert self.runs[at : at + len(old)] == old, "runs are replaced in order"
            self.runs = (*self.runs[:at], new, *self.runs[at + len(old) :])
        for run in old:
            if run.path is not None and run.path != new.path:
                run.path.unlink(missing_ok=True)

    # Searching.

    def find(
        self,
        low: NDArray[np.uint64],
        high: NDArray[np.uint64],
        hashes: NDArray[np.uint64],
        until: int,
        found: Places,
    ) -> None:
        """Find the ordinals, below ``until``, of ids that have -1 in ``found`` ``(n,) int64``.

        A run that turns out to be damaged is made again on the way. Fault: ``ledger.log_damaged``
        where the log is as well.
        """
        while (damaged := self._search(low, high, hashes, until, found)) is not None:
            self._mend(damaged, until)

    def _search(
        self,
        low: NDArray[np.uint64],
        high: NDArray[np.uint64],
        hashes: NDArray[np.uint64],
        until: int,
        found: Places,
    ) -> Run | None:
        """Search all runs; the one that turned out to be damaged, None where none did."""
        lowest = int(high.min())
        for run in self.runs:
            if run.head.first >= until or not run.head.ids or lowest > int(run.fences[-1, 0]):
                continue
            arrays = run.rows, run.fences, run.blooms
            if find_ids(*arrays, low, high, hashes, until, found) >= 0:
                return run
        return None

    def _mend(self, run: Run, until: int) -> None:
        """Make a run again; the log is known up to before the event ``until``.

        Where the run goes further the log is being replayed: what comes later is made then.
        """
        self.settle()
        if run not in self.runs:
            return
        if run.head.end <= until:
            self._replace((run,), self._made_anew(run))
            return
        at = self.runs.index(run)
        later = self.runs[at:]
        self.runs = self.runs[:at]
        for one in later:
            if one.path is not None:
                one.path.unlink(missing_ok=True)
        if run.head.first < until:
            self.runs = (*self.runs, self._made(run.head.first, until, is_tried=True))

    def _made_anew(self, run: Run) -> Run:
        head = run.head
        made = self._made(head.first, head.end, is_tried=True, level=head.level)
        if made.head.ids != head.ids:
            raise Fault(
                "ledger.log_damaged",
                f"The ids of the events {head.first} to {head.end - 1} are not what they were.",
            )
        return made

    @property
    def memory_bytes(self) -> int:
        """What the runs take of memory."""
        return sum(run.memory_bytes for run in self.runs)

    @property
    def id_count(self) -> int:
        """How many ids are in runs."""
        return sum(run.head.ids for run in self.runs)

    def close(self) -> None:
        """Finish the runs that are being made; nothing more is merged."""
        self._is_closing = True
        self._maker.shutdown()
        self._merger.shutdown()


def _in_memory(head: RunHead, rows: Rows) -> Run:
    rows.flags.writeable = False
    return run_in_memory(head, rows)
