"""The engine ``log``: one writer, a state machine in memory, and a log that is durable first.

A batch is judged against the arrays in memory, its records go to the log, and the caller is
answered when the log says that they are on disk. Opening takes the newest snapshot and judges all
later records again: statuses and records that come out otherwise than they stand there are a
fault that is named, never mended.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault
from puhui.ledger.arrays.layout import IMPORTED
from puhui.ledger.arrays.record import CODES, TRANSFER, Records, check_size, id_halves
from puhui.ledger.arrays.whole import copy_rows
from puhui.ledger.engines import END_NS, Page, Results
from puhui.ledger.engines.log.accounts import judge_account_records
from puhui.ledger.engines.log.body import body_of, joined
from puhui.ledger.engines.log.file import SEGMENT_BYTES
from puhui.ledger.engines.log.frame import ACCOUNTS, PULSE, TRANSFERS, Frame
from puhui.ledger.engines.log.ids import Ids, ids_memory
from puhui.ledger.engines.log.index import Index, posted_of
from puhui.ledger.engines.log.past import Past
from puhui.ledger.engines.log.recent import Recent
from puhui.ledger.engines.log.segment import FrameLog
from puhui.ledger.engines.log.snapshot import load_snapshot, save_snapshot
from puhui.ledger.engines.log.state import BURNING, Judged, State, words_of
from puhui.ledger.engines.log.tiers import Tiers
from puhui.ledger.engines.log.writer import Ticket
from puhui.ledger.nouns import Status

_CREATED = CODES[Status.CREATED]
SNAPSHOT_EVENTS = 100_000
"""A closing engine writes a snapshot where more events than these came after the last one."""

WIDTH = 128


def stop_process(fault: Fault) -> None:
    """End the process at once: what a disk lost after a failed sync cannot be known."""
    sys.stderr.write(f"puhui: {fault.reason} The process stops.\n")
    sys.stderr.flush()
    os._exit(70)


class OnItsWay:
    """A batch that was judged and is being made durable."""

    __slots__ = ("_ticket", "results")

    def __init__(self, results: Results, ticket: Ticket | None) -> None:
        self.results = results
        self._ticket = ticket

    def wait(self) -> Results:
        """The results, once durable. Fault: ``ledger.log_failed``."""
        if self._ticket is not None:
            self._ticket.wait()
        return self.results


class LogEngine:
    """A ledger in a folder of its own; one process writes it at a time.

    ``submit`` judges a batch and returns at once, so that the next one is judged while this one
    goes to disk; ``create_transfers`` waits. Safe to be called from several threads.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        ids: int = 1 << 20,
        ids_bytes: int | None = None,
        on_failure: Callable[[Fault], None] = stop_process,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Open the ledger in ``folder``, empty or not; ``ids`` is how many are expected.

        ``ids_bytes`` bounds the memory for the newest ids, else ``PUHUI_LEDGER_IDS_MIB`` does.
        ``on_failure`` is called when the log cannot be written any more; ``progress`` with the
        number of events replayed. Refused: ``ledger.log_in_use``. Fault: ``ledger.log_damaged``,
        ``ledger.replay_differs``.
        """
        self.folder = folder
        self._lock = threading.RLock()
        self._log = FrameLog.open(folder, segment_bytes=segment_bytes, on_failure=on_failure)
        self._recent = Recent()
        self._ticket: Ticket | None = None
        self._past = Past(self._log)
        self._tiers = Tiers(folder, self._past, BURNING)
        memory_bytes = ids_memory() if ids_bytes is None else ids_bytes
        self._state = State(ids=Ids(ids, memory_bytes=memory_bytes, tiers=self._tiers))
        self._index = Index(folder)
        self._snapshot_at = 0
        self.is_import_seen = False
        try:
            self._replay(self._restore(), progress)
        except BaseException:
            self._tiers.close()
            self._index.close()
            self._log.close()
            raise

    # Writing.

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        """As ``LedgerEngine``."""
        check_size(len(accounts), "accounts")
        if not len(accounts):
            return Results(np.empty(0, np.uint16), np.empty(0, np.uint64))
        with self._lock:
            last_ns = self._state.time_of_batch(now_ns, len(accounts))
            records, status = self._take_accounts(accounts, last_ns)
            pieces = [records.view(np.uint8)]
            ticket = self._append(ACCOUNTS, last_ns, pieces, status, is_awaited=True)
        ticket.wait()
        return Results(status, np.where(status == _CREATED, records["time_ns"], np.uint64(0)))

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        """As ``LedgerEngine``."""
        # What need not be durable goes to disk with what is waited for next.
        made = self._submit(transfers, now_ns, is_awaited=True)
        return made.wait() if is_durable else made.results

    def submit(self, transfers: Records, now_ns: int) -> OnItsWay:
        """Judge a batch and send it on its way to the disk. Refused: ``ledger.batch_too_large``."""
        return self._submit(transfers, now_ns, is_awaited=False)

    def _submit(self, transfers: Records, now_ns: int, *, is_awaited: bool) -> OnItsWay:
        check_size(len(transfers), "transfers")
        if not len(transfers):
            return OnItsWay(Results(np.empty(0, np.uint16), np.empty(0, np.uint64)), None)
        with self._lock:
            last_ns = self._state.time_of_batch(now_ns, len(transfers))
            judged, pieces = self._take_transfers(transfers, last_ns)
            times = judged.records["time_ns"].copy()
            times[judged.failed] = 0
            ticket = self._append(TRANSFERS, last_ns, pieces, judged.status, is_awaited=is_awaited)
        return OnItsWay(Results(judged.status, times), ticket)

    def _append(
        self,
        kind: int,
        last_ns: int,
        pieces: list[NDArray[np.uint8]],
        status: NDArray[np.uint16],
        *,
        is_awaited: bool,
    ) -> Ticket:
        spare = -2 * len(status) % WIDTH
        body = [*pieces, status.view(np.uint8), np.zeros(spare, dtype=np.uint8)]
        self._ticket = self._log.append(kind, last_ns, len(status), body, is_awaited=is_awaited)
        if kind == TRANSFERS:
            self._past.add(self._state.ordinals - len(status), self._ticket.sequence)
        return self._ticket

    def _take_accounts(self, batch: Records, last_ns: int) -> tuple[Records, NDArray[np.uint16]]:
        state = self._state
        places = state.find_slots(batch["id_lo"], batch["id_hi"])
        known = state.accounts[places[places >= 0]]
        status, created = judge_account_records(batch, known, last_ns - len(batch) + 1)
        records = copy_rows(batch)
        own = created[batch["flags"][created] & np.uint16(16) == 0]
        records["time_ns"][own] = last_ns - len(batch) + 1 + own
        state.add(records[created])
        state.last_ns = max(state.last_ns, last_ns)
        return records, status

    def _take_transfers(
        self, batch: Records, last_ns: int
    ) -> tuple[Judged, list[NDArray[np.uint8]]]:
        state = self._state
        begin = state.ordinals
        recent = self._recent
        judged = state.judge(batch, last_ns, self._gather, recent.words, recent.first)
        self.is_import_seen |= bool(batch["flags"][0] & IMPORTED)
        pieces = self._recent.add(begin, judged.records)
        self._index.feed(judged, state.account_count)
        return judged, pieces

    def _settle(self, now_ns: int, *, is_durable: bool = True) -> None:
        """Make what was answered last durable, and end pendings whose time has come."""
        if self._state.is_due(now_ns):
            last_ns = self._state.time_of_batch(now_ns, 0)
            self._state.expire(last_ns)
            self._ticket = self._log.append(PULSE, last_ns, 0, [], is_awaited=True)
        if self._ticket is not None and is_durable:
            self._ticket.wait()

    # Opening.

    def _restore(self) -> int:
        """Take the newest snapshot up; returns the frame that it stands behind, 0 for none."""
        found = load_snapshot(self.folder, self._log.checksum_of)
        if found is None or not self._index.restore(found[1]):
            self._tiers.take_up(0)
            return 0
        sequence, arrays = found
        self._past.restore(arrays["firsts"], arrays["sequences"])
        self._tiers.take_up(int(arrays["ids"][0]))
        self._state = State.restored(arrays, ids=self._state.ids)
        self.is_import_seen = bool(arrays["is_import_seen"][0])
        self._snapshot_at = self._state.ordinals
        self._recent.begin_at(self._state.ordinals)
        return sequence

    def _replay(self, after: int, progress: Callable[[int], None] | None) -> None:
        for frame in self._log.frames(after=after):
            self.take_frame(frame)
            if progress is not None:
                progress(self._state.ordinals)

    def take_frame(self, frame: Frame) -> None:
        """Do again what a frame says. Fault: ``ledger.replay_differs``."""
        if frame.kind == PULSE:
            self._state.expire(frame.time_ns)
            return
        recorded, status = body_of(frame)
        asked = copy_rows(recorded)
        own = (status == _CREATED) & (recorded["flags"] & _imported_flag(frame.kind) == 0)
        asked["time_ns"][own] = 0
        if frame.kind == ACCOUNTS:
            records, now = self._take_accounts(asked, frame.time_ns)
        else:
            judged, _ = self._take_transfers(asked, frame.time_ns)
            records, now = judged.records, judged.status
            self._past.add(self._state.ordinals - frame.count, frame.sequence)
        if not np.array_equal(now, status) or records.tobytes() != recorded.tobytes():
            raise Fault(
                "ledger.replay_differs",
                f"Frame {frame.sequence} of the log comes out otherwise when it is judged again.",
            )

    # Reading.

    def _gather(self, ordinals: NDArray[np.int64]) -> Records:
        is_recent = ordinals >= self._recent.first
        made: Records = np.empty(len(ordinals), dtype=TRANSFER)
        if is_recent.all():
            words_of(made)[:] = self._recent.rows(ordinals)
            return made
        words_of(made)[is_recent] = self._recent.rows(ordinals[is_recent])
        older = np.flatnonzero(~is_recent)
        made[older] = self._past.gather(ordinals[older])
        return made

    def lookup_accounts(
        self, ids: NDArray[np.uint64], now_ns: int, *, is_durable: bool = True
    ) -> Records:
        """As ``LedgerEngine``."""
        with self._lock:
            self._settle(now_ns, is_durable=is_durable)
            slots = self._state.find_slots(
                np.ascontiguousarray(ids[:, 0]), np.ascontiguousarray(ids[:, 1])
            )
            return self._state.sums(slots[slots >= 0])

    def lookup_transfers(self, ids: NDArray[np.uint64], *, is_durable: bool = True) -> Records:
        """As ``LedgerEngine``."""
        with self._lock:
            self._settle(0, is_durable=is_durable)
            low, high = np.ascontiguousarray(ids[:, 0]), np.ascontiguousarray(ids[:, 1])
            found = self._state.find_ordinals(low, high, self._gather)
            return self._gather(found[(found >= 0) & (found < 1 << 39)])

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        """As ``LedgerEngine``."""
        with self._lock:
            self._settle(now_ns)
            until = min(after + count, self._state.account_count)
            return self._state.sums(np.arange(after, max(after, until)))

    def account_transfers(
        self, account_id: int, *, after: int, count: int, from_ns: int, until_ns: int
    ) -> Page:
        """As ``LedgerEngine``."""
        low, high = id_halves([account_id])[0]
        pages: list[Page] = []
        with self._lock:
            self._settle(0)
            slot = int(self._state.find_slots(np.array([low]), np.array([high]))[0])
            if slot >= 0:
                for ordinals, debits, credits in self._index.places(slot, after=after):
                    records = self._gather(ordinals)
                    posted = posted_of(records).astype(np.int64)
                    is_debit = (records["debit_lo"] == low) & (records["debit_hi"] == high)
                    change = np.where(is_debit, -posted, posted)
                    balances = np.cumsum(change) + (credits - debits)
                    times = records["time_ns"]
                    is_asked = (ordinals > after) & (times >= from_ns) & (times < until_ns)
                    kept = np.flatnonzero(is_asked)[:count]
                    pages.append(Page(ordinals[kept], records[kept], balances[kept]))
                    count -= len(kept)
                    if not count:
                        break
        return joined(pages)

    def tail(self, *, after: int, count: int, from_ns: int = 0, until_ns: int = END_NS) -> Page:
        """As ``LedgerEngine``: created transfers among the next ``count`` events, or the first
        beyond them; none at the end alone.
        """
        pages: list[Page] = []
        with self._lock:
            self._settle(0)
            if from_ns:
                after = max(after, self._past.first_since(from_ns) - 1)
            until = min(after + 1 + count, self._state.ordinals)
            place, frames = self._past.place_of(after + 1), len(self._past.firsts)
            found = 0
            while place < frames and (after + 1 < until or not found):
                first, records, status = self._past.batch(place)
                last = min(until - first, len(records)) if after + 1 < until else len(records)
                here = np.arange(max(after + 1 - first, 0), last)
                times = records["time_ns"][here]
                is_asked = (times >= from_ns) & (times < until_ns)
                kept = here[(status[here] == _CREATED) & is_asked]
                pages.append(Page(kept + first, records[kept], np.empty(0, dtype=np.int64)))
                found += len(kept)
                after, place = first + len(records) - 1, place + 1
        return joined(pages)

    @property
    def events(self) -> int:
        """How many events of transfers the log holds, failed ones too."""
        return self._state.ordinals

    @property
    def bytes_per_id(self) -> float:
        """Memory for ids, in bytes an id: the table of the newest, what runs keep of the rest."""
        ids = self._state.ids
        return ids.memory_bytes / max(1, ids.id_count)

    def settle_ids(self) -> None:
        """Wait until no ids are being moved to disk. Fault: ``ledger.log_damaged``."""
        with self._lock:
            self._tiers.settle()

    # Ending.

    def snapshot(self) -> None:
        """Write the state down, so that opening starts from here."""
        with self._lock:
            self._settle(0)
            sequence = self._log.last_sequence
            checksum = self._log.checksum_of(sequence)
            if checksum is None or self._state.ordinals == self._snapshot_at:
                return
            arrays = {
                **self._state.saved(),
                **self._index.saved(),
                "firsts": self._past.firsts,
                "sequences": self._past.sequences,
                "is_import_seen": np.array([self.is_import_seen]),
            }
            save_snapshot(self.folder, sequence, checksum, arrays)
            self._snapshot_at = self._state.ordinals

    def close(self) -> None:
        """As ``LedgerEngine``; writes a snapshot where much has happened since the last."""
        with self._lock:
            try:
                if self._ticket is not None:
                    self._ticket.wait()
                if self._state.ordinals - self._snapshot_at >= SNAPSHOT_EVENTS:
                    self.snapshot()
            finally:
                self._tiers.close()
                self._index.close()
                self._log.close()

    def __enter__(self) -> LogEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _imported_flag(kind: int) -> int:
    return 16 if kind == ACCOUNTS else IMPORTED
