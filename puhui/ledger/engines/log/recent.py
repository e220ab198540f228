"""The newest recorded transfers in memory, in one array that is written round and round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.record import TRANSFER, Records
from puhui.ledger.engines.log.state import touched, words_of
from puhui.ledger.engines.log.writer import BYTES_MAX
from puhui.ledger.nouns import BATCH_MAX

SIZE = 1 << 17
"""Transfers that are kept, 16 MiB of them."""

assert SIZE > BYTES_MAX // 128 + 2 * BATCH_MAX, "what is on its way to the disk is not overwritten"


class Recent:
    """Recorded transfers by ordinal, the newest ``SIZE`` that came one after another."""

    def __init__(self) -> None:
        self._records: Records = touched(np.zeros(SIZE, dtype=TRANSFER))
        self._words = words_of(self._records)
        self.begin_at(0)

    def begin_at(self, ordinal: int) -> None:
        """Nothing is kept before an ordinal."""
        self._begin = self._end = ordinal

    @property
    def first(self) -> int:
        """The ordinal from which on transfers are kept."""
        return max(self._begin, self._end - SIZE)

    @property
    def words(self) -> NDArray[np.uint64]:
        """All of them as ``(SIZE, 16) uint64``, an ordinal at its remainder by ``SIZE``."""
        return self._words

    def add(self, ordinal: int, records: Records) -> list[NDArray[np.uint8]]:
        """Keep a batch whose first ordinal is ``ordinal``; returns where its bytes stand, in order.

        They stay there until ``SIZE`` more have come.
        """
        if ordinal != self._end:
            self._begin = ordinal
        self._end = ordinal + len(records)
        at = ordinal % SIZE
        until = min(SIZE, at + len(records))
        split = until - at
        words = words_of(records)
        self._words[at:until] = words[:split]
        pieces = [self._records[at:until]]
        if split < len(records):
            self._words[: len(records) - split] = words[split:]
            pieces.append(self._records[: len(records) - split])
        return [piece.view(np.uint8) for piece in pieces]

    def rows(self, ordinals: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Transfers by ordinal as ``(n, 16) uint64``, a copy; all of them are kept."""
        rows: NDArray[np.uint64] = self._words.take(ordinals % SIZE, axis=0)
        return rows
