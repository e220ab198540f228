"""Large batches of transfers: fetched as columns, judged by compiled code, recorded as columns.

The same decisions as for small batches, by ``rules``' compiled twin. Whatever its size a batch
takes one statement each for used ids, pendings, accounts and balances, and one load each for
transfers, pendings and balances. Its transfers stay loose (see ``tables.schema``) until upkeep
takes them into the indexes by account.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger.arrays.distinct import number_ids
from puhui.ledger.arrays.judge import judge
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
    Blobs,
    Work,
    blobs,
    none_of,
    record_balances,
    record_pendings,
    record_transfers,
)
from puhui.ledger.nouns import Status
from puhui.ledger.rules import TRACKED, require_created
from puhui.ledger.rules.books import TRANSIENT
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import (
    number,
)

_BURNING = frozenset(STATUSES.index(status) for status in TRANSIENT)
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
    named = tuple(map(STATUSES.__getitem__, status.tolist()))
    if strict:
        require_created(named, "transfer")
    created = np.flatnonzero(status == 0)
    if len(created):
        record_transfers(act, work, created)
    record_pendings(act, work, created, place, held_count)
    record_balances(act, work, before, held_count)
    burnt = [place for place in np.flatnonzero(status).tolist() if status[place] in _BURNING]
    if burnt:
        columns = [
            {"id": work.ids[n], "status": named[n].value, "time_us": act.now_us} for n in burnt
        ]
        act.tx.run_many(write.INSERT_FAILED, columns)
    return named


# Fetching.


def _fetch(act: Act, batch: Records) -> Work:
    tx, count = act.tx, len(batch)
    ids = blobs(batch["id_lo"], batch["id_hi"])
    seconds = np.flatnonzero(batch["flags"] & SECOND != 0)
    pending_ids = blobs(batch["pending_lo"][seconds], batch["pending_hi"][seconds])
    asked, used = _find_used(tx, ids, pending_ids)
    rows = [row for row in used if row.amount_minor is not None]
    places = {row.id: count + n for n, row in enumerate(rows)}
    burnt = {row.id for row in used if row.amount_minor is None}
    pool: Records = np.empty(count + len(rows), dtype=TRANSFER)
    pool[:count] = batch
    if rows:
        pool[count:] = _records_of(rows)
    found, is_burnt = none_of(count), np.zeros(count, dtype=np.bool_)
    found[asked] = [places.get(ids[n], -1) for n in asked]
    is_burnt[asked] = [ids[n] in burnt for n in asked]
    ended, held_at = none_of(count), none_of(count)
    locked = tx.all(write.LOCK_PENDINGS, ids=sorted(set(pending_ids))) if pending_ids else []
    held_places = {row.id: n for n, row in enumerate(locked)}
    if pending_ids:
        ended[seconds] = [places.get(i, -1) for i in pending_ids]
        held_at[seconds] = [held_places.get(i, -1) for i in pending_ids]
    low = np.concatenate([batch["debit_lo"], batch["credit_lo"]])
    high = np.concatenate([batch["debit_hi"], batch["credit_hi"]])
    firsts, numbers = number_ids(low, high)
    named = blobs(low[firsts], high[firsts])
    wanted = {*named}
    wanted.update(row.debit_account_id for row in locked)
    wanted.update(row.credit_account_id for row in locked)
    slots, accounts, expires_us, due = _find_slots(act, batch, sorted(wanted))
    at = {account: n for n, account in enumerate(accounts)}
    account_at = np.array([at.get(account, -1) for account in named], dtype=np.int64)[numbers]
    held: Records = np.zeros(len(locked) + count, dtype=HELD)
    flags = {row.id: row.flags for row in rows}
    for n, row in enumerate(locked):
        held[n] = (
            row.amount_minor, row.expires_us * 1000, row.released_us * 1000,
            at[row.debit_account_id], at[row.credit_account_id], row.state,
            flags[row.id] & CLOSING, 0, 0,
        )  # fmt: skip
    return Work(
        batch, ids, pool, found, ended, held_at, is_burnt,
        account_at[:count].copy(), account_at[count:].copy(),
        slots, accounts, held, [row.id for row in locked], expires_us, due,
    )  # fmt: skip


def _find_used(tx: Transaction, ids: Blobs, pending_ids: Blobs) -> tuple[list[int], list[Row]]:
    """Which of the ids may be used already, and recorded and burnt transfers among all ids.

    New ids mostly lie past all that are used.
    """
    last = tx.one(write.LAST_USED)
    assert last is not None
    highest = max(last.transfer_id or b"", last.failed_id or b"")
    asked = [n for n, i in enumerate(ids) if i <= highest]
    new_ids = {ids[n] for n in asked}
    wanted = {*new_ids, *pending_ids}
    if not wanted:
        return asked, []
    return asked, tx.all(write.FIND_USED, ids=sorted(wanted), new_ids=sorted(new_ids))


def _find_slots(
    act: Act, batch: Records, wanted: Blobs
) -> tuple[Records, Blobs, NDArray[np.int64], dict[int, tuple[int, int]]]:
    """What is kept of each account that exists, in the order of ids, with expiries and what is due.

    Sums leave out pendings past their time. Refused: ``ledger.closing_needs_balance``.
    """
    tx, now_us = act.tx, act.now_us
    found, ledgers, terms, times_us = tx.columns(write.FIND_TERMS, ids=wanted)
    accounts = list(found)
    at = {account: n for n, account in enumerate(accounts)}
    slots: Records = np.zeros(len(accounts), dtype=SLOT)
    known = {name: ledger_number(name) for name in set(ledgers)}
    slots["ledger"] = [known[name] for name in ledgers]
    slots["time_ns"] = np.array(times_us, dtype=np.int64) * 1000
    flags = np.array(terms, dtype=np.uint16)
    is_tracked = flags & TRACKED != 0
    slots["flags"] = np.where(is_tracked, flags, flags | UNTRACKED)
    expires_us = np.full(len(accounts), -1, dtype=np.int64)
    due: dict[int, tuple[int, int]] = {}
    tracked = [accounts[n] for n in np.flatnonzero(is_tracked).tolist()]
    if tracked:
        columns = tx.columns(write.LOCK_BALANCES, ids=tracked)
        places = np.array([at[account] for account in columns[0]], dtype=np.int64)
        for name, column in zip(SUMS, columns[1:5], strict=True):
            slots[name][places] = column
        expires_us[places] = columns[5]
        closed = [accounts[n] for n in places[np.array(columns[6]) != 0].tolist()]
        for account in still_closed(tx, closed, now_us=now_us):
            slots["flags"][at[account]] |= CLOSED
        late = np.flatnonzero((expires_us > 0) & (expires_us <= now_us)).tolist()
        if late:
            asked = [accounts[n] for n in late]
            for row in tx.all(write.DUE_SUMS, ids=asked, now_us=now_us):
                slot, is_debit = at[row.account_id], row.side == "debit"
                slots["debits_pending" if is_debit else "credits_pending"][slot] -= row.amount_minor
                debits, credits = due.get(slot, (0, 0))
                due[slot] = (
                    debits + row.amount_minor * is_debit,
                    credits + row.amount_minor * (not is_debit),
                )
    _check_untracked(tx, batch, slots, accounts, now_us)
    return slots, accounts, expires_us, due


def _check_untracked(
    tx: Transaction, batch: Records, slots: Records, accounts: Blobs, now_us: int
) -> None:
    """Sum up accounts without a balance row where a balancing transfer needs it.

    Refused: ``ledger.closing_needs_balance``.
    """
    flags = batch["flags"]
    if not (flags & (BALANCING | CLOSING)).any():
        return
    bare = {account: n for n, account in enumerate(accounts) if slots["flags"][n] & UNTRACKED}
    is_pending = flags & PENDING_FLAG != 0
    for side, closing in (("debit", CLOSING_DEBIT), ("credit", CLOSING_CREDIT)):
        closed = batch[is_pending & (flags & closing != 0)]
        if not bare.keys().isdisjoint(blobs(closed[f"{side}_lo"], closed[f"{side}_hi"])):
            refuse_closing()
    some = batch[flags & BALANCING != 0]
    named = {
        *blobs(some["debit_lo"], some["debit_hi"]),
        *blobs(some["credit_lo"], some["credit_hi"]),
    }
    places = {number(account): n for account, n in bare.items() if account in named}
    for account_id, sums in sums_at(tx, list(places), at_us=now_us).items():
        for name, amount_minor in zip(SUMS, sums, strict=True):
            slots[name][places[account_id]] = amount_minor


def refuse_closing() -> None:
    """Refused: ``ledger.closing_needs_balance``."""
    raise Refused(
        "ledger.closing_needs_balance",
        "Only an account with a balance limit or with history can be closed by a transfer.",
    )


def _records_of(rows: list[Row]) -> Records:
    """Recorded transfers ``(n,) TRANSFER`` from their rows."""
    made: Records = np.zeros(len(rows), dtype=TRANSFER)
    for name, column in (
        ("id", "id"),
        ("debit", "debit_account_id"),
        ("credit", "credit_account_id"),
        ("pending", "pending_id"),
        ("user_128", "user_data_128"),
    ):
        packed = b"".join([getattr(row, column) or _NO_ID for row in rows])
        halves = np.frombuffer(packed, dtype=">u8").reshape(-1, 2)
        made[name + "_hi"], made[name + "_lo"] = halves[:, 0], halves[:, 1]
    made["user_64"] = np.array([row.user_data_64 for row in rows], dtype=np.int64).view(np.uint64)
    made["ledger"] = [ledger_number(row.ledger) for row in rows]
    made["amount_lo"] = [row.amount_minor for row in rows]
    made["time_ns"] = np.array([row.time_us for row in rows]) * 1000
    for name, column in (
        ("user_32", "user_data_32"),
        ("timeout_s", "timeout_s"),
        ("code", "code"),
        ("flags", "flags"),
    ):
        made[name] = [getattr(row, column) for row in rows]
    return made
