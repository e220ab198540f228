"""Rows that a writer has read or written, remembered so that it need not read them again.

Accounts are never changed: what can be undone is their creation, so whoever remembers them forgets
them all whenever anything is undone. Balances and pendings do change: they are remembered only
where nobody else can change them meanwhile (see ``fresh`` of a transaction).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.ledger.arrays.layout import UNTRACKED, Places, Table, Words
from puhui.ledger.arrays.local import mix
from puhui.ledger.arrays.record import TRANSFER, Records
from puhui.ledger.arrays.whole import put_rows

TERMS = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("time_ns", "<u8"),
        ("number", "<i8"),
        ("ledger", "<u4"),
        ("flags", "<u2"),
        ("spare", "<u2"),
    ]
)
"""Of one account: its id, when it was created, the store's number of it, ledger and flags."""

BALANCE = np.dtype(
    [
        ("debits_pending", "<i8"),
        ("debits_posted", "<i8"),
        ("credits_pending", "<i8"),
        ("credits_posted", "<i8"),
        ("expires_us", "<i8"),
        ("version", "<i8"),
        ("is_closed", "<i4"),
        ("is_there", "<i4"),
    ]
)
"""A balance row as the store has it, and its version; ``is_there`` is 0 where it is not
remembered."""

PENDING = np.dtype(
    [
        ("position", "<i8"),
        ("expires_us", "<i8"),
        ("released_us", "<i8"),
        ("state", "<i8"),
    ]
)
"""Of a pending row what its transfer does not say."""

ACCOUNTS_MAX = 1 << 20
"""The most accounts that are remembered; then all are forgotten."""
_TRACKED = 14
"""Flags of accounts that have a balance row: a limit, or history."""
PENDINGS_MAX = 1 << 16
"""The most pendings that are remembered; then all are forgotten."""
DUE_MAX = 1 << 15
"""The most pendings past their time that are read at once; upkeep is far behind then."""


@njit
def _find(table: Table, rows: Records, low: Words, high: Words, places: Places) -> None:
    mask = table.shape[0] - 1
    for i in range(low.shape[0]):
        at = np.int64(mix(low[i], high[i]) & np.uint64(mask))
        places[i] = -1
        while table[at] != 0:
            row = table[at] - 1
            if rows[row].id_lo == low[i] and rows[row].id_hi == high[i]:
                places[i] = row
                break
            at = (at + 1) & mask


@njit
def _enter(table: Table, rows: Records, first: int, count: int) -> None:
    mask = table.shape[0] - 1
    for row in range(first, first + count):
        at = np.int64(mix(rows[row].id_lo, rows[row].id_hi) & np.uint64(mask))
        while table[at] != 0:
            at = (at + 1) & mask
        table[at] = row + 1


@njit
def _place(
    table: Table,
    rows: Records,
    transfers: Records,
    slot_of: Table,
    touched: Places,
    count: int,
    debit_at: Places,
    credit_at: Places,
) -> int:
    """Give each account that ``transfers`` name a slot; returns how many there are then.

    ``slot_of`` says of each remembered account which slot it has, -1 for none, and ``touched``
    of each slot which account it is; ``debit_at`` and ``credit_at`` get slots, -1 of accounts that
    are not remembered.
    """
    mask = table.shape[0] - 1
    for i in range(2 * transfers.shape[0]):
        t = transfers[i >> 1]
        low, high = (t.debit_lo, t.debit_hi) if i & 1 == 0 else (t.credit_lo, t.credit_hi)
        at, slot = np.int64(mix(low, high) & np.uint64(mask)), -1
        while table[at] != 0:
            row = table[at] - 1
            if rows[row].id_lo == low and rows[row].id_hi == high:
                slot = slot_of[row]
                if slot < 0:
                    slot = count
                    slot_of[row], touched[count] = slot, row
                    count += 1
                break
            at = (at + 1) & mask
        if i & 1 == 0:
            debit_at[i >> 1] = slot
        else:
            credit_at[i >> 1] = slot
    return count


@njit
def _fill_slots(
    accounts: Records, balances: Records, places: Places, slots: Records, expires_us: Places
) -> int:
    """Fill slots from what is remembered; returns how many balance rows are not remembered.

    ``expires_us`` gets the first expiry, -1 of accounts without a balance row.
    """
    missing = 0
    for slot in range(places.shape[0]):
        a, s = accounts[places[slot]], slots[slot]
        s.ledger, s.time_ns, s.flags = a.ledger, a.time_ns, a.flags
        expires_us[slot] = -1
        if (a.flags & _TRACKED) == 0:
            s.flags |= UNTRACKED
            continue
        b = balances[places[slot]]
        if b.is_there == 0:
            missing += 1
            continue
        s.debits_pending, s.debits_posted = np.uint64(b.debits_pending), np.uint64(b.debits_posted)
        s.credits_pending = np.uint64(b.credits_pending)
        s.credits_posted = np.uint64(b.credits_posted)
        expires_us[slot] = b.expires_us
    return missing


