"""The ledger in memory: what the log's records have led to, as arrays that grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.ledger.arrays.find_named import UNREAD, find_ended, find_known, place_of_held
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.layout import HELD, PENDING_FLAG, SLOT
from puhui.ledger.arrays.record import ACCOUNT, CODES, TRANSFER, Records
from puhui.ledger.arrays.table import (
    BURNT_BIT,
    add_accounts,
    expire,
    find_accounts,
    hash_ids,
    push_due,
)
from puhui.ledger.engines.log.ids import NOT_BURNT, Gather, Ids
from puhui.ledger.nouns import BATCH_MAX, Status
from puhui.ledger.rules.books import TRANSIENT

Places = NDArray[np.int64]
_CREATED = CODES[Status.CREATED]
BURNING = np.zeros(len(CODES), dtype=np.bool_)
"""Of each status, whether it burns the id."""
BURNING[[CODES[status] for status in TRANSIENT]] = True
_NO_RING: NDArray[np.uint64] = np.zeros((1, 16), dtype=np.uint64)


@dataclass(slots=True)
class Judged:
    """A batch of transfers as judged.

    ``records`` are what is recorded: resolved where created, as asked for elsewhere; they stand
    there until the next batch is judged. ``debit_at`` and ``credit_at`` ``(n,) int64`` are the
    slots of the accounts, ``status`` as in ``Results``, ``failed`` the places of those that were
    not created.
    """

    records: Records
    status: NDArray[np.uint16]
    debit_at: Places
    credit_at: Places
    failed: Places


class State:
    """Accounts, pendings, and which ids are used. One thread changes it at a time."""

    def __init__(self, *, ids: int | Ids = 1 << 20) -> None:
        """``ids``, or how many are expected."""
        self.accounts: Records = np.zeros(1024, dtype=ACCOUNT)
        self.slots: Records = np.zeros(1024, dtype=SLOT)
        self.account_count = 0
        self.account_table = np.zeros(4096, dtype=np.int32)
        self.held: Records = np.zeros(16384, dtype=HELD)
        self.held_ordinals = np.zeros(16384, dtype=np.int64)
        self.held_count = 0
        self.heap_ns = np.zeros(16384, dtype=np.uint64)
        self.heap_at = np.zeros(16384, dtype=np.int64)
        self.heap_size = 0
        self.ids = ids if isinstance(ids, Ids) else Ids(ids)
        self.ordinals = 0
        self.last_ns = 0
        self._local = np.zeros(2 * 8192, dtype=np.int32)
        self._place = np.zeros(BATCH_MAX, dtype=np.int64)
        self._pool: Records = np.zeros(3 * BATCH_MAX, dtype=TRANSFER)
        self._words = words_of(self._pool)

    # Accounts.

    def find_slots(self, low: NDArray[np.uint64], high: NDArray[np.uint64]) -> Places:
        """The slots of accounts by id, -1 where none is."""
        places = np.empty(len(low), dtype=np.int64)
        find_accounts(self.account_table, self.slots, low, high, places)
        return places

    def add(self, created: Records) -> None:
        """Enter accounts that were judged to be new; their times are given."""
        first, until = self.account_count, self.account_count + len(created)
        self.accounts = _grown(self.accounts, until)
        self.slots = _grown(self.slots, until)
        self.accounts[first:until] = created
        slots = self.slots[first:until]
        for name in ("id_lo", "id_hi", "time_ns", "ledger", "code", "flags"):
            slots[name] = created[name]
        self.account_count = until
        if until * 2 > len(self.account_table):
            size = len(self.account_table)
            while until * 2 > size:
                size *= 2
            self.account_table = np.zeros(size, dtype=np.int32)
            first = 0
        add_accounts(self.account_table, self.slots, first, until)

    def sums(self, slots: Places) -> Records:
        """Accounts by slot as records with their sums and flags of now."""
        made: Records = self.accounts[slots]
        now = self.slots[slots]
        for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted"):
            made[name + "_lo"] = now[name]
        made["flags"] = now["flags"]
        return made

    # Time.

    def time_of_batch(self, now_ns: int, count: int) -> int:
        """The time of the last event of a batch: after all before it, whatever the clock says."""
        return max(now_ns, self.last_ns + count)

    def is_due(self, now_ns: int) -> bool:
        """Whether a pending's time has come by ``now_ns``."""
        return self.heap_size > 0 and int(self.heap_ns[0]) <= now_ns

    def expire(self, now_ns: int) -> int:
        """End the pendings whose time has come; returns how many."""
        self.last_ns = max(self.last_ns, now_ns)
        self.heap_size, ended = expire(
            self.heap_ns, self.heap_at, self.heap_size, self.held, self.slots, now_ns
        )
        return ended

    # Transfers.

    def find_ordinals(
        self, low: NDArray[np.uint64], high: NDArray[np.uint64], gather: Gather
    ) -> Places:
        """The ordinals of events by id, with the burnt bit where it failed; -1 where none is."""
        return self.ids.find(low, high, hash_ids(low, high), self.ordinals, gather)[0]

    def judge(
        self,
        batch: Records,
        last_ns: int,
        gather: Gather,
        ring: NDArray[np.uint64] = _NO_RING,
        first: int = 1 << 62,
    ) -> Judged:
        """Judge a batch whose last event happens at ``last_ns``, and take in what it does.

        ``ring`` has the recorded transfers from the ordinal ``first`` on: ``arrays.find_named``.
        """
        count = len(batch)
        first_ns = last_ns - count + 1
        if self.is_due(first_ns):
            self.expire(first_ns)
        pool, words, table = self._pool, self._words, self.ids.table
        words[:count] = words_of(batch)
        hashes = np.empty(count, dtype=np.uint64)
        known, found, debit_at, credit_at, events, ended, held_at = np.empty(
            (7, count), dtype=np.int64
        )
        filled, unread = find_known(
            pool, words, count, table.words, table.shift, table.origin, ring, first,
            self.account_table, self.slots, hashes, known, found, debit_at, credit_at,
        )  # fmt: skip
        if unread or self.ids.has_older:
            filled = self._find_older(count, filled, unread, hashes, known, found, gather)
        filled, ends, missing = find_ended(
            pool, words, count, filled, table.words, table.shift, table.origin, ring, first,
            self.held_ordinals, self.held_count, events, ended, held_at,
        )  # fmt: skip
        ending = events[:ends]
        if missing:
            self._find_ended_older(ending, filled, ended, held_at, gather)
        self.held = _grown(self.held, self.held_count + count)
        status, place = np.empty(count, dtype=np.uint16), self._place[:count]
        held_count = judge(
            pool, count, found, ended, held_at, known >= BURNT_BIT, debit_at, credit_at,
            self.slots, self.held, self.held_count, first_ns, 1, self._local[: _places(count)],
            status, place,
        )  # fmt: skip
        failed = np.flatnonzero(status)
        if len(failed):
            words[failed] = words_of(batch)[failed]
        asked = pool[:count]
        self._enter(asked, hashes, status, held_count)
        if ends:
            ending = ending[status[ending] == _CREATED]
            debit_at[ending] = self.held["debit"][place[ending]]
            credit_at[ending] = self.held["credit"][place[ending]]
        self.last_ns = max(self.last_ns, last_ns)
        return Judged(asked, status, debit_at, credit_at, failed)

    def _find_older(
        self,
        count: int,
        filled: int,
        unread: int,
        hashes: NDArray[np.uint64],
        known: Places,
        found: Places,
        gather: Gather,
    ) -> int:
        """Look the ids up whose records are not in the ring, or that are beyond the table.

        Puts the records into the pool; returns how much of it is filled then.
        """
        words, ids = self._words, self.ids
        low, high = words[:count, 0].copy(), words[:count, 1].copy()
        older = found == UNREAD
        if unread:
            at = np.flatnonzero(older)
            known[at] = ids.find(low[at], high[at], hashes[at], self.ordinals, gather)[0]
        is_new = known == -1
        ids.find_older(low, high, hashes, self.ordinals, known, gather)
        at = np.flatnonzero((older | is_new) & (known >= 0))
        found[older] = -1
        if len(at):
            words[filled : filled + len(at)] = words_of(gather(known[at] & NOT_BURNT))
            is_there = known[at] < BURNT_BIT
            found[at] = np.where(is_there, np.arange(filled, filled + len(at)), -1)
        return filled + len(at)

    def _find_ended_older(
        self, ending: Places, filled: int, ended: Places, held_at: Places, gather: Gather
    ) -> None:
        """As ``_find_older`` for what events post or void; ``filled`` of the pool is so far."""
        words = self._words
        asking = ending[ended[ending] < 0]
        low, high = words[asking, 8], words[asking, 9]
        hashes = hash_ids(low, high)
        ended[asking] = -1
        ordinals, who, records = self.ids.find(low, high, hashes, self.ordinals, gather)
        if not len(who):
            return
        words[filled : filled + len(who)] = words_of(records)
        events, ordinals = asking[who], ordinals[who]
        is_there = ordinals < BURNT_BIT
        ended[events] = np.where(is_there, np.arange(filled, filled + len(who)), -1)
        held = np.flatnonzero(is_there & (records["flags"] & PENDING_FLAG != 0))
        for event, ordinal in zip(events[held].tolist(), ordinals[held].tolist(), strict=True):
            held_at[event] = place_of_held(self.held_ordinals, self.held_count, ordinal)

    def _enter(
        self,
        records: Records,
        hashes: NDArray[np.uint64],
        status: NDArray[np.uint16],
        held_count: int,
    ) -> None:
        """Take the ids of a batch in, its new pendings, and when they are due."""
        first, count = self.held_count, len(records)
        self.held_ordinals = _grown(self.held_ordinals, held_count)
        self.ids.make_room(count, self.ordinals)
        self.ids.enter(records, status, BURNING, hashes, self.ordinals, self.held_ordinals, first)
        if held_count > first:
            self.heap_ns = _grown(self.heap_ns, self.heap_size + held_count - first)
            self.heap_at = _grown(self.heap_at, self.heap_size + held_count - first)
            self.heap_size = push_due(
                self.heap_ns, self.heap_at, self.heap_size, self.held, first, held_count
            )
            self.held_count = held_count
        self.ordinals += count

    # Snapshots.

    def saved(self) -> dict[str, NDArray[Any]]:
        """Everything that cannot be made again from the rest, as arrays."""
        counts = [self.account_count, self.held_count, self.heap_size]
        return {
            "accounts": self.accounts[: self.account_count],
            "slots": self.slots[: self.account_count],
            "held": self.held[: self.held_count],
            "held_ordinals": self.held_ordinals[: self.held_count],
            "heap_ns": self.heap_ns[: self.heap_size],
            "heap_at": self.heap_at[: self.heap_size],
            **self.ids.saved(),
            "state": np.array([*counts, self.ordinals, self.last_ns], dtype=np.int64),
        }

    @classmethod
    def restored(cls, saved: dict[str, NDArray[Any]], *, ids: int | Ids) -> State:
        """The state that ``saved`` tells of."""
        state = cls(ids=ids)
        state.add(saved["accounts"])
        state.slots[: state.account_count] = saved["slots"]
        held_count, state.heap_size = (int(n) for n in saved["state"][1:3])
        for name in ("held", "held_ordinals", "heap_ns", "heap_at"):
            array = _grown(getattr(state, name), len(saved[name]))
            array[: len(saved[name])] = saved[name]
            setattr(state, name, array)
        state.held_count = held_count
        state.ids.restore(saved)
        state.ordinals, state.last_ns = int(saved["state"][3]), int(saved["state"][4])
        return state


def _places(count: int) -> int:
    """Places of the small table of a batch's own ids: few of a small batch, as all are cleared."""
    return 1 << (2 * count - 1).bit_length()


def words_of(records: Records) -> NDArray[np.uint64]:
    """The same bytes as ``(n, 16) uint64``, which NumPy copies at once, not field by field."""
    return records.view(np.uint64).reshape(-1, 16)


def touched(array: NDArray[Any]) -> NDArray[Any]:
    """The array, with every page of its memory given by the system now and not on first use."""
    array.view(np.uint8)[::4096] = 0
    return array


def _grown(array: Any, needed: int) -> Any:
    """The array, or one at least twice as long with the same content and noughts after it."""
    if needed <= len(array):
        return array
    made = np.zeros(max(needed, 2 * len(array)), dtype=array.dtype)
    made[: len(array)] = array
    return made
