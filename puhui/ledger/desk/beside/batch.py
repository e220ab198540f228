"""Batches of records on a ledger beside the store: fetched, judged and weighed as arrays.

The same decisions as for few transfers, by ``rules``' compiled twin: what is asked for again,
chains, pendings and their ends, history and closing transfers are no exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.store import Transaction
from puhui.kernel.store.sheet import sixteen
from puhui.ledger.arrays.distinct import number_ids
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.layout import (
    CLOSED,
    CLOSING,
    EXPIRED,
    HELD,
    PENDING_FLAG,
    POST,
    POSTED,
    SECOND,
    SLOT,
    VOIDED,
)
from puhui.ledger.arrays.record import STATUSES, TRANSFER, Records, ledger_name, numbers_of
from puhui.ledger.arrays.whole import copy_rows, join_rows, take_rows
from puhui.ledger.desk.beside.burnt import IS_BURNING
from puhui.ledger.desk.beside.held import PAGE, OnHold
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import Account, Status
from puhui.ledger.tables import intent

Places = NDArray[np.int64]
Ids = NDArray[np.uint64]
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
_LOCAL = 2 * 8192
_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS | Account.CREDITS_MUST_NOT_EXCEED_DEBITS
_STATES = np.array([VOIDED, POSTED, EXPIRED], dtype=np.uint8)
"""The state of a pending by what its claim says."""


@dataclass(slots=True)
class Known:
    """Recorded transfers that a batch names: by its ids, and by its pending ids.

    ``records`` ``(m,) TRANSFER`` with the time-outs that acts gave them; ``found`` and ``ended``
    ``(n,)`` say which of them has the id of each event, and its pending id, -1 where none has.
    ``pendings`` ``(h,)`` are the places of those that are pending, ``state`` and ``expires_us``
    ``(h,)`` what the store says of them.
    """

    records: Records
    found: Places
    ended: Places
    pendings: Places
    state: NDArray[np.uint8]
    expires_us: Places

    @property
    def has_closed(self) -> bool:
        """Whether one of the pendings that are ended has closed an account."""
        ended = self.records[self.ended[self.ended >= 0]]
        return bool((ended["flags"] & CLOSING).any())


def find_known(
    tx: Transaction, engine: LedgerEngine, batch: Records, own: Iterable[OnHold]
) -> Known:
    """What is recorded of the ids that a batch names: in the engine, or by acts of its group."""
    count, seconds = len(batch), np.flatnonzero(batch["flags"] & SECOND)
    low = np.concatenate([batch["id_lo"], batch["pending_lo"][seconds]])
    high = np.concatenate([batch["id_hi"], batch["pending_hi"][seconds]])
    firsts, numbers = number_ids(low, high)
    ids = np.stack([low[firsts], high[firsts]], axis=1)
    pages = [
        engine.lookup_transfers(ids[at : at + PAGE], is_durable=False)
        for at in range(0, len(ids), PAGE)
    ]
    for one in own:
        is_named = np.flatnonzero(_are_among(ids, one.records))
        pages.append(one.records[is_named])
    records = join_rows([np.zeros(0, dtype=TRANSFER), *pages])
    place_of = np.full(len(ids), -1, dtype=np.int64)
    if len(records):
        place_of[_places_among(ids, records)] = np.arange(len(records))
    ended = np.full(count, -1, dtype=np.int64)
    ended[seconds] = place_of[numbers[count:]]
    return Known(records, place_of[numbers[:count]], ended, *tell_pendings(tx, records))


def tell_pendings(tx: Transaction, records: Records) -> tuple[Places, NDArray[np.uint8], Places]:
    """Of recorded transfers the places of the pendings, and what the store says of each: its state,
    and when it runs out of time (microseconds UTC, 0 for never).

    The engine was given no time-outs, so they are put into ``records``.
    """
    pendings = np.flatnonzero(records["flags"] & PENDING_FLAG)
    state = np.zeros(len(pendings), dtype=np.uint8)
    expires_us = np.zeros(len(pendings), dtype=np.int64)
    if not len(pendings):
        return pendings, state, expires_us
    tx.give({"id": sixteen(records["id_hi"][pendings], records["id_lo"][pendings])})
    which, kinds = tx.arrays(intent.GIVEN_CLAIMS)
    if len(which):
        state[which - 1] = _STATES[kinds]
    which, times_us = tx.arrays(intent.GIVEN_HOLDS)
    if len(which):
        at, timed = which - 1, pendings[which - 1]
        expires_us[at] = times_us
        begun_us = (records["time_ns"][timed] // 1000).astype(np.int64)
        # A record's time is its act's and less than a second.
        records["timeout_s"][timed] = (times_us - begun_us + 999_999) // 1_000_000
    return pendings, state, expires_us


@dataclass(slots=True)
class Batch:
    """A batch, what it is judged against, and what became of it.

    ``pool`` ``(n + m,) TRANSFER`` is the batch and the recorded transfers that it names;
    ``earlier`` ``(k,) TRANSFER`` what the same group of acts has moved before, and ``released``
    ``(k,)`` what each of those let go of, minor units. ``slots`` ``(s,) SLOT`` are the accounts
    of all of them; ``sides``, ``earlier_sides`` and ``held_sides`` the places of debit and credit
    account there, of the batch, of what was earlier, and of recorded pendings, -1 where there is
    none. ``shut`` ``(s,) bool`` are closed in the engine. ``status`` ``(n,) uint16``.
    """

    count: int
    pool: Records
    known: Known
    earlier: Records
    released: Places
    slots: Records
    shut: NDArray[np.bool_]
    sides: tuple[Places, Places]
    earlier_sides: tuple[Places, Places]
    held_sides: tuple[Places, Places]
    before: Records = field(init=False)
    held: Records = field(init=False)
    place: Places = field(init=False)
    status: NDArray[np.uint16] = field(init=False)

    @property
    def created(self) -> Records:
        """Those that are to be, with their time."""
        made: Records = self.pool[: self.count][self.status == 0]
        return made

    def named(self) -> tuple[Status, ...]:
        """What became of each."""
        return tuple(map(STATUSES.__getitem__, self.status.tolist()))

    def burnt(self) -> Iterator[tuple[int, Status]]:
        """The ids that it burns, and why."""
        at = np.flatnonzero(IS_BURNING[self.status])
        ids = numbers_of(self.pool["id_lo"][at], self.pool["id_hi"][at])
        return zip(ids, map(STATUSES.__getitem__, self.status[at].tolist()), strict=True)

    def changes(self) -> dict[int, list[int]]:
        """What the batch adds to the sums of accounts, minor units."""
        steps = [self.slots[name].astype(np.int64) - self.before[name].astype(np.int64)
                 for name in SUMS]  # fmt: skip
        table = np.stack(steps, axis=1)
        changed = np.flatnonzero(table.any(axis=1))
        return dict(zip(self._ids(changed), table[changed].tolist(), strict=True))

    def closed(self) -> dict[int, bool]:
        """The accounts that it closes or opens again, and whether they are closed now."""
        now = self.slots["flags"] & CLOSED
        changed = np.flatnonzero(now != self.before["flags"] & CLOSED)
        return dict(zip(self._ids(changed), (now[changed] != 0).tolist(), strict=True))

    def ended(self) -> dict[int, int]:
        """The amounts of the pendings that it ends, minor units, by id."""
        made = np.flatnonzero((self.status == 0) & self._is_second())
        records = self.pool[made]
        ids = numbers_of(records["pending_lo"], records["pending_hi"])
        return dict(zip(ids, self.held["amount"][self.place[made]].tolist(), strict=True))

    def taken(self) -> Iterator[tuple[int, str, int, int, int]]:
        """Of each account with a limit: its id, ledger and flags, and the most that the group has
        taken from its debit and from its credit side by now, minor units; not of those that are
        closed in the engine, from which nobody else can take.
        """
        taken = np.zeros((4, len(self.slots)), dtype=np.int64)
        _weigh(self.earlier, *self.earlier_sides, self.released, taken)
        made = np.flatnonzero(self.status == 0)
        is_end, place = self._is_second()[made], self.place[made]
        held = self.held[np.where(is_end, place, 0)]
        debit_at, credit_at = (
            np.where(is_end, held[name].astype(np.int64), side[made])
            for name, side in zip(("debit", "credit"), self.sides, strict=True)
        )
        released = np.where(is_end, held["amount"], np.uint64(0)).astype(np.int64)
        _weigh(self.pool[made], debit_at, credit_at, released, taken)
        debits, credits, flags = taken[2], taken[3], self.slots["flags"]
        is_chosen = (flags & _LIMITED != 0) & ((debits > 0) | (credits > 0)) & ~self.shut
        chosen = np.flatnonzero(is_chosen)
        rows = zip(
            self._ids(chosen), self.slots["ledger"][chosen].tolist(), flags[chosen].tolist(),
            debits[chosen].tolist(), credits[chosen].tolist(), strict=True,
        )  # fmt: skip
        for account_id, ledger, flag, debit, credit in rows:
            yield account_id, ledger_name(ledger), flag, debit, credit

    def _is_second(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.pool["flags"][: self.count] & SECOND != 0
        return found

    def _ids(self, places: Places) -> list[int]:
        return numbers_of(self.slots["id_lo"][places], self.slots["id_hi"][places])


@njit
def _weigh(
    records: Records, debit_at: Places, credit_at: Places, released: Places, taken: Places
) -> None:
    """As ``rules.peaks.net_peaks``; ``taken`` ``(4, s) int64`` is what is taken from the debit and
    from the credit side of each account, and the most of either so far.
    """
    for i in range(len(records)):
        own = other = np.int64(records[i].amount_lo)
        if (records[i].flags & PENDING_FLAG) != 0:
            other = np.int64(0)
        elif (records[i].flags & SECOND) != 0:
            if (records[i].flags & POST) == 0:
                other = np.int64(0)
            own = other - released[i]
        debit, credit = debit_at[i], credit_at[i]
        taken[0, debit] += own
        taken[1, debit] -= other
        taken[1, credit] += own
        taken[0, credit] -= other
        for at in (debit, credit):
            taken[2, at] = max(taken[2, at], taken[0, at])
            taken[3, at] = max(taken[3, at], taken[1, at])


def fetch_batch(engine: LedgerEngine, batch: Records, known: Known, own: Sequence[OnHold]) -> Batch:
    """A batch with the accounts that it and what it names have, as the engine has them."""
    earlier = join_rows([batch[:0], *(one.records for one in own)])
    held = take_rows(known.records, known.pendings)
    parts = (batch, earlier, held)
    low = np.concatenate([one[f"{side}_lo"] for one in parts for side in ("debit", "credit")])
    high = np.concatenate([one[f"{side}_hi"] for one in parts for side in ("debit", "credit")])
    firsts, numbers = number_ids(low, high)
    ids = np.stack([low[firsts], high[firsts]], axis=1)
    pages = [
        engine.lookup_accounts(ids[at : at + PAGE], 0, is_durable=False)
        for at in range(0, len(ids), PAGE)
    ]
    accounts = np.concatenate(pages) if pages else np.zeros(0, dtype=SLOT)
    slots: Records = np.zeros(len(accounts), dtype=SLOT)
    for name in ("id_lo", "id_hi", "time_ns", "ledger", "code", "flags"):
        slots[name] = accounts[name]
    for name in SUMS:
        slots[name] = accounts[f"{name}_lo"]
    place_of = np.full(len(ids), -1, dtype=np.int64)
    place_of[_places_among(ids, slots)] = np.arange(len(slots))
    sides = []
    ends = np.cumsum([len(one) for one in parts for _ in range(2)])
    for until, one in zip(ends.tolist(), [one for one in parts for _ in range(2)], strict=True):
        sides.append(place_of[numbers[until - len(one) : until]])
    return Batch(
        count=len(batch),
        pool=join_rows([batch, known.records]),
        known=known,
        earlier=earlier,
        released=np.concatenate([np.zeros(0, np.int64), *map(_released_by, own)]),
        slots=slots,
        shut=slots["flags"] & CLOSED != 0,
        sides=(sides[0], sides[1]),
        earlier_sides=(sides[2], sides[3]),
        held_sides=(sides[4], sides[5]),
    )


def _released_by(hold: OnHold) -> Places:
    """What each transfer of an act let go of, minor units."""
    released = np.zeros(len(hold.records), dtype=np.int64)
    ends = np.flatnonzero(hold.records["flags"] & SECOND)
    ids = numbers_of(hold.records["pending_lo"][ends], hold.records["pending_hi"][ends])
    released[ends] = [hold.ended[pending_id] for pending_id in ids]
    return released


def _are_among(ids: Ids, records: Records) -> NDArray[np.bool_]:
    """Which of ``records`` have one of ``ids`` ``(k, 2)``, all different."""
    low = np.concatenate([ids[:, 0], records["id_lo"]])
    high = np.concatenate([ids[:, 1], records["id_hi"]])
    _, numbers = number_ids(low, high)
    found: NDArray[np.bool_] = numbers[len(ids) :] < len(ids)
    return found


def _places_among(ids: Ids, found: Records) -> Places:
    """Which of ``ids`` ``(k, 2)``, all different, each of ``found`` is."""
    low = np.concatenate([ids[:, 0], found["id_lo"]])
    high = np.concatenate([ids[:, 1], found["id_hi"]])
    _, numbers = number_ids(low, high)
    places: Places = numbers[len(ids) :]
    return places


def judge_batch(
    work: Batch, now_us: int, is_burnt: NDArray[np.bool_],
    own_steps: Iterable[tuple[int, Sequence[int]]], own_closed: Mapping[int, bool],
) -> None:  # fmt: skip
    """Decide a batch; ``is_burnt`` ``(n,)`` are ids that failed before, ``own_steps`` what acts of
    its group have added to the sums of accounts, ``own_closed`` the accounts that they have closed
    or opened again.
    """
    count, known, slots = work.count, work.known, work.slots
    _add_to_slots(slots, own_steps, own_closed)
    held: Records = np.zeros(len(known.pendings) + count, dtype=HELD)
    recorded = held[: len(known.pendings)]
    pendings = known.records[known.pendings]
    recorded["amount"], recorded["state"] = pendings["amount_lo"], known.state
    recorded["closing"] = pendings["flags"] & CLOSING
    recorded["expires_ns"] = known.expires_us * 1000
    recorded["debit"], recorded["credit"] = work.held_sides
    held_of = np.full(len(known.records) + 1, -1, dtype=np.int64)  # the last one: of none
    held_of[known.pendings] = np.arange(len(known.pendings))
    work.before, work.held = copy_rows(slots), held
    work.status, work.place = np.zeros(count, dtype=np.uint16), np.empty(count, dtype=np.int64)
    judge(
        work.pool, count, _past(known.found, count), _past(known.ended, count),
        held_of[known.ended], is_burnt, *work.sides, slots, held,
        len(known.pendings), now_us * 1000, 0, np.empty(_LOCAL, dtype=np.int32), work.status,
        work.place,
    )  # fmt: skip


def _past(places: Places, count: int) -> Places:
    """Places among recorded transfers as they are behind a batch of so many; -1 stays."""
    return np.where(places >= 0, places + count, -1)


def _add_to_slots(
    slots: Records, steps: Iterable[tuple[int, Sequence[int]]], closed: Mapping[int, bool]
) -> None:
    steps = list(steps)
    if not steps and not closed:
        return
    at = {id: n for n, id in enumerate(numbers_of(slots["id_lo"], slots["id_hi"]))}
    for account_id, change in steps:
        if (place := at.get(account_id)) is not None:
            for name, amount_minor in zip(SUMS, change, strict=True):
                slots[name][place] = int(slots[name][place]) + amount_minor
    for account_id, is_closed in closed.items():
        if (place := at.get(account_id)) is not None:
            slots["flags"][place] &= ~np.uint16(CLOSED)
            slots["flags"][place] |= CLOSED * is_closed
