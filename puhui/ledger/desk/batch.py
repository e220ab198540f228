"""Large batches of transfers: fetched as arrays, judged by compiled code, recorded as arrays.

The same decisions as for small batches, by ``rules``' compiled twin. Whatever its size a batch
takes one statement each for used ids, pendings, accounts and balances, and one load each for
transfers, pendings and balances; no row is touched in Python. Its transfers stay loose (see
``tables.schema``) until upkeep takes them into the indexes by account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.kernel.store.sheet import Blobs, halves, sixteen
from puhui.ledger.arrays.distinct import number_ids
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.known import KNOWN, KnownAccounts
from puhui.ledger.arrays.layout import (
    BALANCING,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    HELD,
    PENDING_FLAG,
    SECOND,
    SLOT,
    UNTRACKED,
)
from puhui.ledger.arrays.record import (
    STATUSES,
    TRANSFER,
    Records,
    check_size,
    ledger_number,
)
from puhui.ledger.desk.account import still_closed, sums_at
from puhui.ledger.desk.columns import (
    SUMS,
    Places,
    Work,
    none_of,
    record_balances,
    record_loose,
    record_pendings,
    record_transfers,
)
from puhui.ledger.nouns import Status
from puhui.ledger.rules import TRACKED, require_created
from puhui.ledger.rules.books import TRANSIENT
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import number

_BURNING = np.array([status in TRANSIENT for status in STATUSES])
_LOCAL = 2 * 8192
_NO_ID = bytes(16)


def create_records(act: Act, batch: Records, *, strict: bool = False) -> tuple[Status, ...]:
    """Create transfers given as records ``(n,) TRANSFER`` and say what became of each.

    Refused: ``ledger.batch_too_large``, ``ledger.closing_needs_balance``; with ``strict`` as
    ``create_transfers``.
    """
    check_size(len(batch), "transfers")
    work = _fetch(act, batch)
    before: Records = work.slots.copy()
    count, known = len(batch), len(work.pendings)
    status, place = np.empty(count, dtype=np.uint16), np.empty(count, dtype=np.int64)
    held_count = judge(
        work.pool, count, work.found, work.ended, work.held_at, work.is_burnt, work.debit_at,
        work.credit_at, work.slots, work.held, known, act.now_us * 1000, 0,
        np.empty(_LOCAL, dtype=np.int32), status, place,
    )  # fmt: skip
    if strict:
        require_created(_named(status), "transfer")
    created = np.flatnonzero(status == 0)
    if len(created):
        record_transfers(act, work, created)
    record_pendings(act, work, created, place, held_count)
    record_balances(act, work, before, held_count)
    named = _named(status)
    if len(created):
        record_loose(act, work, created)
    burnt = np.flatnonzero(_BURNING[status])
    if len(burnt):
        columns = [
            {"id": id, "status": named[n].value, "time_us": act.now_us}
            for n, id in zip(burnt.tolist(), work.ids[burnt].tolist(), strict=True)
        ]
        act.tx.run_many(write.INSERT_FAILED, columns)
    return named


def _named(status: NDArray[np.uint16]) -> tuple[Status, ...]:
    return tuple(map(STATUSES.__getitem__, status.tolist()))


# Fetching.


@dataclass(frozen=True, slots=True)
class _Distinct:
    """Ids told apart, in their order, and of each id that was asked which of them it is."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    ids: Blobs
    places: Places


