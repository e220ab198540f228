"""Large batches of transfers: fetched as arrays, judged by compiled code, recorded as arrays.

The same decisions as for small batches, by ``rules``' compiled twin. Whatever its size a batch
takes at most one statement each for used ids, pendings, accounts and balances, and one load each
for transfers, pendings and balances; no row is touched in Python. Balances and pendings that the
writer remembers are not read; where another node may have changed them meanwhile they are held
against their rows when they are written (``set_many`` and ``hold`` of a transaction). Its transfers
stay loose (see ``tables.schema``) until upkeep takes them into the indexes by account.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.act import Act
from puhui.kernel.store.sheet import sixteen
from puhui.ledger.arrays.judge import judge
from puhui.ledger.arrays.record import STATUSES, Records, check_size
from puhui.ledger.arrays.whole import copy_rows
from puhui.ledger.desk.columns import (
    record_balances,
    record_ends,
    record_loose,
    record_pendings,
    record_transfers,
)
from puhui.ledger.desk.fetch import fetch
from puhui.ledger.nouns import Status
from puhui.ledger.rules import require_created
from puhui.ledger.rules.books import TRANSIENT
from puhui.ledger.tables import write
from puhui.ledger.tables.schema import TRANSFER

_BURNING = np.array([status in TRANSIENT for status in STATUSES])
_STATUSES = np.array(STATUSES, dtype=object)
_LOCAL = 2 * 8192


def create_records(act: Act, batch: Records, *, strict: bool = False) -> tuple[Status, ...]:
    """Create transfers given as records ``(n,) TRANSFER`` and say what became of each.

    Refused: ``ledger.batch_too_large``, ``ledger.closing_needs_balance``; with ``strict`` as
    ``create_transfers``.
    """
    check_size(len(batch), "transfers")
    act.tx.ask_numbers(TRANSFER, len(batch))
    work = fetch(act, batch)
    if work.is_read:
        # Others may have booked between the asking and the reading, and have later numbers though
        # they were first. What is remembered is older than the asking, or the batch is run again.
        # So the lines of an account with a balance row stand as they were decided.
        act.tx.ask_numbers(TRANSFER, len(batch))
    before = copy_rows(work.slots)
    count, known = len(batch), len(work.recorded)
    status, place = np.empty(count, dtype=np.uint16), np.empty(count, dtype=np.int64)
    held_count = judge(
        work.pool, count, work.found, work.ended, work.held_at, work.is_burnt, work.debit_at,
        work.credit_at, work.slots, work.held, known, act.now_us * 1000, 0,
        np.empty(_LOCAL, dtype=np.int32), status, place,
    )  # fmt: skip
    if strict:
        require_created(_named(status), "transfer")
    created = np.flatnonzero(status == 0)
    positions = created
    if len(created):
        positions = act.tx.take_numbers(TRANSFER, len(created))
    # What is laid out soonest goes first: the store is at it while the next is laid out.
    record_ends(act, work, created, place)
    record_balances(act, work, before, held_count)
    if len(created):
        record_transfers(act, work, created, positions)
        record_pendings(act, work, created, positions, held_count)
    named = _named(status)
    if len(created):
        record_loose(act, positions)
    burnt = np.flatnonzero(_BURNING[status])
    if len(burnt):
        ids = sixteen(batch["id_hi"][burnt], batch["id_lo"][burnt])
        columns = [
            {"id": id, "status": named[n].value, "time_us": act.now_us}
            for n, id in zip(burnt.tolist(), ids.tolist(), strict=True)
        ]
        act.tx.run_many(write.INSERT_FAILED, columns)
    return named


def _named(status: NDArray[np.uint16]) -> tuple[Status, ...]:
    return tuple(_STATUSES[status].tolist())
