"""Which ids are used: the newest in a table in memory, older ones in runs on disk.

The table grows up to a bound; when it is full it is put aside whole and a new one begun, and
another thread makes a run of it. It holds hashes and ordinals alone: an id is found for certain
by reading the record that has it, and made into a run by reading the log again.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Refused
from puhui.ledger.arrays.record import Records
from puhui.ledger.arrays.table import BURNT_BIT, SPAN_MAX, enter_batch, lengthen, probe
from puhui.ledger.engines.log.tiers import Tiers

Places = NDArray[np.int64]
Words = NDArray[np.uint64]
Gather = Callable[[Places], Records]
"""Reads recorded transfers by ordinal."""

NOT_BURNT = BURNT_BIT - 1
ID_BYTES = 66
"""Memory a place of the table at most: four tables, one that is used and three that wait to be
made runs, and what sorting one takes, of seven ids on ten places."""

ASIDE_WAITS_S = (0.0, 0.0, 0.002, 0.01)
"""How long whoever writes waits at most before each batch, by how many tables stand aside: so many
may, and who writes faster than runs are made is slowed down rather than stopped."""
ASIDE_MAX = len(ASIDE_WAITS_S) - 1

PLACES_MIN = 64
COPIED_WHOLE = 1 << 17
"""Places of a table up to which it is copied into a longer one at once, in a millisecond or two;
those of a larger one are copied batch by batch, and it is searched until all of them are."""
TOUCHED_MAX = 1 << 21
"""Places of a table up to which its memory is asked for at once: 16 MiB."""


IDS_MIB = 256


def ids_memory() -> int:
    """The bound that ``PUHUI_LEDGER_IDS_MIB`` sets, in bytes; 256 MiB where it is not set.

    Refused: ``ledger.bad_ids_memory``.
    """
    said = os.environ.get("PUHUI_LEDGER_IDS_MIB", "")
    if not said:
        return IDS_MIB << 20
    if not (said.isascii() and said.isdigit() and 0 < int(said) < 1 << 30):
        raise Refused(
            "ledger.bad_ids_memory",
            f"PUHUI_LEDGER_IDS_MIB is {said[:60]!r}: give a whole number of mebibytes, 1 or more.",
        )
    return int(said) << 20


@dataclass(frozen=True, slots=True)
class Table:
    """Ids by hash: ``words`` as ``arrays.table.probe`` has them, of events from ``origin`` on."""

    words: Words
    origin: int

    @property
    def shift(self) -> int:
        """64 less the bits of a hash that name its place."""
        return 65 - len(self.words).bit_length()


class Ids:
    """The ordinals of all events whose ids are used, by id. One thread uses it at a time."""

    def __init__(
        self, expected: int, *, memory_bytes: int = 1 << 62, tiers: Tiers | None = None
    ) -> None:
        """Room for ``expected`` ids at first; at most ``memory_bytes`` in memory beside filters.

        Without ``tiers`` all stay in memory.
        """
        self._places_max = PLACES_MIN
        while self._places_max * 2 * ID_BYTES <= memory_bytes and self._places_max < 1 << 24:
            self._places_max *= 2
        places = PLACES_MIN
        while places * 7 < expected * 10 and places < self._places_max:
            places *= 2
        self._tiers = tiers
        self._aside: tuple[tuple[Table, int], ...] = ()
        self._leaving: Table | None = None
        self._copied = 0
        self._guard = threading.Lock()
        self.table = Table(_empty(places), 0)
        self._count = 0

    @property
    def has_older(self) -> bool:
        """Whether there are ids beyond the table."""
        if self._leaving is not None or self._aside:
            return True
        return self._tiers is not None and bool(self._tiers.runs)

    @property
    def id_count(self) -> int:
        """How many ids are used."""
        tiers = self._tiers.id_count if self._tiers is not None else 0
        return self._count + sum(count for _, count in self._aside) + tiers

    @property
    def memory_bytes(self) -> int:
        """What they take of memory."""
        tiers = self._tiers.memory_bytes if self._tiers is not None else 0
        aside = sum(table.words.nbytes for table, _ in self._aside)
        leaving = 0 if self._leaving is None else self._leaving.words.nbytes
        return self.table.words.nbytes + leaving + aside + tiers

    # Searching.

    def find(
        self, low: Words, high: Words, hashes: Words, until: int, gather: Gather
    ) -> tuple[Places, Places, Records]:
        """Ordinals of events before ``until`` by id, with ``BURNT_BIT`` where it failed, -1 where
        none is; and of those found: which of those asked for, and the record.
        """
        found = np.full(len(low), -1, dtype=np.int64)
        _find_in(self.table, low, high, hashes, found, gather)
        self.find_older(low, high, hashes, until, found, gather)
        asking = np.flatnonzero(found >= 0)
        return found, asking, gather(found[asking] & NOT_BURNT)

    def find_older(
        self, low: Words, high: Words, hashes: Words, until: int, found: Places, gather: Gather
    ) -> None:
        """As ``find``, beyond the table, of those that have -1 in ``found``."""
        if self._leaving is not None:
            _find_in(self._leaving, low, high, hashes, found, gather)
        for table, _ in self._aside:
            _find_in(table, low, high, hashes, found, gather)
        if self._tiers is not None:
            # Looked at last: a table that is put away meanwhile is a run by then.
            self._tiers.find(low, high, hashes, until, found)

    # Taking in.

    def make_room(self, count: int, ordinals: int) -> None:
        """Let the table take ``count`` more events after ``ordinals``: longer, or a new one.

        Fault: ``ledger.log_damaged`` where a run could not be made.
        """
        self._copy(4 * count + 1024)
        table = self.table
        if self._tiers is not None and (wait_s := ASIDE_WAITS_S[len(self._aside)]):
            self._tiers.wait(wait_s)
        places = len(table.words)
        is_far = ordinals + count - table.origin > SPAN_MAX
        if (self._count + count) * 10 <= places * 7 and not is_far:
            return
        while (self._count + count) * 10 > places * 7:
            places *= 2
        is_full = is_far or (places > self._places_max and self._count > 0)
        if is_full and ordinals > table.origin:
            self._copy(len(table.words))
            self._put_aside(ordinals)
            places = len(table.words)
            while count * 10 > places * 7:
                places *= 2
            self.table = Table(_empty(places), ordinals)
        else:
            self._copy(len(table.words))
            self.table = Table(_empty(places), table.origin)
            self._leaving, self._copied = table, 0
            if len(table.words) <= COPIED_WHOLE:
                self._copy(COPIED_WHOLE)

    def _copy(self, count: int) -> None:
        """Copy so many more places of a table that was too short into the longer one."""
        if self._leaving is None:
            return
        words, until = self._leaving.words, self._copied + count
        lengthen(words[self._copied : until], self.table.words, self.table.shift)
        self._copied = until
        if until >= len(words):
            self._leaving = None

    def _put_aside(self, ordinals: int) -> None:
        """Put the table aside, to be made a run of; waits where too many are."""
        table, tiers = self.table, self._tiers
        while tiers is not None and len(self._aside) == ASIDE_MAX:
            tiers.wait(None)
        with self._guard:
            self._aside = ((table, self._count), *self._aside)
        if tiers is not None:
            tiers.keep(ordinals, functools.partial(self._put_away, table))
        self._count = 0

    def _put_away(self, table: Table) -> None:
        """A table that was put aside is a run now; another thread says so."""
        with self._guard:
            self._aside = tuple(one for one in self._aside if one[0] is not table)

    def enter(
        self,
        records: Records,
        status: NDArray[np.uint16],
        is_burning: NDArray[np.bool_],
        hashes: Words,
        begin: int,
        held_ordinals: Places,
        held_count: int,
    ) -> None:
        """Take in a judged batch, for which room was made; see ``arrays.table.enter_batch``."""
        table = self.table
        self._count += enter_batch(
            records, status, is_burning, hashes, begin, table.words, table.shift, table.origin,
            held_ordinals, held_count,
        )  # fmt: skip

    # Snapshots.

    def saved(self) -> dict[str, NDArray[Any]]:
        """The table; what is older stands in runs."""
        if self._tiers is not None:
            self._tiers.settle()
        self._copy(1 << 62)
        assert not self._aside, "what is put aside has nowhere to go"
        return {"id_table": self.table.words, "ids": np.array([self.table.origin, self._count])}

    def restore(self, saved: dict[str, NDArray[Any]]) -> None:
        """Take up what ``saved`` says; what is older the runs must have.

        Where they go further, some ids are there twice, with the same ordinals.
        """
        words = np.array(saved["id_table"], dtype=np.uint64)
        self.table, self._count = Table(words, int(saved["ids"][0])), int(saved["ids"][1])


def _find_in(
    table: Table, low: Words, high: Words, hashes: Words, found: Places, gather: Gather
) -> None:
    missing = np.flatnonzero(found == -1)
    if not len(missing):
        return
    start = np.full(len(missing), -1, dtype=np.int64)
    more = np.empty(len(missing), dtype=np.int64)
    part = hashes[missing]
    probe(table.words, table.shift, table.origin, part, start, more)
    low, high = low[missing], high[missing]
    while len(asking := np.flatnonzero(more >= 0)):
        records = gather(more[asking] & NOT_BURNT)
        is_other = (records["id_lo"] != low[asking]) | (records["id_hi"] != high[asking])
        if not is_other.any():
            break
        # It only hashes alike: looked for on, behind it.
        wrong = asking[is_other]
        again, after = start[wrong], np.empty(len(wrong), dtype=np.int64)
        probe(table.words, table.shift, table.origin, part[wrong], again, after)
        start[wrong], more[wrong] = again, after
    found[missing] = more


def _empty(places: int) -> Words:
    """A table whose memory is given by the system now and not on first use, unless it is large."""
    made = np.zeros(places, dtype=np.uint64)
    if places <= TOUCHED_MAX:
        made[::512] = 0
    return made
