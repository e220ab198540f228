"""The state machine of transfers, compiled: what a batch does, decided record by record."""

from __future__ import annotations

import numpy as np

from puhui.kernel.compiled import njit
from puhui.ledger.arrays import status as said
from puhui.ledger.arrays.first import book_first, hold
from puhui.ledger.arrays.layout import (
    ALL_BITS,
    BURNT,
    CLOSED,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    IMPORTED,
    KNOWN,
    LINKED,
    OPEN,
    PENDING_FLAG,
    POST,
    SECOND,
    TIME_TOP,
    U0,
    VOID,
    VOIDED,
    Codes,
    Marks,
    Places,
    Record,
    Table,
)
from puhui.ledger.arrays.local import find_event, insert_event, remove_event
from puhui.ledger.arrays.record import Records
from puhui.ledger.arrays.second import book_second, end_held
from puhui.ledger.arrays.used_id import repeat


@njit
def judge(  # numba: one loop over a batch; each branch is a call of a compiled function below
    pool: Records,
    count: int,
    found: Places,
    ended: Places,
    held_at: Places,
    is_burnt: Marks,
    debit_at: Places,
    credit_at: Places,
    slots: Records,
    held: Records,
    held_count: int,
    first_ns: int,
    step_ns: int,
    local: Table,
    status: Codes,
    place: Places,
) -> int:
    """Decide the first ``count`` records of ``pool``, each against what the ones before it left.

    ``pool`` ``(count + m,) TRANSFER``: the batch, changed in place where a transfer is created
    (amounts resolved, inherited fields filled in, time given), then ``m`` recorded transfers.
    ``found`` and ``ended`` ``(count,) int64`` are places in the pool of the recorded transfer
    with the id, and with the pending id, -1 where none is; ``held_at`` the place in ``held`` of a
    recorded pending that is named; ``is_burnt`` ``(count,) bool`` ids that failed for good;
    ``debit_at`` and ``credit_at`` places in ``slots`` of accounts, -1 where there is none.
    ``slots`` ``(k,) SLOT`` and ``held`` ``(>= held_count + count,) HELD`` are changed in place.
    Event i happens at ``first_ns + i * step_ns`` (nanoseconds UTC). ``local`` ``(power of two >=
    2 * count,) int32`` is scratch. ``status`` ``(count,) uint16`` takes the places in ``Status``,
    ``place`` ``(count,) int64`` those in ``held`` of the pendings that events made or ended.
    Returns how many pendings ``held`` has then; new ones stand in the order of their events.

    The same decisions, with the same precedence, as ``rules.judge_transfers``.
    Source: TigerBeetle, reference of create_transfers, 0.16.
    """
    local[:] = 0
    place[:count] = -1
    is_import = count > 0 and (pool[0].flags & IMPORTED) != 0
    chain, is_broken = -1, False
    latest = U0
    chain_latest = U0
    chain_held = held_count
    for i in range(count):
        is_linked = (pool[i].flags & LINKED) != 0
        if is_linked and chain < 0:
            chain, chain_latest, chain_held = i, latest, held_count
        if is_linked and i == count - 1:
            code = said.LINKED_EVENT_CHAIN_OPEN
        elif is_broken:
            code = said.LINKED_EVENT_FAILED
        else:
            now = np.uint64(first_ns + i * step_ns)
            code = check_event(pool[i], is_import, now)
            if code == said.CREATED:
                at = found[i]
                inside = find_event(local, pool, pool[i].id_lo, pool[i].id_hi)
                if inside >= 0 and status[inside] != said.CREATED:
                    code = said.ID_ALREADY_FAILED
                elif inside >= 0 or at >= 0:
                    at = inside if inside >= 0 else at
                    code = repeat(pool, i, at, ended[i], local)
                elif is_burnt[i]:
                    code = said.ID_ALREADY_FAILED
                elif (pool[i].flags & SECOND) != 0:
                    code = book_second(
                        pool,
                        i,
                        ended[i],
                        held_at[i],
                        slots,
                        held,
                        place,
                        local,
                        now,
                        latest,
                        is_import,
                    )
                else:
                    code = book_first(
                        pool, i, debit_at[i], credit_at[i], slots, now, latest, is_import
                    )
                    if code == said.CREATED and (pool[i].flags & PENDING_FLAG) != 0:
                        hold(pool[i], held[held_count], debit_at[i], credit_at[i], slots, now)
                        place[i] = held_count
                        held_count += 1
                if code == said.CREATED:
                    if not is_import:
                        pool[i].time_ns = now
                    latest = max(latest, pool[i].time_ns)
        status[i] = code
        if code == said.CREATED:
            insert_event(local, pool, i)
        else:
            if chain >= 0 and not is_broken:
                is_broken = True
                undo(pool, chain, i, debit_at, credit_at, slots, held, place, local, status)
                latest, held_count = chain_latest, chain_held
            if burns(code):
                place[i] = BURNT
                insert_event(local, pool, i)
        if not is_linked:
            chain, is_broken = -1, False
    return held_count


