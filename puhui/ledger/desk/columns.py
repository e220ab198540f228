"""A large batch as columns: what it is judged against, and how it is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.ledger.arrays.layout import (
    CLOSED,
    LINKED,
    OPEN,
    PENDING_FLAG,
    SECOND,
)
from puhui.ledger.arrays.record import (
    Records,
    ledger_name,
)
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import (
    BALANCE,
    LOOSE,
    PENDING,
)
from puhui.ledger.tables.schema import TRANSFER as TABLE

Places = NDArray[np.int64]
Blobs = list[bytes]
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


@dataclass(slots=True)
class Work:
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


def record_transfers(act: Act, work: Work, created: Places) -> None:
    """Write the transfers that were created, and where they stand, as they are loose."""
    records = work.pool[created]
    ids = work.ids
    if len(created) < len(ids):
        ids = [work.ids[n] for n in created.tolist()]
    columns: dict[str, Any] = {
        "id": ids,
        **_accounts(work, records, created),
        "amount_minor": records["amount_lo"].tolist(),
        "ledger": _named(records["ledger"]),
        "code": _same(records["code"]),
        "flags": _same(records["flags"]),
        "pending_id": _optional(records["pending_lo"], records["pending_hi"]),
        "timeout_s": _same(records["timeout_s"]),
        "user_data_128": _optional(records["user_128_lo"], records["user_128_hi"]),
        "user_data_64": _same(records["user_64"].astype(np.int64)),
        "user_data_32": _same(records["user_32"]),
        "time_us": _same(records["time_ns"] // 1000),
        **_chains(records, ids),
        "is_loose": 1,
    }
    act.tx.load(TABLE, columns)
    edge = act.tx.one(write.EDGES, first_id=ids[0], last_id=ids[-1])
    assert edge is not None
    act.tx.load(LOOSE, {"first_position": [edge.first], "last_position": [edge.last]})


def _accounts(work: Work, records: Records, created: Places) -> dict[str, Blobs]:
    """The accounts of created transfers: by slot, except those that a pending one named."""
    accounts, made = work.accounts, {}
    ends = np.flatnonzero(records["flags"] & SECOND != 0)
    for side, at in (("debit", work.debit_at), ("credit", work.credit_at)):
        slots = at[created]
        column = [accounts[n] for n in slots.tolist()]
        named = records[ends]
        for n, account in zip(
            ends.tolist(), blobs(named[side + "_lo"], named[side + "_hi"]), strict=True
        ):
            column[n] = account
        made[side + "_account_id"] = column
    return made


def _chains(records: Records, ids: Blobs) -> dict[str, Any]:
    """The first id and the size of each linked chain, in each of its rows."""
    marks = records["flags"] & LINKED != 0
    if not marks.any():
        return {"chain_id": None, "chain_size": 0}
    is_linked = marks.tolist()
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


def record_pendings(act: Act, work: Work, created: Places, place: Places, held_count: int) -> None:
    """Write new pendings, and what became of older ones."""
    held, known = work.held, len(work.pendings)
    made = created[work.pool["flags"][created] & PENDING_FLAG != 0].tolist()
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


def record_balances(act: Act, work: Work, before: Records, held_count: int) -> None:
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
    for name in (*SUMS, "flags"):
        is_changed |= slots[name] != before[name]
    changed = np.flatnonzero(is_changed & (old >= 0))
    if not len(changed):
        return
    sums = {name: slots[name][changed].astype(np.int64) for name in SUMS}
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


def blobs(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> Blobs:
    """128-bit numbers as the stores keep them: 16 bytes each, highest first."""
    made = np.empty((len(low), 2), dtype=">u8")
    made[:, 0], made[:, 1] = high, low
    packed: Blobs = made.view("V16").ravel().tolist()
    return packed


def none_of(count: int) -> Places:
    """``count`` places, none of them found."""
    return np.full(count, -1, dtype=np.int64)


def _optional(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> list[bytes | None] | None:
    is_there = (low != 0) | (high != 0)
    if not is_there.any():
        return None
    return [
        b if there else None for b, there in zip(blobs(low, high), is_there.tolist(), strict=True)
    ]


def _named(ledgers: NDArray[np.uint32]) -> Any:
    """The names of ledgers, one alone where all are of one."""
    names = {n: ledger_name(n) for n in np.unique(ledgers).tolist()}
    if len(names) == 1:
        return next(iter(names.values()))
    return [names[n] for n in ledgers.tolist()]


def _same(values: NDArray[Any]) -> Any:
    """The value alone where it is the same in every row."""
    if (values == values[0]).all():
        return int(values[0])
    return values.tolist()
