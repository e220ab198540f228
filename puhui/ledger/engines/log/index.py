"""The index of the log by account: whole chunks sorted and kept, the newest part scanned."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.layout import PENDING_FLAG, VOID
from puhui.ledger.arrays.posting import add_posted, note_postings, sort_postings
from puhui.ledger.arrays.record import Records
from puhui.ledger.engines.log.state import Judged

CHUNK = 1 << 19
"""Events of one chunk."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The postings of ``CHUNK`` events by account.

    ``order[starts[s]:starts[s + 1]]`` are places in the chunk of the transfers of slot s;
    ``debits`` and ``credits`` ``(accounts,) uint64`` what was posted before the chunk began, in
    minor units.
    """

    starts: NDArray[np.int64]
    order: NDArray[np.uint32]
    debits: NDArray[np.uint64]
    credits: NDArray[np.uint64]


class Index:
    """Which transfers concern an account; fed with every batch, in order.

    A chunk that is full is sorted by another thread and written beside the log, without a sync:
    one that is missing or damaged is made again from the log when it is opened.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._chunks: list[Future[Chunk]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="puhui-ledger-index")
        self._debits = np.zeros(1024, dtype=np.uint64)
        self._credits = np.zeros(1024, dtype=np.uint64)
        self._thread.submit(_warm)
        self._new_chunk()

    def _new_chunk(self) -> None:
        self._debit = np.empty(CHUNK, dtype=np.uint32)
        self._credit = np.empty(CHUNK, dtype=np.uint32)
        self._posted = np.empty(CHUNK, dtype=np.uint64)
        self._size = 0

    @property
    def watermark(self) -> int:
        """How many events have been taken in."""
        return len(self._chunks) * CHUNK + self._size

    def feed(self, judged: Judged, accounts: int) -> None:
        """Take a batch in; ``accounts`` is how many accounts there are now."""
        start, whole = 0, len(judged.status)
        while start < whole:
            size = min(CHUNK - self._size, whole - start)
            note_postings(
                judged.records, judged.status, judged.debit_at, judged.credit_at, start, size,
                self._debit, self._credit, self._posted, self._size,
            )  # fmt: skip
            self._size += size
            start += size
            if self._size == CHUNK:
                self._seal(accounts)

    def _seal(self, accounts: int) -> None:
        number, parts = len(self._chunks), (self._debit, self._credit, self._posted)
        self._chunks.append(self._thread.submit(self._make, number, *parts, accounts))
        self._new_chunk()

    def _make(
        self,
        number: int,
        debit: NDArray[np.uint32],
        credit: NDArray[np.uint32],
        posted: NDArray[np.uint64],
        accounts: int,
    ) -> Chunk:
        self._debits, self._credits = (
            _longer(self._debits, accounts),
            _longer(self._credits, accounts),
        )
        starts = np.zeros(accounts + 1, dtype=np.int64)
        order = sort_postings(debit, credit, starts)
        chunk = Chunk(
            starts, order, self._debits[:accounts].copy(), self._credits[:accounts].copy()
        )
        add_posted(debit, credit, posted, self._debits, self._credits)
        path = self._folder / f"postings-{number:08d}.npz"
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            np.savez(file, starts=starts, order=order, debits=chunk.debits, credits=chunk.credits)
        os.replace(new, path)
        return chunk

    def places(self, slot: int, *, after: int) -> Iterator[tuple[NDArray[np.int64], int, int]]:
        """Ordinals of an account's transfers past ``after``, chunk by chunk, oldest first; with
        each chunk what was posted to the account's debits and credits before it.
        """
        for number in range(max(after + 1, 0) // CHUNK, len(self._chunks)):
            chunk = self._chunks[number].result()
            if slot + 1 >= len(chunk.starts):
                continue
            order = chunk.order[chunk.starts[slot] : chunk.starts[slot + 1]]
            ordinals = order.astype(np.int64) + number * CHUNK
            yield ordinals, int(chunk.debits[slot]), int(chunk.credits[slot])
        size = self._size
        is_own = (self._debit[:size] == slot) | (self._credit[:size] == slot)
        begin = len(self._chunks) * CHUNK
        before_debits, before_credits = self._before_tail(slot)
        yield np.flatnonzero(is_own) + begin, before_debits, before_credits

    def _before_tail(self, slot: int) -> tuple[int, int]:
        if self._chunks:
            self._chunks[-1].result()
        if slot >= len(self._debits):
            return 0, 0
        return int(self._debits[slot]), int(self._credits[slot])

    def close(self) -> None:
        """Finish what is being sorted."""
        self._thread.shutdown()

    # What a snapshot keeps of the index: whole chunks stand in their own files.

    def saved(self) -> dict[str, NDArray[np.generic]]:
        """The arrays of the newest part."""
        if self._chunks:
            self._chunks[-1].result()
        return {
            "index_debit": self._debit[: self._size],
            "index_credit": self._credit[: self._size],
            "index_posted": self._posted[: self._size],
            "index_debits": self._debits,
            "index_credits": self._credits,
            "index_chunks": np.array([len(self._chunks)]),
        }

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> bool:
        """Take up what ``saved`` says; False where a chunk's file is missing or damaged."""
        chunks: list[Future[Chunk]] = []
        for number in range(int(saved["index_chunks"][0])):
            try:
                with np.load(self._folder / f"postings-{number:08d}.npz") as file:
                    parts = [file[name] for name in ("starts", "order", "debits", "credits")]
            except (OSError, ValueError, KeyError, BadZipFile):
                return False
            done: Future[Chunk] = Future()
            done.set_result(Chunk(*parts))
            chunks.append(done)
        self._chunks = chunks
        self._size = len(saved["index_debit"])
        self._debit[: self._size] = saved["index_debit"]
        self._credit[: self._size] = saved["index_credit"]
        self._posted[: self._size] = saved["index_posted"]
        self._debits = np.array(saved["index_debits"], dtype=np.uint64)
        self._credits = np.array(saved["index_credits"], dtype=np.uint64)
        return True


def posted_of(records: Records) -> NDArray[np.uint64]:
    """What each recorded transfer has posted, in minor units: nought of pendings and voids."""
    posted = records["flags"] & (PENDING_FLAG | VOID) == 0
    made: NDArray[np.uint64] = np.where(posted, records["amount_lo"], np.uint64(0))
    return made


def _warm() -> None:
    """Have what sorts chunks compiled before the first is full, which is among payments."""
    slots, sums = np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint64)
    sort_postings(slots, slots, np.zeros(1, dtype=np.int64))
    add_posted(slots, slots, sums, sums, sums)


def _longer(sums: NDArray[np.uint64], needed: int) -> NDArray[np.uint64]:
    if needed <= len(sums):
        return sums
    return np.concatenate([sums, np.zeros(max(needed, 2 * len(sums)) - len(sums), np.uint64)])