@njit
def burns(code: int) -> bool:
    """Whether a failure might not be one another day: it burns the id."""
    return (
        code == said.DEBIT_ACCOUNT_NOT_FOUND
        or code == said.CREDIT_ACCOUNT_NOT_FOUND
        or code == said.PENDING_TRANSFER_NOT_FOUND
        or code == said.EXCEEDS_CREDITS
        or code == said.EXCEEDS_DEBITS
        or code == said.DEBIT_ACCOUNT_ALREADY_CLOSED
        or code == said.CREDIT_ACCOUNT_ALREADY_CLOSED
    )


@njit
def check_event(t: Record, is_import: bool, now: np.uint64) -> int:
    """What can be said of a transfer by itself, before its id is looked up."""
    if ((t.flags & IMPORTED) != 0) != is_import:
        return said.IMPORTED_EVENT_EXPECTED if is_import else said.IMPORTED_EVENT_NOT_EXPECTED
    if is_import:
        if t.time_ns == U0 or t.time_ns > TIME_TOP:
            return said.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if t.time_ns >= now:
            return said.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
    elif t.time_ns != U0:
        return said.TIMESTAMP_MUST_BE_ZERO
    if (t.flags & ~KNOWN) != 0:
        return said.RESERVED_FLAG
    if t.id_lo == U0 and t.id_hi == U0:
        return said.ID_MUST_NOT_BE_ZERO
    if t.id_lo == ALL_BITS and t.id_hi == ALL_BITS:
        return said.ID_MUST_NOT_BE_INT_MAX
    return said.CREATED


@njit
def undo(
    pool: Records,
    chain: int,
    until: int,
    debit_at: Places,
    credit_at: Places,
    slots: Records,
    held: Records,
    place: Places,
    local: Table,
    status: Codes,
) -> None:
    """Take back the created events from ``chain`` up to before ``until``, the last one first."""
    for j in range(until - 1, chain - 1, -1):
        status[j] = said.LINKED_EVENT_FAILED
        t = pool[j]
        remove_event(local, pool, j)
        if (t.flags & SECOND) != 0:
            h = held[place[j]]
            d, c = slots[h.debit], slots[h.credit]
            if (t.flags & POST) != 0:
                d.debits_posted -= t.amount_lo
                c.credits_posted -= t.amount_lo
            h.state = OPEN
            h.ended_ns = U0
            d.debits_pending += h.amount
            c.credits_pending += h.amount
            closing = h.closing if (t.flags & VOID) != 0 else 0
            if (closing & CLOSING_DEBIT) != 0:
                d.flags |= CLOSED
            if (closing & CLOSING_CREDIT) != 0:
                c.flags |= CLOSED
        elif (t.flags & PENDING_FLAG) != 0:
            h = held[place[j]]
            end_held(h, slots[h.debit], slots[h.credit], VOIDED, U0)
        else:
            slots[debit_at[j]].debits_posted -= t.amount_lo
            slots[credit_at[j]].credits_posted -= t.amount_lo