class Remembered:
    """Rows that are found by id: ``rows`` ``(n,)``, of which the first ``count`` are filled.

    They have ``id_lo`` and ``id_hi``. At ``most`` all are forgotten.
    """

    def __init__(self, kind: np.dtype[np.void], most: int) -> None:
        self._most = most
        self.count = 0
        self.rows: Records = np.zeros(1 << 12, dtype=kind)
        self._table = np.zeros(1 << 13, dtype=np.int32)

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Places:
        """Where in ``rows`` each id is; -1 where it is not."""
        places = np.empty(len(low), dtype=np.int64)
        _find(self._table, self.rows, low, high, places)
        return places

    def add(self, more: Records) -> int:
        """Remember rows that are not remembered yet ``(m,)``; returns where the first is."""
        if self.count + len(more) > self._most:
            self.forget()
        start, self.count = self.count, self.count + len(more)
        if self.count > len(self.rows):
            size = 1 << self.count.bit_length()
            grown: Records = np.zeros(size, dtype=self.rows.dtype)
            put_rows(grown, 0, self.rows[:start])
            self.rows, self._table = grown, np.zeros(2 * size, dtype=np.int32)
            _enter(self._table, self.rows, 0, start)
        put_rows(self.rows, start, more)
        _enter(self._table, self.rows, start, len(more))
        return start

    def forget(self) -> None:
        """Forget all rows."""
        self.count = 0
        self._table[:] = 0


class RememberedAccounts(Remembered):
    """What never changes of accounts: ``rows`` ``(n,) TERMS``; ``turn`` says since when."""

    def __init__(self) -> None:
        super().__init__(TERMS, ACCOUNTS_MAX)
        self.turn = object()
        self._slot_of = np.zeros(0, dtype=np.int32)

    def place(self, parts: Sequence[Records]) -> tuple[list[tuple[Places, Places]], Places]:
        """Give each account that transfers name a slot: a number from 0 on.

        ``parts`` are ``(n,) TRANSFER`` each. Returns for each of them the slots ``(n,)`` of the
        debited and of the credited account, -1 of those not remembered, and of each slot the place
        in ``rows``.
        """
        if len(self._slot_of) < len(self.rows):
            self._slot_of = np.full(len(self.rows), -1, dtype=np.int32)
        most = min(2 * sum(map(len, parts)), self.count)
        touched, count = np.empty(most, dtype=np.int64), 0
        made = []
        for part in parts:
            pair = np.empty(len(part), dtype=np.int64), np.empty(len(part), dtype=np.int64)
            count = _place(self._table, self.rows, part, self._slot_of, touched, count, *pair)
            made.append(pair)
        touched = touched[:count]
        self._slot_of[touched] = -1
        return made, touched

    def forget(self) -> None:
        """Forget all accounts: places mean others from now on."""
        super().forget()
        self.turn = object()


class RememberedBalances:
    """Balance rows ``(n,) BALANCE`` by the place of their account among those remembered."""

    def fill(
        self, accounts: RememberedAccounts, places: Places, slots: Records, expires_us: Places
    ) -> bool:
        """Fill the slots ``(n,) SLOT`` of accounts; whether all that have a balance row are there.

        ``expires_us`` ``(n,)`` gets the first expiry, -1 of accounts without a balance row. Where
        some are not there, ``were_read`` says that they had to be read, until ``suit`` is called.
        """
        missing = _fill_slots(accounts.rows, self.rows, places, slots, expires_us)
        self.were_read |= missing > 0
        return missing == 0

    def __init__(self) -> None:
        self.turn: object = None
        self.were_read = False
        self.rows: Records = np.zeros(0, dtype=BALANCE)

    def suit(self, accounts: RememberedAccounts) -> None:
        """Have a row for each account."""
        self.were_read = False
        if self.turn is not accounts.turn:
            self.turn = accounts.turn
            self.rows = np.zeros(len(accounts.rows), dtype=BALANCE)
        elif len(self.rows) < len(accounts.rows):
            grown: Records = np.zeros(len(accounts.rows), dtype=BALANCE)
            put_rows(grown, 0, self.rows)
            self.rows = grown


class RememberedPendings(Remembered):
    """Pending transfers as they were recorded, and ``held`` ``(n,) PENDING`` of each."""

    def __init__(self) -> None:
        super().__init__(TRANSFER, PENDINGS_MAX)
        self.held: Records = np.zeros(0, dtype=PENDING)

    def end(self, at: Places, held: Records) -> None:
        """Bring those at some places up to date ``(m,) HELD``."""
        self.held["state"][at], self.held["released_us"][at] = held["state"], _us(held["ended_ns"])

    def keep(self, transfers: Records, positions: Places, held: Records) -> None:
        """Remember new pendings as they were recorded, ``(m,) TRANSFER`` and ``(m,) HELD``."""
        start = self.add(transfers)
        if len(self.held) < len(self.rows):
            grown: Records = np.zeros(len(self.rows), dtype=PENDING)
            put_rows(grown, 0, self.held)
            self.held = grown
        rows = self.held[start : self.count]
        rows["position"], rows["state"] = positions, held["state"]
        rows["expires_us"] = _us(held["expires_ns"])
        rows["released_us"] = _us(held["ended_ns"])


class RememberedDue:
    """What open pendings past their time hold of each account, as far as ``until_us``.

    Nothing but upkeep ends them, and that changes balance rows, so all is forgotten then.
    """

    def __init__(self) -> None:
        self.until_us = 0
        self.sums: dict[bytes, tuple[int, int]] = {}

    def add(self, sides: Sequence[NDArray[np.void]], amounts: NDArray[np.int64]) -> None:
        """Add pendings: their debited and credited accounts, ``(n,) V16`` each, and minor units."""
        sums = self.sums
        debits, credits = sides
        every = zip(debits.tolist(), credits.tolist(), amounts.tolist(), strict=True)
        for debit, credit, amount in every:
            held = sums.get(debit, (0, 0))
            sums[debit] = held[0] + amount, held[1]
            held = sums.get(credit, (0, 0))
            sums[credit] = held[0], held[1] + amount


def _us(times_ns: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (times_ns // np.uint64(1000)).astype(np.int64)
