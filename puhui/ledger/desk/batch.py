"""Large batches of transfers: fetched as columns, judged by compiled code, recorded as columns.

The same decisions as for small batches, by ``rules``' compiled twin. Whatever its size a batch
takes one statement each for used ids, pendings, accounts and balances, and one load each for
transfers, pendings and balances. Its transfers stay loose (see ``tables.schema``) until upkeep
takes them into the indexes by account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.layout import (
    BALANCING,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    HELD,
    LINKED,
    OPEN,
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
    ledger_name,
    ledger_number,
)
from puhui.ledger.desk.account import still_closed, sums_at
from puhui.ledger.nouns import Status
from puhui.ledger.rules import TRACKED, require_created
from puhui.ledger.rules.books import TRANSIENT
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import (
    BALANCE,
    LOOSE,
    PENDING,
    number,
    signed,
)
from puhui.ledger.tables.schema import TRANSFER as TABLE

Places = NDArray[np.int64]
Blobs = list[bytes]

_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
_BURNING = frozenset(STATUSES.index(status) for status in TRANSIENT)
_LOCAL = 2 * 8192


@dataclass(slots=True)
class _Work:
    """A batch with all that it is judged against.

    ``expires_us`` ``(k,)`` is the first expiry that each balance row says, -1 where an account has
    none; ``due`` by slot what pendings past their time still hold of debits and credits.
    """

    batch: Records
    ids: Blobs
    pool: Records
    found: Places
    ended: Places
    held_at: Places
    is_burnt: NDArray[np.bool_]
    debit_at: Places
    credit_at: Places
    slots: Records
    accounts: Blobs
    held: Records
    pendings: Blobs
    expires_us: NDArray[np.int64]
    due: dict[int, tuple[int, int]]


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
        _record_transfers(act, work, created)
    _record_pendings(act, work, created, place, held_count)
    _record_balances(act, work, before, held_count)
    burnt = [place for place in np.flatnonzero(status).tolist() if status[place] in _BURNING]
    if burnt:
        columns = [
            {"id": work.ids[n], "status": named[n].value, "time_us": act.now_us} for n in burnt
        ]
        act.tx.run_many(write.INSERT_FAILED, columns)
    return named


# Fetching.


def _fetch(act: Act, batch: Records) -> _Work:
    tx, count = act.tx, len(batch)
    ids = blobs(batch["id_lo"], batch["id_hi"])
    seconds = np.flatnonzero(batch["flags"] & SECOND != 0)
    pending_ids = blobs(batch["pending_lo"][seconds], batch["pending_hi"][seconds])
    used = _find_used(tx, ids, pending_ids)
    rows = [row for row in used if row.amount_minor is not None]
    places = {row.id: count + n for n, row in enumerate(rows)}
    burnt = {row.id for row in used if row.amount_minor is None}
    pool: Records = np.empty(count + len(rows), dtype=TRANSFER)
    pool[:count] = batch
    for n, row in enumerate(rows):
        pool[count + n] = _record_of(row)
    found = (
        np.fromiter((places.get(i, -1) for i in ids), np.int64, count) if places else _none(count)
    )
    is_burnt = np.zeros(count, dtype=np.bool_)
    if burnt:
        is_burnt[:] = [i in burnt for i in ids]
    ended, held_at = _none(count), _none(count)
    locked = tx.all(write.LOCK_PENDINGS, ids=sorted(set(pending_ids))) if pending_ids else []
    held_places = {row.id: n for n, row in enumerate(locked)}
    if pending_ids:
        ended[seconds] = [places.get(i, -1) for i in pending_ids]
        held_at[seconds] = [held_places.get(i, -1) for i in pending_ids]
    debits = blobs(batch["debit_lo"], batch["debit_hi"])
    credits = blobs(batch["credit_lo"], batch["credit_hi"])
    wanted = {*debits, *credits}
    wanted.update(row.debit_account_id for row in locked)
    wanted.update(row.credit_account_id for row in locked)
    slots, accounts, expires_us, due = _find_slots(act, batch, sorted(wanted))
    at = {account: n for n, account in enumerate(accounts)}
    held: Records = np.zeros(len(locked) + count, dtype=HELD)
    flags = {row.id: row.flags for row in rows}
    for n, row in enumerate(locked):
        held[n] = (
            row.amount_minor, row.expires_us * 1000, row.released_us * 1000,
            at[row.debit_account_id], at[row.credit_account_id], row.state,
            flags[row.id] & CLOSING, 0, 0,
        )  # fmt: skip
    get = at.get
    return _Work(
        batch, ids, pool, found, ended, held_at, is_burnt,
        np.fromiter((get(i, -1) for i in debits), np.int64, count),
        np.fromiter((get(i, -1) for i in credits), np.int64, count),
        slots, accounts, held, [row.id for row in locked], expires_us, due,
    )  # fmt: skip


def _find_used(tx: Transaction, ids: Blobs, pending_ids: Blobs) -> list[Row]:
    """Recorded and burnt transfers among ids. New ids mostly lie past all that are used."""
    last = tx.one(write.LAST_USED)
    assert last is not None
    highest = max(last.transfer_id or b"", last.failed_id or b"")
    asked = [i for i in ids if i <= highest]
    wanted = {*asked, *pending_ids}
    if not wanted:
        return []
    return tx.all(write.FIND_USED, ids=sorted(wanted), new_ids=sorted(set(asked)))


def _find_slots(
    act: Act, batch: Records, wanted: Blobs
) -> tuple[Records, Blobs, NDArray[np.int64], dict[int, tuple[int, int]]]:
    """What is kept of each account that exists, in the order of ids, with expiries and what is due.

    Sums leave out pendings past their time. Refused: ``ledger.closing_needs_balance``.
    """
    tx, now_us = act.tx, act.now_us
    rows = sorted(tx.all(write.FIND_TERMS, ids=wanted))
    accounts = [row[0] for row in rows]
    at = {account: n for n, account in enumerate(accounts)}
    slots: Records = np.zeros(len(rows), dtype=SLOT)
    slots["ledger"] = [ledger_number(row[1]) for row in rows]
    slots["time_ns"] = [row[3] * 1000 for row in rows]
    flags = np.array([row[2] for row in rows], dtype=np.uint16)
    is_tracked = flags & TRACKED != 0
    slots["flags"] = np.where(is_tracked, flags, flags | UNTRACKED)
    expires_us = np.full(len(rows), -1, dtype=np.int64)
    due: dict[int, tuple[int, int]] = {}
    tracked = [accounts[n] for n in np.flatnonzero(is_tracked).tolist()]
    if tracked:
        columns = list(zip(*tx.all(write.LOCK_BALANCES, ids=tracked), strict=True))
        places = np.array([at[account] for account in columns[0]])
        for name, column in zip(_SUMS, columns[1:5], strict=True):
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
        for name, amount_minor in zip(_SUMS, sums, strict=True):
            slots[name][places[account_id]] = amount_minor


def refuse_closing() -> None:
    """Refused: ``ledger.closing_needs_balance``."""
    raise Refused(
        "ledger.closing_needs_balance",
        "Only an account with a balance limit or with history can be closed by a transfer.",
    )


def _record_of(row: Row) -> tuple[int, ...]:
    def halves(blob: bytes | None) -> tuple[int, int]:
        if not blob:
            return 0, 0
        return int.from_bytes(blob[8:], "big"), int.from_bytes(blob[:8], "big")

    return (
        *halves(row.id),
        *halves(row.debit_account_id),
        *halves(row.credit_account_id),
        row.amount_minor,
        0,
        *halves(row.pending_id),
        *halves(row.user_data_128),
        row.user_data_64 % 2**64,
        row.user_data_32,
        row.timeout_s,
        ledger_number(row.ledger),
        row.code,
        row.flags,
        row.time_us * 1000,
    )


# Recording.


def _record_transfers(act: Act, work: _Work, created: Places) -> None:
    records = work.pool[created]
    ids = [work.ids[n] for n in created.tolist()]
    columns: dict[str, Any] = {
        "id": ids,
        "debit_account_id": blobs(records["debit_lo"], records["debit_hi"]),
        "credit_account_id": blobs(records["credit_lo"], records["credit_hi"]),
        "amount_minor": records["amount_lo"].tolist(),
        "ledger": _same([ledger_name(n) for n in records["ledger"].tolist()]),
        "code": _same(records["code"].tolist()),
        "flags": _same(records["flags"].tolist()),
        "pending_id": _optional(records["pending_lo"], records["pending_hi"]),
        "timeout_s": _same(records["timeout_s"].tolist()),
        "user_data_128": _optional(records["user_128_lo"], records["user_128_hi"]),
        "user_data_64": _same([signed(n) for n in records["user_64"].tolist()]),
        "user_data_32": _same(records["user_32"].tolist()),
        "time_us": _same((records["time_ns"] // 1000).tolist()),
        **_chains(records, ids),
        "is_loose": 1,
    }
    act.tx.load(TABLE, columns)
    edge = act.tx.one(write.EDGES, first_id=ids[0], last_id=ids[-1])
    assert edge is not None
    act.tx.load(LOOSE, {"first_position": [edge.first], "last_position": [edge.last]})


def _chains(records: Records, ids: Blobs) -> dict[str, Any]:
    """The first id and the size of each linked chain, in each of its rows."""
    is_linked = (records["flags"] & LINKED != 0).tolist()
    if not any(is_linked):
        return {"chain_id": None, "chain_size": 0}
    chain_ids: list[bytes | None] = [None] * len(ids)
    sizes = [0] * len(ids)
    start = -1
    for n, linked in enumerate(is_linked):
        if linked and start < 0:
            start = n
        elif not linked and start >= 0:
            size = n + 1 - start
            chain_ids[start : n + 1], sizes[start : n + 1] = [ids[start]] * size, [size] * size
            start = -1
    return {"chain_id": chain_ids, "chain_size": sizes}


def _record_pendings(
    act: Act, work: _Work, created: Places, place: Places, held_count: int
) -> None:
    held, known = work.held, len(work.pendings)
    made = [n for n in created.tolist() if work.pool["flags"][n] & PENDING_FLAG]
    if made:
        new = held[known:held_count]
        records = work.pool[made]
        act.tx.load(
            PENDING,
            {
                "id": [work.ids[n] for n in made],
                "debit_account_id": [work.accounts[n] for n in new["debit"].tolist()],
                "credit_account_id": [work.accounts[n] for n in new["credit"].tolist()],
                "amount_minor": new["amount"].tolist(),
                "time_us": (records["time_ns"] // 1000).tolist(),
                "expires_us": (new["expires_ns"] // 1000).tolist(),
                "state": new["state"].tolist(),
                "released_us": (new["ended_ns"] // 1000).tolist(),
            },
        )
    is_end = work.pool["flags"][created] & SECOND != 0
    ended = sorted({n for n in place[created[is_end]].tolist() if n < known})
    if ended:
        old = held[ended]
        act.tx.set_many(
            PENDING,
            "id",
            {
                "id": [work.pendings[n] for n in ended],
                "state": old["state"].tolist(),
                "released_us": (old["ended_ns"] // 1000).tolist(),
            },
        )


def _record_balances(act: Act, work: _Work, before: Records, held_count: int) -> None:
    """Write the balance rows that are not as they were."""
    slots, old = work.slots, work.expires_us
    new = work.held[len(work.pendings) : held_count]
    new = new[(new["expires_ns"] != 0) & (new["state"] == OPEN)]
    first = np.full(len(slots), np.iinfo(np.int64).max)
    until_us = (new["expires_ns"] // 1000).astype(np.int64)
    np.minimum.at(first, new["debit"], until_us)
    np.minimum.at(first, new["credit"], until_us)
    expires_us = np.where(old > 0, np.minimum(old, first), first)
    expires_us[first == np.iinfo(np.int64).max] = old[first == np.iinfo(np.int64).max]
    is_changed = expires_us != old
    for name in (*_SUMS, "flags"):
        is_changed |= slots[name] != before[name]
    changed = np.flatnonzero(is_changed & (old >= 0))
    if not len(changed):
        return
    sums = {name: slots[name][changed].astype(np.int64) for name in _SUMS}
    for place, slot in enumerate(changed.tolist() if work.due else ()):
        # A row keeps what is past its time until the pending is released.
        debits_minor, credits_minor = work.due.get(slot, (0, 0))
        sums["debits_pending"][place] += debits_minor
        sums["credits_pending"][place] += credits_minor
    closed = slots["flags"][changed] & CLOSED != 0
    act.tx.set_many(
        BALANCE,
        "account_id",
        {
            "account_id": [work.accounts[n] for n in changed.tolist()],
            **{name: values.tolist() for name, values in sums.items()},
            "expires_us": expires_us[changed].tolist(),
            "is_closed": closed.astype(np.int64).tolist(),
        },
    )


# Columns.


def blobs(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> Blobs:
    """128-bit numbers as the stores keep them: 16 bytes each, highest first."""
    made = np.empty((len(low), 2), dtype=">u8")
    made[:, 0], made[:, 1] = high, low
    packed: Blobs = made.view("V16").ravel().tolist()
    return packed


def _none(count: int) -> Places:
    return np.full(count, -1, dtype=np.int64)


def _optional(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> list[bytes | None] | None:
    is_there = (low != 0) | (high != 0)
    if not is_there.any():
        return None
    return [
        b if there else None for b, there in zip(blobs(low, high), is_there.tolist(), strict=True)
    ]


def _same(values: Sequence[Any]) -> Any:
    """The value alone where it is the same in every row."""
    return values[0] if values.count(values[0]) == len(values) else values