def _distinct(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> _Distinct:
    firsts, numbers = number_ids(low, high)
    order = np.lexsort((low[firsts], high[firsts]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    high, low = high[firsts[order]], low[firsts[order]]
    return _Distinct(high, low, sixteen(high, low), rank[numbers])


def _fetch(act: Act, batch: Records) -> Work:
    tx, count = act.tx, len(batch)
    found, ended, held_at = none_of(count), none_of(count), none_of(count)
    is_burnt = np.zeros(count, dtype=np.bool_)
    used = _find_used(tx, batch, found, is_burnt)
    seconds = np.flatnonzero(batch["flags"] & SECOND != 0)
    named = _distinct(batch["pending_hi"][seconds], batch["pending_lo"][seconds])
    ends: Records = np.empty(0, dtype=TRANSFER)
    rows: list[Any] = [()]
    locked: list[Any] = [(), named.ids[:0], named.ids[:0], named.ids[:0]]
    if len(seconds):
        tx.give({"id": named.ids})
        rows = tx.arrays(write.GIVEN_TRANSFERS)
        found_pendings = tx.arrays(write.LOCK_GIVEN_PENDINGS)
        locked = found_pendings if len(found_pendings[0]) else locked
        ends = _records_of(rows)
        for places, columns, start in ((ended, rows, count + len(used)), (held_at, locked, 0)):
            at = none_of(len(named.ids))
            at[np.asarray(columns[0], dtype=np.int64) - 1] = start + np.arange(len(columns[0]))
            places[seconds] = at[named.places]
    pool: Records = np.concatenate([batch, used, ends])
    debits, credits = halves(locked[2]), halves(locked[3])
    accounts = _distinct(
        np.concatenate([batch["debit_hi"], batch["credit_hi"], debits[0], credits[0]]),
        np.concatenate([batch["debit_lo"], batch["credit_lo"], debits[1], credits[1]]),
    )
    slots, numbers, expires_us, due = _find_slots(act, accounts)
    slot_at = np.where(numbers[accounts.places] >= 0, accounts.places, -1)
    debit_at, credit_at = slot_at[:count].copy(), slot_at[count : 2 * count].copy()
    _check_untracked(act, batch, slots, accounts.ids, (debit_at, credit_at))
    held: Records = np.zeros(len(locked[0]) + count, dtype=HELD)
    if known := len(locked[0]):
        closing = np.zeros(len(named.ids), dtype=np.uint8)
        closing[rows[0] - 1] = ends["flags"] & CLOSING
        _fill_held(held[:known], locked, slot_at[2 * count :], closing[locked[0] - 1])
    return Work(
        batch, sixteen(batch["id_hi"], batch["id_lo"]), pool, found, ended, held_at, is_burnt,
        debit_at, credit_at, slots, accounts.ids, numbers, held, locked[1], expires_us, due,
    )  # fmt: skip


def _fill_held(held: Records, locked: list[Any], at: Places, closing: NDArray[np.uint8]) -> None:
    """Recorded pendings, with the places of their accounts and what their transfers close."""
    _, _, _, _, amounts, _, expires_us, states, released_us = locked
    held["amount"], held["state"], held["closing"] = amounts, states, closing
    held["expires_ns"], held["ended_ns"] = expires_us * 1000, released_us * 1000
    held["debit"], held["credit"] = at[: len(held)], at[len(held) :]


def _find_used(
    tx: Transaction, batch: Records, found: Places, is_burnt: NDArray[np.bool_]
) -> Records:
    """The recorded transfers among the ids; says of each event which of them, and what is burnt.

    New ids mostly lie past all that are used.
    """
    last = tx.one(write.LAST_USED)
    assert last is not None
    highest = number(max(last.transfer_id or b"", last.failed_id or b""))
    high, low = np.uint64(highest >> 64), np.uint64(highest & (2**64 - 1))
    is_past = (batch["id_hi"] > high) | ((batch["id_hi"] == high) & (batch["id_lo"] > low))
    asked = np.flatnonzero(~is_past)
    if not len(asked):
        return np.empty(0, dtype=TRANSFER)
    tx.give({"id": sixteen(batch["id_hi"][asked], batch["id_lo"][asked])})
    rows = tx.arrays(write.GIVEN_TRANSFERS)
    burnt = tx.arrays(write.GIVEN_BURNT)[0]
    if len(rows[0]):
        found[asked[rows[0] - 1]] = len(batch) + np.arange(len(rows[0]))
    if len(burnt):
        is_burnt[asked[burnt - 1]] = True
    return _records_of(rows)


def _know(tx: Transaction, accounts: _Distinct) -> Records:
    """What never changes of each account, ``(k,) KNOWN``; its number is -1 where none exists."""
    known: KnownAccounts = tx.known.setdefault(KnownAccounts, KnownAccounts())
    at = known.find(accounts.high, accounts.low)
    new = np.flatnonzero(at < 0)
    if not len(new):
        return known.rows[at]
    tx.give({"id": accounts.ids[new]})
    there, numbers, ledgers, flags, times_us = tx.arrays(write.GIVEN_TERMS)
    more: Records = np.zeros(len(there), dtype=KNOWN)
    if len(there):
        found = new[there - 1]
        more["id_lo"], more["id_hi"] = accounts.low[found], accounts.high[found]
        names = {name: ledger_number(name) for name in set(ledgers)}
        more["ledger"] = [names[name] for name in ledgers]
        more["number"], more["flags"], more["time_ns"] = numbers, flags, times_us * 1000
        known.add(more)
        at = known.find(accounts.high, accounts.low)
    rows: Records = known.rows[at]
    rows["number"][at < 0] = -1
    return rows


def _find_slots(
    act: Act, accounts: _Distinct
) -> tuple[Records, Places, Places, dict[int, tuple[int, int]]]:
    """What is kept of each account, its number (-1 where none exists), and of those with a balance
    row the first expiry (else -1) and what is due.

    Sums leave out pendings past their time.
    """
    tx, now_us, ids = act.tx, act.now_us, accounts.ids
    rows = _know(tx, accounts)
    numbers = rows["number"].copy()
    slots: Records = np.zeros(len(ids), dtype=SLOT)
    expires_us = none_of(len(ids))
    due: dict[int, tuple[int, int]] = {}
    slots["ledger"], slots["time_ns"], terms = rows["ledger"], rows["time_ns"], rows["flags"]
    is_tracked = terms & TRACKED != 0
    slots["flags"] = np.where(is_tracked, terms, terms | UNTRACKED)
    tracked = np.flatnonzero(is_tracked & (numbers >= 0))
    if not len(tracked):
        return slots, numbers, expires_us, due
    tracked = tracked[np.argsort(numbers[tracked])]
    tx.give({"number": numbers[tracked]})
    columns = tx.arrays(write.LOCK_GIVEN_BALANCES)
    assert len(columns[0]) == len(tracked), "each of them has a balance row"
    for name, column in zip(SUMS, columns[:4], strict=True):
        slots[name][tracked] = column
    expires_us[tracked] = columns[4]
    closed = tracked[columns[5] != 0]
    if len(closed):
        names = ids[closed].tolist()
        still = still_closed(tx, names, now_us=now_us)
        is_closed = np.array([name in still for name in names])
        slots["flags"][closed[is_closed]] |= CLOSED
    late = np.flatnonzero((expires_us > 0) & (expires_us <= now_us))
    if len(late):
        due = _leave_out_due(act, slots, dict(zip(ids[late].tolist(), late.tolist(), strict=True)))
    return slots, numbers, expires_us, due


def _leave_out_due(act: Act, slots: Records, at: dict[bytes, int]) -> dict[int, tuple[int, int]]:
    """Take pendings past their time out of the sums; what they were, by slot."""
    due: dict[int, tuple[int, int]] = {}
    for row in act.tx.all(write.DUE_SUMS, ids=list(at), now_us=act.now_us):
        slot, is_debit = at[row.account_id], row.side == "debit"
        slots["debits_pending" if is_debit else "credits_pending"][slot] -= row.amount_minor
        debits, credits = due.get(slot, (0, 0))
        due[slot] = (
            debits + row.amount_minor * is_debit,
            credits + row.amount_minor * (not is_debit),
        )
    return due


def _check_untracked(
    act: Act, batch: Records, slots: Records, ids: Blobs, sides: tuple[Places, Places]
) -> None:
    """Sum up accounts without a balance row where a balancing transfer needs it.

    Refused: ``ledger.closing_needs_balance``.
    """
    flags = batch["flags"]
    if not (flags & (BALANCING | CLOSING)).any():
        return

    def bare(at: Places) -> Places:
        there = np.unique(at[at >= 0])
        chosen: Places = there[slots["flags"][there] & UNTRACKED != 0]
        return chosen

    is_pending = flags & PENDING_FLAG != 0
    for at, closing in zip(sides, (CLOSING_DEBIT, CLOSING_CREDIT), strict=True):
        if len(bare(at[is_pending & (flags & closing != 0)])):
            refuse_closing()
    some = flags & BALANCING != 0
    summed = bare(np.concatenate([at[some] for at in sides]))
    places = dict(zip(map(number, ids[summed].tolist()), summed.tolist(), strict=True))
    for account_id, sums in sums_at(act.tx, list(places), at_us=act.now_us).items():
        for name, amount_minor in zip(SUMS, sums, strict=True):
            slots[name][places[account_id]] = amount_minor


def refuse_closing() -> None:
    """Refused: ``ledger.closing_needs_balance``."""
    raise Refused(
        "ledger.closing_needs_balance",
        "Only an account with a balance limit or with history can be closed by a transfer.",
    )


def _records_of(rows: list[Any]) -> Records:
    """Recorded transfers ``(n,) TRANSFER`` from the columns of ``GIVEN_TRANSFERS``."""
    made: Records = np.zeros(len(rows[0]), dtype=TRANSFER)
    if not len(made):
        return made
    columns = dict(zip(_CONTENT, rows[1:], strict=True))
    for name, column in _WIDE.items():
        made[name + "_hi"], made[name + "_lo"] = halves(_filled(columns[column]))
    made["user_64"] = columns["user_data_64"].view(np.uint64)
    known = {name: ledger_number(name) for name in set(columns["ledger"])}
    made["ledger"] = [known[name] for name in columns["ledger"]]
    made["amount_lo"] = columns["amount_minor"]
    made["time_ns"] = columns["time_us"] * 1000
    for name, column in _SHORT.items():
        made[name] = columns[column]
    return made


_CONTENT = [c.name for c in write.CONTENT]
_WIDE = {
    "id": "id",
    "debit": "debit_account_id",
    "credit": "credit_account_id",
    "pending": "pending_id",
    "user_128": "user_data_128",
}
_SHORT = {"user_32": "user_data_32", "timeout_s": "timeout_s", "code": "code", "flags": "flags"}


def _filled(column: Any) -> Blobs:
    """Sixteen bytes in each row, noughts where nothing is."""
    if isinstance(column, np.ndarray):
        return column
    return np.frombuffer(b"".join([value or _NO_ID for value in column]), dtype="V16")
